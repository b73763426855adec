"""The index follows the entries whatever happens to them, is made when it is missing, and may be missing."""

import asyncio
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from tests.factories import personality_row
from tests.support import crowd
from tests.support.engines import ONLY_SQLITE, has_trigrams
from tests.support.postgres import Postgres

from botbot.catalog import search_index
from botbot.catalog.listing import count_cards, list_cards
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.rules import Filters
from botbot.catalog.searching import suggest
from botbot.catalog.service import save_new_version
from botbot.db import Database
from botbot.db.migrate import migrate
from botbot.kit import clock


async def add(database: Database, name: str, **changes: Any) -> None:
    async with database.write() as session:
        await save_new_version(session, personality_row(name, **changes), "")


async def names(database: Database, search: str) -> list[str]:
    async with database.reading() as connection:
        page = await list_cards(connection, Filters(search=search, sort_by="name"))
        assert (await count_cards(connection, Filters(search=search))).count == len(page.rows)
        return [row.name for row in page.rows]


async def near(database: Database, search: str) -> list[str]:
    async with database.reading() as connection:
        return [row.name for row in await suggest(connection, Filters(search=search))]


async def change(database: Database, who: str, /, **values: Any) -> None:
    async with database.write() as session:
        found = await session.scalar(select(PersonalityTemplate).where(PersonalityTemplate.name == who))
        assert found is not None
        for key, value in values.items():
            setattr(found, key, value)
        await save_new_version(session, found, "")


async def run(database: Database, *statements: str) -> None:
    """Past everything of ours, on a connection that starts no transactions."""
    async with database.reading() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)


async def test_it_follows_every_change(database: Database) -> None:
    await add(database, "Brass Owl", description="Reads by lamplight.")
    await add(database, "Tin Wren", description="Sings by lamplight.")
    assert await names(database, "mpligh") == ["Brass Owl", "Tin Wren"]
    await change(database, "Tin Wren", name="Copper Wren", description="Sings at noon.")
    assert (await names(database, "mpligh"), await names(database, "opper wre")) == (["Brass Owl"], ["Copper Wren"])
    assert await names(database, "tin") == []
    await change(database, "Brass Owl", is_public=False)
    assert await names(database, "owl") == []
    await change(database, "Brass Owl", is_public=True)
    assert await names(database, "owl") == ["Brass Owl"]
    await change(database, "Copper Wren", archived_at=clock.now())
    assert await names(database, "wren") == []
    async with database.write() as session:
        await session.execute(text("delete from personality_templates where name = 'Brass Owl'"))
    assert await names(database, "owl") == []
    await add(database, "Brass Owl", slug="another")
    assert await names(database, "owl") == ["Brass Owl"]


async def test_it_is_made_from_the_rows_there_are(database: Database) -> None:
    await search_index.remove(database)
    await add(database, "Brass Owl", tags=["Nachtvogel"])
    assert await names(database, "htvog") == ["Brass Owl"], "right without it"
    assert await near(database, "nachtfogel") == [], "near misses need the words"
    fresh = Database(database.url.replace("+aiosqlite", "").replace("+asyncpg", ""))
    assert await search_index.ensure(fresh) is await has_trigrams(fresh)
    assert await names(fresh, "htvog") == ["Brass Owl"]
    assert await near(fresh, "nachtfogel") == ["Brass Owl"]
    await fresh.dispose()


async def test_making_it_again_changes_nothing(database: Database) -> None:
    await add(database, "Brass Owl")

    async def state() -> Any:
        async with database.reading() as connection:
            words = (await connection.execute(text("select * from search_word_trigrams order by 1, 2"))).all()
            return words, await names(database, "rass")

    before = await state()
    for _ in range(2):
        assert await search_index.ensure(database) is await has_trigrams(database)
        assert await state() == before


