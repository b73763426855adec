"""Writes about agents: being born, paused, moved out; and remembering a turn of talk, encrypted."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.agents.models import Agent, ChannelMessage, Forgotten, HandledMessage
from botbot.jobs import outbox
from botbot.kit import clock
from botbot.kit.cipher import Cipher

KEEP_MARKS = timedelta(days=1)
TOPIC = "agents"
"""The outbox topic on which bots hear that a server's agent changed."""


async def announce(session: AsyncSession, guild_id: int) -> None:
    """Tell the running bots to look at this server's agent again."""
    await outbox.post(session, TOPIC, {"guildId": str(guild_id)})


async def set_status(session: AsyncSession, agent_id: str, status: str) -> None:
    """`active`, `paused`, or `gone` (kept for the record, speaks no more)."""
    guild_id = await session.scalar(
        update(Agent)
        .where(Agent.id == agent_id)
        .values(status=status, updated_at=clock.now())
        .returning(Agent.discord_guild_id)
    )
    if guild_id is not None:
        await announce(session, guild_id)


async def change_agent(session: AsyncSession, agent_id: str, **values: Any) -> None:
    """Change `name`, `traits`, `version` or `channel_ids`."""
    guild_id = await session.scalar(
        update(Agent)
        .where(Agent.id == agent_id)
        .values(updated_at=clock.now(), **values)
        .returning(Agent.discord_guild_id)
    )
    if guild_id is not None:
        await announce(session, guild_id)


async def forget_agent(session: AsyncSession, agent_id: str) -> None:
    """Its talk is deleted at once; the row stays, gone, because deployments point to it."""
    await session.execute(delete(ChannelMessage).where(ChannelMessage.agent_id == agent_id))
    await set_status(session, agent_id, "gone")


async def claim_message(session: AsyncSession, message_id: int) -> bool:
    """Whether we are the first to see this message; whoever gets true answers it."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    claimed = await session.scalar(
        insert(HandledMessage)
        .values(message_id=message_id, created_at=clock.now())
        .on_conflict_do_nothing()
        .returning(HandledMessage.message_id)
    )
    return claimed is not None


def remember_turn(
    session: AsyncSession, cipher: Cipher, agent_id: str, channel_id: int, *, role: str, text: str, user_id: int | None
) -> None:
    session.add(
        ChannelMessage(
            agent_id=agent_id,
            discord_channel_id=channel_id,
            discord_user_id=user_id,
            role=role,
            content=cipher.encrypt(text),
        )
    )


async def mark_forgotten(session: AsyncSession, cipher: Cipher, discord_id: int, guild_id: int | None = None) -> None:
    """What they said before this moment, there or with `None` anywhere, is not kept by whoever still answers it."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    mark = insert(Forgotten).values(id=_mark(cipher, discord_id, guild_id), at=clock.now())
    await session.execute(mark.on_conflict_do_update(index_elements=["id"], set_={"at": mark.excluded.at}))


async def was_forgotten(session: AsyncSession, cipher: Cipher, discord_id: int, guild_id: int, since: datetime) -> bool:
    """Whether they asked for it since then."""
    marks = [_mark(cipher, discord_id, where) for where in (guild_id, None)]
    asked = select(Forgotten.id).where(Forgotten.id.in_(marks), Forgotten.at >= since)
    return await session.scalar(asked.limit(1)) is not None


def _mark(cipher: Cipher, discord_id: int, guild_id: int | None) -> str:
    return cipher.sign(f"forgotten/{discord_id}/{guild_id or 'everywhere'}")


async def forget_old_talk(session: AsyncSession, before: Any) -> None:
    """Delete conversation text and message marks older than that moment."""
    await session.execute(delete(ChannelMessage).where(ChannelMessage.created_at < before))
    await session.execute(delete(HandledMessage).where(HandledMessage.created_at < before))
    await session.execute(delete(Forgotten).where(Forgotten.at < clock.now() - KEEP_MARKS))
