"""Moving a personality in, watching it, and looking after it; all of it by links and forms."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect
from msgspec import UNSET

from botbot.accounts.discord_tokens import FLOOR, GuildLists
from botbot.accounts.rules import Viewer, require
from botbot.accounts.schemas import GuildOut
from botbot.accounts.web import is_fragment, login_url, page
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.queries import get_personality
from botbot.catalog.schemas import card_view
from botbot.deployments import flow, queries, rules, service
from botbot.deployments.guilds import list_manageable, managed_ids
from botbot.deployments.preflight import Place, find_places
from botbot.deployments.queries import Found
from botbot.deployments.schemas import MOST_CHANNELS, Customizations, DeploymentChange, DeploymentRequest
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
    filled: dict[str, Any] | None = None,
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
    places = await _places(house, viewer, int(chosen_id)) if viewer and chosen and chosen["bot_present"] else []
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
        places=places,
        filled=filled,
        action=f"/personalities/{personality.slug}/deploy",
        error=error,
        key=ids.new_secret(),
        refresh_url=f"/personalities/{personality.slug}/deploy?refresh=1",
        configured=house.settings.has_discord,
    )


async def _places(house: House, viewer: Viewer, guild_id: int) -> list[Place]:
    """Where it could speak, as far as the viewer may know of it. None when Discord can't say: that holds nobody up."""
    try:
        return await find_places(house, guild_id, seen_by=viewer.discord_id)
    except BotBotError:
        return []


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
    pairs = await request.form_pairs()
    fields = dict(pairs)
    guild_id, name = fields.get("discordGuildId", ""), fields.get("name", "").strip()
    try:
        if not (guild_id.isascii() and guild_id.isdigit() and len(guild_id) <= 19):
            raise ValidationFailed(fields={"discordGuildId": "must be one of your servers"})
        wanted = DeploymentRequest(
            guild_id, _channels(pairs), _customizations(name, fields), fields.get("replace") == "true"
        )
        found = await flow.request_deployment(house, guilds, who, slug, wanted, fields.get("key") or None)
    except BotBotError as failure:
        if failure.status in {401, 404}:
            raise
        error = failure.to_api_error()
        return await _start_page(
            request, house, guilds, viewer, slug, guild_id, error=error, status=failure.status, filled=_filled(pairs)
        )
    return Redirect(f"/deployments/{found.row.id}", status_code=303)


def _customizations(name: str, fields: dict[str, str]) -> Customizations | None:
    """A form whose boxes are unticked sends nothing of them, so each says with a hidden field that it was shown."""
    is_quiet = "asks_greeting" in fields and "greeting" not in fields
    if not name and not is_quiet:
        return None
    return Customizations(name=name or UNSET, greeting=False if is_quiet else None)


def _filled(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """What a refused form held, to be shown again."""
    fields = dict(pairs)
    return {
        "name": fields.get("name", ""),
        "is_quiet": "asks_greeting" in fields and "greeting" not in fields,
        "where": fields.get("where", "all"),
        "channels": [value for name, value in pairs if name == "channel"],
    }


def _channels(pairs: list[tuple[str, str]]) -> list[str]:
    """The ticked channels; none where it may speak everywhere. Raises `ValidationFailed`."""
    if dict(pairs).get("where") != "some":
        return []
    chosen = [value for name, value in pairs if name == "channel"]
    if not chosen:
        raise ValidationFailed("Choose at least one channel, or let it speak everywhere.")
    if len(chosen) > MOST_CHANNELS or not all(each.isascii() and each.isdigit() and len(each) <= 19 for each in chosen):
        raise ValidationFailed(fields={"channelIds": f"must be up to {MOST_CHANNELS} channels of this server"})
    return chosen


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
    can_manage = moving or await _can_manage(house, guilds, who, found)
    view = _view(request, house, who, found, can_manage=can_manage)
    changes = can_manage and rules.may(view["status"], "customise")
    places = await _places(house, who, found.row.discord_guild_id) if changes else []
    template = "deployments/_progress.html" if is_fragment(request) else "deployments/show.html"
    return page(request, viewer, template, deployment=view, places=places)


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
        "channel_ids": row.channel_ids,
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
    pairs = await request.form_pairs()
    fields = dict(pairs)
    change = DeploymentChange(
        customizations=Customizations(name=fields["name"].strip() or None) if "name" in fields else None,
        channel_ids=_channels(pairs) if "where" in fields else None,
    )
    verb = flow.change_verb(change)
    return await _act(house, guilds, viewer, deployment_id, verb)


handlers: list[Any] = [start, deploy, list_mine, show, pause, resume, retry, remove, customise]
