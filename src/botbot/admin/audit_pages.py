"""The audit trail as a page: who did what, to which row, when, and what was there before."""

from typing import Any

from litestar import Request, Response, get

from botbot.accounts.rules import Viewer
from botbot.accounts.web import page
from botbot.admin import asking, audit_reads
from botbot.admin.rules import require_staff
from botbot.errors import ValidationFailed
from botbot.house import House

PATH = "/admin/audit"
PER_PAGE = 50


@get(PATH, include_in_schema=False)
async def show(request: Request[Any, Any, Any], house: House, viewer: Viewer | None) -> Response[bytes]:
    """What can't be asked is said above an empty table."""
    who = require_staff(viewer)
    asked = asking.words(request.query_params, *audit_reads.FILTERS)
    problem, found = None, audit_reads.AuditPage([], None)
    async with house.db.reading() as connection:
        try:
            wanted = await audit_reads.wanted_by(connection, request.query_params)
            found = await audit_reads.page(connection, wanted, PER_PAGE, request.query_params.get("cursor", ""))
        except ValidationFailed as failure:
            problem = failure
    return page(
        request,
        who,
        "admin/audit.html",
        status=problem.status if problem else 200,
        problem=problem.to_api_error() if problem else None,
        asked=asked,
        entries=found.entries,
        is_first="cursor" not in request.query_params,
        older_url=asking.address(PATH, {**asked, "cursor": found.next_cursor}) if found.next_cursor else None,
        first_url=asking.address(PATH, asked),
        exports=[
            (words, asking.address(f"/api/marketplace{PATH}/export", {"format": form, **asked}))
            for words, form in (("CSV", "csv"), ("JSON Lines", "jsonl"))
        ],
    )


handlers: list[Any] = [show]
