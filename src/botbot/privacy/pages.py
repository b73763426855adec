"""Erasing one's account by form, the receipt, and the small print. All of it works without script."""

from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response, get, post
from litestar.response import Redirect

from botbot.accounts.rules import Viewer, require
from botbot.accounts.web import page, session_cookie
from botbot.house import House
from botbot.privacy import queries
from botbot.privacy.api import erase_viewer
from botbot.privacy.columns import TABLES
from botbot.privacy.exporting import personal_tables
from botbot.privacy.web import UNSEEN, forget_cookie
from botbot.privacy.words import small_print, table_words
from botbot.security.requests import StrictRequest

Asker = Request[Any, Any, Any]


@get("/account/erase", include_in_schema=False)
async def ask(request: Asker, house: House, viewer: Viewer | None) -> Response[bytes]:
    return await _ask(request, house, require(viewer), is_unsure=False)


async def _ask(request: Asker, house: House, who: Viewer, *, is_unsure: bool) -> Response[bytes]:
    async with house.db.read() as session:
        goes = await queries.what_goes(session, who)
    status = 400 if is_unsure else 200
    return page(request, who, "accounts/erase.html", status=status, goes=goes, is_unsure=is_unsure)


@post("/account/erase", status_code=303, include_in_schema=False)
async def erase(request: StrictRequest, house: House, viewer: Viewer | None) -> Response[Any]:
    """Only with the box ticked; a second click leads to the same receipt."""
    who = require(viewer)
    fields = await request.fields()
    if fields.get("sure") != "yes":
        return await _ask(request, house, who, is_unsure=True)
    receipt = await erase_viewer(house, who)
    cookie = forget_cookie(house, session_cookie(house))
    return Redirect(receipt.url, status_code=303, cookies=[cookie], headers=UNSEEN)


@get("/account/receipts/{secret:str}", include_in_schema=False)
async def receipt(request: Asker, secret: str, house: House, viewer: Viewer | None) -> Response[bytes]:
    async with house.db.read() as session:
        found = await queries.get_receipt(session, secret)
    names = {kept.table: kept.what for kept in TABLES}
    answer = page(request, viewer, "accounts/receipt.html", receipt=found, names=names)
    answer.headers.update(UNSEEN)
    return answer


@get("/privacy", include_in_schema=False)
async def privacy(request: Asker, house: House, viewer: Viewer | None) -> Response[bytes]:
    """Written from the running configuration and the table of columns, so that it is true here."""
    settings = house.settings
    facts = small_print(settings, urlsplit(settings.effective_openai_base_url).hostname)
    tables = [table_words(kept, settings) for kept in personal_tables()]
    return page(request, viewer, "pages/privacy.html", facts=facts, tables=tables)


@get("/terms", include_in_schema=False)
async def terms(request: Asker, house: House, viewer: Viewer | None) -> Response[bytes]:
    settings = house.settings
    facts = small_print(settings, urlsplit(settings.effective_openai_base_url).hostname)
    return page(request, viewer, "pages/terms.html", facts=facts)


handlers: list[Any] = [ask, erase, receipt, privacy, terms]
