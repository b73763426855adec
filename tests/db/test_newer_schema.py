"""Processes are replaced one by one: older code meets a schema that it doesn't know, and works on."""

from pathlib import Path

import httpx
from sqlalchemy import text
from tests.support.commands import botbot
from tests.support.serving import Site

from botbot.db import Database
from botbot.db.migrate import migrate, revision
from botbot.runtime import wait_for_schema


async def go_ahead(database: Database) -> None:
    """As a migration of the next release leaves it."""
    async with database.write() as session:
        await session.execute(text("update alembic_version set version_num = '9999'"))
        await session.execute(text("alter table users add column of_the_next_release integer"))


async def test_who_is_at_work_goes_on_and_who_starts_again_does_not_wait(site: Site, client: httpx.AsyncClient) -> None:
    await go_ahead(site.house.db)
    assert (await client.get("/readyz")).status_code == 200
    await wait_for_schema(site.house)
    await migrate(site.house.db)
    assert (await revision(site.house.db))[0] == "9999"


async def test_the_older_command_leaves_the_newer_schema_alone(database_url: str, tmp_path: Path) -> None:
    database = Database(database_url)
    await go_ahead(database)
    done = await botbot("migrate", cwd=tmp_path, DATABASE_URL=database_url, BOTBOT_DATA_DIR="data", BOTBOT_LOG="text")
    assert (done.code, done.err) == (0, "")
    assert (await revision(database))[0] == "9999"
    await database.dispose()
