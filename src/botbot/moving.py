"""Moves a marketplace from SQLite to PostgreSQL: everything or nothing, each row compared afterwards.

Nobody else may have the SQLite file open meanwhile, since what they wrote would stay behind; SQLite's exclusive lock
says so, and keeps them out. On the other side all of it is one transaction, from the empty database to the last
comparison: whatever dies in the middle leaves the target as empty as it was, and the source is only read. Foreign keys
come last, as `pg_restore` does it, so rows may arrive in any order."""

import contextlib
import hashlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, LargeBinary, Row, Select, String, Table, event, func, inspect, literal, select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from botbot import tables
from botbot.catalog import search_index
from botbot.db import Database
from botbot.db.engine import storage_errors
from botbot.db.migrate import TAKE_TURNS, revision, upgrade
from botbot.errors import BotBotError, MoveRefused
from botbot.settings import Settings

BATCH, HEAVY_BATCH = 500, 20
"""Rows at a time, and of a table that holds pictures or files, each of up to a megabyte or more."""
NOT_STORABLE = ("22", "23")
"""PostgreSQL's classes for values it can't hold, and for constraints."""
FOREIGN_KEYS = text(
    "select conrelid::regclass::text as owner, quote_ident(conname) as name, pg_get_constraintdef(oid) as definition "
    "from pg_constraint where contype = 'f' and connamespace = current_schema()::regnamespace"
)
COUNTED_COLUMNS = text(
    "select table_name, column_name, pg_get_serial_sequence(quote_ident(table_name), column_name) as sequence "
    "from information_schema.columns where table_schema = current_schema() "
    "and pg_get_serial_sequence(quote_ident(table_name), column_name) is not null"
)


@dataclass(frozen=True)
class Moved:
    """One table that is the same on both sides: how many rows, and the SHA-256 over them in the order of their key."""

    table: str
    rows: int
    digest: str


async def move(settings: Settings, target_url: str, tell: Callable[[Moved], None] = lambda moved: None) -> list[Moved]:
    """Copy every row and compare it. `tell` hears of each table once it was found equal.

    Raises `MoveRefused` (nothing was moved, in words), `StorageUnavailable` when the target can't be reached."""
    with _refusals():
        source = await _source(settings)
    target = _target(target_url)
    try:
        with storage_errors(), _refusals():
            async with _alone(source) as reading, target.engine.connect() as writing, writing.begin():
                await _make_room(writing)
                moved = await _carry(reading, writing, tell)
        await _index(target)
    finally:
        await target.dispose()
    return moved


async def _index(target: Database) -> None:
    """Everything has moved by now, whatever happens here; and every start looks after the index too."""
    with contextlib.suppress(BotBotError, DBAPIError):
        await search_index.ensure(target)


async def _source(settings: Settings) -> str:
    """The file's URL, once it is known to be ours and of today's schema."""
    if not settings.is_sqlite:
        raise MoveRefused(
            "DATABASE_URL names PostgreSQL already. Run this with the settings of the SQLite marketplace."
        )
    if not _file(settings).is_file():
        raise MoveRefused("There is no SQLite database at DATABASE_URL, so there is nothing to move.")
    database = Database(settings.effective_database_url)
    try:
        present, newest = await revision(database)
    finally:
        await database.dispose()
    if present != newest:
        raise MoveRefused(f"Its schema is {present or 'empty'}, this code wants {newest}: run `botbot migrate` first.")
    return database.url


def _file(settings: Settings) -> Path:
    return Path(settings.effective_database_url.partition(":///")[2])


def _target(url: str) -> Database:
    if not url.startswith(("postgresql://", "postgres://")):
        raise MoveRefused("The target must be a postgresql:// address.")
    return Database(url)


