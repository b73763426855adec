"""The desk over JSON. Moderators decide; only admins take down."""

from typing import Annotated

from litestar import Response, Router, delete, get, post
from litestar.params import Parameter

from botbot.accounts.rules import Viewer
from botbot.admin import asking, desk_deciding
from botbot.admin.desk_schemas import CasesOut, Decided, DecisionIn, DecisionsOut, Passed
from botbot.admin.paging import pagination
from botbot.admin.rules import require_staff
from botbot.desk import queries, rules, service
from botbot.desk.queries import File
from botbot.errors import ValidationFailed
from botbot.house import House
from botbot.security.requests import StrictRequest

PRIVATE = {"cache-control": "private, no-store"}
PageNumber = Annotated[int, Parameter(schema_extra={"minimum": 1, "maximum": asking.DEEPEST})]
PageSize = Annotated[int, Parameter(schema_extra={"minimum": 1, "maximum": 100})]


@get("/", summary="What is open at the desk")
async def list_cases(
    house: House,
    viewer: Viewer | None,
    kind: Annotated[str, Parameter(schema_extra={"enum": ["", *rules.KINDS]})] = "",
    page: PageNumber = 1,
    limit: PageSize = 50,
) -> Response[CasesOut]:
    """The longest waiting first; reviews that nobody can read yet come before all else."""
    require_staff(viewer)
    asking.check_paging(page, limit)
    if kind and kind not in rules.KINDS:
        raise ValidationFailed(fields={"kind": f"must be one of {', '.join(rules.KINDS)}"})
    async with house.db.reading() as connection:
        cases, total = await queries.list_cases(connection, kind or None, page, limit)
    return Response(CasesOut(cases, pagination(page, limit, total)), headers=PRIVATE)


@get("/decisions", summary="What was decided")
async def list_decisions(
    house: House, viewer: Viewer | None, page: PageNumber = 1, limit: PageSize = 50
) -> Response[DecisionsOut]:
    """The newest first, those that were taken back too."""
    require_staff(viewer)
    asking.check_paging(page, limit)
    async with house.db.reading() as connection:
        found, total = await queries.list_decisions(connection, page, limit)
    passed = [Passed(decision, subject) for decision, subject in found]
    return Response(DecisionsOut(passed, pagination(page, limit, total)), headers=PRIVATE)


@delete("/decisions/{decision_id:str}", status_code=204, summary="Take a decision back")
async def undo(decision_id: str, house: House, viewer: Viewer | None) -> None:
    """What was before is back, and what was closed is open. What a takedown stopped stays stopped."""
    who = require_staff(viewer)
    async with house.db.write() as session:
        await service.undo(session, who, decision_id)


@get("/{kind:str}/{subject_id:str}", summary="Everything about one subject")
async def show(kind: str, subject_id: str, house: House, viewer: Viewer | None) -> Response[File]:
    """`kind` is `review` or `personality`."""
    require_staff(viewer)
    async with house.db.reading() as connection:
        return Response(await queries.get_file(connection, kind, subject_id), headers=PRIVATE)


@post("/{kind:str}/{subject_id:str}/decisions", status_code=201, summary="Decide", body=DecisionIn)
async def decide(
    request: StrictRequest, kind: str, subject_id: str, house: House, viewer: Viewer | None
) -> Response[Decided]:
    who = require_staff(viewer)
    data = await request.read(DecisionIn)
    async with house.db.write() as session:
        decision, stopped = await desk_deciding.decide(session, who, kind, subject_id, data)
    async with house.db.reading() as connection:
        subject = (await queries.get_file(connection, kind, subject_id)).subject
    return Response(Decided(decision.id, subject, stopped), status_code=201, headers=PRIVATE)


router = Router(
    "/api/marketplace/admin/desk", route_handlers=[list_cases, list_decisions, undo, show, decide], tags=["admin"]
)
