"""The search index, beside the models: trigrams for substrings, and the words of the catalogue for near misses.

It holds nothing that the entries don't, so it may be missing (search is then slower, and as right), is built from the
rows when it is, and follows them by triggers. It is no part of the migrations because PostgreSQL's half depends on an
extension that may be installed later: `ensure` runs at every start and makes what can be made.

SQLite numbers the entries itself: implicit row ids change at VACUUM, and FTS5 knows rows by number only."""

import logging
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.catalog import search_sql as sql
from botbot.db.engine import Database, storage_errors
from botbot.db.migrate import TAKE_TURNS

log = logging.getLogger("botbot.catalog")

EXTENSION = "pg_trgm"
TABLES = tuple(sql.SQLITE_TABLES)
INDEXES = (*sql.POSTGRES_INDEXES, *sql.POSTGRES_TRIGRAMS)
"""What stands in a database beside what the models say. FTS5 adds tables of its own, named after ours."""
NOT_HERE = {"42501", "58P01", "0A000", "42704"}
"""Not allowed, not installed, not supported, no such operator class."""
_IS_COMPLETE = {
    "sqlite": "select count(*) from sqlite_master where name = 'search_trigrams'",
    "postgresql": "select count(*) = 2 from pg_class join pg_index on indexrelid = pg_class.oid "
    "where indisvalid and relname in ('ix_search_text', 'ix_search_name')",
}
_KNOWS_WORDS = {
    "sqlite": "select count(*) from sqlite_master where name = 'search_word_trigrams'",
    "postgresql": "select to_regclass('search_word_trigrams') is not null",
}


async def ensure(database: Database) -> bool:
    """Make what of the index is missing, from the rows there are; answers whether substrings have theirs now.

    Takes minutes for a million entries that have none, in one transaction; a mere look otherwise, which waits for
    nobody: even `create index if not exists` locks out every writer."""
    async with database.reading() as looking:
        if await looking.run_sync(_is_whole_sqlite if database.is_sqlite else _is_whole_postgres):
            return True
    with storage_errors():
        async with database.engine.connect() as connection:
            async with connection.begin():
                if not database.is_sqlite:
                    await connection.execute(TAKE_TURNS)
                await connection.run_sync(_ensure_sqlite if database.is_sqlite else _ensure_words)
            return database.is_sqlite or await _ensure_trigrams(connection)


async def remove(database: Database) -> None:
    """Without an index and its triggers, a great many entries are loaded fast; `ensure` makes it again."""
    with storage_errors():
        async with database.engine.connect() as connection, connection.begin():
            await connection.run_sync(_remove_sqlite if database.is_sqlite else _remove_postgres)


async def is_complete(connection: AsyncConnection) -> bool:
    """Whether substrings have their index. Always so on SQLite, once the house was started."""
    return bool(await connection.scalar(text(_IS_COMPLETE[connection.dialect.name])))


async def knows_words(connection: AsyncConnection) -> bool:
    """Whether there are words to find near misses among."""
    return bool(await connection.scalar(text(_KNOWS_WORDS[connection.dialect.name])))


def _is_whole_sqlite(connection: Connection) -> bool:
    """What stands there in other words was made by another release, and is made anew."""
    known = text("select name, sql from sqlite_master where name like 'search%' or name like 'ix_find%'")
    present = {row.name: row.sql for row in connection.execute(known)}
    wanted = sql.SQLITE_TABLES | sql.SQLITE_TRIGGERS | sql.SQLITE_INDEXES
    return all(_alike(present.get(name), statement) for name, statement in wanted.items())


def _ensure_sqlite(connection: Connection) -> None:
    if _is_whole_sqlite(connection):  # Somebody else was faster.
        return
    _remove_sqlite(connection)
    later = [statement for name, statement in sql.SQLITE_TRIGGERS.items() if name != "search_word_added"]
    for statement in (
        *sql.SQLITE_TABLES.values(),
        sql.SQLITE_WORD_TRIGGER,
        *sql.SQLITE_FILL,
        *later,
        *sql.SQLITE_INDEXES.values(),
    ):
        connection.exec_driver_sql(statement)


def _alike(present: Any, wanted: str) -> bool:
    """SQLite keeps the text of a statement, but for its first words."""
    return isinstance(present, str) and present.lower() == wanted.lower()


def _remove_sqlite(connection: Connection) -> None:
    made = {"trigger": sql.SQLITE_TRIGGERS, "table": sql.SQLITE_TABLES, "index": sql.SQLITE_INDEXES}
    for kind, names in made.items():
        for name in names:
            connection.exec_driver_sql(f"drop {kind} if exists {name}")


def _is_whole_postgres(connection: Connection) -> bool:
    return set(INDEXES) <= _indexes(connection) and set(sql.POSTGRES_TRIGGERS) <= _triggers(connection)


def _triggers(connection: Connection) -> set[str]:
    present = text("select tgname from pg_trigger where tgname like 'search%' and not tgisinternal")
    return set(connection.execute(present).scalars())


def _indexes(connection: Connection) -> set[str]:
    present = text(
        "select relname from pg_class join pg_index on indexrelid = pg_class.oid "
        "where indisvalid and pg_table_is_visible(indexrelid) and relname like 'ix%'"
    )
    return set(connection.execute(present).scalars())


def _ensure_words(connection: Connection) -> None:
    if not set(sql.POSTGRES_TRIGGERS) <= _triggers(connection):
        _remove_postgres(connection)
        for statement in (*sql.POSTGRES_TABLES, *sql.POSTGRES_FILL, *sql.POSTGRES_TRIGGERS.values()):
            connection.exec_driver_sql(statement)
    present = _indexes(connection)
    for name, statement in sql.POSTGRES_INDEXES.items():
        if name not in present:
            connection.exec_driver_sql(statement)


def _remove_postgres(connection: Connection) -> None:
    for statement in sql.POSTGRES_DROP:
        connection.exec_driver_sql(statement)


async def _ensure_trigrams(connection: AsyncConnection) -> bool:
    """Needs the extension, which not every server has and not every role may create."""
    try:
        async with connection.begin():
            await connection.execute(TAKE_TURNS)
            await connection.exec_driver_sql(f"create extension if not exists {EXTENSION}")
            for statement in sql.POSTGRES_TRIGRAMS.values():
                await connection.exec_driver_sql(statement)
    except DBAPIError as refusal:
        if getattr(refusal.orig, "sqlstate", "") not in NOT_HERE:
            raise
        log.warning("search goes without an index, slower: `botbot doctor` says how to mend it")
        return False
    return True
