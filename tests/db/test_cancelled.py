"""Whoever is cancelled in the middle of a read or a write leaves no connection behind, however early that is."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from botbot.db import Database


async def read(database: Database) -> None:
    async with database.read() as session:
        await session.execute(text("select 1"))


async def write(database: Database) -> None:
    async with database.write() as session:
        await session.execute(text("select 1"))


@pytest.mark.parametrize("work", [read, write])
async def test_at_any_moment_of_the_first_connection(database_url: str, work: Any) -> None:
    """The fixture that watches every test counts the threads of SQLite's connections; PostgreSQL is asked."""
    for steps in range(60):
        database = Database(database_url)
        task = asyncio.create_task(work(database))
        for _ in range(steps):
            await asyncio.sleep(0)
        if steps % 3 == 0:
            await asyncio.sleep(0.0003 * steps)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(20):
            await work(database)
        await database.dispose()


async def test_those_who_wait_for_their_turn_may_go(database: Database) -> None:
    async with database.write():
        waiting = [asyncio.create_task(read(database)) for _ in range(5)]
        if database.is_sqlite:
            waiting.append(asyncio.create_task(write(database)))
        await asyncio.sleep(0.01)
        for each in waiting:
            each.cancel()
        async with asyncio.timeout(20):
            await asyncio.gather(*waiting, return_exceptions=True)
    await write(database)
