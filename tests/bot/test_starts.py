"""How often the bot may say who it is, over any number of processes and restarts."""

import asyncio
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from botbot.bot import starts
from botbot.bot.models import GatewayStart
from botbot.db import Database
from botbot.kit import clock


async def turn(database: Database, shard: int = 0) -> float:
    async with database.write() as session:
        return await starts.take_turn(session, 0, shard)


async def count(database: Database) -> int:
    async with database.read() as session:
        return int(await session.scalar(select(func.count()).select_from(GatewayStart)) or 0)


async def test_of_two_processes_one_waits(database: Database) -> None:
    waits = sorted(await asyncio.gather(*(turn(database) for _ in range(5))))
    assert waits[0] == 0
    assert all(0 < wait <= 5.5 for wait in waits[1:])
    assert await count(database) == 1


async def test_killed_again_and_again_it_identifies_ten_times_at_most(database: Database, tick: Any) -> None:
    """Twenty restarts in fifty seconds."""
    for _ in range(20):
        await turn(database)
        tick(seconds=2.5)
    assert await count(database) <= 10


async def test_a_day_of_restarts_stays_below_the_days_thousand() -> None:
    now, own = clock.now(), []
    begin = now
    while now < begin + timedelta(days=1):
        due = starts.next_start(now, own[0] if own else None, own[:50])
        if due <= now:
            own.insert(0, now)
        now = max(due, now + timedelta(seconds=1))
    assert len(own) < 950


async def test_a_clock_that_was_put_back_holds_nobody_up_for_long(database: Database, tick: Any) -> None:
    await turn(database)
    tick(days=-1)
    assert await turn(database) <= 5.5
