"""The steps of moving in and out. Each may run twice, because a worker may die between the call and the note.

A step reads what its undo needs in `prepare`, before anything changes; that is noted with the intent, and a second
attempt finds the first one's note instead of reading a world it has already changed."""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.models import User
from botbot.agents import service as agents
from botbot.agents.models import Agent
from botbot.agents.rules import bio, fill, nick
from botbot.catalog import pictures, uploads
from botbot.catalog import service as catalog
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.queries import get_version
from botbot.deployments import queries, rules
from botbot.deployments.guilds import bot_id, is_manager_now
from botbot.deployments.models import PersonalityDeployment
from botbot.deployments.preflight import Place, list_places
from botbot.errors import DiscordRefused, DiscordUnknown, GuildPermissionMissing
from botbot.house import House
from botbot.jobs.sagas import Claim
from botbot.kit import clock, ids
from botbot.peers.discord.permissions import base_permissions, missing_names
from botbot.peers.discord.wire import Message

D = PersonalityDeployment


@dataclass(frozen=True)
class Facts:
    """A deployment as a step sees it: read once, in a short transaction that is over before any call."""

    row: D
    personality: PersonalityTemplate
    snapshot: dict[str, Any]
    owner_discord_id: int

    @property
    def name(self) -> str:
        return nick(str(self.row.customizations.get("name") or self.snapshot["name"]))

    @property
    def guild_id(self) -> int:
        return self.row.discord_guild_id


async def read_facts(house: House, deployment_id: str) -> Facts:
    async with house.db.read() as session:
        found = await queries.get_deployment(session, deployment_id)
        version = await get_version(session, found.row.template_id, found.row.version)
        owner = await session.get(User, found.row.user_id)
    assert owner is not None
    return Facts(found.row, found.personality, version.snapshot, owner.discord_id)


async def replaced_by(house: House, claim: Claim) -> Facts | None:
    """The one that made room for this deployment, if there is one and it still waits to come back."""
    if not claim.payload.get("replaced"):
        return None
    facts = await read_facts(house, claim.payload["replaced"])
    waits = facts.row.status == "paused" and facts.row.replaced_by == claim.subject_id
    return facts if waits else None


class BaseStep:
    """Does nothing in every hook; the steps below say what they do."""

    name = ""
    optional = False
    asks = True

    def __init__(self, house: House) -> None:
        self.house = house

    async def prepare(self, claim: Claim) -> dict[str, Any]:
        return {}

    async def run(self, claim: Claim, noted: dict[str, Any], attempt: int) -> dict[str, Any]:
        return {}

    async def note(self, session: AsyncSession, claim: Claim, noted: dict[str, Any]) -> None:
        return None

    async def undo(self, claim: Claim, noted: dict[str, Any]) -> None:
        return None

    async def note_undo(self, session: AsyncSession, claim: Claim, noted: dict[str, Any]) -> None:
        return None

    def reason(self, claim: Claim) -> str:
        """What the server's audit log shows, so that a person can trace each change to its deployment."""
        return f"BotBot deployment {claim.subject_id}"


class CheckRights(BaseStep):
    """Who asked may still manage the server, and the bot has what it needs: looked at again, at the last moment."""

    name = "check_rights"
    asks = False

    async def run(self, claim: Claim, noted: dict[str, Any], attempt: int) -> dict[str, Any]:
        facts = await read_facts(self.house, claim.subject_id)
        guild = await self.house.discord.get_guild(facts.guild_id)
        asked_by = claim.payload.get("askedBy", facts.owner_discord_id)
        if asked_by is not None and not await is_manager_now(self.house, guild, int(asked_by)):
            raise GuildPermissionMissing(
                "You no longer have the permission “Manage Server” there.", missing=["MANAGE_GUILD"]
            )
        member = await self.house.discord.get_member(guild.id, bot_id(self.house))
        if missing := missing_names(base_permissions(guild, member), rules.PERMISSIONS):
            raise GuildPermissionMissing("BotBot lacks permissions in that server. Invite it again.", missing=missing)
        return {"guildName": guild.name}

    async def note(self, session: AsyncSession, claim: Claim, noted: dict[str, Any]) -> None:
        await session.execute(update(D).where(D.id == claim.subject_id).values(guild_name=noted["guildName"]))


