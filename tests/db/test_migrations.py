"""The schema: the same as the models, made once whoever starts first, and whole or not at all."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from tests.support.commands import botbot, python

from botbot import tables
from botbot.catalog import search_index
from botbot.db import Database
from botbot.db.migrate import config, migrate, revision

DIE = """
import asyncio, os, signal, sys
from sqlalchemy import Engine, event
from botbot.db import Database
from botbot.db.migrate import migrate

left = int(sys.argv[2])

@event.listens_for(Engine, "before_cursor_execute")
def count(connection, cursor, statement, parameters, context, many):
    global left
    left -= statement.lstrip().upper().startswith("CREATE")
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(migrate(Database(sys.argv[1])))
"""
"""Migrates, and dies without a word before the n-th CREATE."""


async def ask(url: str, question: Any) -> Any:
    database = Database(url)
    try:
        async with database.reading() as connection:
            return await connection.run_sync(question)
    finally:
        await database.dispose()


async def tables_of(url: str) -> set[str]:
    return set(await ask(url, lambda connection: inspect(connection).get_table_names()))


def newest() -> str | None:
    return ScriptDirectory.from_config(config()).get_current_head()


def is_ours(found: Any, name: str | None, kind: str, reflected: bool, compared: Any) -> bool:
    """All but the search index, which stands beside the models: by its own list, and with FTS5's tables, which are
    named after ours."""
    beside = name or ""
    is_search = beside in search_index.TABLES if kind == "table" else beside in search_index.INDEXES
    return not (reflected and (is_search or (kind == "table" and beside.startswith("search_trigrams_"))))


async def test_the_migrations_make_what_the_models_say(database_url: str) -> None:
    def differences(connection: Connection) -> list[Any]:
        options = {"compare_type": False, "include_object": is_ours}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, tables.metadata()))

    assert await ask(database_url, differences) == []


async def test_columns_have_the_models_types(database_url: str) -> None:
    """By affinity: a text is no number, a moment no text. The exact names differ between the engines."""

    def wrong(connection: Connection) -> list[str]:
        inspector = inspect(connection)
        found = {(t, c["name"]): c for t in inspector.get_table_names() for c in inspector.get_columns(t)}
        return [
            f"{table.name}.{column.name}"
            for table in tables.metadata().tables.values()
            for column in table.columns
            if found[table.name, column.name]["type"]._type_affinity
            is not column.type.dialect_impl(connection.dialect)._type_affinity
            or found[table.name, column.name]["nullable"] != column.nullable
        ]

    assert await ask(database_url, wrong) == []


async def test_migrating_again_changes_nothing(database: Database) -> None:
    before = await revision(database)
    await migrate(database)
    assert await revision(database) == before == (newest(), newest())


async def test_two_processes_that_start_at_once_take_turns(empty_database_url: str, tmp_path: Path) -> None:
    runs = await asyncio.gather(
        *(botbot("migrate", cwd=tmp_path, DATABASE_URL=empty_database_url, BOTBOT_DATA_DIR="data") for _ in range(3))
    )
    assert [run.code for run in runs] == [0, 0, 0], runs
    assert set(tables.metadata().tables) <= await tables_of(empty_database_url)


@pytest.mark.parametrize("creates", [1, 12, 30])
async def test_a_death_in_the_middle_leaves_the_old_schema(
    empty_database_url: str, tmp_path: Path, creates: int
) -> None:
    died = await python("-c", DIE, empty_database_url, str(creates), cwd=tmp_path)
    assert died.code == -signal.SIGKILL, died.err
    assert await tables_of(empty_database_url) == set()
    again = await botbot("migrate", cwd=tmp_path, DATABASE_URL=empty_database_url, BOTBOT_DATA_DIR="data")
    assert again.code == 0, again.err
    assert set(tables.metadata().tables) <= await tables_of(empty_database_url)


async def test_there_is_one_line_of_revisions() -> None:
    script = ScriptDirectory.from_config(config())
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1