@asynccontextmanager
async def _alone(url: str) -> AsyncIterator[AsyncConnection]:
    """The SQLite file for us alone. An exclusive lock is refused while any other process has the file open."""
    engine = create_async_engine(url, poolclass=NullPool)

    @event.listens_for(engine.sync_engine, "connect")
    def connect(driver: Any, record: Any) -> None:
        driver.isolation_level = None
        cursor = driver.cursor()
        for pragma in ("locking_mode = exclusive", "busy_timeout = 1000"):
            cursor.execute(f"pragma {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        try:
            connection.exec_driver_sql("begin exclusive")
        except OperationalError as error:
            if "locked" not in str(error.orig):
                raise
            raise MoveRefused("Something has this database open. Stop BotBot first, then move it.") from error

    try:
        async with engine.connect() as connection, connection.begin():
            yield connection
    finally:
        await engine.dispose()


async def _make_room(writing: AsyncConnection) -> None:
    """The schema in an empty database. Tables of ours that hold nothing count as empty."""
    await writing.execute(TAKE_TURNS)
    for table in await writing.run_sync(_tables_of):
        if table not in {"alembic_version", *search_index.TABLES}:
            if table not in tables.metadata().tables:
                raise MoveRefused(f"The target is not empty: there is a table {table}. Name a database of its own.")
            if await writing.scalar(select(literal(1)).select_from(tables.metadata().tables[table]).limit(1)):
                raise MoveRefused(f"The target is not empty: {table} holds rows. Name an empty database.")
    await writing.run_sync(upgrade)


def _tables_of(connection: Connection) -> list[str]:
    return inspect(connection).get_table_names()


async def _carry(reading: AsyncConnection, writing: AsyncConnection, tell: Callable[[Moved], None]) -> list[Moved]:
    keys = (await writing.execute(FOREIGN_KEYS)).all()
    for key in keys:
        await writing.execute(text(f"alter table {key.owner} drop constraint {key.name}"))
    for table in tables.metadata().sorted_tables:
        await _copy(reading, writing, table)
    for key in keys:
        await writing.execute(text(f"alter table {key.owner} add constraint {key.name} {key.definition}"))
    await _count_on(writing)
    moved = []
    for table in tables.metadata().sorted_tables:
        moved.append(await _compare(reading, writing, table))
        tell(moved[-1])
    await writing.execute(text("analyze"))
    return moved


async def _copy(reading: AsyncConnection, writing: AsyncConnection, table: Table) -> None:
    async for rows in _batches(reading, _ordered(table)):
        await writing.execute(table.insert(), [dict(row._mapping) for row in rows])


async def _count_on(writing: AsyncConnection) -> None:
    """Numbers that the database gives out go on after the highest there is."""
    for table_name, column_name, sequence in (await writing.execute(COUNTED_COLUMNS)).all():
        column = tables.metadata().tables[table_name].columns[column_name]
        highest = await writing.scalar(select(func.max(column)))
        if highest is not None:
            await writing.execute(text("select setval(cast(:name as regclass), :n)"), {"name": sequence, "n": highest})


async def _compare(reading: AsyncConnection, writing: AsyncConnection, table: Table) -> Moved:
    """Both sides in the order of their key, row beside row."""
    theirs = _batches(writing, _ordered(table, "C"))
    digest, count = hashlib.sha256(), 0
    async for ours in _batches(reading, _ordered(table)):
        for mine, other in zip(ours, await anext(theirs, ()), strict=False):
            if tuple(mine) != tuple(other):
                raise MoveRefused(f"{table.name}: row {count + 1} arrived changed. Nothing was moved.")
            digest.update(msgspec.json.encode(tuple(mine), order="deterministic"))
            count += 1
    present = {side: await side.scalar(select(func.count()).select_from(table)) for side in (reading, writing)}
    if set(present.values()) != {count}:
        raise MoveRefused(f"{table.name}: {present[reading]} rows left, {present[writing]} arrived. Nothing was moved.")
    return Moved(table.name, count, digest.hexdigest())


def _ordered(table: Table, collation: str | None = None) -> Select[Any]:
    """By its key; PostgreSQL is told to compare texts by their bytes, as SQLite does."""
    key = table.primary_key.columns
    return select(table).order_by(
        *(each.collate(collation) if collation and isinstance(each.type, String) else each for each in key)
    )


async def _batches(connection: AsyncConnection, statement: Select[Any]) -> AsyncIterator[list[Row[Any]]]:
    is_heavy = any(isinstance(each.type, LargeBinary) for each in statement.selected_columns)
    async with connection.stream(statement) as result:
        async for rows in result.partitions(HEAVY_BATCH if is_heavy else BATCH):
            yield list(rows)


class _refusals:
    """What the target says of a row that it won't have, without the row: that is somebody's text. And what SQLite says
    of a file that it can't read."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DBAPIError) and isinstance(error.orig, sqlite3.Error):
            raise MoveRefused(f"The SQLite file can't be used: {error.orig}. Nothing was moved.") from error
        state = getattr(getattr(error, "orig", None), "sqlstate", None)
        if isinstance(error, DBAPIError) and isinstance(state, str) and state.startswith(NOT_STORABLE):
            said = str(error.orig).splitlines()[0].rpartition("'>: ")[2]
            raise MoveRefused(f"PostgreSQL refused a row: {said}. Nothing was moved.") from error
