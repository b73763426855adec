"""Deployments of everyone over JSON. What is done to one goes through the deployments' own routes, which admins may use
for any."""

from typing import Annotated

import msgspec
from litestar import Response, Router, get
from litestar.params import Parameter

from botbot.accounts.rules import Viewer
from botbot.admin import asking, homes_reads
from botbot.admin.homes_reads import HomeOut
from botbot.admin.paging import PanelPagination, pagination
from botbot.admin.rules import require_staff
from botbot.errors import ValidationFailed
from botbot.house import House

PRIVATE = {"cache-control": "private, no-store"}


class HomesOut(msgspec.Struct, rename="camel"):
    deployments: list[HomeOut]
    pagination: PanelPagination


@get("/", summary="Deployments of everyone")
async def list_homes(
    house: House,
    viewer: Viewer | None,
    search: str = "",
    person: str = "",
    standing: Annotated[str, Parameter(query="state", schema_extra={"enum": [*homes_reads.STATES]})] = "all",
    page: Annotated[int, Parameter(schema_extra={"minimum": 1, "maximum": asking.DEEPEST})] = 1,
    limit: Annotated[int, Parameter(schema_extra={"minimum": 1, "maximum": 100})] = 50,
) -> Response[HomesOut]:
    """The newest first. `search` is a part of the server's or the personality's name, or an id; `person` is who
    deployed it."""
    require_staff(viewer)
    asking.check_paging(page, limit)
    if standing not in homes_reads.STATES:
        raise ValidationFailed(fields={"state": f"must be one of {', '.join(homes_reads.STATES)}"})
    asked = asking.words({"search": search, "person": person}, "search", "person")
    async with house.db.reading() as connection:
        found, total = await homes_reads.list_homes(connection, **asked, state=standing, page=page, limit=limit)
    return Response(HomesOut(found, pagination(page, limit, total)), headers=PRIVATE)


@get("/{deployment_id:str}", summary="A deployment, with what it may have left behind")
async def show(deployment_id: str, house: House, viewer: Viewer | None) -> Response[HomeOut]:
    require_staff(viewer)
    async with house.db.reading() as connection:
        return Response(await homes_reads.get_home(connection, deployment_id), headers=PRIVATE)


router = Router("/api/marketplace/admin/servers", route_handlers=[list_homes, show], tags=["admin"])
