"""One's own data over JSON: hand it out, erase it, look at the receipt."""

from typing import Any

from litestar import Response, delete, get
from litestar.response import Stream

from botbot.accounts.rules import Viewer, require
from botbot.accounts.web import session_cookie
from botbot.errors import AuthenticationRequired, NotFound
from botbot.house import House
from botbot.privacy import queries, service
from botbot.privacy.exporting import write_export
from botbot.privacy.schemas import ReceiptOut
from botbot.privacy.service import Person
from botbot.privacy.web import UNSEEN, forget_cookie

EXPORTS_PER_MINUTE = 3


@get("/api/account/export", summary="Everything about me", media_type="application/json", tags=["accounts"])
async def export(house: House, viewer: Viewer | None) -> Stream:
    """One JSON document with all that is kept about you, and nothing about others; secrets are left out."""
    who = require(viewer)
    await house.limiter.hit("account-export", who.user_id, EXPORTS_PER_MINUTE)
    headers = {**UNSEEN, "content-disposition": 'attachment; filename="my-data.json"'}
    person = Person(who.user_id, who.discord_id)
    return Stream(write_export(house, person), media_type="application/json", headers=headers)


@delete("/api/account", status_code=202, summary="Erase me", tags=["accounts"])
async def erase(house: House, viewer: Viewer | None) -> Response[ReceiptOut]:
    """Your account and all that leads to you is gone with this answer. What Discord has to do is under way; the receipt
    says how far it is. It can't be undone."""
    receipt = await erase_viewer(house, require(viewer))
    headers = {**UNSEEN, "location": f"/api{receipt.url}"}
    return Response(receipt, status_code=202, headers=headers, cookies=[forget_cookie(house, session_cookie(house))])


async def erase_viewer(house: House, who: Viewer) -> ReceiptOut:
    try:
        async with house.db.write() as session:
            secret = await service.erase_account(session, house.cipher, who.user_id)
    except NotFound as error:  # Gone since this request began, by another hand than theirs.
        raise AuthenticationRequired from error
    async with house.db.read() as session:
        return await queries.get_receipt(session, secret)


@get("/api/account/receipts/{secret:str}", summary="The receipt of an erasure", tags=["accounts"])
async def receipt(secret: str, house: House) -> Response[ReceiptOut]:
    """Needs no account, since there is none any more: whoever has its address may read it."""
    async with house.db.read() as session:
        return Response(await queries.get_receipt(session, secret), headers=UNSEEN)


handlers: list[Any] = [export, erase, receipt]
