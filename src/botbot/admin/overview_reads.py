"""The figures of the overview. Counts only: nobody's name, nobody's words, nobody's way through the site."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.admin.overview_tables import Number, Period, Table, by_day
from botbot.catalog.models import PersonalityGuild
from botbot.catalog.models import PersonalityTemplate as P
from botbot.deployments.models import PersonalityDeployment as D
from botbot.reviews.models import PersonalityRating as R
from botbot.usage.queries import UsageByDay, usage_by_day, usage_by_personality

FAILED = ("rolled_back", "needs_attention")
TOP = 10
Read = Callable[[AsyncConnection, Period], Awaitable[Table]]


def _moments(period: Period) -> tuple[datetime, datetime]:
    start = datetime.combine(period.since, datetime.min.time(), UTC)
    return start, datetime.combine(period.until, datetime.min.time(), UTC) + timedelta(days=1)


def _within(column: Any, period: Period) -> ColumnElement[bool]:
    start, end = _moments(period)
    return and_(column >= start, column < end)


def _day(connection: AsyncConnection, column: Any) -> ColumnElement[str]:
    """The UTC day of a moment, as text."""
    if connection.dialect.name == "sqlite":
        return func.strftime("%Y-%m-%d", column)
    return func.to_char(func.timezone("UTC", column), "YYYY-MM-DD")


async def _attempts(connection: AsyncConnection, period: Period) -> dict[str, list[int]]:
    """Of each day's deployments: how many arrived, and how many failed before they did."""
    day = _day(connection, D.created_at).label("day")
    arrived = func.sum(case((D.deployed_at.is_not(None), 1), else_=0))
    failed = func.sum(case((and_(D.deployed_at.is_(None), D.status.in_(FAILED)), 1), else_=0))
    rows = await connection.execute(select(day, arrived, failed).where(_within(D.created_at, period)).group_by(day))
    return {row[0]: [int(row[1]), int(row[2])] for row in rows}


async def deployments(connection: AsyncConnection, period: Period) -> Table:
    found = await _attempts(connection, period)
    arrived = sum(each[0] for each in found.values())
    return Table("deployments", "Deployments", "Day", ["Arrived", "Failed"], by_day(period, found, 2),
                 total=f"{arrived:,} arrived")  # fmt: skip


async def success(connection: AsyncConnection, period: Period) -> Table:
    found = await _attempts(connection, period)
    rates: dict[str, list[Number]] = {day: [_percent(*each)] for day, each in found.items()}
    rows: list[tuple[str, list[Number]]] = [(day, rates.get(day, [None])) for day in period.days]
    whole = _percent(sum(each[0] for each in found.values()), sum(each[1] for each in found.values()))
    total = "nobody tried" if whole is None else f"{whole:g} % of those decided"
    return Table("success", "Success rate of deployments", "Day", ["Percent"], rows, "bars", total)


def _percent(arrived: int, failed: int) -> float | None:
    return round(100 * arrived / (arrived + failed), 1) if arrived + failed else None


async def servers(connection: AsyncConnection, period: Period) -> Table:
    usage = _of_kind(await usage_by_day(connection, period.since, period.until), "bot")
    living = await connection.scalar(select(func.count(D.discord_guild_id.distinct())).where(D.status == "active")) or 0
    rows = by_day(period, {each.day: [each.guilds] for each in usage}, 1)
    return Table("servers", "Active servers", "Day", ["Servers"], rows, "line",
                 f"{living:,} with somebody at home now")  # fmt: skip


def _of_kind(usage: list[UsageByDay], kind: str) -> list[UsageByDay]:
    return [each for each in usage if each.kind == kind]


async def conversations(connection: AsyncConnection, period: Period) -> Table:
    usage = _of_kind(await usage_by_day(connection, period.since, period.until), "bot")
    rows = by_day(period, {each.day: [each.live, each.samples] for each in usage}, 2)
    return Table("conversations", "Answers in servers", "Day", ["By the model", "Written beforehand"], rows,
                 total=f"{sum(each.replies for each in usage):,} answers")  # fmt: skip


async def previews(connection: AsyncConnection, period: Period) -> Table:
    usage = _of_kind(await usage_by_day(connection, period.since, period.until), "preview")
    found = {each.day: [each.live, each.samples, each.blocked] for each in usage}
    return Table("previews", "Preview use", "Day", ["By the model", "Written beforehand", "Refused by the rules"],
                 by_day(period, found, 3), total=f"{sum(each.exchanges for each in usage):,} messages")  # fmt: skip


