"""Moving a personality in, watching it, and looking after it; all of it by links and forms."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect, Stream
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.discord_tokens import FLOOR, GuildLists
from botbot.accounts.rules import Viewer, require, safe_next
from botbot.accounts.web import is_fragment, login_url, page, site_for
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.queries import get_personality
from botbot.catalog.schemas import card_view
from botbot.deployments import flow, forms, notices, queries, rules, service, views
from botbot.deployments.guilds import GuildCheck, check_guild, list_manageable, managed_ids
from botbot.deployments.live import Progress
from botbot.deployments.preflight import Place, find_places
from botbot.deployments.queries import Found, Talk
from botbot.errors import ApiError, BotBotError, DiscordSignInExpired, GuildPermissionMissing
from botbot.house import House
from botbot.kit import clock, ids
from botbot.security.requests import StrictRequest
from botbot.ui.render import render

Asker = Request[Any, Any, Any]
PER_PAGE = 24
TALK_OF = timedelta(days=30)
"""How far back the answers and tokens are counted."""
PROGRESS = "deployments/_progress.html"
PING = b": ping\n\n"
MOST_NOTES = 20
"""Of so many newer versions it is told what their authors say."""


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
        snapshot = await _spoken(session, personality.id, personality.version) if chosen_id else {}
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
    search = request.query_params.get("q", "").strip()[:100]
    return page(
        request,
        viewer,
        "deployments/start.html",
        status=status,
        personality=card_view(personality),
        step="sign_in" if viewer is None else "check" if chosen else "choose",
        login_url=login_url(request) if request.method == "GET" else _login_back(personality),
        guilds=views.named_like(servers, search),
        search=search,
        can_search=len(servers) > views.MANY_SERVERS,
        chosen=chosen,
        check=views.check(house, personality, snapshot, chosen) if chosen else None,
        places=places,
        filled=filled,
        action=f"/personalities/{personality.slug}/deploy",
        error=error,
        key=ids.new_secret(),
        refresh_url=f"/personalities/{personality.slug}/deploy?refresh=1",
        share_url=f"{house.settings.public_url}/personalities/{personality.slug}/deploy",
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
    return [views.server(guild, living.get(int(guild.id)), slug) for guild in found]


@post("/personalities/{slug:str}/deploy", status_code=303, include_in_schema=False)
async def deploy(
    request: StrictRequest, house: House, guilds: GuildLists, viewer: Viewer | None, slug: str
) -> Response[Any]:
    """Opens the deployment and leads to its page; a refusal comes back to the form, with what was chosen."""
    who = require(viewer)
    pairs = await request.form_pairs()
    fields = dict(pairs)
    try:
        async with house.db.read() as session:
            own = (await get_personality(session, slug)).traits
        wanted = forms.deployment_request(pairs, own)
        found = await flow.request_deployment(house, guilds, who, slug, wanted, fields.get("key") or None)
    except BotBotError as failure:
        if failure.status in {401, 404}:
            raise
        error, chosen = failure.to_api_error(), fields.get("discordGuildId", "")
        filled = forms.filled(pairs)
        return await _start_page(
            request, house, guilds, viewer, slug, chosen, error=error, status=failure.status, filled=filled
        )
    return Redirect(f"/deployments/{found.row.id}", status_code=303)


@get("/deployments", include_in_schema=False)
async def list_mine(
    request: Asker, house: House, guilds: GuildLists, viewer: Viewer | None, page_number: int = 1
) -> Response[bytes]:
    who = require(viewer)
    number = max(1, min(page_number, 100_000))
    managed = await _managed(guilds, who)
    async with house.db.read() as session:
        found, total = await queries.list_deployments(
            session, who, managed, page=number, limit=PER_PAGE, only_mine=True
        )
        talk = await queries.talk_since(session, found, (clock.now() - TALK_OF).date())
    pagination = {
        "next_url": f"/deployments?page_number={number + 1}" if number * PER_PAGE < total else None,
        "previous_url": f"/deployments?page_number={number - 1}" if number > 1 else None,
    }
    rows = [views.deployment(request, house, who, each, can_manage=False, talk=_of(each, talk)) for each in found]
    return page(request, viewer, "deployments/list.html", deployments=rows, pagination=pagination)


def _of(found: Found, talk: dict[tuple[int, str], Talk]) -> Talk | None:
    return talk.get((found.row.discord_guild_id, found.row.template_id))


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
    template = PROGRESS if is_fragment(request) else "deployments/show.html"
    return page(request, viewer, template, **await _shown(request, house, guilds, who, found))


@get("/deployments/{deployment_id:str}/progress", include_in_schema=False)
async def follow(
    request: Asker, house: House, guilds: GuildLists, viewer: Viewer | None, progress: Progress, deployment_id: str
) -> Stream:
    """The moving part again and again, as events, until nothing moves any more."""
    who = require(viewer)
    await flow.see(house, guilds, who, deployment_id)
    progress.require_place(who)
    headers = {"cache-control": "private, no-store", "x-accel-buffering": "no"}
    told = _tell(request, house, guilds, who, progress, deployment_id)
    return Stream(told, media_type="text/event-stream", headers=headers)


async def _tell(
    request: Asker, house: House, guilds: GuildLists, viewer: Viewer, progress: Progress, deployment_id: str
) -> AsyncIterator[bytes]:
    """A failure on the way ends the stream: the page asks again, and is told what is wrong."""
    async with aclosing(progress.changes(viewer, deployment_id)) as changes:
        async for is_news in changes:
            if not is_news:
                yield PING
                continue
            try:
                shown = await _shown(request, house, guilds, viewer, await flow.load(house, deployment_id))
            except BotBotError:
                return
            yield _event(render(PROGRESS, site=site_for(request, viewer), **shown))
            if not shown["deployment"]["is_live"]:
                return


def _event(html: str) -> bytes:
    lines = html.replace("\r", "\n").split("\n")
    return "".join(["event: progress\n", *(f"data: {line}\n" for line in lines), "\n"]).encode()


async def _shown(request: Asker, house: House, guilds: GuildLists, who: Viewer, found: Found) -> dict[str, Any]:
    """All that the page of a deployment holds. While it moves it is drawn often, so Discord is asked only at rest."""
    is_live = views.is_live(flow.present(house, who, found))
    check = None if is_live else await _check(house, guilds, who, found)
    can_manage = check is None or check.is_manager or who.is_admin
    changes = can_manage and rules.may(found.row.status, "customise")
    places = await _places(house, who, found.row.discord_guild_id) if changes and not is_live else []
    about = await _about(house, who, found, changes=changes)
    view = views.deployment(request, house, who, found, can_manage=can_manage, talk=about.pop("talk"))
    lacks = check.missing if check and check.bot_present else []
    grant_url = flow.grant_url(house, who, found.row, check) if check and can_manage else None
    return {"deployment": view, "places": places, "lacks": lacks if grant_url else [], "grant_url": grant_url, **about}


async def _about(house: House, viewer: Viewer, found: Found, *, changes: bool) -> dict[str, Any]:
    """What it did here lately, its versions, what was made to fit and first words for it."""
    row, newest = found.row, found.personality.version
    numbers = [row.version, row.previous_version or 0, *range(max(row.version, newest - MOST_NOTES) + 1, newest + 1)]
    async with house.db.read() as session:
        known = await queries.versions_named(session, row.template_id, numbers)
        talk = await queries.talk_since(session, [found], (clock.now() - TALK_OF).date())
    snapshot = known[row.version].snapshot if row.version in known else {}
    return {
        "talk": _of(found, talk),
        "touch": views.own_touch(found, snapshot) if changes else None,
        "update": await asyncio.to_thread(views.update, found, known, for_staff=viewer.is_staff) if changes else None,
        "way_back": views.way_back(found, known) if changes else None,
        "hellos": rules.things_to_say(snapshot.get("sample_conversations") or []),
    }


async def _check(house: House, guilds: GuildLists, viewer: Viewer, found: Found) -> GuildCheck | None:
    """The server as it stands. When Discord can't say, the buttons are shown; pressing one asks again."""
    try:
        return await check_guild(house, guilds, viewer, found.row.discord_guild_id)
    except GuildPermissionMissing:
        return GuildCheck(found.row.discord_guild_id, "", False, [], False)
    except BotBotError:
        return None


