"""Moving a personality in, watching it, and looking after it; all of it by links and forms."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect

from botbot.accounts.discord_tokens import FLOOR, GuildLists
from botbot.accounts.rules import Viewer, require
from botbot.accounts.schemas import GuildOut
from botbot.accounts.web import is_fragment, login_url, page
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.queries import get_personality
from botbot.catalog.schemas import card_view
from botbot.deployments import flow, queries, rules, service
from botbot.deployments.guilds import list_manageable, managed_ids
from botbot.deployments.queries import Found
from botbot.deployments.schemas import Customizations, DeploymentChange, DeploymentRequest
from botbot.errors import ApiError, BotBotError, DiscordSignInExpired, ValidationFailed
from botbot.house import House
from botbot.kit import ids
from botbot.security.requests import StrictRequest

Asker = Request[Any, Any, Any]
PER_PAGE = 24


@get("/personalities/{slug:str}/deploy", include_in_schema=False)
async def start(
    request: Asker, house: House, guilds: GuildLists, viewer: Viewer | None, slug: str, refresh: str = ""
) -> Response[bytes]:
    """Sign in, choose a server, check: the step follows from who asks and what the address says."""
    chosen = request.query_params.get("discordGuildId", "")
    return await _start_page(request, house, guilds, viewer, slug, chosen, refresh=bool(refresh))


async def _start_page(
    request: Asker,
    house: House,
    guilds: GuildLists,
    viewer: Viewer | None,
    slug: str,
    chosen_id: str,
    *,
    refresh: bool = False,
    error: ApiError | None = None,
    status: int = 200,
) -> Response[bytes]:
    async with house.db.read() as session:
        personality = await get_personality(session, slug)
    servers: list[dict[str, Any]] = []
    if viewer is not None and house.settings.has_discord:
        try:
            servers = await _servers(house, guilds, viewer, slug, refresh)
        except DiscordSignInExpired:
            viewer = None
        except BotBotError as failure:
            error, status = error or failure.to_api_error(), failure.status
    chosen = next((server for server in servers if server["id"] == chosen_id), None)
    return page(
        request,
        viewer,
        "deployments/start.html",
        status=status,
        personality=card_view(personality),
        step="sign_in" if viewer is None else "check" if chosen else "choose",
        login_url=login_url(request) if request.method == "GET" else _login_back(personality),
        guilds=servers,
        chosen=chosen,
        action=f"/personalities/{personality.slug}/deploy",
        error=error,
        key=ids.new_secret(),
        refresh_url=f"/personalities/{personality.slug}/deploy?refresh=1",
        configured=house.settings.has_discord,
    )


def _login_back(personality: PersonalityTemplate) -> str:
    return f"/api/auth/discord?next=/personalities/{personality.slug}/deploy"


async def _servers(house: House, guilds: GuildLists, viewer: Viewer, slug: str, refresh: bool) -> list[dict[str, Any]]:
    found = await list_manageable(house, guilds, viewer, fresher_than=FLOOR if refresh else None)
    async with house.db.read() as session:
        living = await queries.live_in(session, [int(guild.id) for guild in found])
    return [_server(guild, living.get(int(guild.id)), slug) for guild in found]


def _server(guild: GuildOut, occupant: Found | None, slug: str) -> dict[str, Any]:
    return {
        "id": guild.id,
        "name": guild.name,
        "icon_url": guild.icon,
        "bot_present": guild.bot_present,
        "missing_permissions": guild.missing_permissions,
        "occupant": None
        if occupant is None
        else {
            "deployment_id": occupant.row.id,
            "name": occupant.name,
            "is_same": occupant.personality.slug == slug,
            "url": f"/deployments/{occupant.row.id}",
        },
    }


@post("/personalities/{slug:str}/deploy", status_code=303, include_in_schema=False)
async def deploy(
    request: StrictRequest, house: House, guilds: GuildLists, viewer: Viewer | None, slug: str
) -> Response[Any]:
    """Opens the deployment and leads to its page; a refusal comes back to the form, with what was chosen."""
    who = require(viewer)
    fields = await request.fields()
    guild_id, name = fields.get("discordGuildId", ""), fields.get("name", "").strip()
    try:
        if not (guild_id.isascii() and guild_id.isdigit() and len(guild_id) <= 19):
            raise ValidationFailed(fields={"discordGuildId": "must be one of your servers"})
        wanted = DeploymentRequest(
            guild_id, [], Customizations(name=name) if name else None, fields.get("replace") == "true"
        )
        found = await flow.request_deployment(house, guilds, who, slug, wanted, fields.get("key") or None)
    except BotBotError as failure:
        if failure.status in {401, 404}:
            raise
        error = failure.to_api_error()
        return await _start_page(request, house, guilds, viewer, slug, guild_id, error=error, status=failure.status)
    return Redirect(f"/deployments/{found.row.id}", status_code=303)


@get("/deployments", include_in_schema=False)
async def list_mine(
    request: Asker, house: House, guilds: GuildLists, viewer: Viewer | None, page_number: int = 1
) -> Response[bytes]:
    who = require(viewer)
    number = max(1, min(page_number, 100_000))
    managed = await _managed(guilds, who)
    async with house.db.read() as session:
        found, total = await queries.list_deployments(session, who, managed, page=number, limit=PER_PAGE)
    pagination = {
        "next_url": f"/deployments?page_number={number + 1}" if number * PER_PAGE < total else None,
        "previous_url": f"/deployments?page_number={number - 1}" if number > 1 else None,
    }
    rows = [_view(request, house, who, each, can_manage=False) for each in found]
    return page(request, viewer, "deployments/list.html", deployments=rows, pagination=pagination)


async def _managed(guilds: GuildLists, viewer: Viewer) -> set[int]:
    """The list goes on without Discord: then it holds what the viewer created."""
    try:
        return await managed_ids(guilds, viewer)
    except BotBotError:
        return set()


@get("/deployments/{deployment_id:str}", include_in_schema=False)
async def show(
    request: Asker, house: House, guilds: GuildLists, viewer: Viewer | None, deployment_id: str
) -> Response[bytes]:
    """The page, or its moving part for htmx."""
    who = require(viewer)
    found = await flow.see(house, guilds, who, deployment_id)
    moving = found.row.status in rules.MOVING
    view = _view(request, house, who, found, can_manage=moving or await _can_manage(house, guilds, who, found))
    template = "deployments/_progress.html" if is_fragment(request) else "deployments/show.html"
    return page(request, viewer, template, deployment=view)


async def _can_manage(house: House, guilds: GuildLists, viewer: Viewer, found: Found) -> bool:
    """When Discord can't say, the buttons are shown; pressing one asks again."""
    try:
        return await flow.may_manage(house, guilds, viewer, found)
    except BotBotError:
        return True


