"""Saying that one is there."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.kit import clock, ids
from botbot.status.models import Presence

PROCESS = ids.new_secret()[:12]
BEAT_SECONDS = 20.0


async def say_present(session: AsyncSession, states: Mapping[str, str]) -> None:
    """Note the state of each part of this process; a part that stays as it was keeps its `since`."""
    now = clock.now()
    for part, state in sorted(states.items()):
        row = await session.get(Presence, (PROCESS, part))
        if row is None:
            session.add(Presence(process=PROCESS, part=part, state=state, since=now, seen_at=now))
            continue
        if row.state != state:
            row.state, row.since = state, now
        row.seen_at = now


async def forget_gone(session: AsyncSession, before: datetime) -> None:
    """Delete what processes said that haven't been heard of since that moment."""
    await session.execute(delete(Presence).where(Presence.seen_at < before))
