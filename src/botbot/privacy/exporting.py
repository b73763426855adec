"""Everything about one person as one JSON document, written while it is read: rows come a page at a time, so neither
somebody who talked for years nor a slow download holds much memory or a transaction.

Which tables and columns, `columns.TABLES` says: nothing is handed out that isn't named there."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Any, cast

import msgspec
from sqlalchemy import Column, Table, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.db import Database
from botbot.house import House
from botbot.kit import clock
from botbot.kit.cipher import Cipher
from botbot.privacy.columns import TABLES, Kept, Trace
from botbot.privacy.service import Person, model_of, rows_of

PAGE = 500
LARGE_NUMBERS = {"discord_id", "discord_guild_id", "discord_channel_id"}
"""Snowflakes don't fit into the numbers of JavaScript, so they are written as text."""


async def write_export(house: House, person: Person) -> AsyncIterator[bytes]:
    """The document in pieces. `data` holds a list for each table; those without a row are left out."""
    head = {"site": house.settings.public_url, "exportedAt": clock.now(), "about": str(person.discord_id)}
    yield msgspec.json.encode(head)[:-1] + b',"data":{'
    is_first = True
    for kept in TABLES:
        for trace in kept.traces:
            async for piece in _section(house, kept, trace, person, comma=not is_first):
                is_first = False
                yield piece
    yield b"}}\n"


async def _section(house: House, kept: Kept, trace: Trace, person: Person, *, comma: bool) -> AsyncIterator[bytes]:
    """One table by one of its traces, as `"name": {…}`; nothing when no row leads to the person."""
    has_begun = False
    async for rows in _pages(house.db, kept, trace, person):
        lines = b",".join(_row(house.cipher, kept, trace, row) for row in rows)
        if not has_begun:
            about = {"what": kept.what, "why": kept.why}
            opening = msgspec.json.encode(about)[:-1] + b',"rows":['
            yield (b"," if comma else b"") + msgspec.json.encode(section_name(kept, trace)) + b":" + opening + lines
        else:
            yield b"," + lines
        has_begun = True
    if has_begun:
        yield b"]}"


def section_name(kept: Kept, trace: Trace) -> str:
    """The table's name; where it leads to a person in several ways, with the way behind it."""
    return kept.table if trace is kept.traces[0] else f"{kept.table}.{trace.column}"


async def _pages(database: Database, kept: Kept, trace: Trace, person: Person) -> AsyncIterator[Sequence[Any]]:
    """The rows in the order of their keys; each page asks anew for what follows the last key."""
    table = cast(Table, model_of(kept.table).__table__)
    keys = list(table.primary_key.columns)
    after: Sequence[Any] | None = None
    while True:
        async with database.reading() as connection:
            rows = await _page(connection, table, trace, person, after)
        if rows:
            yield rows
        if len(rows) < PAGE:
            return
        after = rows[-1][-len(keys) :]


async def _page(
    connection: AsyncConnection, table: Table, trace: Trace, person: Person, after: Sequence[Any] | None
) -> Sequence[Any]:
    keys = list(table.primary_key.columns)
    shown = [_column(table, name) for name in trace.shows]
    source: Any = table
    for other in dict.fromkeys(column.table for column in shown if column.table is not table):
        source = source.join(other)
    theirs = rows_of(table, trace, person)
    statement = select(*shown, *keys).select_from(source).where(*theirs).order_by(*keys).limit(PAGE)
    if after is not None:
        statement = statement.where(tuple_(*keys) > tuple_(*after))
    return (await connection.execute(statement)).all()


def _column(table: Table, name: str) -> Column[Any]:
    """One of the table's own, or `other.column` of another one."""
    other, _, column = name.rpartition(".")
    return cast(Table, model_of(other).__table__).c[column] if other else table.c[column]


def _row(cipher: Cipher, kept: Kept, trace: Trace, row: Any) -> bytes:
    values = {
        _label(name): _value(cipher, name in kept.sealed, name, value)
        for name, value in zip(trace.shows, row, strict=False)
    }
    return msgspec.json.encode(values)


def _label(name: str) -> str:
    """`display_name` → `displayName`; `agents.name` → `agentName`, and so on for what comes from elsewhere."""
    other, _, column = name.rpartition(".")
    first = {"personality_templates": "personality", "agents": "agent", "desk_decisions": "decision"}.get(other, "")
    words = [*([first] if first else []), *column.split("_")]
    return words[0] + "".join(word.title() for word in words[1:])


def _value(cipher: Cipher, is_sealed: bool, name: str, value: Any) -> Any:
    if is_sealed:
        return _opened(cipher, value)
    if value is not None and name.rpartition(".")[2] in LARGE_NUMBERS:
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _opened(cipher: Cipher, sealed: str | None) -> str | None:
    """A text whose key is gone can't be handed out, to nobody."""
    try:
        return cipher.decrypt(sealed or "")
    except ValueError:
        return None


def personal_tables() -> Iterable[Kept]:
    """Those that tell something about somebody, for `/privacy`."""
    return (kept for kept in TABLES if kept.personal)
