"""The desk as pages: what is open, one case with everything about it, what was decided; and everybody's own notices."""

import math
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.response import Redirect

from botbot.accounts.rules import Viewer, require
from botbot.accounts.web import page
from botbot.admin import asking, desk_deciding, rules
from botbot.admin.desk_schemas import DecisionIn
from botbot.desk import queries, service
from botbot.desk import rules as desk_rules
from botbot.errors import BotBotError, Conflict, PermissionDenied, ValidationFailed
from botbot.house import House
from botbot.security.requests import StrictRequest

PATH = "/admin/desk"
PER_PAGE = 50
SAYABLE = (ValidationFailed, Conflict, PermissionDenied)


@get(PATH, include_in_schema=False)
async def list_cases(request: Request[Any, Any, Any], house: House, viewer: Viewer | None) -> Response[bytes]:
    who = rules.require_staff(viewer)
    kind = request.query_params.get("kind", "")
    kind = kind if kind in desk_rules.KINDS else ""
    number = asking.page_number(request.query_params)
    async with house.db.reading() as connection:
        cases, total = await queries.list_cases(connection, kind or None, number, PER_PAGE)
    return page(
        request,
        who,
        "admin/desk.html",
        tab="open",
        kind=kind,
        cases=cases,
        **_paged(number, total, {"kind": kind}, PATH),
    )


def _paged(number: int, total: int, asked: dict[str, str], path: str) -> dict[str, Any]:
    return {
        "number": number,
        "total": total,
        "pages": math.ceil(total / PER_PAGE),
        "link": lambda n: asking.address(path, {**asked, "page": n}),
    }


@get(f"{PATH}/decided", include_in_schema=False)
async def list_decided(request: Request[Any, Any, Any], house: House, viewer: Viewer | None) -> Response[bytes]:
    return await _decided(request, house, rules.require_staff(viewer))


async def _decided(
    request: Request[Any, Any, Any], house: House, who: Viewer, problem: BotBotError | None = None
) -> Response[bytes]:
    number = asking.page_number(request.query_params)
    async with house.db.reading() as connection:
        decisions, total = await queries.list_decisions(connection, number, PER_PAGE)
    return page(
        request,
        who,
        "admin/decided.html",
        status=problem.status if problem else 200,
        problem=problem.to_api_error() if problem else None,
        tab="decided",
        decisions=decisions,
        **_paged(number, total, {}, f"{PATH}/decided"),
    )


@post(f"{PATH}/decided", status_code=303, include_in_schema=False)
async def undo(request: StrictRequest, house: House, viewer: Viewer | None) -> Response[Any]:
    """Takes the named decision back; the subject's page shows what became of it."""
    who = rules.require_staff(viewer)
    fields = await request.fields()
    try:
        async with house.db.write() as session:
            decision = await service.undo(session, who, fields.get("decision", ""))
            where = f"{PATH}/{decision.subject_type}/{quote(decision.subject_id, safe='')}"
    except SAYABLE as problem:
        return await _decided(request, house, who, problem)
    return Redirect(f"{where}?notice=saved", status_code=303)


@get(PATH + "/{kind:str}/{subject_id:str}", include_in_schema=False)
async def show(
    request: Request[Any, Any, Any], kind: str, subject_id: str, house: House, viewer: Viewer | None
) -> Response[bytes]:
    return await _show(request, house, rules.require_staff(viewer), kind, subject_id, {})


async def _show(
    request: Request[Any, Any, Any],
    house: House,
    who: Viewer,
    kind: str,
    subject_id: str,
    filled: dict[str, str],
    problem: BotBotError | None = None,
) -> Response[bytes]:
    async with house.db.reading() as connection:
        found = await queries.get_file(connection, kind, subject_id)
    verdicts = dict(desk_rules.VERDICTS.get(kind, {}))
    if not who.is_admin:
        verdicts.pop("takedown", None)
    if found.subject.state == "gone":
        verdicts = {"keep": "Close what was reported"}
    return page(
        request,
        who,
        "admin/case.html",
        status=problem.status if problem else 200,
        problem=problem.to_api_error() if problem else None,
        subject=found.subject,
        reports=found.reports,
        decisions=found.decisions,
        standing=next((each.id for each in found.decisions if each.undone_at is None), None),
        verdicts=verdicts,
        reasons=desk_rules.REASONS,
        longest_words=desk_rules.LONGEST_WORDS,
        filled=filled,
    )


@post(PATH + "/{kind:str}/{subject_id:str}", status_code=303, include_in_schema=False)
async def decide(
    request: StrictRequest, kind: str, subject_id: str, house: House, viewer: Viewer | None
) -> Response[Any]:
    """The case's form. A refusal comes back with what was filled in; afterwards the next case is near."""
    who = rules.require_staff(viewer)
    fields = await request.fields()
    wish = DecisionIn(
        verdict=fields.get("verdict", ""),
        reason=fields.get("reason", ""),
        words=fields.get("words", "").replace("\r\n", "\n"),
        stop_deployments=fields.get("stop") == "yes",
    )
    try:
        async with house.db.write() as session:
            await desk_deciding.decide(session, who, kind, subject_id, wish)
    except SAYABLE as problem:
        return await _show(request, house, who, kind, subject_id, fields, problem)
    return Redirect(f"{PATH}?notice=saved", status_code=303)


@get("/notices", include_in_schema=False)
async def notices(request: Request[Any, Any, Any], house: House, viewer: Viewer | None) -> Response[bytes]:
    """What moderators decided about what is mine, or what I reported."""
    who = require(viewer)
    async with house.db.reading() as connection:
        found = await queries.list_notices(connection, who.user_id)
    return page(request, who, "notices/list.html", notices=found, has_new=any(not each.is_read for each in found))


@post("/notices", status_code=303, include_in_schema=False)
async def mark_read(house: House, viewer: Viewer | None) -> Redirect:
    who = require(viewer)
    async with house.db.write() as session:
        await service.mark_read(session, who.user_id)
    return Redirect("/notices", status_code=303)


handlers: list[Any] = [list_cases, list_decided, undo, show, decide, notices, mark_read]
