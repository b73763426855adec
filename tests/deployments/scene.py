"""What the tests of deployments do and look at: the API as somebody uses it, and the server as its members see it."""

import asyncio
import time
from typing import Any

import httpx
from sqlalchemy import select
from tests.support.people import Person

from botbot.agents.models import Agent
from botbot.db import Database
from botbot.deployments.models import LIVE, PersonalityDeployment
from botbot.jobs.models import Saga
from botbot.sandbox import cast, permissions
from botbot.sandbox.handle import DiscordHandle
from botbot.sandbox.world import Member, Message, Role

MARKET = "/api/marketplace"
DEPLOYMENTS = f"{MARKET}/deployments"
OWN_NICK = "Teapot"
"""What the bot is called in the Tea House before anybody moves in."""
DONE = {"active", "paused", "rolled_back", "needs_attention", "removed", "expired"}
UNFINISHED = {"pending", "running", "waiting"}
CALM_SECONDS = 30.0


async def ask_deploy(
    who: Person, personality_id: str, guild: int | None = None, *, key: str | None = None, **body: Any
) -> httpx.Response:
    headers = {"idempotency-key": key} if key else {}
    wanted = {"discordGuildId": str(guild or who.guild), **body}
    return await who.post(f"{MARKET}/personalities/{personality_id}/deploy", json=wanted, headers=headers)


async def deploy(who: Person, personality_id: str, guild: int | None = None, **more: Any) -> dict[str, Any]:
    """The deployment as it was accepted."""
    answer = await ask_deploy(who, personality_id, guild, **more)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def see(who: Person, deployment_id: str) -> dict[str, Any]:
    answer = await who.get(f"{DEPLOYMENTS}/{deployment_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def verb(who: Person, deployment_id: str, name: str, **body: Any) -> httpx.Response:
    """`pause`, `resume`, `retry`; a body only where one is given."""
    return await who.post(f"{DEPLOYMENTS}/{deployment_id}/{name}", **({"json": body} if body else {}))


async def settled(who: Person, deployment_id: str, seconds: float = CALM_SECONDS) -> dict[str, Any]:
    """The deployment once it is at rest and no step of it is still to come."""
    until = time.monotonic() + seconds
    while True:
        shown = await see(who, deployment_id)
        if shown["status"] in DONE and not any(step["status"] in UNFINISHED for step in still_to_come(shown)):
            return shown
        assert time.monotonic() < until, f"not settled after {seconds} s: {shown}"
        await asyncio.sleep(0.05)


def still_to_come(shown: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps, unless it went back: then what was pending is never done."""
    return [] if shown["status"] in {"rolled_back", "needs_attention"} else shown["steps"]


def step(shown: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in shown["steps"] if each["name"] == name)


def face(discord: DiscordHandle, guild: int = cast.TEA_HOUSE) -> Member:
    """The bot as that server shows it."""
    return discord.guilds[guild].members[cast.BOT]


def name_the_bot(discord: DiscordHandle, guild: int = cast.TEA_HOUSE) -> None:
    face(discord, guild).nick = OWN_NICK


def is_bare(discord: DiscordHandle, guild: int = cast.TEA_HOUSE, nick: str | None = OWN_NICK) -> bool:
    """Whether the bot wears its own face again."""
    worn = face(discord, guild)
    return (worn.nick, worn.bio, worn.avatar) == (nick, None, None)


def said_by_bot(discord: DiscordHandle, guild: int = cast.TEA_HOUSE) -> list[Message]:
    return [
        message
        for channel in discord.guilds[guild].channels
        for message in discord.messages(channel.id)
        if message.author_id == cast.BOT
    ]


def take_from_bot(discord: DiscordHandle, permissions: int, guild: int = cast.TEA_HOUSE) -> None:
    """Remove permissions from the bot's role, as a server's owner may at any time."""
    role = discord.guilds[guild].bot_role(cast.BOT)
    assert role is not None
    role.permissions &= ~permissions


async def agents_of(database: Database, guild: int = cast.TEA_HOUSE) -> list[Agent]:
    """Agents that are not gone."""
    async with database.read() as session:
        found = select(Agent).where(Agent.discord_guild_id == guild, Agent.status != "gone")
        return list(await session.scalars(found))


async def rows_of(database: Database, guild: int = cast.TEA_HOUSE) -> list[PersonalityDeployment]:
    async with database.read() as session:
        found = select(PersonalityDeployment).where(PersonalityDeployment.discord_guild_id == guild)
        return list(await session.scalars(found.order_by(PersonalityDeployment.created_at)))


async def is_at_work(database: Database, deployment_id: str) -> bool:
    """Whether its saga is still going somewhere."""
    async with database.read() as session:
        found = select(Saga.id).where(Saga.subject_id == deployment_id, Saga.status.in_(("running", "undoing")))
        return await session.scalar(found.limit(1)) is not None


async def live_rows(database: Database, guild: int = cast.TEA_HOUSE) -> list[PersonalityDeployment]:
    return [row for row in await rows_of(database, guild) if row.status in LIVE and row.replaced_by is None]


def rule_breaks(discord: DiscordHandle) -> list[str]:
    """What was wrong with our requests: the official description's complaints, and missing mention guards."""
    found = [f"{each.method} {each.path}: {each.rule}" for each in discord.violations]
    for call in discord.calls:
        is_message = call.method in {"POST", "PATCH"} and "/messages" in call.path and call.json is not None
        if is_message and call.json.get("allowed_mentions") != {"parse": []}:
            found.append(f"{call.method} {call.path}: mentions are not off")
    return found


def promote(discord: DiscordHandle, guild: int, user: int) -> int:
    """Give somebody a role that may manage the server; its id."""
    home = discord.guilds[guild]
    role = Role(home.id + 10 + len(home.roles), "Helper", permissions.MANAGE_GUILD, len(home.roles))
    home.roles.append(role)
    home.members[user].role_ids.append(role.id)
    return role.id


def demote(discord: DiscordHandle, guild: int, user: int) -> None:
    discord.change_member_roles(guild, user, [])


def install_bot(discord: DiscordHandle, guild: int) -> None:
    """As if somebody had invited the bot there earlier, with all it needs."""
    cast._install_bot(discord.guilds[guild], permissions.CHANNEL_MODE)
