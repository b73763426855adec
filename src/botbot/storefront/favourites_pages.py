"""Favourites as pages: the heart as a form, and the list of them."""

import math
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect

from botbot.accounts.pending import ask_to_sign_in
from botbot.accounts.rules import Viewer, require, safe_next, with_notice
from botbot.accounts.web import page
from botbot.catalog import favourites
from botbot.catalog.queries import get_personality
from botbot.errors import NotFound, ValidationFailed
from botbot.house import House
from botbot.security.requests import StrictRequest
from botbot.storefront.cards import grid_card

PER_PAGE = 24
NAME = "favourite"
"""The finisher's name: what a visitor's heart is called until they have signed in."""


@post("/personalities/{slug:str}/favourite", status_code=303, include_in_schema=False)
async def favourite(request: StrictRequest, house: House, viewer: Viewer | None, slug: str) -> Response[Any]:
    """The heart without a script: `action` is `add` or `remove`, `next` the page it stands on."""
    fields = await request.fields()
    back = safe_next(fields.get("next"))
    if fields.get("action") not in {"add", "remove"}:
        raise ValidationFailed(fields={"action": "must be add or remove"})
    if viewer is None:
        return await _ask_to_sign_in(request, house, slug, fields["action"], back)
    notice = await _toggle(house, viewer, slug, fields["action"])
    return Redirect(with_notice(back, notice), status_code=303)


async def _toggle(house: House, viewer: Viewer, id_or_slug: str, action: str) -> str:
    """Answers the notice's name."""
    await house.limiter.hit("favourite", viewer.user_id, favourites.PER_MINUTE)
    async with house.db.write() as session:
        if action == "remove":
            await favourites.remove_favourite(session, viewer.user_id, id_or_slug)
            return "favourite-gone"
        await favourites.add_favourite(session, viewer.user_id, id_or_slug)
        return "favourite"


async def _ask_to_sign_in(request: StrictRequest, house: House, slug: str, action: str, back: str) -> Response[Any]:
    """Also for someone whose session ended while the page stood open, hence both actions."""
    async with house.db.read() as session:
        found = await get_personality(session, slug)
    promise = f"{found.name} {'is among' if action == 'add' else 'leaves'} your favourites"
    args = {"personality": found.id, "action": action}
    return ask_to_sign_in(request, house, NAME, args, next_path=back, promise=promise)


async def finish_favourite(house: House, viewer: Viewer, args: dict[str, str]) -> str:
    """What a visitor's heart does once they have signed in."""
    return await _toggle(house, viewer, args["personality"], args["action"])


@get("/favourites", include_in_schema=False)
async def list_page(request: Request[Any, Any, Any], house: House, viewer: Viewer | None) -> Response[bytes]:
    who = require(viewer)
    number = _page_number(request.query_params.get("page", "1"))
    async with house.db.reading() as connection:
        found = await favourites.list_favourites(connection, who.user_id, page=number, limit=PER_PAGE)
    pages = math.ceil(found.present / PER_PAGE)
    if number > 1 and number > pages:
        raise NotFound("There are not that many favourites yet.")
    return page(
        request,
        viewer,
        "favourites/list.html",
        cards=[grid_card(row) for row in found.rows],
        favourites={row.id for row in found.rows},
        count=found.present,
        away=found.away,
        here="/favourites" if number == 1 else f"/favourites?page={number}",
        previous_url=f"/favourites?page={number - 1}" if number > 1 else None,
        next_url=f"/favourites?page={number + 1}" if number < pages else None,
    )


def _page_number(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= 4 else 1


handlers: list[Any] = [favourite, list_page]
