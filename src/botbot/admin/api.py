"""The front page's shelves over JSON. Moderators read, admins write."""

from typing import Annotated, Any

from litestar import Request, Response, Router, delete, get, put
from litestar.params import Parameter
from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.accounts.rules import Viewer
from botbot.admin import reads
from botbot.admin.rules import require_admin, require_staff
from botbot.admin.schemas import Arrangement, ArrangementIn
from botbot.catalog import arranging, shelves
from botbot.catalog.shelves import Plan
from botbot.house import House
from botbot.security.requests import StrictRequest


@get("/", summary="The front page's arrangement")
async def show(request: Request[Any, Any, Any], house: House, viewer: Viewer | None) -> Response[Arrangement]:
    """Hidden shelves too. The `ETag` goes into `If-Match` of a change."""
    require_staff(viewer)
    async with house.db.reading() as connection:
        return await _answer(connection, await shelves.list_plans(connection))


@put("/", summary="Arrange the front page", body=ArrangementIn)
async def change(
    request: StrictRequest,
    house: House,
    viewer: Viewer | None,
    if_match: Annotated[str | None, Parameter(header="If-Match")] = None,
) -> Response[Arrangement]:
    """The whole arrangement takes the place of the present one; without any shelf, the usual ones are back. With an
    `If-Match` that isn't the present `ETag`, 412 `edit_conflict`."""
    who = require_admin(viewer)
    data = await request.read(ArrangementIn)
    version = None if if_match in {None, "*"} else _bare(if_match or "")
    async with house.db.write() as session:
        wanted = [each.plan() for each in data.shelves]
        plans = await arranging.arrange(session, who.user_id, wanted, version=version)
    async with house.db.reading() as connection:
        return await _answer(connection, plans)


def _bare(etag: str) -> str:
    return etag.strip().removeprefix("W/").strip('"')


async def _answer(connection: AsyncConnection, plans: list[Plan]) -> Response[Arrangement]:
    headers = {"etag": f'"{arranging.version_of(plans)}"', "cache-control": "private, no-cache"}
    return Response(await reads.arrangement(connection, plans), headers=headers)


@put("/featured/{personality_id:str}", status_code=204, summary="Feature a personality")
async def feature(personality_id: str, house: House, viewer: Viewer | None) -> None:
    """By id or slug."""
    who = require_admin(viewer)
    async with house.db.write() as session:
        await arranging.feature(session, who.user_id, personality_id, True)


@delete("/featured/{personality_id:str}", status_code=204, summary="Feature a personality no longer")
async def unfeature(personality_id: str, house: House, viewer: Viewer | None) -> None:
    who = require_admin(viewer)
    async with house.db.write() as session:
        await arranging.feature(session, who.user_id, personality_id, False)


router = Router("/api/marketplace/admin/shelves", route_handlers=[show, change, feature, unfeature], tags=["admin"])