class SetProfile(BaseStep):
    """The bot's name and bio in this server. What it wore before is noted first, and comes back with the undo."""

    name = "set_profile"

    async def prepare(self, claim: Claim) -> dict[str, Any]:
        """`previousNick` is the bot's own name there; `backTo` what an undo puts on again."""
        facts = await read_facts(self.house, claim.subject_id)
        if replaced := claim.payload.get("replaced"):
            before = await read_facts(self.house, replaced)
            return {"previousNick": facts.row.previous_nick, "backTo": _face(before.name, before)}
        if worn := claim.payload.get("wornName"):
            return {"previousNick": facts.row.previous_nick, "backTo": _face(worn, facts)}
        if facts.row.deployed_at:
            own = facts.row.previous_nick
        else:
            own = (await self.house.discord.get_member(facts.guild_id, bot_id(self.house))).nick
        return {"previousNick": own, "backTo": {"nick": own, "bio": None}}

    async def run(self, claim: Claim, noted: dict[str, Any], attempt: int) -> dict[str, Any]:
        facts = await read_facts(self.house, claim.subject_id)
        face = _face(facts.name, facts)
        await self.house.discord.set_guild_profile(facts.guild_id, **face, reason=self.reason(claim))
        return {}

    async def note(self, session: AsyncSession, claim: Claim, noted: dict[str, Any]) -> None:
        await session.execute(update(D).where(D.id == claim.subject_id).values(previous_nick=noted["previousNick"]))

    async def undo(self, claim: Claim, noted: dict[str, Any]) -> None:
        """Where the bot is gone, so is its profile. Where the one before has moved out, the bot gets its own back."""
        facts = await read_facts(self.house, claim.subject_id)
        face = noted["backTo"]
        if claim.payload.get("replaced") and await replaced_by(self.house, claim) is None:
            face = {"nick": noted["previousNick"], "bio": None}
        try:
            await self.house.discord.set_guild_profile(facts.guild_id, **face, reason=self.reason(claim))
        except DiscordUnknown:
            return


def _face(name: str, facts: Facts) -> dict[str, Any]:
    return {"nick": name, "bio": bio(facts.snapshot["description"])}


class SetAvatar(BaseStep):
    """The picture. Discord limits changes of it and publishes no number; a refusal never fails a deployment."""

    name = "set_avatar"
    optional = True

    async def run(self, claim: Claim, noted: dict[str, Any], attempt: int) -> dict[str, Any]:
        facts = await read_facts(self.house, claim.subject_id)
        await self._wear(facts, claim)
        return {"avatar": facts.personality.avatar_path}

    async def undo(self, claim: Claim, noted: dict[str, Any]) -> None:
        facts = await read_facts(self.house, claim.subject_id)
        try:
            if before := await replaced_by(self.house, claim):
                await self._wear(before, claim)
            elif claim.payload.get("wornName"):
                await self._wear(facts, claim)
            else:
                await self.house.discord.set_guild_profile(facts.guild_id, avatar=None, reason=self.reason(claim))
        except DiscordUnknown:
            return

    async def _wear(self, facts: Facts, claim: Claim) -> None:
        personality = facts.personality
        png = await self._uploaded(pictures.picture_of(personality.avatar)) or await asyncio.to_thread(
            pictures.png, personality.avatar, personality.hue, personality.slug
        )
        await self.house.discord.set_guild_profile(facts.guild_id, avatar=png, reason=self.reason(claim))

    async def _uploaded(self, picture_id: str | None) -> bytes | None:
        if picture_id is None:
            return None
        async with self.house.db.read() as session:
            found = await uploads.find_picture(session, picture_id)
        return found.png if found else None