async def _act(
    house: House,
    guilds: GuildLists,
    viewer: Viewer | None,
    deployment_id: str,
    verb: flow.Verb,
    *,
    is_move: flow.Moves = flow.moves,
) -> Redirect:
    await flow.act(house, guilds, require(viewer), deployment_id, verb, is_move=is_move)
    return Redirect(f"/deployments/{deployment_id}", status_code=303)


@post("/deployments/{deployment_id:str}/pause", status_code=303, include_in_schema=False)
async def pause(house: House, guilds: GuildLists, viewer: Viewer | None, deployment_id: str) -> Redirect:
    return await _act(house, guilds, viewer, deployment_id, service.pause, is_move=flow.stays)


@post("/deployments/{deployment_id:str}/resume", status_code=303, include_in_schema=False)
async def resume(
    request: StrictRequest, house: House, guilds: GuildLists, viewer: Viewer | None, deployment_id: str
) -> Redirect:
    replace = (await request.fields()).get("replace") == "true"
    return await _act(house, guilds, viewer, deployment_id, flow.resume_verb(replace), is_move=flow.moves_back)


@post("/deployments/{deployment_id:str}/retry", status_code=303, include_in_schema=False)
async def retry(house: House, guilds: GuildLists, viewer: Viewer | None, deployment_id: str) -> Redirect:
    return await _act(house, guilds, viewer, deployment_id, flow.retry)


@post("/deployments/{deployment_id:str}/remove", status_code=303, include_in_schema=False)
async def remove(house: House, guilds: GuildLists, viewer: Viewer | None, deployment_id: str) -> Redirect:
    return await _act(house, guilds, viewer, deployment_id, service.remove)


@post("/deployments/{deployment_id:str}/customise", status_code=303, include_in_schema=False)
async def customise(
    request: StrictRequest, house: House, guilds: GuildLists, viewer: Viewer | None, deployment_id: str
) -> Redirect:
    """One form's part of name, language, traits, channels or version."""
    who = require(viewer)
    pairs = await request.form_pairs()
    found = await flow.see(house, guilds, who, deployment_id)
    async with house.db.read() as session:
        snapshot = await _spoken(session, found.row.template_id, found.row.version)
    own = snapshot.get("traits") or found.personality.traits
    return await _act(house, guilds, who, deployment_id, flow.change_verb(forms.deployment_change(pairs, own)))


async def _spoken(session: AsyncSession, personality_id: str, version: int) -> dict[str, Any]:
    known = await queries.versions_named(session, personality_id, [version])
    return known[version].snapshot if version in known else {}


@post("/deployments/{deployment_id:str}/dismiss", status_code=303, include_in_schema=False)
async def dismiss(request: StrictRequest, house: House, viewer: Viewer | None, deployment_id: str) -> Redirect:
    """A notice is read; back to where it stood."""
    who = require(viewer)
    fields = await request.fields()
    async with house.db.write() as session:
        await notices.dismiss(session, who, deployment_id, fields.get("key", ""))
    return Redirect(safe_next(fields.get("next")), status_code=303)


handlers: list[Any] = [start, deploy, list_mine, show, follow, pause, resume, retry, remove, customise, dismiss]
