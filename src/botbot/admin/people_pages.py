"""People as pages: find somebody; then their role, their ban and their API tokens, each with a form of its own."""

import math
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts import people
from botbot.accounts.rules import RANKS, Viewer
from botbot.accounts.service import get_or_create_user
from botbot.accounts.web import page
from botbot.admin import asking, rules
from botbot.errors import BotBotError, Conflict, NotFound, PermissionDenied, ValidationFailed
from botbot.house import House
from botbot.security.requests import StrictRequest

PATH = "/admin/people"
PER_PAGE = 50
SAYABLE = (ValidationFailed, Conflict, PermissionDenied)
"""What is said on the page itself, beside the form."""


@get(PATH, include_in_schema=False)
async def list_people(request: Request[Any, Any, Any], house: House, viewer: Viewer | None) -> Response[bytes]:
    return await _list(request, house, rules.require_staff(viewer))


async def _list(
    request: Request[Any, Any, Any], house: House, who: Viewer, problem: BotBotError | None = None
) -> Response[bytes]:
    asked = asking.words(request.query_params, "search", "state")
    asked["state"] = asked["state"] if asked["state"] in people.STATES else "all"
    number = asking.page_number(request.query_params)
    async with house.db.reading() as connection:
        found, total = await people.list_people(connection, house.settings.admins, **asked, page=number, limit=PER_PAGE)
    return page(
        request,
        who,
        "admin/people.html",
        status=problem.status if problem else 200,
        problem=problem.to_api_error() if problem else None,
        can_write=who.is_admin,
        people=found,
        asked=asked,
        states={"all": "Everybody", "staff": "Admins and moderators", "banned": "Banned"},
        roles=[*RANKS],
        total=total,
        number=number,
        pages=math.ceil(total / PER_PAGE),
        link=lambda n: asking.address(PATH, {**asked, "page": n}),
    )


@post(PATH, status_code=303, include_in_schema=False)
async def add(request: StrictRequest, house: House, viewer: Viewer | None) -> Response[Any]:
    """A role for somebody by their Discord id, also before they have signed in."""
    who = rules.require_admin(viewer)
    fields = await request.fields()
    try:
        discord_id = _snowflake(fields.get("discordId", "").strip())
        async with house.db.write() as session:
            user = await get_or_create_user(session, discord_id)
            await people.change_role(session, who, user.id, fields.get("role", ""), house.settings.admins)
    except SAYABLE as problem:
        return await _list(request, house, who, problem)
    return _to(user.id)


def _snowflake(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and 0 < int(text) < 2**63):
        raise ValidationFailed(fields={"discordId": "must be a Discord id: only digits"})
    return int(text)


@get(PATH + "/{user_id:str}", include_in_schema=False)
async def show(request: Request[Any, Any, Any], user_id: str, house: House, viewer: Viewer | None) -> Response[bytes]:
    return await _show(request, house, rules.require_staff(viewer), user_id)


async def _show(
    request: Request[Any, Any, Any], house: House, who: Viewer, user_id: str, problem: BotBotError | None = None
) -> Response[bytes]:
    async with house.db.reading() as connection:
        person = await people.get_person(connection, user_id, house.settings.admins)
        tokens = await people.list_tokens(connection, user_id) if who.is_admin else []
    return page(
        request,
        who,
        "admin/person.html",
        status=problem.status if problem else 200,
        problem=problem.to_api_error() if problem else None,
        can_write=who.is_admin,
        is_me=person.id == who.user_id,
        person=person,
        tokens=tokens,
        roles=[*RANKS],
        longest_reason=people.LONGEST_REASON,
    )


@post(PATH + "/{user_id:str}", status_code=303, include_in_schema=False)
async def press(request: StrictRequest, user_id: str, house: House, viewer: Viewer | None) -> Response[Any]:
    """One of the page's buttons. What can't be done is said there."""
    who = rules.require_admin(viewer)
    fields = await request.fields()
    try:
        async with house.db.write() as session:
            await _do(session, house, who, user_id, fields)
    except SAYABLE as problem:
        return await _show(request, house, who, user_id, problem)
    return _to(user_id)


async def _do(session: AsyncSession, house: House, who: Viewer, user_id: str, fields: dict[str, str]) -> None:
    action, admins = fields.get("action", ""), house.settings.admins
    if action == "role":
        await people.change_role(session, who, user_id, fields.get("role", ""), admins)
    elif action == "ban":
        await people.ban(session, who, user_id, fields.get("reason", ""), admins)
    elif action == "unban":
        await people.unban(session, who, user_id)
    elif action == "revoke":
        await _revoke(session, who, user_id, fields.get("token", ""))
    else:
        raise ValidationFailed(fields={"action": "must be one of the page's buttons"})


async def _revoke(session: AsyncSession, who: Viewer, user_id: str, token_id: str) -> None:
    """A second click finds nothing to revoke any more, and that is fine."""
    try:
        await people.revoke_token(session, who, user_id, token_id)
    except NotFound as error:
        raise Conflict(error.message) from error


def _to(user_id: str) -> Redirect:
    return Redirect(f"{PATH}/{quote(user_id, safe='')}?notice=saved", status_code=303)


handlers: list[Any] = [list_people, add, show, press]
