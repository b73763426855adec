"""People over JSON: staff look, admins change roles, ban, and revoke tokens."""

from typing import Annotated

from litestar import Response, Router, delete, get, put
from litestar.params import Parameter
from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.accounts import people
from botbot.accounts.rules import Viewer
from botbot.admin import asking
from botbot.admin.paging import pagination
from botbot.admin.people_schemas import (
    BanIn,
    PeopleOut,
    PersonOut,
    RoleIn,
    TokensOut,
    person_out,
    tokens_out,
)
from botbot.admin.rules import require_admin, require_staff
from botbot.errors import ValidationFailed
from botbot.house import House
from botbot.security.requests import StrictRequest

PRIVATE = {"cache-control": "private, no-store"}


@get("/", summary="Everybody with an account")
async def list_people(
    house: House,
    viewer: Viewer | None,
    search: str = "",
    standing: Annotated[str, Parameter(query="state", schema_extra={"enum": [*people.STATES]})] = "all",
    page: Annotated[int, Parameter(schema_extra={"minimum": 1, "maximum": asking.DEEPEST})] = 1,
    limit: Annotated[int, Parameter(schema_extra={"minimum": 1, "maximum": 100})] = 50,
) -> Response[PeopleOut]:
    """The newest first. `search` is a part of a name, or an id here or at Discord."""
    require_staff(viewer)
    asking.check_paging(page, limit)
    if standing not in people.STATES:
        raise ValidationFailed(fields={"state": f"must be one of {', '.join(people.STATES)}"})
    wanted = asking.words({"search": search}, "search")["search"]
    async with house.db.reading() as connection:
        found, total = await people.list_people(
            connection, house.settings.admins, search=wanted, state=standing, page=page, limit=limit
        )
    people_out = [person_out(each) for each in found]
    return Response(PeopleOut(people_out, pagination(page, limit, total)), headers=PRIVATE)


@get("/{user_id:str}", summary="One person")
async def show(user_id: str, house: House, viewer: Viewer | None) -> Response[PersonOut]:
    require_staff(viewer)
    async with house.db.reading() as connection:
        return await _answer(connection, house, user_id)


async def _answer(connection: AsyncConnection, house: House, user_id: str) -> Response[PersonOut]:
    return Response(person_out(await people.get_person(connection, user_id, house.settings.admins)), headers=PRIVATE)


@put("/{user_id:str}/role", summary="Give somebody a role", body=RoleIn)
async def change_role(request: StrictRequest, user_id: str, house: House, viewer: Viewer | None) -> Response[PersonOut]:
    """Their sessions end. The last admin stays one: 409 `conflict`."""
    who = require_admin(viewer)
    data = await request.read(RoleIn)
    async with house.db.write() as session:
        await people.change_role(session, who, user_id, data.role, house.settings.admins)
    async with house.db.reading() as connection:
        return await _answer(connection, house, user_id)


@put("/{user_id:str}/ban", summary="Ban somebody", body=BanIn)
async def ban(request: StrictRequest, user_id: str, house: House, viewer: Viewer | None) -> Response[PersonOut]:
    """Their sessions and tokens are dead at once, and signing in is refused. What they deployed runs on."""
    who = require_admin(viewer)
    data = await request.read(BanIn) if await request.body() else BanIn()
    async with house.db.write() as session:
        await people.ban(session, who, user_id, data.reason, house.settings.admins)
    async with house.db.reading() as connection:
        return await _answer(connection, house, user_id)


@delete("/{user_id:str}/ban", status_code=204, summary="Let somebody in again")
async def unban(user_id: str, house: House, viewer: Viewer | None) -> None:
    who = require_admin(viewer)
    async with house.db.write() as session:
        await people.unban(session, who, user_id)


@get("/{user_id:str}/tokens", summary="Somebody's API tokens")
async def list_tokens(user_id: str, house: House, viewer: Viewer | None) -> Response[TokensOut]:
    """Their names and ages; the tokens themselves are nowhere."""
    require_admin(viewer)
    async with house.db.reading() as connection:
        await people.get_person(connection, user_id, house.settings.admins)
        return Response(tokens_out(await people.list_tokens(connection, user_id)), headers=PRIVATE)


@delete("/{user_id:str}/tokens/{token_id:str}", status_code=204, summary="Revoke an API token")
async def revoke_token(user_id: str, token_id: str, house: House, viewer: Viewer | None) -> None:
    """It is dead at once."""
    who = require_admin(viewer)
    async with house.db.write() as session:
        await people.revoke_token(session, who, user_id, token_id)


router = Router(
    "/api/marketplace/admin/people",
    route_handlers=[list_people, show, change_role, ban, unban, list_tokens, revoke_token],
    tags=["admin"],
)
