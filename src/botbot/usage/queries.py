"""Reads of what talking cost."""

from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.usage.models import NO_GUILD, UsageDay


class DayOfUsage(msgspec.Struct, rename="camel", frozen=True):
    """One day's sums for one personality in one server (`None`: previews) by one model.

    `micro_dollars` are millionths of a US dollar, by the prices in force when it was said."""

    day: str
    personality_id: str
    discord_guild_id: int | None
    kind: str
    model: str
    live: int
    samples: int
    blocked: int
    failed: int
    prompt_tokens: int
    completion_tokens: int
    micro_dollars: int


class DayInAll(msgspec.Struct, rename="camel", frozen=True):
    """One day's sums over everything of one kind."""

    day: str
    kind: str
    live: int
    samples: int
    blocked: int
    failed: int
    prompt_tokens: int
    completion_tokens: int
    micro_dollars: int


_SUMS = ("live", "samples", "blocked", "failed", "prompt_tokens", "completion_tokens", "micro_dollars")


async def usage_by_day(session: AsyncSession, since: date, until: date) -> list[DayInAll]:
    """The sums of each day from `since` to `until`, both included; days without talk have no entry."""
    sums = [func.sum(getattr(UsageDay, name)) for name in _SUMS]
    statement = select(UsageDay.day, UsageDay.kind, *sums).group_by(UsageDay.day, UsageDay.kind)
    rows = await session.execute(_between(statement, since, until).order_by(UsageDay.day, UsageDay.kind))
    return [DayInAll(row[0], row[1], *(int(each) for each in row[2:])) for row in rows]


async def list_usage(session: AsyncSession, since: date, until: date) -> list[DayOfUsage]:
    """Every row from `since` to `until`, both included, by day and personality."""
    statement = _between(select(UsageDay), since, until)
    rows = await session.scalars(
        statement.order_by(
            UsageDay.day, UsageDay.personality_id, UsageDay.discord_guild_id, UsageDay.kind, UsageDay.model
        )
    )
    return [_row(each) for each in rows]


def _between(statement: Select[Any], since: date, until: date) -> Select[Any]:
    return statement.where(UsageDay.day >= since.isoformat(), UsageDay.day <= until.isoformat())


def _row(row: UsageDay) -> DayOfUsage:
    guild = None if row.discord_guild_id == NO_GUILD else row.discord_guild_id
    sums = (getattr(row, name) for name in _SUMS)
    return DayOfUsage(row.day, row.personality_id, guild, row.kind, row.model, *sums)
