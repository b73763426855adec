"""PostgreSQL's pool hands out living connections, and asks the server only where the driver can't know."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.support.engines import ONLY_POSTGRES
from tests.support.postgres import Postgres

from botbot.db import Database
from botbot.errors import StorageUnavailable

POOL = 10


@pytest.fixture
def own_server(postgres: Postgres) -> Iterator[Postgres]:
    """One to be stopped and started; left out where there is none at all."""
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture
async def own(own_server: Postgres) -> AsyncIterator[Database]:
    opened = Database(own_server.url("postgres"))
    yield opened
    await opened.dispose()


async def driver_of(connection: AsyncConnection) -> Any:
    return (await connection.get_raw_connection()).driver_connection


async def fill_the_pool(database: Database) -> list[Any]:
    """Use every connection that there may be; answers the driver's."""
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(database.reading()) for _ in range(POOL)]
        for each in opened:
            await each.execute(text("select 1"))
        return [await driver_of(each) for each in opened]


@asynccontextmanager
async def overheard(driver: Any) -> AsyncIterator[list[str]]:
    """What the driver says on its own account, prepared statements not included: pings, transactions."""
    said: list[str] = []

    def note(record: Any) -> None:
        said.append(record.query)

    driver.add_query_logger(note)
    yield said
    await asyncio.sleep(0)  # It tells what it said a moment later.
    driver.remove_query_logger(note)


@ONLY_POSTGRES
async def test_only_a_connection_that_rested_is_asked_whether_it_lives(
    database: Database, tick: Callable[..., None]
) -> None:
    async with database.reading() as connection:
        driver = await driver_of(connection)
    for rest, asked in ((0, 0), (6, 1)):
        tick(seconds=rest)
        async with overheard(driver) as said:
            for _ in range(3):
                async with database.reading() as connection:
                    assert await driver_of(connection) is driver
                    assert (await connection.execute(text("select 1"))).scalar_one() == 1
        assert said.count(";") == asked


async def test_a_restart_right_after_use_goes_unnoticed_on_every_connection(
    own: Database, own_server: Postgres
) -> None:
    for how in (signal.SIGQUIT, signal.SIGINT):
        before = await fill_the_pool(own)
        await asyncio.to_thread(own_server.end, how)
        await asyncio.to_thread(own_server.start)
        after = await fill_the_pool(own)
        assert not {id(each) for each in before} & {id(each) for each in after}
        async with own.write() as session:
            await session.execute(text(f"create table after_{how.name.lower()} (id integer)"))


async def test_while_the_server_is_away_it_is_said_and_then_it_is_over(own: Database, own_server: Postgres) -> None:
    await fill_the_pool(own)
    await asyncio.to_thread(own_server.end, signal.SIGQUIT)
    for _ in range(POOL + 2):
        with pytest.raises(StorageUnavailable):
            async with own.reading() as connection:
                await connection.execute(text("select 1"))
    await asyncio.to_thread(own_server.start)
    await fill_the_pool(own)


@ONLY_POSTGRES
async def test_a_connection_that_died_while_it_rested_is_replaced(
    database: Database, tick: Callable[..., None]
) -> None:
    """The server cut it and the news may still be on its way: the driver does not know, so the server is asked."""
    async with database.reading() as connection:
        first = await driver_of(connection)
        pid = first.get_server_pid()
    other = Database(database.url.replace("+asyncpg", ""))
    async with other.reading() as connection:
        await connection.execute(text("select pg_terminate_backend(:pid)"), {"pid": pid})
    await other.dispose()
    tick(seconds=6)
    async with database.reading() as connection:
        assert await driver_of(connection) is not first
        assert (await connection.execute(text("select 1"))).scalar_one() == 1
