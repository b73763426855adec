"""From SQLite to PostgreSQL by one command: everything, each row compared, or nothing at all."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import inspect, text
from tests import factories
from tests.conftest import MakeSite, SignIn
from tests.support.commands import OURS, botbot
from tests.support.crowd import fill
from tests.support.dump import rows_of
from tests.support.engines import ONLY_SQLITE
from tests.support.postgres import Postgres

from botbot.db import Database
from botbot.errors import MoveRefused
from botbot.moving import Moved, move
from botbot.settings import Settings

LOCAL = {"BOTBOT_LOG": "text"}


@pytest.fixture
async def target(postgres: Postgres) -> AsyncIterator[str]:
    """The URL of an empty PostgreSQL database."""
    url = postgres.url(await postgres.create())
    yield url
    await postgres.drop(url)


@pytest.fixture
def chosen(sqlite_url: str, tmp_path: Path) -> Settings:
    """Settings of a marketplace on SQLite, migrated and empty."""
    return Settings(database_url=sqlite_url, data_dir=tmp_path)


def file_of(settings: Settings) -> Path:
    return Path(settings.effective_database_url.removeprefix("sqlite:///"))


async def everything(url: str) -> dict[str, list[tuple[object, ...]]]:
    database = Database(url)
    try:
        return await rows_of(database)
    finally:
        await database.dispose()


async def tables_in(url: str) -> list[str]:
    database = Database(url)
    try:
        async with database.reading() as connection:
            return await connection.run_sync(lambda c: inspect(c).get_table_names())
    finally:
        await database.dispose()


@ONLY_SQLITE
async def test_a_marketplace_that_was_in_use_goes_on_where_it_stood(
    make_site: MakeSite, sign_in: SignIn, target: str
) -> None:
    """The same sign-in counts, what was deployed is there, and the next can be deployed."""
    old = await make_site()
    personality = await factories.add_personality(old.house)
    ada = await sign_in("ada", old)
    rated = await ada.post(f"/api/marketplace/personalities/{personality.id}/rate", json={"rating": 4, "review": "Né."})
    assert rated.status_code == 200
    deploy = f"/api/marketplace/personalities/{personality.id}/deploy"
    assert (await ada.post(deploy, json={"discordGuildId": str(ada.guild)})).status_code == 202
    await old.drain()
    before = (await ada.get("/api/marketplace/deployments")).json()["deployments"]
    await old.stop()

    moved = await move(old.settings, target)
    assert await everything(target) == await everything(old.settings.database_url)
    assert {each.table: each.rows for each in moved}["users"] >= 1

    new = await make_site(database_url=target)
    ada.http.base_url, ada.http.headers["origin"] = new.url, new.url  # type: ignore[assignment]
    after = (await ada.get("/api/marketplace/deployments")).json()["deployments"]
    assert [each["id"] for each in after] == [each["id"] for each in before]
    assert after[0]["status"] == "active"
    other = await factories.add_personality(new.house, "Captain Ferro")
    again = await sign_in("ada", new)
    wanted = {"discordGuildId": str(ada.guild), "replace": True}
    asked = await again.post(f"/api/marketplace/personalities/{other.id}/deploy", json=wanted)
    assert asked.status_code == 202, asked.text
    await new.drain()
    shown = (await again.get(asked.headers["location"])).json()
    assert shown["status"] == "active", shown


async def test_a_crowd_arrives_in_the_order_of_its_keys_and_can_be_searched(chosen: Settings, target: str) -> None:
    database = Database(chosen.database_url)
    await fill(database, 1200)
    await database.dispose()
    told: list[Moved] = []
    moved = await move(chosen, target, told.append)
    assert told == moved
    assert {each.table: each.rows for each in moved}["personality_templates"] == 1200
    assert len({each.digest for each in moved if each.rows}) == len([each for each in moved if each.rows])
    arrived = Database(target)
    async with arrived.reading() as connection:
        assert await connection.scalar(text("select count(*) from search_words")) > 0
        keys = await connection.scalar(text("select count(*) from pg_constraint where contype = 'f' and convalidated"))
    await arrived.dispose()
    assert keys >= 20


async def test_the_command_says_what_it_moved_and_what_to_do_next(
    chosen: Settings, target: str, tmp_path: Path
) -> None:
    told = {"DATABASE_URL": chosen.database_url, "BOTBOT_DATA_DIR": str(tmp_path), **LOCAL}
    done = await botbot("move", "--to", target, cwd=tmp_path, **told)
    assert (done.code, done.err) == (0, "")
    assert "users" in done.out
    assert "DATABASE_URL" in done.out
    assert "secret.key" in done.out


async def test_while_something_has_the_file_open_nothing_is_moved(chosen: Settings, target: str) -> None:
    running = Database(chosen.database_url)
    async with running.read() as session:
        await session.execute(text("select 1 from users"))
    with pytest.raises(MoveRefused, match="Stop BotBot first"):
        await move(chosen, target)
    assert await tables_in(target) == []
    await running.dispose()
    await move(chosen, target)
    await move(chosen, target)  # An empty marketplace leaves empty tables, which may be filled again.


async def order(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "statement",
    ["create table theirs (id integer)", "insert into budgets (key, used, created_at) values ('x', 1, now())"],
)
async def test_a_target_that_holds_something_is_left_alone(
    chosen: Settings, postgres: Postgres, statement: str
) -> None:
    url = await postgres.copy()
    await order(url, statement)
    before = await everything(url)
    with pytest.raises(MoveRefused, match="not empty"):
        await move(chosen, url)
    assert await everything(url) == before
    await postgres.drop(url)


async def test_a_row_that_postgresql_refuses_undoes_everything_and_shows_no_text(chosen: Settings, target: str) -> None:
    with closing(sqlite3.connect(file_of(chosen))) as connection, connection:
        connection.execute("pragma foreign_keys = off")
        connection.execute(
            "insert into api_tokens (id, user_id, token_hash, name, created_at) values "
            "('CANARY', 'nobody', 'h', 'CANARY', '2026-01-01 00:00:00')"
        )
    with pytest.raises(MoveRefused, match="foreign key") as refused:
        await move(chosen, target)
    assert "CANARY" not in refused.value.message
    assert await tables_in(target) == []


@pytest.mark.parametrize(
    ("changes", "url", "said"),
    [
        ({"database_url": "postgresql://x@127.0.0.1:1/none"}, "postgresql://x@127.0.0.1:1/none", "already"),
        ({"database_url": ""}, "postgresql://x@127.0.0.1:1/none", "nothing to move"),
        ({}, "sqlite:///elsewhere", "must be a postgresql"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words(
    chosen: Settings, tmp_path: Path, changes: dict[str, str], url: str, said: str
) -> None:
    with pytest.raises(MoveRefused, match=said):
        await move(replace(chosen, data_dir=tmp_path / "none", **changes), url)


async def test_an_old_schema_is_migrated_first(tmp_path: Path, target: str) -> None:
    with closing(sqlite3.connect(tmp_path / "botbot.sqlite3")) as connection:
        connection.executescript("create table alembic_version (version_num text); insert into alembic_version values"
                                 "('0001')")  # fmt: skip
    with pytest.raises(MoveRefused, match="botbot migrate"):
        await move(Settings(data_dir=tmp_path), target)


async def test_a_damaged_file_is_said_and_nothing_moved(chosen: Settings, target: str) -> None:
    path = file_of(chosen)
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 200_000)
    with pytest.raises(MoveRefused, match="can't be used"):
        await move(chosen, target)
    assert await tables_in(target) == []


@pytest.mark.long
async def test_a_death_in_the_middle_leaves_the_target_empty_and_the_source_whole(
    chosen: Settings, target: str, tmp_path: Path
) -> None:
    database = Database(chosen.database_url)
    await fill(database, 3000)
    await database.dispose()
    before = await everything(chosen.database_url)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "botbot.cli", "move", "--to", target, cwd=tmp_path,
        env={**clean, **LOCAL, "DATABASE_URL": chosen.database_url, "BOTBOT_DATA_DIR": str(tmp_path)},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    await until_it_writes(target)
    process.send_signal(signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL
    assert await everything(chosen.database_url) == before
    async with asyncio.timeout(30):
        while await tables_in(target):
            await asyncio.sleep(0.05)
    await move(chosen, target)
    assert await everything(target) == before


async def until_it_writes(target: str) -> None:
    """The other process is past the schema and inside its one transaction."""
    connection = await asyncpg.connect(target)
    try:
        async with asyncio.timeout(60):
            while not await connection.fetchval(
                "select count(*) from pg_stat_activity where datname = current_database() "
                "and pid <> pg_backend_pid() and query ilike 'insert into personality_templates%'"
            ):
                await asyncio.sleep(0.005)
    finally:
        await connection.close()
