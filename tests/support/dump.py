"""Everything a database holds, for questions such as "did that change anything?" and "is this text in there?"."""

from pathlib import Path
from typing import Any

from sqlalchemy import select

from botbot import tables
from botbot.db import Database

VOLATILE = {"sessions": {"last_seen_at"}}
"""Columns that reading alone may move."""

Rows = dict[str, list[tuple[Any, ...]]]


async def rows_of(database: Database) -> Rows:
    """Every row of every table of ours, in a fixed order."""
    found: Rows = {}
    async with database.reading() as connection:
        for table in tables.metadata().sorted_tables:
            kept = [column for column in table.columns if column.name not in VOLATILE.get(table.name, set())]
            rows = await connection.execute(select(*kept))
            found[table.name] = sorted((tuple(row) for row in rows), key=repr)
    return found


def differences(before: Rows, after: Rows) -> dict[str, Any]:
    """What came and went, by table; empty when nothing changed."""
    changed = {name for name in before if before[name] != after[name]}
    return {name: [row for row in after[name] + before[name] if after[name].count(row) != before[name].count(row)]
            for name in changed}  # fmt: skip


async def text_of(database: Database) -> str:
    """All of it as one text; on SQLite the raw file and its log too, where deleted rows linger."""
    text = repr(await rows_of(database))
    if database.is_sqlite:
        file = Path(database.url.partition(":///")[2])
        for path in (file, file.with_name(file.name + "-wal")):
            text += path.read_bytes().decode("latin-1") if path.exists() else ""
    return text
