"""Arranging the front page by form: every button posts here, and the page comes back where the hand was."""

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.response import Redirect

from botbot.accounts.rules import Viewer
from botbot.accounts.web import page
from botbot.admin import buttons, rules, showing
from botbot.catalog import arranging, shelves
from botbot.errors import BotBotError, EditConflict, NotFound, ValidationFailed
from botbot.house import House
from botbot.security.requests import StrictRequest

PATH = "/admin/shelves"


@get(PATH, include_in_schema=False)
async def arrange_page(request: Request[Any, Any, Any], house: House, viewer: Viewer | None) -> Response[bytes]:
    return await _page(request, house, rules.require_staff(viewer), dict(request.query_params))


@post(PATH, status_code=303, include_in_schema=False)
async def press(request: StrictRequest, house: House, viewer: Viewer | None) -> Response[Any]:
    """One button. What can't be done is said on the page itself."""
    who = rules.require_admin(viewer)
    fields = await request.fields()
    try:
        at = await _do(house, who, fields)
    except (ValidationFailed, EditConflict, NotFound) as problem:
        return await _page(request, house, who, fields, problem)
    back = {"open": fields.get("open", ""), "search": fields.get("search", ""), "at": at}
    query = {"did": fields.get("action", ""), **back, "who": fields.get("personality", ""), "notice": "saved"}
    return Redirect(f"{PATH}?{urlencode({k: v for k, v in query.items() if v})}", status_code=303)


async def _do(house: House, who: Viewer, fields: dict[str, str]) -> str:
    """Answers the id of the shelf that was changed."""
    action = fields.get("action", "")
    async with house.db.write() as session:
        if action in {"feature", "unfeature"}:
            await arranging.feature(session, who.user_id, fields.get("personality", ""), action == "feature")
            return fields.get("shelf", "")
        plans = await shelves.list_plans(session)
        wanted = buttons.changed(plans, fields)
        arranged = await arranging.arrange(session, who.user_id, wanted, version=fields.get("version", ""))
    return arranged[-1].id if action == "add" else fields.get("shelf", "")


async def _page(
    request: Request[Any, Any, Any],
    house: House,
    viewer: Viewer,
    said: dict[str, str],
    problem: BotBotError | None = None,
) -> Response[bytes]:
    """`said` is the address's query or the form's fields."""
    asked = {name: said.get(name, "")[:200].replace("\x00", "") for name in showing.ASKED}
    async with house.db.reading() as connection:
        context = await showing.arrangement(connection, asked)
    return page(
        request,
        viewer,
        "admin/shelves.html",
        status=problem.status if problem else 200,
        can_write=viewer.is_admin,
        problem=problem.to_api_error() if problem else None,
        **context,
    )


handlers: list[Any] = [arrange_page, press]
