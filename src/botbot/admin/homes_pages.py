"""Deployments of everyone as pages: find one, look at it, pause, resume, try again, or stop it."""

import math
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.response import Redirect

from botbot.accounts.discord_tokens import GuildLists
from botbot.accounts.rules import Viewer
from botbot.accounts.web import page
from botbot.admin import asking, homes_reads, rules
from botbot.deployments import flow, service
from botbot.errors import BotBotError, ValidationFailed
from botbot.house import House
from botbot.security.requests import StrictRequest

PATH = "/admin/servers"
PER_PAGE = 50
VERBS: dict[str, flow.Verb] = {
    "pause": service.pause,
    "resume": flow.resume_verb(False),
    "retry": flow.retry,
    "stop": service.remove,
}


@get(PATH, include_in_schema=False)
async def list_homes(request: Request[Any, Any, Any], house: House, viewer: Viewer | None) -> Response[bytes]:
    who = rules.require_staff(viewer)
    asked = asking.words(request.query_params, "search", "person", "state")
    default = "all" if asked["search"] or asked["person"] else "live"
    asked["state"] = asked["state"] if asked["state"] in homes_reads.STATES else default
    number = asking.page_number(request.query_params)
    async with house.db.reading() as connection:
        found, total = await homes_reads.list_homes(connection, **asked, page=number, limit=PER_PAGE)
    return page(
        request,
        who,
        "admin/servers.html",
        homes=found,
        asked=asked,
        states=homes_reads.STATES,
        total=total,
        number=number,
        pages=math.ceil(total / PER_PAGE),
        link=lambda n: asking.address(PATH, {**asked, "page": n}),
    )


@get(PATH + "/{deployment_id:str}", include_in_schema=False)
async def show(
    request: Request[Any, Any, Any], deployment_id: str, house: House, viewer: Viewer | None
) -> Response[bytes]:
    return await _show(request, house, rules.require_staff(viewer), deployment_id)


async def _show(
    request: Request[Any, Any, Any], house: House, who: Viewer, deployment_id: str, problem: BotBotError | None = None
) -> Response[bytes]:
    async with house.db.reading() as connection:
        home = await homes_reads.get_home(connection, deployment_id)
    return page(
        request,
        who,
        "admin/server.html",
        status=problem.status if problem else 200,
        problem=problem.to_api_error() if problem else None,
        can_write=who.is_admin,
        home=home,
    )


@post(PATH + "/{deployment_id:str}", status_code=303, include_in_schema=False)
async def press(
    request: StrictRequest, deployment_id: str, house: House, guilds: GuildLists, viewer: Viewer | None
) -> Response[Any]:
    """One of the page's buttons; a worker does the rest. What can't be done now is said there."""
    who = rules.require_admin(viewer)
    action = (await request.fields()).get("action", "")
    async with house.db.reading() as connection:
        await homes_reads.get_home(connection, deployment_id)
    try:
        if action not in VERBS:
            raise ValidationFailed(fields={"action": "must be one of the page's buttons"})
        await flow.act(house, guilds, who, deployment_id, VERBS[action])
    except BotBotError as problem:
        return await _show(request, house, who, deployment_id, problem)
    return Redirect(f"{PATH}/{quote(deployment_id, safe='')}?notice=saved", status_code=303)


handlers: list[Any] = [list_homes, show, press]
