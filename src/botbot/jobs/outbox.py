"""News for another process, written in the transaction it tells about and handled at least once."""

from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.db import wake_on_commit
from botbot.jobs.models import OutboxEntry
from botbot.kit import clock
from botbot.watching import trails


async def post(session: AsyncSession, topic: str, payload: dict[str, Any]) -> None:
    """Leave a note for `topic` and wake its listeners when this transaction commits."""
    session.add(OutboxEntry(topic=topic, payload=payload, trail=trails.to_row()))
    await session.flush()
    wake_on_commit(session, topic)


async def list_waiting(session: AsyncSession, topic: str, most: int = 200) -> list[OutboxEntry]:
    """Unhandled notes, oldest first. Ids commit out of order, so never ask for "newer than the last one"."""
    statement = (
        select(OutboxEntry)
        .where(OutboxEntry.topic == topic, OutboxEntry.handled_at.is_(None))
        .order_by(OutboxEntry.id)
        .limit(most)
    )
    return list(await session.scalars(statement))


async def mark_handled(session: AsyncSession, ids: list[str]) -> None:
    await session.execute(update(OutboxEntry).where(OutboxEntry.id.in_(ids)).values(handled_at=clock.now()))


async def forget_handled(session: AsyncSession, before: Any) -> None:
    """Delete notes handled before that moment."""
    await session.execute(delete(OutboxEntry).where(OutboxEntry.handled_at < before))
