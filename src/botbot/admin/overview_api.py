"""The overview's figures over JSON, as CSV, and as pictures."""

import asyncio
from typing import Annotated

import msgspec
from litestar import Response, Router, get
from litestar.params import Parameter

from botbot.accounts.rules import Viewer
from botbot.admin import charts, tables_out
from botbot.admin.overview_reads import TABLES
from botbot.admin.overview_tables import PERIODS, Table, last_days
from botbot.admin.rules import require_staff
from botbot.errors import NotFound, ValidationFailed
from botbot.house import House

PRIVATE = {"cache-control": "private, no-store"}
BRIEFLY = {"cache-control": "private, max-age=60"}
Days = Annotated[int, Parameter(schema_extra={"enum": [*PERIODS]})]


class OverviewOut(msgspec.Struct, rename="camel"):
    """The tables of the last `days` days (UTC, today included)."""

    days: int
    tables: list[Table]


@get("/", summary="How the marketplace is doing")
async def overview(house: House, viewer: Viewer | None, days: Days = 30) -> Response[OverviewOut]:
    """Counts only: nobody's name, nobody's words."""
    require_staff(viewer)
    return Response(OverviewOut(days, await read_all(house, days)), headers=PRIVATE)


async def read_all(house: House, days: int) -> list[Table]:
    period = last_days(check_days(days))
    async with house.db.reading() as connection:
        return [await read(connection, period) for read in TABLES.values()]


def check_days(days: int) -> int:
    if days not in PERIODS:
        raise ValidationFailed(fields={"days": f"must be one of {', '.join(str(each) for each in PERIODS)}"})
    return days


@get("/{name:str}/figures.csv", summary="One table of the overview as CSV")
async def as_csv(name: str, house: House, viewer: Viewer | None, days: Days = 30) -> Response[bytes]:
    table = await _table(house, viewer, name, days)
    rows = ([label, *values] for label, values in table.rows)
    return tables_out.csv_file(f"{table.name}-{days}-days", [table.label, *table.columns], rows)


@get("/{name:str}/picture.svg", summary="One table of the overview as a picture")
async def as_picture(
    name: str,
    house: House,
    viewer: Viewer | None,
    days: Days = 30,
    theme: Annotated[str, Parameter(schema_extra={"enum": [*charts.THEMES]})] = "light",
) -> Response[bytes]:
    if theme not in charts.THEMES:
        raise ValidationFailed(fields={"theme": f"must be one of {', '.join(charts.THEMES)}"})
    table = await _table(house, viewer, name, days)
    drawn = await asyncio.to_thread(charts.draw, table, theme)
    return Response(drawn, media_type="image/svg+xml", headers=BRIEFLY)


async def _table(house: House, viewer: Viewer | None, name: str, days: int) -> Table:
    require_staff(viewer)
    if name not in TABLES:
        raise NotFound("There is no such table in the overview.")
    async with house.db.reading() as connection:
        return await TABLES[name](connection, last_days(check_days(days)))


router = Router("/api/marketplace/admin/overview", route_handlers=[overview, as_csv, as_picture], tags=["admin"])
