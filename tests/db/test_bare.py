"""Reads through the bare driver: what SQLAlchemy would have answered, on connections that heal."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import JSON, bindparam, select, text
from tests.factories import personality_row
from tests.support.engines import ONLY_POSTGRES

from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.service import save_new_version
from botbot.db import Database
from botbot.db.bare import BareReader
from botbot.errors import StorageUnavailable

P = PersonalityTemplate
PLAIN = [column for column in P.__table__.columns if not isinstance(column.type, JSON)]


@pytest.fixture
async def reader(database: Database) -> AsyncIterator[BareReader]:
    async with database.write() as session:
        for number in range(3):
            await save_new_version(session, personality_row(f"Nr {number}", avg_rating=4.25, hue=number), "New.")
    opened = BareReader(database)
    yield opened
    await opened.aclose()


async def test_it_answers_what_sqlalchemy_answers(database: Database, reader: BareReader) -> None:
    statement = select(*PLAIN).where(P.hue >= bindparam("least")).order_by(P.hue)
    async with database.reading() as ordinary, reader.reading() as bare:
        theirs = (await ordinary.execute(statement, {"least": 1})).all()
        ours = (await bare.execute(statement, {"least": 1})).all()
    assert [tuple(row) for row in ours] == [tuple(row) for row in theirs]
    assert [row.created_at.utcoffset() for row in ours] == [row.created_at.utcoffset() for row in theirs]
    assert len(ours) == 2


async def test_json_comes_as_it_is_stored(reader: BareReader) -> None:
    async with reader.reading() as bare:
        row = (await bare.execute(select(P.tags, P.requirements).limit(1))).one()
    assert bytes(row.tags).replace(b" ", b"") == b'["science","patient"]'
    assert row.requirements is None


async def test_lists_of_values_and_plain_text_go_the_ordinary_way(reader: BareReader) -> None:
    some = select(P.name).where(P.name.in_(bindparam("names", expanding=True))).order_by(P.name)
    async with reader.reading() as bare:
        assert [row.name for row in await bare.execute(some, {"names": ["Nr 1", "Nr 2"]})] == ["Nr 1", "Nr 2"]
        assert (await bare.execute(text("select 1"))).scalar_one() == 1


async def test_nothing_can_be_written(reader: BareReader) -> None:
    async with reader.reading() as bare:
        driver: Any = bare._driver
        with pytest.raises((asyncpg.ReadOnlySQLTransactionError, sqlite3.OperationalError)):
            await driver.execute("delete from personality_templates")


async def test_a_crowd_shares_a_few_connections(reader: BareReader) -> None:
    async def ask() -> int:
        async with reader.reading() as bare:
            return len((await bare.execute(select(P.id))).all())

    assert await asyncio.gather(*(ask() for _ in range(100))) == [3] * 100
    assert len(reader._idle) <= 5


async def test_a_failed_read_gives_its_connection_back(reader: BareReader) -> None:
    for _ in range(20):
        with pytest.raises(ZeroDivisionError):
            async with reader.reading():
                raise ZeroDivisionError
    async with reader.reading() as bare:
        assert await bare.scalar(select(P.id).limit(1))


@ONLY_POSTGRES
async def test_connections_that_the_server_cut_are_replaced(database: Database, reader: BareReader) -> None:
    async with reader.reading() as bare:
        await bare.execute(select(P.id))
    async with database.write() as session:
        cut = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = :db"
        await session.execute(text(cut), {"db": database.url.rpartition("/")[2]})
    await asyncio.sleep(0.1)
    async with reader.reading() as bare:
        assert len((await bare.execute(select(P.id))).all()) == 3


@ONLY_POSTGRES
async def test_a_server_that_is_away_is_said_to_be(database: Database) -> None:
    away = BareReader(Database("postgresql://nobody@127.0.0.1:1/nothing"))
    with pytest.raises(StorageUnavailable):
        async with away.reading():
            pass


async def test_a_directory_that_is_away_is_no_fault_of_ours(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'kept' / 'botbot.sqlite3'}")
    (tmp_path / "kept").rmdir()
    reader = BareReader(database)
    with pytest.raises(StorageUnavailable):
        async with reader.reading():
            raise AssertionError("there is nothing to read")
    await reader.aclose()
    await database.dispose()
