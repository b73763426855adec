"""Hard caps: exact whoever races, and closed when the database is away."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from botbot.db import Database
from botbot.errors import StorageUnavailable
from botbot.jobs import budgets
from botbot.kit import clock
from botbot.preview.books import VISITOR_KEY


async def reserve(database: Database, key: str, amount: int, cap: int) -> bool:
    async with database.write() as session:
        return await budgets.reserve(session, key, amount, cap)


async def used(database: Database, key: str) -> int:
    async with database.read() as session:
        return await budgets.used(session, key)


async def test_a_hundred_at_once_never_pass_the_cap(database: Database, another: Callable[[], Database]) -> None:
    """A10, from two processes."""
    second = another()
    taken = await asyncio.gather(*(reserve((database, second)[n % 2], "calls", 7, 100) for n in range(100)))
    assert sum(taken) == 14
    assert await used(database, "calls") == 98
    assert await reserve(database, "calls", 2, 100)
    assert not await reserve(database, "calls", 1, 100)


async def test_what_is_more_than_the_cap_takes_nothing(database: Database) -> None:
    assert not await reserve(database, "calls", 101, 100)
    assert await used(database, "calls") == 0
    assert not await reserve(database, "nothing", 1, 0)


async def test_settling_gives_back_and_takes_more(database: Database) -> None:
    await reserve(database, "tokens", 600, 1000)
    async with database.write() as session:
        await budgets.settle(session, "tokens", 600, 150)
    assert await used(database, "tokens") == 150
    assert await reserve(database, "tokens", 850, 1000)
    async with database.write() as session:
        await budgets.settle(session, "tokens", 850, 900)
    assert await used(database, "tokens") == 1050  # dearer than it looked; the next one pays
    assert not await reserve(database, "tokens", 1, 1000)


async def test_reserving_and_settling_at_once_keeps_the_sum(database: Database) -> None:
    async def spend() -> int:
        if not await reserve(database, "tokens", 50, 500):
            return 0
        async with database.write() as session:
            await budgets.settle(session, "tokens", 50, 10)
        return 10

    assert sum(await asyncio.gather(*(spend() for _ in range(60)))) == await used(database, "tokens") <= 500


async def test_a_reservation_that_is_rolled_back_is_none(database: Database) -> None:
    with pytest.raises(RuntimeError):
        await _reserve_and_fail(database)
    assert await used(database, "calls") == 0


async def _reserve_and_fail(database: Database) -> None:
    async with database.write() as session:
        assert await budgets.reserve(session, "calls", 1, 1)
        raise RuntimeError


@pytest.mark.parametrize("database_url", ["postgresql://nobody@127.0.0.1:9/none"], indirect=False)
async def test_without_a_database_there_is_no_budget(database_url: str) -> None:
    """Closed, not open: nothing is reserved, and that is an error of ours and not a permission."""
    away = Database(database_url)
    with pytest.raises(StorageUnavailable):
        await reserve(away, "calls", 1, 100)
    await away.dispose()


async def test_each_day_has_its_own(database: Database, tick: Callable[..., None]) -> None:
    today = budgets.day_key("guild", 42)
    assert today == f"guild/42/{clock.now().date().isoformat()}"
    tick(days=1)
    assert budgets.day_key("guild", 42) != today


async def test_old_ones_are_forgotten(database: Database, tick: Callable[..., None]) -> None:
    await reserve(database, "old", 1, 9)
    tick(days=91)
    await reserve(database, "new", 1, 9)
    async with database.write() as session:
        await budgets.forget(session, clock.now() - timedelta(days=90))
    assert (await used(database, "old"), await used(database, "new")) == (0, 1)


async def test_visitors_are_forgotten_long_before_the_rest(database: Database, tick: Callable[..., None]) -> None:
    """`preview-visitors` only begins like the name that is asked for."""
    keys = [f"{VISITOR_KEY}/a1b2/2026-01-31", f"{VISITOR_KEY}s/x", "preview/2026-01-31"]
    for key in keys:
        await reserve(database, key, 1, 9)
    tick(days=1, seconds=1)
    await reserve(database, f"{VISITOR_KEY}/c3d4/2026-02-01", 1, 9)
    async with database.write() as session:
        await budgets.forget(session, clock.now() - timedelta(days=1), name=VISITOR_KEY)
    assert [await used(database, key) for key in keys] == [0, 1, 1]
    assert await used(database, f"{VISITOR_KEY}/c3d4/2026-02-01") == 1
