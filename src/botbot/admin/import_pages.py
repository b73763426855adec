"""Importing as pages: choose a file, read what would become of it, then import all of it or what is ticked. A long
import takes turns of a few seconds; between two of them the page says how far it is."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect

from botbot.accounts.rules import Viewer
from botbot.accounts.web import page
from botbot.admin import rules
from botbot.admin.import_api import read_upload
from botbot.errors import BotBotError, ValidationFailed
from botbot.exchange import queue
from botbot.exchange.bounds import FILE_BYTES
from botbot.exchange.exporting import FORMATS
from botbot.house import House
from botbot.security.requests import MAX_UPLOAD, StrictRequest

PATH = "/admin/import"
MOST_TICKED = 90
"""A form has at most a hundred fields."""


@get(PATH, include_in_schema=False)
async def start(request: Request[Any, Any, Any], viewer: Viewer | None) -> Response[bytes]:
    return _page(request, rules.require_staff(viewer))


@post(PATH, include_in_schema=False, request_max_body_size=MAX_UPLOAD, status_code=200)
async def look(request: StrictRequest, house: House, viewer: Viewer | None) -> Response[bytes]:
    """Nothing is stored but the file itself, for a day."""
    who = rules.require_admin(viewer)
    try:
        data, name = await read_upload(request)
        file_id, report = await queue.look_at(house, who.user_id, data, name)
    except BotBotError as problem:
        return _page(request, who, problem)
    return _page(
        request, who, file_id=file_id, name=name, report=report,
        shown=report.entries, may_tick=report.total <= MOST_TICKED,
    )  # fmt: skip


@get(PATH + "/{file_id:str}", include_in_schema=False)
async def show(request: Request[Any, Any, Any], file_id: str, house: House, viewer: Viewer | None) -> Response[bytes]:
    who = rules.require_admin(viewer)
    return _page(request, who, progress=await queue.get_file(house, who.user_id, file_id))


@post(PATH + "/{file_id:str}", status_code=303, include_in_schema=False)
async def go_on(request: StrictRequest, file_id: str, house: House, viewer: Viewer | None) -> Response[Any]:
    """The next turn. What is ticked fits into one."""
    who = rules.require_admin(viewer)
    file = await queue.get_file(house, who.user_id, file_id)
    try:
        chosen = queue.chosen_entries(await request.form_pairs(), file.total)
    except ValidationFailed as problem:
        return _page(request, who, problem, progress=file)
    await queue.take_turn(house, who.user_id, file_id, chosen)
    return Redirect(f"{PATH}/{file_id}", status_code=303)


def _page(
    request: Request[Any, Any, Any], who: Viewer, problem: BotBotError | None = None, **context: Any
) -> Response[bytes]:
    return page(
        request,
        who,
        "admin/import.html",
        status=problem.status if problem else 200,
        problem=problem.to_api_error() if problem else None,
        can_write=who.is_admin,
        most_mib=FILE_BYTES // 1024 // 1024,
        formats=FORMATS,
        **({"progress": None, "report": None} | context),
    )


handlers: list[Any] = [start, look, show, go_on]
