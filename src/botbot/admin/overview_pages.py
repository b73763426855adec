"""The panel's first page: how the marketplace is doing, in pictures with tables beside them."""

from typing import Any

from litestar import Request, Response, get

from botbot.accounts.rules import Viewer
from botbot.accounts.web import page
from botbot.admin.overview_reads import TABLES
from botbot.admin.overview_tables import PERIODS, last_days
from botbot.admin.rules import require_staff
from botbot.desk.queries import list_cases
from botbot.house import House

API = "/api/marketplace/admin/overview"
USUAL = 30


@get("/admin", include_in_schema=False)
async def overview(request: Request[Any, Any, Any], house: House, viewer: Viewer | None) -> Response[bytes]:
    who = require_staff(viewer)
    asked = request.query_params.get("days", "")
    days = int(asked) if asked in {str(each) for each in PERIODS} else USUAL
    async with house.db.reading() as connection:
        tables = [await read(connection, last_days(days)) for read in TABLES.values()]
        _, cases = await list_cases(connection, None, 1, 1)
    return page(
        request,
        who,
        "admin/overview.html",
        days=days,
        periods=PERIODS,
        tables=tables,
        open_cases=cases,
        api=API,
    )


handlers: list[Any] = [overview]
