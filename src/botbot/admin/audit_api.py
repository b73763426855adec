"""The audit trail over JSON, and as a file. Staff read it; nobody changes it."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.params import Parameter
from litestar.response import Stream

from botbot.accounts.rules import Viewer
from botbot.admin import asking, audit_reads, tables_out
from botbot.admin.audit_reads import AuditPage
from botbot.admin.rules import require_staff
from botbot.errors import ValidationFailed
from botbot.house import House

FORMS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}
PRIVATE = {"cache-control": "private, no-store"}
Words = Annotated[str, Parameter(schema_extra={"maxLength": asking.LONGEST})]


@get("/", summary="The audit trail")
async def list_entries(
    request: Request[Any, Any, Any],
    house: House,
    viewer: Viewer | None,
    actor: Words = "",
    action: Words = "",
    subject_type: Annotated[str, Parameter(query="subjectType")] = "",
    subject_id: Annotated[str, Parameter(query="subjectId")] = "",
    since: str = "",
    until: str = "",
    limit: Annotated[int, Parameter(schema_extra={"minimum": 1, "maximum": 100})] = 50,
    cursor: str = "",
) -> Response[AuditPage]:
    """Newest first. `actor` is a user's id or a part of their name, `action` how it begins (`deployment.`), `since` and
    `until` days or moments; `cursor` is the `nextCursor` of the page before."""
    require_staff(viewer)
    asking.check_paging(1, limit)
    async with house.db.reading() as connection:
        wanted = await audit_reads.wanted_by(connection, request.query_params)
        return Response(await audit_reads.page(connection, wanted, limit, cursor), headers=PRIVATE)


@get("/export", summary="The audit trail as a file")
async def export(
    request: Request[Any, Any, Any],
    house: House,
    viewer: Viewer | None,
    form: Annotated[str, Parameter(query="format", schema_extra={"enum": [*FORMS]})] = "jsonl",
) -> Stream:
    """Everything that the same filters find, as CSV or as JSON Lines."""
    require_staff(viewer)
    if form not in FORMS:
        raise ValidationFailed(fields={"format": f"must be one of {', '.join(FORMS)}"})
    async with house.db.reading() as connection:
        wanted = await audit_reads.wanted_by(connection, request.query_params)
    lines = audit_reads.export(house.db, wanted, form)
    return Stream(lines, media_type=FORMS[form], headers=tables_out.download(f"audit.{form}"))


router = Router("/api/marketplace/admin/audit", route_handlers=[list_entries, export], tags=["admin"])