async def tokens(connection: AsyncConnection, period: Period) -> Table:
    usage = await usage_by_day(connection, period.since, period.until)
    found = _summed(usage, lambda each: [each.completion_tokens, each.prompt_tokens])
    return Table("tokens", "Tokens", "Day", ["Answered", "Asked with"], by_day(period, found, 2),
                 total=f"{sum(each.tokens for each in usage):,} tokens")  # fmt: skip


async def money(connection: AsyncConnection, period: Period) -> Table:
    usage = await usage_by_day(connection, period.since, period.until)
    found = _summed(usage, lambda each: [each.micro_dollars])
    rows: list[tuple[str, list[Number]]] = [
        (day, [round((values[0] or 0) / 1e6, 4)]) for day, values in by_day(period, found, 1)
    ]
    spent = sum(each.micro_dollars for each in usage) / 1e6
    return Table("money", "Spent on the model", "Day", ["US dollars"], rows, total=f"${spent:,.2f}")


def _summed(usage: list[UsageByDay], of: Callable[[UsageByDay], list[int]]) -> dict[str, list[int]]:
    """Both kinds of a day together."""
    found: dict[str, list[int]] = {}
    for each in usage:
        found[each.day] = [a + b for a, b in zip(found.get(each.day, [0] * len(of(each))), of(each), strict=True)]
    return found


async def ratings(connection: AsyncConnection, period: Period) -> Table:
    day = _day(connection, R.created_at).label("day")
    counted = select(day, func.count(), func.sum(R.rating)).where(_within(R.created_at, period), R.state != "removed")
    found = {row[0]: (row[1], int(row[2])) for row in await connection.execute(counted.group_by(day))}
    people, stars = sum(each[0] for each in found.values()), sum(each[1] for each in found.values())
    total = f"{people:,} with {stars / people:.2f} stars on average" if people else "none"
    rows = by_day(period, {day: [each[0]] for day, each in found.items()}, 1)
    return Table("ratings", "Ratings", "Day", ["Ratings"], rows, total=total)


async def errors(connection: AsyncConnection, period: Period) -> Table:
    usage = await usage_by_day(connection, period.since, period.until)
    attempts = await _attempts(connection, period)
    silent = _summed(usage, lambda each: [each.failed])
    days = {*silent, *attempts}
    found = {day: [silent.get(day, [0])[0], attempts.get(day, [0, 0])[1]] for day in days}
    return Table("errors", "What went wrong", "Day", ["No answer", "Failed deployments"], by_day(period, found, 2),
                 total=f"{sum(sum(each) for each in found.values()):,} in all")  # fmt: skip


async def top(connection: AsyncConnection, period: Period) -> Table:
    usage = await usage_by_personality(connection, period.since, period.until)
    best = sorted(usage.items(), key=lambda each: (-each[1].replies, each[0]))[:TOP]
    names = await _names(connection, [each[0] for each in best])
    rows: list[tuple[str, list[Number]]] = [
        (names.get(each, "Somebody who is gone"), [sums.replies]) for each, sums in best if sums.replies
    ]
    return Table("top", "Most talked to", "Personality", ["Answers"], rows, "ranks")


async def rising(connection: AsyncConnection, period: Period) -> Table:
    """New servers in the period, and how many more than in the time before it."""
    now, before = await _arrivals(connection, period), await _arrivals(connection, period.before)
    most = sorted(now, key=lambda each: (before.get(each, 0) - now[each], -now[each], each))[:TOP]
    names = await _names(connection, most)
    rows: list[tuple[str, list[Number]]] = [
        (names.get(each, "Somebody who is gone"), [now[each], now[each] - before.get(each, 0)]) for each in most
    ]
    return Table("rising", "Rising", "Personality", ["New servers", "More than before"], rows, "ranks")


async def _arrivals(connection: AsyncConnection, period: Period) -> dict[str, int]:
    counted = select(PersonalityGuild.personality_id, func.count()).where(_within(PersonalityGuild.created_at, period))
    rows = await connection.execute(counted.group_by(PersonalityGuild.personality_id))
    return {row[0]: row[1] for row in rows}


async def _names(connection: AsyncConnection, ids: list[str]) -> dict[str, str]:
    return {row[0]: row[1] for row in await connection.execute(select(P.id, P.name).where(P.id.in_(ids)))}


TABLES: dict[str, Read] = {
    read.__name__: read
    for read in (deployments, success, servers, conversations, previews, tokens, money, ratings, errors, top, rising)
}
