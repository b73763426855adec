"""One row for a day, personality, server, kind and model, however many write to it."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from botbot.db import Database
from botbot.kit import clock
from botbot.usage import service
from botbot.usage.queries import (
    DayOfUsage,
    Sums,
    UsageByDay,
    list_usage,
    usage_by_day,
    usage_by_personality,
    usage_of_guild,
)


async def note(database: Database, **changes: Any) -> None:
    values: dict[str, Any] = {
        "personality_id": "atlas", "guild_id": None, "prompt_tokens": 100, "completion_tokens": 10,
        "model": "gpt-5-mini", "kind": "preview", "outcome": "live", "prices": ("*=1/2",),
    }  # fmt: skip
    async with database.write() as session:
        await service.note(session, **(values | changes))


async def rows(database: Database, days: int = 0) -> list[DayOfUsage]:
    today = clock.now().date()
    async with database.read() as session:
        return await list_usage(session, today - timedelta(days=days), today)


async def test_adds_up_whoever_races(database: Database) -> None:
    outcomes = ["live", "sample", "blocked", "failed", "live"] * 4
    await asyncio.gather(*(note(database, outcome=each) for each in outcomes))
    (row,) = await rows(database)
    assert (row.live, row.samples, row.blocked, row.failed) == (8, 4, 4, 4)
    assert (row.prompt_tokens, row.completion_tokens, row.micro_dollars) == (2000, 200, 20 * 120)
    assert (row.personality_id, row.discord_guild_id, row.kind, row.model) == ("atlas", None, "preview", "gpt-5-mini")


async def test_whatever_differs_has_its_own_row(database: Database, tick: Callable[..., None]) -> None:
    guild = 2**62 + 5
    for changes in ({}, {"personality_id": "luna"}, {"guild_id": guild, "kind": "bot"}, {"kind": "bot"}, {"model": ""}):
        await note(database, **changes)
    tick(days=1)
    await note(database)
    assert len(await rows(database)) == 1
    found = await rows(database, days=1)
    assert len(found) == 6
    assert {row.discord_guild_id for row in found} == {None, guild}


async def test_a_models_name_is_cleaned_and_cut(database: Database) -> None:
    """It is the server's word; PostgreSQL takes no NUL in a text."""
    await note(database, model="a\x00b\n\u202ec" + "x" * 500)
    (row,) = await rows(database)
    assert row.model == "abc" + "x" * 97


async def test_a_days_sums_are_for_a_panel(database: Database, tick: Callable[..., None]) -> None:
    today = clock.now().date()
    await note(database)
    await note(database, personality_id="luna", outcome="blocked", prompt_tokens=1)
    await note(database, kind="bot", guild_id=7)
    tick(days=2)
    await note(database)
    async with database.read() as session:
        days = await usage_by_day(session, today, today + timedelta(days=1))
        none = await usage_by_day(session, today + timedelta(days=1), today + timedelta(days=1))
        later = await usage_by_day(session, today, today + timedelta(days=2))
    day = today.isoformat()
    assert days == [
        UsageByDay(day=day, kind="bot", guilds=1, live=1, prompt_tokens=100, completion_tokens=10, micro_dollars=120),
        UsageByDay(
            day=day, kind="preview", guilds=0, live=1, blocked=1, prompt_tokens=101, completion_tokens=20,
            micro_dollars=141,
        ),
    ]  # fmt: skip
    assert none == []
    assert len(later) == 3


async def test_a_servers_sums_are_its_own(database: Database, tick: Callable[..., None]) -> None:
    today = clock.now().date()
    for changes in ({}, {"guild_id": 7, "kind": "bot"}, {"guild_id": 8, "kind": "bot"}):
        await note(database, **changes)
    tick(days=1)
    await note(database, guild_id=7, kind="bot", personality_id="luna", outcome="sample")
    tomorrow = today + timedelta(days=1)
    async with database.read() as session:
        whole = await usage_of_guild(session, 7, since_day=today)
        atlas = await usage_of_guild(session, 7, "atlas", since_day=today)
        late = await usage_of_guild(session, 7, "atlas", since_day=tomorrow)
        everybody = await usage_by_personality(session, today, tomorrow)
    assert (whole.replies, whole.tokens, atlas.replies, late) == (2, 220, 1, Sums())
    assert {name: sums.exchanges for name, sums in everybody.items()} == {"atlas": 3, "luna": 1}


async def test_old_days_are_forgotten(database: Database, tick: Callable[..., None]) -> None:
    await note(database)
    tick(days=401)
    await note(database)
    async with database.write() as session:
        await service.forget(session, clock.now() - timedelta(days=400))
    assert len(await rows(database, days=500)) == 1