def _view(request: Asker, house: House, viewer: Viewer, found: Found, *, can_manage: bool) -> dict[str, Any]:
    row, shown = found.row, flow.present(house, viewer, found)
    return {
        "id": row.id,
        "status": shown.status,
        "personality": card_view(found.personality),
        "guild_name": row.guild_name or "your server",
        "guild_id": str(row.discord_guild_id),
        "name": found.name,
        "steps": [_step(step) for step in shown.steps],
        "is_moving": shown.status in rules.MOVING,
        "failure": shown.failure,
        "install_url": shown.install_url,
        "next_steps": shown.next_steps,
        "open_url": _open_url(request, row.discord_guild_id, row.greeting),
        "greeting": row.greeting["text"].partition("\n-# ")[0] if row.greeting else None,
        "channel_name": (row.greeting or {}).get("channelName") or "general",
        "created_at": row.created_at,
        "deployed_at": row.deployed_at,
        "replaced_by": row.replaced_by,
        "can_manage": can_manage,
        "actions": rules.ACTIONS.get(shown.status, set()),
    }


def _step(step: Any) -> dict[str, Any]:
    return {
        "name": step.name,
        "label": rules.LABELS.get(step.name, step.name),
        "status": step.status,
        "at": step.at,
        "retry_at": step.retry_at,
        "note": step.note,
    }


def _open_url(request: Asker, guild_id: int, greeting: dict[str, Any] | None) -> str:
    sandbox = request.app.state.sandbox_url
    if sandbox:
        return f"{sandbox}/servers/{guild_id}"
    channel = greeting["channelId"] if greeting and greeting.get("channelId") else ""
    return f"https://discord.com/channels/{guild_id}/{channel}".rstrip("/")


async def _act(
    house: House, guilds: GuildLists, viewer: Viewer | None, deployment_id: str, verb: flow.Verb
) -> Redirect:
    await flow.act(house, guilds, require(viewer), deployment_id, verb)
    return Redirect(f"/deployments/{deployment_id}", status_code=303)


@post("/deployments/{deployment_id:str}/pause", status_code=303, include_in_schema=False)
async def pause(house: House, guilds: GuildLists, viewer: Viewer | None, deployment_id: str) -> Redirect:
    return await _act(house, guilds, viewer, deployment_id, service.pause)


@post("/deployments/{deployment_id:str}/resume", status_code=303, include_in_schema=False)
async def resume(
    request: StrictRequest, house: House, guilds: GuildLists, viewer: Viewer | None, deployment_id: str
) -> Redirect:
    replace = (await request.fields()).get("replace") == "true"
    return await _act(house, guilds, viewer, deployment_id, flow.resume_verb(replace))


@post("/deployments/{deployment_id:str}/retry", status_code=303, include_in_schema=False)
async def retry(house: House, guilds: GuildLists, viewer: Viewer | None, deployment_id: str) -> Redirect:
    return await _act(house, guilds, viewer, deployment_id, service.retry)


@post("/deployments/{deployment_id:str}/remove", status_code=303, include_in_schema=False)
async def remove(house: House, guilds: GuildLists, viewer: Viewer | None, deployment_id: str) -> Redirect:
    return await _act(house, guilds, viewer, deployment_id, service.remove)


@post("/deployments/{deployment_id:str}/customise", status_code=303, include_in_schema=False)
async def customise(
    request: StrictRequest, house: House, guilds: GuildLists, viewer: Viewer | None, deployment_id: str
) -> Redirect:
    name = (await request.fields()).get("name", "")
    verb = flow.change_verb(DeploymentChange(customizations=Customizations(name=name.strip() or None)))
    return await _act(house, guilds, viewer, deployment_id, verb)


handlers: list[Any] = [start, deploy, list_mine, show, pause, resume, retry, remove, customise]
