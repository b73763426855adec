"""Reads of what talking cost. All of them count; none tells what was said, or by whom."""

from datetime import date
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from botbot.usage.models import NO_GUILD, UsageDay

Reader = AsyncSession | AsyncConnection


class Sums(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What was answered and what it cost. `live` replies came from the model, `samples` were written beforehand,
    `blocked` were refused by the rules, `failed` never came. `micro_dollars` are millionths of a US dollar, by the
    prices in force when it was said."""

    live: int = 0
    samples: int = 0
    blocked: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    micro_dollars: int = 0

    @property
    def replies(self) -> int:
        """Exchanges that somebody got an answer in."""
        return self.live + self.samples

    @property
    def exchanges(self) -> int:
        """Every time somebody said something."""
        return self.live + self.samples + self.blocked + self.failed

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class DayOfUsage(Sums, rename="camel", frozen=True, kw_only=True):
    """One day's sums for one personality in one server (`None`: previews) by one model."""

    day: str
    personality_id: str
    discord_guild_id: int | None
    kind: str
    model: str


class UsageByDay(Sums, rename="camel", frozen=True, kw_only=True):
    """One day's sums over everything of one kind. `guilds` is how many servers somebody was answered in."""

    day: str
    kind: str
    guilds: int


_NAMES = ("live", "samples", "blocked", "failed", "prompt_tokens", "completion_tokens", "micro_dollars")
_SUMS = tuple(func.coalesce(func.sum(getattr(UsageDay, name)), 0).label(name) for name in _NAMES)


def _sums(row: Any) -> dict[str, int]:
    return {name: int(getattr(row, name)) for name in _NAMES}


async def usage_of_guild(
    reader: Reader, guild_id: int, personality_id: str | None = None, since_day: date | None = None
) -> Sums:
    """What was said in one server since that day (that day included), by one personality or by all."""
    statement = select(*_SUMS).where(UsageDay.discord_guild_id == guild_id, UsageDay.kind == "bot")
    if since_day is not None:
        statement = statement.where(UsageDay.day >= since_day.isoformat())
    if personality_id is not None:
        statement = statement.where(UsageDay.personality_id == personality_id)
    return Sums(**_sums((await reader.execute(statement)).one()))


async def usage_by_day(reader: Reader, since: date, until: date) -> list[UsageByDay]:
    """The sums of each day from `since` to `until`, both included, by day and kind; days without talk have none."""
    guilds = func.count(UsageDay.discord_guild_id.distinct()).filter(UsageDay.discord_guild_id != NO_GUILD)
    statement = select(UsageDay.day, UsageDay.kind, guilds.label("guilds"), *_SUMS)
    grouped = _between(statement, since, until).group_by(UsageDay.day, UsageDay.kind)
    rows = await reader.execute(grouped.order_by(UsageDay.day, UsageDay.kind))
    return [UsageByDay(day=row.day, kind=row.kind, guilds=row.guilds, **_sums(row)) for row in rows]


async def usage_by_personality(reader: Reader, since: date, until: date) -> dict[str, Sums]:
    """The sums of each personality that was talked to from `since` to `until`, both included."""
    statement = _between(select(UsageDay.personality_id, *_SUMS), since, until).group_by(UsageDay.personality_id)
    return {row.personality_id: Sums(**_sums(row)) for row in await reader.execute(statement)}


async def list_usage(session: AsyncSession, since: date, until: date) -> list[DayOfUsage]:
    """Every row from `since` to `until`, both included, by day and personality."""
    order = (UsageDay.day, UsageDay.personality_id, UsageDay.discord_guild_id, UsageDay.kind, UsageDay.model)
    return [_row(each) for each in await session.scalars(_between(select(UsageDay), since, until).order_by(*order))]


def _between(statement: Any, since: date, until: date) -> Any:
    return statement.where(UsageDay.day >= since.isoformat(), UsageDay.day <= until.isoformat())


def _row(row: UsageDay) -> DayOfUsage:
    return DayOfUsage(
        day=row.day,
        personality_id=row.personality_id,
        discord_guild_id=None if row.discord_guild_id == NO_GUILD else row.discord_guild_id,
        kind=row.kind,
        model=row.model,
        **_sums(row),
    )
