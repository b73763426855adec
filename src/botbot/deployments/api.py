"""Deployments over JSON. Every verb answers 202 with the deployment; it is done when its `status` says so."""

import math
from typing import Annotated, Any

from litestar import Response, Router, delete, get, patch, post
from litestar.params import Parameter

from botbot.accounts.discord_tokens import FLOOR, GuildLists
from botbot.accounts.rules import Viewer, require
from botbot.accounts.schemas import GuildOut
from botbot.accounts.signin import require_discord
from botbot.deployments import flow, queries, service
from botbot.deployments.guilds import list_manageable, managed_ids
from botbot.deployments.queries import Found
from botbot.deployments.schemas import (
    DeploymentChange,
    DeploymentList,
    DeploymentOut,
    DeploymentPagination,
    DeploymentRequest,
    ResumeRequest,
)
from botbot.errors import ValidationFailed
from botbot.house import House
from botbot.security.requests import StrictRequest

PageNumber = Annotated[int, Parameter(schema_extra={"minimum": 1, "maximum": 1_000_000})]
PageSize = Annotated[int, Parameter(schema_extra={"minimum": 1, "maximum": 100})]
PRIVATE = {"cache-control": "private, no-store"}


def _accepted(house: House, viewer: Viewer, found: Found) -> Response[DeploymentOut]:
    headers = {"location": f"/api/marketplace/deployments/{found.row.id}", **PRIVATE}
    return Response(flow.present(house, viewer, found), status_code=202, headers=headers)


@post(
    "/personalities/{personality_id:str}/deploy",
    status_code=202,
    summary="Deploy a personality",
    body=DeploymentRequest,
)
async def deploy(
    personality_id: str,
    request: StrictRequest,
    house: House,
    guilds: GuildLists,
    viewer: Viewer | None,
    idempotency_key: Annotated[str | None, Parameter(header="Idempotency-Key")] = None,
) -> Response[DeploymentOut]:
    """Opens a deployment to a server you manage. `awaiting_install` carries `installUrl`."""
    who = require(viewer)
    data = await request.read(DeploymentRequest)
    return _accepted(
        house, who, await flow.request_deployment(house, guilds, who, personality_id, data, idempotency_key)
    )


@get("/deployments", summary="My deployments")
async def list_mine(
    house: House, guilds: GuildLists, viewer: Viewer | None, page: PageNumber = 1, limit: PageSize = 24
) -> Response[DeploymentList]:
    """Mine, and those in servers I manage now; newest first."""
    who = require(viewer)
    if not (1 <= limit <= 100 and 1 <= page <= 1_000_000):
        raise ValidationFailed(fields={"limit": "must be between 1 and 100", "page": "must be 1 or more"})
    managed = await managed_ids(guilds, who)
    async with house.db.read() as session:
        found, total = await queries.list_deployments(session, who, managed, page=page, limit=limit)
    pages = math.ceil(total / limit)
    pagination = DeploymentPagination(page, limit, total, pages, page < pages, page > 1)
    return Response(DeploymentList([flow.present(house, who, each) for each in found], pagination), headers=PRIVATE)


@get("/deployments/{deployment_id:str}", summary="One deployment")
async def show(deployment_id: str, house: House, guilds: GuildLists, viewer: Viewer | None) -> Response[DeploymentOut]:
    who = require(viewer)
    found = await flow.see(house, guilds, who, deployment_id)
    return Response(flow.present(house, who, found), headers=PRIVATE)


@post("/deployments/{deployment_id:str}/pause", status_code=202, summary="Pause it in its server")
async def pause(deployment_id: str, house: House, guilds: GuildLists, viewer: Viewer | None) -> Response[DeploymentOut]:
    who = require(viewer)
    return _accepted(house, who, await flow.act(house, guilds, who, deployment_id, service.pause, is_move=flow.stays))


@post("/deployments/{deployment_id:str}/resume", status_code=202, summary="Let it speak again", body=ResumeRequest)
async def resume(
    request: StrictRequest, deployment_id: str, house: House, guilds: GuildLists, viewer: Viewer | None
) -> Response[DeploymentOut]:
    """The body is optional: `{"replace": true}` swaps a replaced personality back in."""
    who = require(viewer)
    data = await request.read(ResumeRequest) if await request.body() else ResumeRequest()
    verb = flow.resume_verb(data.replace)
    return _accepted(house, who, await flow.act(house, guilds, who, deployment_id, verb, is_move=flow.moves_back))


@post("/deployments/{deployment_id:str}/retry", status_code=202, summary="Try again")
async def retry(deployment_id: str, house: House, guilds: GuildLists, viewer: Viewer | None) -> Response[DeploymentOut]:
    who = require(viewer)
    return _accepted(house, who, await flow.act(house, guilds, who, deployment_id, flow.retry))


@patch(
    "/deployments/{deployment_id:str}",
    status_code=202,
    summary="Change its name, traits, channels or version",
    body=DeploymentChange,
)
async def change(
    deployment_id: str,
    request: StrictRequest,
    house: House,
    guilds: GuildLists,
    viewer: Viewer | None,
) -> Response[DeploymentOut]:
    who = require(viewer)
    data = await request.read(DeploymentChange)
    return _accepted(house, who, await flow.act(house, guilds, who, deployment_id, flow.change_verb(data)))


@delete("/deployments/{deployment_id:str}", status_code=202, summary="Remove it from its server")
async def remove(
    deployment_id: str, house: House, guilds: GuildLists, viewer: Viewer | None
) -> Response[DeploymentOut]:
    who = require(viewer)
    return _accepted(house, who, await flow.act(house, guilds, who, deployment_id, service.remove))


@get("/api/discord/guilds", summary="Servers I may manage", tags=["deployments"])
async def manageable(
    house: House, guilds: GuildLists, viewer: Viewer | None, refresh: bool = False
) -> Response[list[GuildOut]]:
    """As Discord told us at most a minute ago; `refresh=true` asks again, at most every ten seconds."""
    who = require(viewer)
    require_discord(house)
    found = await list_manageable(house, guilds, who, fresher_than=FLOOR if refresh else None)
    return Response(found, headers=PRIVATE)


router = Router(
    "/api/marketplace",
    route_handlers=[deploy, list_mine, show, pause, resume, retry, change, remove],
    tags=["deployments"],
)
handlers: list[Any] = [router, manageable]
