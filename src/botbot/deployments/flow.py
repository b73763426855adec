"""From a request to a row: ask Discord first, with no transaction open, then write in one short transaction."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.discord_tokens import GuildLists
from botbot.accounts.rules import Viewer
from botbot.accounts.signin import Arrival, install_url, require_discord
from botbot.catalog.queries import get_personality, hold_on_shelf
from botbot.deployments import limits, queries, rules, service
from botbot.deployments.guilds import GuildCheck, bits_of, managed_ids, require_manager
from botbot.deployments.models import AWAITING, PersonalityDeployment
from botbot.deployments.queries import Found
from botbot.deployments.schemas import (
    DeploymentChange,
    DeploymentOut,
    DeploymentRequest,
    PersonalityRef,
    StepOut,
)
from botbot.errors import (
    AlreadyDeployed,
    Conflict,
    DeploymentBusy,
    DiscordRefused,
    GuildPermissionMissing,
    IdempotencyKeyReused,
    NotFound,
    RateLimited,
    ValidationFailed,
)
from botbot.house import House
from botbot.jobs.engine import as_api_error
from botbot.kit import clock

D = PersonalityDeployment
Verb = Callable[[AsyncSession, Viewer, D], Awaitable[None]]
Moves = Callable[[D], bool]
"""Whether a verb changes something at Discord, and counts."""


def moves(row: D) -> bool:
    return True


def stays(row: D) -> bool:
    """What is only paused is not moved."""
    return False


def moves_back(row: D) -> bool:
    """Whether waking it is more than that: it was replaced, and puts its profile on again."""
    return row.replaced_by is not None


async def request_deployment(
    house: House, guilds: GuildLists, viewer: Viewer, id_or_slug: str, data: DeploymentRequest, key: str | None = None
) -> Found:
    """Open a deployment; the same `key` again answers the same deployment as it now stands.

    Raises `GuildPermissionMissing` (403), `AlreadyDeployed` (409), `IdempotencyKeyReused` (422),
    `RateLimited` (429), `DiscordSignInExpired` (401), `DiscordUnavailable` (503)."""
    require_discord(house)
    customizations = _customizations(data.customizations)
    digest = hashlib.sha256(msgspec.json.encode([id_or_slug, data], order="deterministic")).hexdigest()
    if earlier := await _replay(house, viewer, key, digest):
        return earlier
    async with house.db.read() as session:
        personality = await get_personality(session, id_or_slug)
    try:
        await limits.count_person(house, viewer)
        guild = await require_manager(house, guilds, viewer, _snowflake(data.discord_guild_id, "discordGuildId"))
        async with _naming_the_tenant(house, guild.guild_id), house.db.write() as session:
            await limits.count_server(session, house, viewer, guild.guild_id)
            row = await service.open_deployment(
                session,
                viewer,
                await hold_on_shelf(session, personality.id),
                guild_id=guild.guild_id,
                guild_name=guild.name,
                channel_ids=data.channel_ids,
                customizations=customizations,
                replace=data.replace,
                ready=guild.is_ready,
                install_permissions=guild.granted | bits_of(guild.missing),
                key=key,
                request_hash=digest,
            )
    except (IntegrityError, RateLimited):  # The same request may have been quicker, and taken the last place.
        earlier = await _replay(house, viewer, key, digest)
        if earlier is None:
            raise
        return earlier
    return await load(house, row.id)


@asynccontextmanager
async def _naming_the_tenant(house: House, guild_id: int) -> AsyncIterator[None]:
    """Whoever lost the race for a server at the index alone could not see who won; so look again, and say it."""
    try:
        yield
    except AlreadyDeployed as error:
        if error.details:
            raise
        async with house.db.read() as session:
            live = await queries.find_live(session, guild_id)
        raise AlreadyDeployed(**({"deploymentId": live.id} if live else {})) from error


async def _replay(house: House, viewer: Viewer, key: str | None, digest: str) -> Found | None:
    if not key:
        return None
    if len(key) > 200 or "\x00" in key:
        raise ValidationFailed(fields={"Idempotency-Key": "must have at most 200 characters"})
    async with house.db.read() as session:
        earlier = await queries.find_by_key(session, viewer.user_id, key)
        if earlier is None:
            return None
        if earlier.request_hash != digest:
            raise IdempotencyKeyReused
        return await queries.get_deployment(session, earlier.id)


def _customizations(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    return rules.check_customizations(given.name, given.traits, given.greeting, given.language)


def _snowflake(text: str, field: str) -> int:
    if not 0 < int(text) < 2**63:
        raise ValidationFailed(fields={field: "must be a Discord id"})
    return int(text)


async def load(house: House, deployment_id: str) -> Found:
    async with house.db.read() as session:
        return await queries.get_deployment(session, deployment_id)


async def see(house: House, guilds: GuildLists, viewer: Viewer, deployment_id: str) -> Found:
    """The deployment, if the viewer created it, manages its server now, or is staff. Raises `NotFound` else."""
    found = await load(house, deployment_id)
    if found.row.user_id == viewer.user_id or viewer.is_staff:
        return found
    if found.row.discord_guild_id not in await managed_ids(guilds, viewer):
        raise NotFound("There is no such deployment, or it isn't yours to see.")
    return found


async def act(
    house: House,
    guilds: GuildLists,
    viewer: Viewer,
    deployment_id: str,
    verb: Verb,
    *,
    is_move: Moves = moves,
) -> Found:
    """Do something with a deployment as one who manages its server at this moment (or as an admin). What moves
    nothing at Discord is not limited (`is_move`)."""
    found = await see(house, guilds, viewer, deployment_id)
    counts = is_move(found.row)
    if counts:
        await limits.count_person(house, viewer)
    if not viewer.is_admin:
        await require_manager(house, guilds, viewer, found.row.discord_guild_id)
    async with _naming_the_tenant(house, found.row.discord_guild_id), house.db.write() as session:
        if counts:
            await limits.count_server(session, house, viewer, found.row.discord_guild_id)
        row = await session.get(D, deployment_id, with_for_update=True)
        assert row is not None
        await verb(session, viewer, row)
    return await load(house, deployment_id)


def change_verb(data: DeploymentChange) -> Verb:
    customizations = None if data.customizations is None else _customizations(data.customizations)

    async def verb(session: AsyncSession, viewer: Viewer, row: D) -> None:
        spoken = row.version
        await service.change(
            session,
            viewer,
            row,
            customizations=customizations,
            channel_ids=data.channel_ids,
            version=data.version,
        )
        row.failure = None
        if row.version != spoken:
            row.previous_version = spoken

    return verb


async def retry(session: AsyncSession, viewer: Viewer, row: D) -> None:
    """Begin again, or go on with an undo. One that has left the marketplace meanwhile moves in nowhere any more."""
    if row.status == "rolled_back":
        await _require_on_shelf(session, row)
    await service.retry(session, viewer, row)
    row.noticed = None


async def _require_on_shelf(session: AsyncSession, row: D) -> None:
    try:
        await hold_on_shelf(session, row.template_id)
    except NotFound as error:
        raise Conflict("This personality has left the marketplace, so it can’t move in anew.") from error


def resume_verb(replace: bool) -> Verb:
    async def verb(session: AsyncSession, viewer: Viewer, row: D) -> None:
        if moves_back(row):
            await _require_on_shelf(session, row)
        await service.resume(session, viewer, row, replace=replace)

    return verb


async def on_install(house: House, guilds: GuildLists, viewer: Viewer, arrival: Arrival) -> None:
    """Discord confirmed an install: look for ourselves, then queue the deployment that waited for it."""
    guilds.forget(viewer.user_id)
    deployment_id, guild_id = arrival.state.deployment_id, arrival.state.guild_id
    assert deployment_id is not None
    assert guild_id is not None
    check = await require_manager(house, guilds, viewer, guild_id)
    if not check.bot_present:
        raise DiscordRefused("Discord did not confirm that BotBot was added. Please try the invitation again.")
    if check.missing:
        raise GuildPermissionMissing(
            "BotBot was added without some permissions it needs. Please invite it again.", missing=check.missing
        )
    async with _naming_the_tenant(house, guild_id), house.db.write() as session:
        row = await session.get(D, deployment_id, with_for_update=True)
        if row is None or row.status != AWAITING:
            return
        if rules.has_expired(row.status, row.created_at, clock.now()):
            raise DeploymentBusy("This invitation has run out. Please start again.", status="expired")
        await _require_on_shelf(session, row)
        await service.enqueue(session, viewer, row, rules.moving_in(row.customizations))


def present(house: House, viewer: Viewer, found: Found) -> DeploymentOut:
    """The wire shape, with a fresh install address while one is awaited."""
    row = found.row
    status = "expired" if rules.has_expired(row.status, row.created_at, clock.now()) else row.status
    awaiting = status == AWAITING
    return DeploymentOut(
        id=row.id,
        template_id=row.template_id,
        personality=PersonalityRef(found.personality.id, found.personality.slug, found.personality.name),
        discord_guild_id=str(row.discord_guild_id),
        agent_id=row.agent_id,
        status=status,
        customizations=row.customizations,
        channel_ids=row.channel_ids,
        version=row.version,
        steps=_steps(found, awaiting),
        failure=as_api_error(row.failure),
        install_url=_install_url(house, viewer, row) if awaiting else None,
        next_steps=rules.next_steps(found.name) if status == "active" else [],
        replaced_by=row.replaced_by,
        deployed_at=row.deployed_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def grant_url(house: House, viewer: Viewer, row: D, check: GuildCheck) -> str | None:
    """Where to give the bot back what it lost in a server where somebody lives; what it holds there, it keeps."""
    if row.status not in rules.AT_HOME or not check.bot_present or not check.missing:
        return None
    permissions = check.granted | bits_of(check.missing)
    return install_url(house, viewer, deployment_id=row.id, guild_id=row.discord_guild_id, permissions=permissions)


def _install_url(house: House, viewer: Viewer, row: D) -> str:
    return install_url(
        house,
        viewer,
        deployment_id=row.id,
        guild_id=row.discord_guild_id,
        permissions=row.install_permissions or rules.PERMISSIONS,
    )


SHOWN_AS = {"undoing": "running"}


def _steps(found: Found, awaiting: bool) -> list[StepOut]:
    if awaiting:
        waiting = StepOut("install", "waiting", found.row.created_at)
        return [waiting, *(StepOut(name, "pending", None) for name in rules.moving_in(found.row.customizations))]
    return [
        StepOut(
            step.name,
            SHOWN_AS.get(step.status, step.status),
            step.at,
            step.retry_at if step.status == "waiting" else None,
            (step.error or {}).get("message") if step.status in {"waiting", "failed", "skipped"} else None,
        )
        for step in found.steps
    ]
