"""What the database says of the whole house, for `/metrics` and `/status`.

Anybody may ask, so the database is asked at most every few seconds, by five short reads. When it can't answer there
are no figures, and that is said."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.errors import BotBotError
from botbot.house import House
from botbot.jobs import budgets
from botbot.jobs.models import STUCK, UNFINISHED, Budget, OutboxEntry, Saga
from botbot.kit import clock
from botbot.status.models import Presence
from botbot.status.rules import Seen

KEEP_SECONDS = 5.0
ANSWER_SECONDS = 2.0
MOST_SEEN = 500
"""A process that starts again and again leaves a row each time; those heard of last are looked at."""
SPENT_FROM = 0.95
"""A server that has used this share of its day won't be answered for much longer."""


@dataclass
class Known:
    """What the database said; nothing where `is_up` is false."""

    is_up: bool = False
    sagas: dict[tuple[str, str], int] = field(default_factory=dict)
    saga_wait_seconds: float = 0.0
    outbox: dict[str, int] = field(default_factory=dict)
    outbox_wait_seconds: float = 0.0
    preview_calls: int = 0
    spent_guilds: int = 0
    seen: list[Seen] = field(default_factory=list)


class Facts:
    """`Known`, a few seconds old at most; however many ask, one of them looks."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._known = Known()
        self._until = float("-inf")
        self._turn = asyncio.Lock()

    async def get(self) -> Known:
        async with self._turn:
            if time.monotonic() >= self._until:
                self._known = await self._look()
                self._until = time.monotonic() + KEEP_SECONDS
            return self._known

    async def _look(self) -> Known:
        known = Known(is_up=True)
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._house.db.reading() as connection:
                await _ask(connection, known, self._house.settings.guild_tokens_per_day)
        except (BotBotError, TimeoutError, DBAPIError):  # PostgreSQL has no such table yet, perhaps.
            return Known()
        return known


_SAGAS = select(Saga.kind, Saga.status, func.count(), func.min(Saga.run_at)).group_by(Saga.kind, Saga.status)
_UNFINISHED = _SAGAS.where(text(UNFINISHED))
_STUCK = _SAGAS.where(text(STUCK))
"""Two questions in the words of their indexes: most sagas ended long ago, and are not looked at."""
_OUTBOX = (
    select(OutboxEntry.topic, func.count(), func.min(OutboxEntry.created_at))
    .where(OutboxEntry.handled_at.is_(None))
    .group_by(OutboxEntry.topic)
)
_SEEN = (
    select(Presence.part, Presence.state, Presence.since, Presence.seen_at)
    .order_by(Presence.seen_at.desc())
    .limit(MOST_SEEN)
)


async def _ask(connection: AsyncConnection, known: Known, guild_cap: int) -> None:
    now = clock.now()
    for kind, status, count, due in await connection.execute(_UNFINISHED):
        known.sagas[kind, status] = count
        known.saga_wait_seconds = max(known.saga_wait_seconds, _since(due, now))
    for kind, status, count, _ in await connection.execute(_STUCK):
        known.sagas[kind, status] = count
    for topic, count, oldest in await connection.execute(_OUTBOX):
        known.outbox[topic] = count
        known.outbox_wait_seconds = max(known.outbox_wait_seconds, _since(oldest, now))
    known.seen = [Seen(*row) for row in await connection.execute(_SEEN)]
    used = select(Budget.used).where(Budget.key == budgets.day_key("preview"))
    known.preview_calls = (await connection.execute(used)).scalar() or 0
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    is_spent = (Budget.created_at >= today, Budget.key.startswith("guild/"), Budget.used >= guild_cap * SPENT_FROM)
    known.spent_guilds = (await connection.execute(select(func.count()).where(*is_spent))).scalar_one()


def _since(moment: datetime | None, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds()) if moment else 0.0
