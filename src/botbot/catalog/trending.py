"""What is trending: new servers and days of talk, each counting half as much for every week that has passed since.

    score = 3 × Σ over new servers of 2^(−age / 7)  +  Σ over (server, day) it talked in of 2^(−age / 7)

`age` is counted in whole UTC days, today being 0, and nothing older than 60 days counts. So a score changes when
something happens and once at midnight, never by the minute, and kept pages stay kept. However much one server talks,
it adds at most 1 a day, and never more than `MOST_BY_ONE_SERVER` in all: many servers beat a busy one."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, bindparam, case, delete, func, literal, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from botbot.catalog.models import PersonalityGuild as G
from botbot.catalog.models import PersonalityTalk as T
from botbot.catalog.models import PersonalityTemplate as P
from botbot.catalog.queries import on_shelf
from botbot.db import Database
from botbot.db.base import Moment
from botbot.kit import clock

HALF_LIFE_DAYS = 7
WINDOW_DAYS = 60
NEW_SERVER_WEIGHT = 3.0
SMALLEST_CHANGE = 0.0001
BATCH = 500
"""So many rows are written in one transaction: it is over before anybody waits for it."""


def weight(age_days: int) -> float:
    """What happened so many days ago counts; 1 today (and for a clock that runs ahead), 0 beyond the window."""
    return 0.5 ** (max(age_days, 0) / HALF_LIFE_DAYS) if age_days < WINDOW_DAYS else 0.0


MOST_BY_ONE_SERVER = NEW_SERVER_WEIGHT + sum(weight(age) for age in range(WINDOW_DAYS))


def score(new_servers: Iterable[int], talks: Iterable[tuple[int, int]]) -> float:
    """The formula itself. `new_servers` are ages in days, `talks` pairs of (server, age); a pair counts once."""
    return NEW_SERVER_WEIGHT * sum(map(weight, new_servers)) + sum(weight(age) for _, age in set(talks))


async def recompute(database: Database) -> int:
    """Bring every `trend_score` up to date; answers how many changed. Nothing is written when none did.

    It reads what happened within the window and the rows that have a score, never the catalogue."""
    async with database.reading() as connection:
        changed = await _changed(connection, clock.now().date())
    for start in range(0, len(changed), BATCH):
        async with database.write() as session:
            await session.execute(update(P), changed[start : start + BATCH])
    return len(changed)


async def forget_old_talks(session: AsyncSession) -> None:
    """Delete the days that count no more."""
    oldest = clock.now().date() - timedelta(days=WINDOW_DAYS - 1)
    await session.execute(delete(T).where(T.day < oldest.isoformat()))


async def _changed(connection: AsyncConnection, today: date) -> list[dict[str, Any]]:
    """Rows to update, ordered by id so that two workers can't lock each other out."""
    days = _days(today)
    risen = await connection.execute(_CHANGED, days)
    found = {row.id: round(row.score, 4) for row in risen}
    fallen = await connection.execute(_FALLEN, days)
    found |= {row.id: 0.0 for row in fallen}
    return [{"id": each, "trend_score": found[each]} for each in sorted(found)]


def _days(today: date) -> dict[str, Any]:
    """For each age the day as talks name it, and the moment it began."""
    values: dict[str, Any] = {}
    for age in range(WINDOW_DAYS):
        day = today - timedelta(days=age)
        values[f"day_{age}"] = day.isoformat()
        values[f"from_{age}"] = datetime.combine(day, time(), UTC)
    return values


def _weighed(column: Any, name: str, factor: float, kind: Any = None) -> Any:
    """A row's contribution: the first day that it isn't older than decides."""
    ages = range(WINDOW_DAYS)
    return case(*((column >= bindparam(f"{name}_{age}", type_=kind), factor * weight(age)) for age in ages), else_=0.0)


_LAST = WINDOW_DAYS - 1
_EVENTS = union_all(
    select(G.personality_id, _weighed(G.created_at, "from", NEW_SERVER_WEIGHT, Moment()).label("points")).where(
        G.created_at >= bindparam(f"from_{_LAST}", type_=Moment())
    ),
    select(T.personality_id, _weighed(T.day, "day", 1.0).label("points")).where(T.day >= bindparam(f"day_{_LAST}")),
).subquery("events")
_SCORES = (
    select(_EVENTS.c.personality_id, func.sum(_EVENTS.c.points).label("score"))
    .group_by(_EVENTS.c.personality_id)
    .subquery("scores")
)
_CHANGED: Select[Any] = (
    select(P.id, _SCORES.c.score)
    .join(_SCORES, _SCORES.c.personality_id == P.id)
    .where(on_shelf(), func.abs(_SCORES.c.score - P.trend_score) >= literal(SMALLEST_CHANGE))
)


def _nothing_since(events: Any, since: Any) -> Any:
    return ~select(literal(1)).where(events.personality_id == P.id, since).exists()


_FALLEN: Select[Any] = select(P.id).where(
    on_shelf(),
    P.trend_score > 0,
    _nothing_since(G, G.created_at >= bindparam(f"from_{_LAST}", type_=Moment())),
    _nothing_since(T, T.day >= bindparam(f"day_{_LAST}")),
)
