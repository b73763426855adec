"""What the database and its rows give away."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from tests.support.engines import MOSTLY_SQLITE, ONLY_POSTGRES, ONLY_SQLITE
from tests.support.people import Person
from tests.support.postgres import Postgres

from botbot.catalog import search_index
from botbot.db import Database
from botbot.doctor import Finding, examine
from botbot.doctor.storage import check_file, of_postgres
from botbot.house import House
from botbot.jobs.budgets import day_key
from botbot.jobs.models import Budget, OutboxEntry, Saga
from botbot.kit import clock
from botbot.settings import Settings

KEY = "k" * 40


@pytest.fixture
def plain(database_url: str, tmp_path: Path) -> Settings:
    """Without peers, so that only the database is asked."""
    return Settings(database_url=database_url, data_dir=tmp_path, secret_key=KEY)


async def found(settings: Settings) -> dict[str, Finding]:
    return {each.name: each for each in await examine(settings, {}, Path("none"))}


async def order(settings: Settings, *statements: str) -> None:
    database = Database(settings.effective_database_url)
    async with database.write() as session:
        for statement in statements:
            await session.execute(text(statement))
    await database.dispose()


async def test_an_empty_catalogue_without_an_admin_is_named(plain: Settings) -> None:
    findings = await found(plain)
    assert {"catalogue_empty", "nobody_is_admin"} <= set(findings)
    assert findings["database"].severity == "ok"
    assert "nobody_is_admin" not in await found(replace(plain, admins=(1,)))


async def test_a_database_without_tables_is_named(empty_database_url: str, tmp_path: Path) -> None:
    findings = await found(Settings(database_url=empty_database_url, data_dir=tmp_path, secret_key=KEY))
    assert findings["database_empty"].severity == "note"


@MOSTLY_SQLITE
@pytest.mark.parametrize(("revision", "name"), [("0001", "database_outdated"), ("9999", "database_newer")])
async def test_a_schema_of_another_release_is_named(plain: Settings, revision: str, name: str) -> None:
    await order(plain, f"update alembic_version set version_num = '{revision}'")
    assert (await found(plain))[name].is_wrong == (name == "database_outdated")


async def test_a_database_that_is_not_there_is_named(tmp_path: Path) -> None:
    url = "postgresql://x@127.0.0.1:1/none"
    assert (await found(Settings(database_url=url, data_dir=tmp_path, secret_key=KEY)))["database_unreachable"].is_wrong


@ONLY_SQLITE
async def test_a_damaged_file_is_named_and_a_big_one_is_not_waited_for(plain: Settings, tmp_path: Path) -> None:
    path = Path(plain.database_url.removeprefix("sqlite:///"))
    assert check_file(str(path)) == []
    assert [each.name for each in check_file(str(path), seconds=-1)] == ["database_not_checked"]
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("pragma wal_checkpoint(truncate); pragma journal_mode = delete")
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * 40_960 + whole[49_152:])
    assert [each.name for each in check_file(str(path))] == ["database_damaged"]


async def test_a_missing_search_index_is_named(plain: Settings) -> None:
    database = Database(plain.database_url)
    await search_index.remove(database)
    await database.dispose()
    name = "search_index_pending" if plain.is_sqlite else "search_index_missing"
    assert not (await found(plain))[name].is_wrong


@ONLY_SQLITE
async def test_what_was_sealed_with_another_key_is_named(house: House, settings: Settings, ada: Person) -> None:
    alone = replace(settings, openai_base_url="", openai_api_key="", discord_bot_token="")
    assert "secret_key_unfit" not in await found(alone)
    assert (await found(replace(alone, secret_key=KEY)))["secret_key_unfit"].is_wrong
    both = await found(replace(alone, secret_key=f"{KEY},{settings.secret_key}"))
    assert "secret_key_unfit" not in both
    assert not both["secret_key_old_rows"].is_wrong
    assert "secret_key_old_rows" not in await found(replace(alone, secret_key=f"{settings.secret_key},{KEY}"))


def waiting(what: str) -> Any:
    long_ago = clock.now() - timedelta(minutes=6)
    saga = Saga(kind="deploy", subject_id="x", run_at=long_ago)
    if what == "deployments_need_attention":
        saga.status = "stuck"
    if what == "news_waits":
        return OutboxEntry(topic="bot", created_at=long_ago)
    return Budget(key=day_key("preview"), used=10) if what == "preview_budget_spent" else saga


@MOSTLY_SQLITE
@pytest.mark.parametrize("name", ["work_waits", "news_waits", "deployments_need_attention", "preview_budget_spent"])
async def test_what_waits_in_the_rows_is_named(plain: Settings, name: str) -> None:
    settings = replace(plain, preview_per_day=10)
    assert name not in await found(settings)
    database = Database(plain.database_url)
    async with database.write() as session:
        session.add(waiting(name))
    await database.dispose()
    assert name in await found(settings)


@ONLY_POSTGRES
async def test_what_is_due_now_or_held_by_somebody_is_no_fault(plain: Settings) -> None:
    database = Database(plain.database_url)
    long_ago = clock.now() - timedelta(minutes=6)
    async with database.write() as session:
        session.add(Saga(kind="deploy", subject_id="x"))
        session.add(Saga(kind="deploy", subject_id="y", run_at=long_ago, lease_until=clock.now()))
    await database.dispose()
    assert "work_waits" not in await found(plain)


@ONLY_POSTGRES
async def test_a_clock_that_differs_from_the_servers_is_named(plain: Settings, tick: Callable[..., None]) -> None:
    assert "clock_differs" not in await found(plain)
    tick(hours=1)
    assert "-3600 s" in (await found(plain))["clock_differs"].text


@ONLY_POSTGRES
async def test_a_server_for_experiments_is_named(plain: Settings) -> None:
    """The tests' own is one: nothing is synced, and its owner may do everything."""
    assert {"postgres_not_synced", "postgres_superuser"} <= set(await found(plain))


@ONLY_POSTGRES
async def test_a_database_with_few_connections_is_named(plain: Settings) -> None:
    assert "postgres_connections_few" not in await found(plain)
    await order(plain, f"alter database {plain.database_url.rpartition('/')[2]} connection limit 20")
    assert "20 connections" in (await found(plain))["postgres_connections_few"].text


async def test_a_database_that_cannot_hold_every_text_is_named(postgres: Postgres, tmp_path: Path) -> None:
    connection = await asyncpg.connect(postgres.url("postgres"))
    await connection.execute("create database ascii template template0 encoding 'SQL_ASCII' locale_provider libc")
    await connection.close()
    findings = await found(Settings(database_url=postgres.url("ascii"), data_dir=tmp_path, secret_key=KEY))
    await postgres.drop(postgres.url("ascii"))
    assert findings["postgres_encoding"].is_wrong


GOOD = {
    "server_version_num": "150004", "server_encoding": "UTF8", "fsync": "on", "synchronous_commit": "on",
    "full_page_writes": "on", "is_superuser": "off",
}  # fmt: skip


def test_an_old_server_is_named_and_a_good_one_is_not() -> None:
    assert list(of_postgres(GOOD)) == []
    assert [each.name for each in of_postgres(GOOD | {"server_version_num": "120011"})] == ["postgres_old"]
