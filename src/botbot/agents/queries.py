"""Which agent speaks in a server, as what, and what was said lately."""

from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.agents.models import Agent, ChannelMessage
from botbot.agents.rules import HISTORY_TURNS
from botbot.catalog.models import PersonalityVersion
from botbot.kit.cipher import Cipher
from botbot.peers.llm import Message


class Speaker(msgspec.Struct, frozen=True):
    """An agent with everything it needs to answer. `snapshot` is the pinned version of its personality, with what
    it shall speak in this server as `spoken`, if somebody chose a language."""

    agent_id: str
    personality_id: str
    guild_id: int
    name: str
    status: str
    traits: dict[str, Any]
    channel_ids: tuple[int, ...]
    snapshot: dict[str, Any]


async def find_speaker(session: AsyncSession, guild_id: int) -> Speaker | None:
    """The agent of that server; an active one before a paused one."""
    row = (
        await session.execute(
            select(Agent, PersonalityVersion.snapshot)
            .join(
                PersonalityVersion,
                (PersonalityVersion.personality_id == Agent.template_id)
                & (PersonalityVersion.version == Agent.version),
            )
            .where(Agent.discord_guild_id == guild_id, Agent.status.in_(("active", "paused")))
            .order_by(Agent.status, Agent.updated_at.desc())
            .limit(1)
        )
    ).first()
    return None if row is None else _speaker(row[0], row[1])


def _speaker(agent: Agent, snapshot: dict[str, Any]) -> Speaker:
    return Speaker(
        agent_id=agent.id,
        personality_id=agent.template_id,
        guild_id=agent.discord_guild_id,
        name=agent.name,
        status=agent.status,
        traits=agent.traits,
        channel_ids=tuple(int(each) for each in agent.channel_ids),
        snapshot={**snapshot, "spoken": agent.language} if agent.language else snapshot,
    )


async def recent_turns(session: AsyncSession, cipher: Cipher, agent_id: str, channel_id: int) -> list[Message]:
    """The newest turns of one channel, oldest first. A text whose key is gone is left out."""
    rows = await session.scalars(
        select(ChannelMessage)
        .where(ChannelMessage.agent_id == agent_id, ChannelMessage.discord_channel_id == channel_id)
        .order_by(ChannelMessage.created_at.desc(), ChannelMessage.id.desc())
        .limit(HISTORY_TURNS)
    )
    turns = []
    for row in reversed(list(rows)):
        try:
            turns.append(
                Message(role="assistant" if row.role == "assistant" else "user", content=cipher.decrypt(row.content))
            )
        except ValueError:
            continue
    return turns
