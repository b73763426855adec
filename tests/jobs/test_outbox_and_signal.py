"""News comes after the commit, never without it, and at least once."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from tests.support.engines import ONLY_POSTGRES

from botbot.db import Database, wake_on_commit
from botbot.jobs import outbox
from botbot.jobs.signal import Signal, Subscription
from botbot.kit import clock


async def waiting(database: Database, topic: str = "news") -> list[dict[str, Any]]:
    async with database.read() as session:
        return [note.payload for note in await outbox.list_waiting(session, topic)]


async def post(database: Database, *numbers: int, topic: str = "news") -> None:
    async with database.write() as session:
        for number in numbers:
            await outbox.post(session, topic, {"n": number})


async def take(database: Database) -> list[int]:
    """Read, handle, put away: as the bot does."""
    async with database.read() as session:
        notes = await outbox.list_waiting(session, "news")
    async with database.write() as session:
        await outbox.mark_handled(session, [note.id for note in notes])
    return [note.payload["n"] for note in notes]


async def test_notes_wait_in_order_until_they_are_handled(database: Database) -> None:
    await post(database, 1, 2)
    await post(database, 3, topic="other")
    assert await waiting(database) == [{"n": 1}, {"n": 2}]
    assert await take(database) == [1, 2]
    assert await waiting(database) == []
    assert await waiting(database, "other") == [{"n": 3}]


async def test_whoever_dies_before_putting_a_note_away_sees_it_again(database: Database) -> None:
    await post(database, 1)
    assert await waiting(database) == [{"n": 1}]
    assert await waiting(database) == [{"n": 1}]


async def test_a_rolled_back_transaction_leaves_no_note(database: Database) -> None:
    with pytest.raises(RuntimeError):
        await _post_and_fail(database)
    assert await waiting(database) == []


async def _post_and_fail(database: Database) -> None:
    async with database.write() as session:
        await outbox.post(session, "news", {"n": 1})
        raise RuntimeError


async def test_no_note_is_lost_among_many_writers(database: Database, another: Callable[[], Database]) -> None:
    """Ids commit out of order; a reader that asked for "newer than the last" would miss some."""
    writers = [database, another(), another()]
    writing = asyncio.gather(*(post(writers[n % 3], n) for n in range(60)))
    seen: list[int] = []
    while len(set(seen)) < 60:
        seen += await take(database)
        await asyncio.sleep(0)
    await writing
    assert sorted(set(seen)) == list(range(60))


async def test_handled_notes_are_forgotten_after_a_while(database: Database, tick: Callable[..., None]) -> None:
    await post(database, 1)
    await take(database)
    await post(database, 2)
    tick(days=8)
    async with database.write() as session:
        await outbox.forget_handled(session, clock.now() - timedelta(days=7))
        left = (await session.execute(text("select count(*) from outbox"))).scalar()
    assert left == 1
    assert await waiting(database) == [{"n": 2}]


# The signal


@asynccontextmanager
async def listening(database: Database) -> AsyncIterator[Subscription]:
    """A subscription of a process that listens, with the wake of its connecting behind it."""
    signal = Signal(database)
    subscription = signal.subscribe("news")
    task = asyncio.create_task(signal.listen())
    if not database.is_sqlite:
        await seconds_until_woken(subscription, 5)
    try:
        yield subscription
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def seconds_until_woken(subscription: Subscription, most: float) -> float:
    began = time.monotonic()
    await subscription.wait(most)
    return time.monotonic() - began


async def test_a_commit_wakes_at_once(database: Database) -> None:
    async with listening(database) as subscription:
        for n in range(3):
            await post(database, n)
            assert await seconds_until_woken(subscription, 5) < 0.5


async def test_before_the_commit_nobody_is_woken(database: Database) -> None:
    async with listening(database) as subscription:
        async with database.write() as session:
            await outbox.post(session, "news", {"n": 1})
            assert await seconds_until_woken(subscription, 0.3) >= 0.3
        assert await seconds_until_woken(subscription, 5) < 0.5


async def test_a_rollback_wakes_nobody(database: Database) -> None:
    async with listening(database) as subscription:
        with pytest.raises(RuntimeError):
            await _post_and_fail(database)
        assert await seconds_until_woken(subscription, 0.3) >= 0.3


async def test_another_topic_wakes_nobody(database: Database) -> None:
    async with listening(database) as subscription:
        await post(database, 1, topic="other")
        assert await seconds_until_woken(subscription, 0.3) >= 0.3


async def test_a_wake_that_comes_while_busy_is_not_lost(database: Database) -> None:
    async with listening(database) as subscription:
        await post(database, 1)
        await post(database, 2)
        await asyncio.sleep(0.2)
        assert await seconds_until_woken(subscription, 5) < 0.1
        assert await seconds_until_woken(subscription, 0.2) >= 0.2  # several wakes count as one


@ONLY_POSTGRES
async def test_between_processes(database: Database, another: Callable[[], Database]) -> None:
    async with listening(another()) as subscription:
        async with database.write() as session:
            wake_on_commit(session, "news")
            assert await seconds_until_woken(subscription, 0.3) >= 0.3
        assert await seconds_until_woken(subscription, 5) < 0.5


@ONLY_POSTGRES
async def test_a_line_that_is_cut_is_mended(
    database: Database, database_url: str, another: Callable[[], Database]
) -> None:
    """After reconnecting it wakes by itself, since something may have been missed; and hears again."""
    async with listening(another()) as subscription:
        await cut(database_url)
        assert await seconds_until_woken(subscription, 8) < 5
        await post(database, 1)
        assert await seconds_until_woken(subscription, 5) < 0.5


async def cut(database_url: str) -> None:
    """What a restart of the server, or an operator, does to every other connection of this database."""
    connection = await asyncpg.connect(database_url)
    try:
        killed = await connection.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        assert killed
    finally:
        await connection.close()


async def test_who_is_told_to_end_in_the_moment_of_a_wake_ends() -> None:
    """A cancellation that comes together with what was waited for must not be lost."""
    for _ in range(200):
        subscription = Subscription()

        async def forever(waits_for: Subscription) -> None:
            while True:
                await waits_for.wait(5)

        task = asyncio.create_task(forever(subscription))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        subscription.wake()
        await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=1)
        assert done
        assert task.cancelled()