class CreateAgent(BaseStep):
    """The agent's row. Only ours, so it becomes true together with the step."""

    name = "create_agent"
    asks = False

    async def prepare(self, claim: Claim) -> dict[str, Any]:
        return {"agentId": ids.new_id()}

    async def note(self, session: AsyncSession, claim: Claim, noted: dict[str, Any]) -> None:
        found = await queries.get_deployment(session, claim.subject_id)
        session.add(
            Agent(
                id=noted["agentId"],
                template_id=found.row.template_id,
                version=found.row.version,
                discord_guild_id=found.row.discord_guild_id,
                name=nick(found.name),
                traits=found.row.customizations.get("traits", {}),
                language=found.row.customizations.get("language"),
                channel_ids=found.row.channel_ids,
                status="paused",
            )
        )
        await session.flush()
        await session.execute(update(D).where(D.id == claim.subject_id).values(agent_id=noted["agentId"]))

    async def note_undo(self, session: AsyncSession, claim: Claim, noted: dict[str, Any]) -> None:
        await agents.forget_agent(session, noted["agentId"])
        await session.execute(update(D).where(D.id == claim.subject_id).values(agent_id=None))


class SayHello(BaseStep):
    """Its opening line in the first channel where it may speak. No such channel: nothing is said, and that is fine."""

    name = "say_hello"
    optional = True

    async def prepare(self, claim: Claim) -> dict[str, Any]:
        facts = await read_facts(self.house, claim.subject_id)
        channel = await self._first_channel(facts)
        return {
            "channelId": str(channel.id) if channel else None,
            "channelName": channel.name if channel else None,
            "since": str(snowflake_now()),
        }

    async def run(self, claim: Claim, noted: dict[str, Any], attempt: int) -> dict[str, Any]:
        if noted["channelId"] is None:
            raise DiscordRefused("There is no channel where BotBot may speak yet.", code="no_channel")
        facts = await read_facts(self.house, claim.subject_id)
        text = rules.greeting(fill(facts.snapshot["opening_line"], facts.name), facts.name)
        said = await self._find(noted, text) if attempt > 1 else None
        if said is None:
            said = await self.house.discord.create_message(int(noted["channelId"]), text, nonce=nonce_of(claim.saga_id))
        return {"messageId": str(said.id), "text": text}

    async def note(self, session: AsyncSession, claim: Claim, noted: dict[str, Any]) -> None:
        greeting = {name: noted[name] for name in ("channelId", "channelName", "messageId", "text")}
        await session.execute(update(D).where(D.id == claim.subject_id).values(greeting=greeting))

    async def undo(self, claim: Claim, noted: dict[str, Any]) -> None:
        if not noted.get("channelId"):
            return
        channel_id = int(noted["channelId"])
        try:
            message_id = noted.get("messageId") or await self._perhaps_said(claim, noted)
            if message_id:
                await self.house.discord.delete_message(channel_id, int(message_id))
        except DiscordUnknown:
            return

    async def _perhaps_said(self, claim: Claim, noted: dict[str, Any]) -> int | None:
        facts = await read_facts(self.house, claim.subject_id)
        said = await self._find(noted, rules.greeting(fill(facts.snapshot["opening_line"], facts.name), facts.name))
        return said.id if said else None

    async def _find(self, noted: dict[str, Any], text: str) -> Message | None:
        """Our own greeting, if an earlier attempt got through. Discord shows a bot the text of its own messages."""
        messages = await self.house.discord.list_messages(int(noted["channelId"]), after=int(noted["since"]))
        own = bot_id(self.house)
        return next((each for each in messages if each.author and each.author.id == own and each.content == text), None)

    async def _first_channel(self, facts: Facts) -> Place | None:
        wanted = {int(each) for each in facts.row.channel_ids}
        places = await list_places(self.house, facts.guild_id)
        may_speak = (
            place
            for place in places
            if place.can_speak and not (place.is_nsfw or place.is_for_news) and (not wanted or place.id in wanted)
        )
        return next(may_speak, None)


