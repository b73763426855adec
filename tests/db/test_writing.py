"""What `Database.write` promises, each held against the failure that the stock set-up shows."""

import asyncio
import contextlib
import random
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from tests.support.engines import ONLY_POSTGRES

from botbot.db import Database, wake_on_commit
from botbot.errors import BotBotError, StorageUnavailable
from botbot.jobs.models import Budget

WRITERS, ROUNDS = 8, 15
DEFERRED = (
    "create table parents (id integer primary key)",
    "create table children (parent_id integer references parents (id) deferrable initially deferred)",
)
"""A constraint that is only looked at when the transaction commits, so that it is the COMMIT that fails."""


async def put(session: AsyncSession, key: str, used: int = 0) -> None:
    session.add(Budget(key=key, used=used))
    await session.flush()


async def used(database: Database, key: str) -> int | None:
    async with database.read() as session:
        return await session.scalar(select(Budget.used).where(Budget.key == key))


@pytest.fixture
async def neighbour(database_url: str) -> Any:
    """Another process would open its own engine; so does this."""
    other = Database(database_url)
    yield other
    await other.dispose()


async def test_read_then_write_by_many_loses_nothing(database: Database, neighbour: Database) -> None:
    async with database.write() as session:
        await put(session, "shared")

    async def write(through: Database) -> None:
        for _ in range(ROUNDS):
            async with through.write() as session:
                row = await session.scalar(select(Budget).where(Budget.key == "shared").with_for_update())
                assert row is not None
                seen = row.used
                await asyncio.sleep(0)
                row.used = seen + 1

    await asyncio.gather(*(write(database if n % 2 else neighbour) for n in range(WRITERS)))
    assert await used(database, "shared") == WRITERS * ROUNDS


async def test_an_exception_stores_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  the block is the transaction
        async with database.write() as session:
            await put(session, "half-way")
            _ = 1 / 0
    assert await used(database, "half-way") is None


async def test_a_failed_statement_takes_the_whole_transaction_with_it(database: Database) -> None:
    async with database.write() as session:
        await put(session, "taken")
    with pytest.raises(IntegrityError):  # noqa: PT012  the block is the transaction
        async with database.write() as session:
            await put(session, "companion")
            await session.execute(text("insert into budgets (key, used, created_at) values ('taken', 1, '2026-01-01')"))
    assert await used(database, "companion") is None


class TestAFailedCommit:
    @pytest.fixture(autouse=True)
    async def deferred(self, database: Database) -> None:
        async with database.write() as session:
            for statement in DEFERRED:
                await session.execute(text(statement))

    async def fail(self, database: Database) -> None:
        async with database.write() as session:
            await put(session, "lost")
            await session.execute(text("insert into children values (42)"))

    async def test_is_told_as_not_stored(self, database: Database) -> None:
        with pytest.raises(StorageUnavailable) as refused:
            await self.fail(database)
        assert refused.value.retry_after_seconds

    async def test_leaves_no_row(self, database: Database) -> None:
        with contextlib.suppress(IntegrityError, BotBotError):
            await self.fail(database)
        assert await used(database, "lost") is None

    async def test_wedges_neither_this_process_nor_another(self, database: Database, neighbour: Database) -> None:
        """SQLAlchemy would keep the SQLite connection with its transaction open: everyone else is locked out."""
        for number in range(3):
            with contextlib.suppress(IntegrityError, BotBotError):
                await self.fail(database)
            async with asyncio.timeout(2):
                async with neighbour.write() as session:
                    await put(session, f"neighbour {number}")
                async with database.write() as session:
                    await put(session, f"own {number}")
        assert await used(neighbour, "own 2") == 0
        assert await used(database, "neighbour 2") == 0

    async def test_wakes_nobody(self, database: Database) -> None:
        woken: list[str] = []
        database.on_wake = woken.append
        with contextlib.suppress(IntegrityError, BotBotError):
            async with database.write() as session:
                wake_on_commit(session, "sagas")
                await session.execute(text("insert into children values (42)"))
        assert woken == []


async def open_transactions(database: Database) -> int:
    async with database.read() as session:
        return await session.scalar(  # type: ignore[no-any-return]
            text("select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in%'")
        )


@contextlib.asynccontextmanager
async def begun(database: Database) -> Any:
    """A write in a task of its own, up to its first pause."""
    reached = asyncio.Event()

    async def write() -> None:
        async with database.write() as session:
            await put(session, "cancelled")
            reached.set()
            await asyncio.sleep(30)

    task = asyncio.create_task(write())
    await reached.wait()
    yield task
    with contextlib.suppress(asyncio.CancelledError):
        await task


class TestACancelledWrite:
    async def test_stores_nothing_and_lets_others_write_at_once(self, database: Database, neighbour: Database) -> None:
        async with begun(database) as task:
            task.cancel()
        async with asyncio.timeout(2), neighbour.write() as session:
            await put(session, "next")
        assert await used(database, "cancelled") is None
        if not database.is_sqlite:
            assert await open_transactions(neighbour) == 0

    async def test_that_is_cancelled_again_while_it_gives_up_still_gives_up(
        self, database: Database, neighbour: Database
    ) -> None:
        async with begun(database) as task:
            for _ in range(5):
                task.cancel()
                await asyncio.sleep(0)
        async with asyncio.timeout(2), neighbour.write() as session:
            await put(session, "next")

    async def test_at_any_moment_keeps_no_connection(self, database: Database, neighbour: Database) -> None:
        """More cancellations than the pool has connections, at moments from the connect to the commit."""
        chance = random.Random(7)

        async def write(number: int) -> None:
            async with database.write() as session:
                await put(session, f"moment {number}")

        for number in range(40):
            task = asyncio.create_task(write(number))
            await asyncio.sleep(chance.random() * 0.004)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(3):
            async with database.write() as session:
                await put(session, "after all")
            async with neighbour.write() as session:
                await put(session, "neighbour after all")
        if not database.is_sqlite:
            assert await open_transactions(neighbour) == 0


async def test_a_reader_sees_what_was_committed_a_moment_ago(database: Database, neighbour: Database) -> None:
    async with database.read() as reading:
        statement = select(Budget.used).where(Budget.key == "fresh")
        assert await reading.scalar(statement) is None
        async with neighbour.write() as session:
            await put(session, "fresh", 1)
        assert await reading.scalar(statement) == 1


async def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.write() as session:
            await session.execute(
                text("insert into saga_steps (saga_id, position, name, status, result, attempts, undo_attempts) "
                     "values ('nobody', 0, 'x', 'pending', '{}', 0, 0)")
            )  # fmt: skip


@ONLY_POSTGRES
async def test_a_commit_wakes_listeners_of_another_process(database: Database, neighbour: Database) -> None:
    from botbot.jobs.signal import Signal

    signal = Signal(neighbour)
    heard = signal.subscribe("sagas")
    listening = asyncio.create_task(signal.listen())
    await heard.wait(5)
    started = asyncio.get_running_loop().time()
    async with database.write() as session:
        wake_on_commit(session, "sagas")
    await heard.wait(5)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    assert asyncio.get_running_loop().time() - started < 2