async def test_where_nothing_is_missing_no_writer_is_waited_for(database: Database) -> None:
    """At every start of every process, in the middle of somebody else's transaction."""
    await add(database, "Brass Owl")
    if not await search_index.ensure(database):
        pytest.skip("this PostgreSQL has no pg_trgm")
    starting = Database(database.url.replace("+aiosqlite", "").replace("+asyncpg", ""))
    async with database.write() as session:
        await session.execute(text("update personality_templates set deploy_count = deploy_count + 1"))
        async with asyncio.timeout(4):  # SQLite would wait five seconds for the pen, PostgreSQL for ever.
            assert await search_index.ensure(starting)
    await starting.dispose()


async def test_an_index_that_was_dropped_is_made_again(database: Database) -> None:
    for name in ("ix_find_popular", "ix_find_tags"):
        await run(database, f"drop index {name}")
        assert await search_index.ensure(database) is await has_trigrams(database)
    query = "select name from sqlite_master" if database.is_sqlite else "select relname from pg_class"
    async with database.reading() as connection:
        present = set((await connection.execute(text(query))).scalars())
    assert {"ix_find_popular", "ix_find_tags"} <= present


@ONLY_SQLITE
async def test_numbers_outlive_a_vacuum(database: Database) -> None:
    for name in ("One owl", "Two owls", "Three owls"):
        await add(database, name)
    async with database.write() as session:
        await session.execute(text("delete from personality_templates where name = 'One owl'"))
    await run(database, "vacuum")
    assert await names(database, "two") == ["Two owls"]
    await change(database, "Two owls", name="Two larks")
    assert (await names(database, "larks"), await names(database, "owl")) == (["Two larks"], ["Three owls"])
    await run(database, "insert into search_trigrams (search_trigrams) values ('integrity-check')")


@ONLY_SQLITE
async def test_what_another_release_made_is_made_anew(database: Database) -> None:
    await add(database, "Brass Owl")
    await run(database, "drop trigger search_changed", "drop index ix_find_popular", "delete from search_numbers")
    assert await search_index.ensure(database)
    assert await names(database, "rass") == ["Brass Owl"]
    await change(database, "Brass Owl", name="Brass Crow")
    assert (await names(database, "owl"), await names(database, "crow")) == ([], ["Brass Crow"])


async def test_without_the_extension_search_is_as_right(postgres: Postgres, caplog: pytest.LogCaptureFixture) -> None:
    """A role that may create tables but no extensions, as many a hosted server gives."""
    name = await postgres.create()
    admin = await asyncpg.connect(postgres.url(name))
    await admin.execute("create role tenant login")
    await admin.execute("grant all on schema public to tenant")
    database = Database(postgres.url(name).replace("botbot@", "tenant@"))
    try:
        await migrate(database)
        assert not await search_index.ensure(database)
        assert "botbot doctor" in caplog.text
        await add(database, "Brass Owl", description="100% lamp_light, 한국어.")
        assert await names(database, "100% mp_ 국") == ["Brass Owl"]
        assert await near(database, "brasz") == ["Brass Owl"]
        await admin.execute("create extension pg_trgm")
        assert await search_index.ensure(database)
        assert await names(database, "rass") == ["Brass Owl"]
    finally:
        await database.dispose()
        await admin.close()
        await postgres.drop(postgres.url(name))
        cleaner = await asyncpg.connect(postgres.url("postgres"))
        await cleaner.execute("drop role tenant")
        await cleaner.close()


async def test_a_crowd_is_what_it_says(database: Database) -> None:
    await crowd.fill(database, 1200, seed=3)
    async with database.reading() as connection:
        for search, count in ((crowd.COMMON, 12), (crowd.RARE, 100)):
            assert (await count_cards(connection, Filters(search=search))).count == count
        with pytest.raises(DBAPIError):
            await connection.exec_driver_sql("insert into personality_tags values ('nobody', 'x')")
    first = [(each["name"], each["id"]) for each in crowd.entries(100, seed=3)]
    assert first == [(each["name"], each["id"]) for each in crowd.entries(100, seed=3)]