class RegisterAgent(BaseStep):
    """From here on the bot answers: the agent wakes, and the running bots hear of it at once."""

    name = "register_agent"
    asks = False

    async def note(self, session: AsyncSession, claim: Claim, noted: dict[str, Any]) -> None:
        found = await queries.get_deployment(session, claim.subject_id)
        row = found.row
        assert row.agent_id is not None
        await agents.set_status(session, row.agent_id, "active")
        await session.execute(
            update(D)
            .where(D.id == row.id)
            .values(status="active", deployed_at=row.deployed_at or clock.now(), failure=None, updated_at=clock.now())
        )
        await catalog.count_deployment(session, row.template_id, row.discord_guild_id)
        owner = await session.get(User, row.user_id)
        if owner is not None:
            await catalog.note_use(session, row.template_id, owner.discord_id)

    async def note_undo(self, session: AsyncSession, claim: Claim, noted: dict[str, Any]) -> None:
        found = await queries.get_deployment(session, claim.subject_id)
        if found.row.agent_id:
            await agents.set_status(session, found.row.agent_id, "paused")


class UpdateAgent(BaseStep):
    """The agent takes over the new name, traits, channels and version."""

    name = "update_agent"
    asks = False

    async def note(self, session: AsyncSession, claim: Claim, noted: dict[str, Any]) -> None:
        found = await queries.get_deployment(session, claim.subject_id)
        if found.row.agent_id:
            await agents.change_agent(
                session,
                found.row.agent_id,
                name=nick(found.name),
                traits=found.row.customizations.get("traits", {}),
                language=found.row.customizations.get("language"),
                version=found.row.version,
                channel_ids=found.row.channel_ids,
            )


class StopAgent(BaseStep):
    """It stops talking at once, and what it remembered is deleted."""

    name = "stop_agent"
    asks = False

    async def note(self, session: AsyncSession, claim: Claim, noted: dict[str, Any]) -> None:
        found = await queries.get_deployment(session, claim.subject_id)
        if found.row.agent_id:
            await agents.forget_agent(session, found.row.agent_id)


class RestoreProfile(BaseStep):
    """The bot's own name and an empty bio again."""

    name = "restore_profile"

    async def run(self, claim: Claim, noted: dict[str, Any], attempt: int) -> dict[str, Any]:
        facts = await read_facts(self.house, claim.subject_id)
        try:
            await self.house.discord.set_guild_profile(
                facts.guild_id, nick=facts.row.previous_nick, bio=None, reason=self.reason(claim)
            )
        except DiscordUnknown:
            return {"gone": True}
        return {}


class RestoreAvatar(BaseStep):
    """The bot's own picture again; it may have to wait for Discord's quota."""

    name = "restore_avatar"
    optional = True

    async def run(self, claim: Claim, noted: dict[str, Any], attempt: int) -> dict[str, Any]:
        facts = await read_facts(self.house, claim.subject_id)
        try:
            await self.house.discord.set_guild_profile(facts.guild_id, avatar=None, reason=self.reason(claim))
        except DiscordUnknown:
            return {"gone": True}
        return {}


class TakeBackHello(SayHello):
    """The greeting of a deployment whose own undo got stuck; `hello` in the payload is what was noted of it."""

    name = "take_back_hello"

    async def prepare(self, claim: Claim) -> dict[str, Any]:
        return dict(claim.payload["hello"])

    async def run(self, claim: Claim, noted: dict[str, Any], attempt: int) -> dict[str, Any]:
        await super().undo(claim, noted)
        return {}

    async def note(self, session: AsyncSession, claim: Claim, noted: dict[str, Any]) -> None:
        await session.execute(update(D).where(D.id == claim.subject_id).values(greeting=None))

    async def undo(self, claim: Claim, noted: dict[str, Any]) -> None:
        return None


def nonce_of(saga_id: str) -> str:
    """At most 25 characters, the same for every attempt, so that Discord itself drops a repetition."""
    return hashlib.sha256(saga_id.encode()).hexdigest()[:24]


def snowflake_now() -> int:
    """The smallest id a message posted from now on can have, a minute's clock difference allowed for."""
    return (int(clock.now().timestamp() * 1000) - 60_000 - 1_420_070_400_000) << 22
