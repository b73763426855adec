"""Callbacks of a signal: at once in the process that commits, soon in the others, and after every reconnect."""

import asyncio
import contextlib

from sqlalchemy import text
from tests.factories import personality_row
from tests.support.engines import ONLY_POSTGRES

from botbot.catalog.service import save_new_version
from botbot.db import Database
from botbot.jobs.signal import Signal


async def add(database: Database, name: str) -> None:
    async with database.write() as session:
        await save_new_version(session, personality_row(name), "First edition.")


async def test_a_commit_calls_back_before_it_is_answered(database: Database) -> None:
    heard: list[str] = []
    Signal(database).on_wake("catalogue", lambda: heard.append("catalogue"))
    await add(database, "One")
    assert heard == ["catalogue"]


async def test_nothing_calls_back_when_nothing_was_stored(database: Database) -> None:
    heard: list[str] = []
    signal = Signal(database)
    signal.on_wake("catalogue", lambda: heard.append("catalogue"))
    signal.on_wake("something else", lambda: heard.append("something else"))
    with contextlib.suppress(ZeroDivisionError):
        async with database.write() as session:
            await save_new_version(session, personality_row("One"), "First edition.")
            raise ZeroDivisionError
    assert heard == []


@ONLY_POSTGRES
async def test_other_processes_hear_it_and_a_lost_line_counts_as_a_wake(database: Database) -> None:
    other = Database(database.url.replace("+asyncpg", ""))
    signal = Signal(other)
    heard: list[int] = []
    signal.on_wake("catalogue", lambda: heard.append(len(heard)))
    listening = asyncio.create_task(signal.listen())

    async def until(count: int) -> None:
        async with asyncio.timeout(10):
            while len(heard) < count:
                await asyncio.sleep(0.005)

    try:
        await until(1)  # connected: whatever was before may have been missed
        await add(database, "One")
        await until(2)
        async with database.write() as session:
            cut = "select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%'"
            await session.execute(text(cut))
        await until(3)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await other.dispose()
