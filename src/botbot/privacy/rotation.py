"""Sealing everything anew under the first of several keys, beside a running marketplace.

A row is read, opened with whichever key fits, sealed with the first and written back only if it still says what was
read: what somebody changed meanwhile was sealed by them. Rows that are right already are left alone, so it may be
interrupted and repeated at will."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import Table, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.db import Database
from botbot.kit.cipher import Cipher
from botbot.privacy.columns import TABLES
from botbot.privacy.service import model_of

BATCH = 200


@dataclass
class Standing:
    """What was found: rows looked at, rows under an older key, rows that no key of ours opens."""

    looked_at: int = 0
    old: int = 0
    unreadable: dict[str, int] = field(default_factory=dict)

    def add(self, other: "Standing") -> None:
        self.looked_at, self.old = self.looked_at + other.looked_at, self.old + other.old
        for table, count in other.unreadable.items():
            self.unreadable[table] = self.unreadable.get(table, 0) + count


async def rotate(database: Database, cipher: Cipher) -> AsyncIterator[Standing]:
    """Seal every sealed column anew; yields after each batch what was found so far."""
    total = Standing()
    for table, columns in sealed_columns():
        async for rows in _batches(database, table, columns):
            total.add(await _reseal(database, cipher, table, columns, rows))
            yield total


async def look(database: Database, cipher: Cipher, most: int = 20_000) -> Standing:
    """How much is still under an older key, the oldest rows of each table first; changes nothing. Looks at `most` rows
    of each table, and at no more of one once it found an old one."""
    total = Standing()
    for table, columns in sealed_columns():
        seen = 0
        async for rows in _batches(database, table, columns):
            total.add(_judge(cipher, table, columns, rows)[0])
            seen += len(rows)
            if seen >= most or total.old:
                break
    return total


def sealed_columns() -> list[tuple[Table, tuple[str, ...]]]:
    """Each table with encrypted columns, and which they are."""
    return [(cast(Table, model_of(kept.table).__table__), kept.sealed) for kept in TABLES if kept.sealed]


async def _batches(database: Database, table: Table, columns: Sequence[str]) -> AsyncIterator[Sequence[Any]]:
    """Rows as (key columns…, sealed columns…), in the order of the keys."""
    after: Sequence[Any] | None = None
    keys = len(table.primary_key.columns)
    while True:
        async with database.reading() as connection:
            rows = await _batch(connection, table, columns, after)
        if rows:
            yield rows
        if len(rows) < BATCH:
            return
        after = rows[-1][:keys]


async def _batch(
    connection: AsyncConnection, table: Table, columns: Sequence[str], after: Sequence[Any] | None
) -> Sequence[Any]:
    keys = list(table.primary_key.columns)
    statement = select(*keys, *(table.c[name] for name in columns)).order_by(*keys).limit(BATCH)
    if after is not None:
        statement = statement.where(tuple_(*keys) > tuple_(*after))
    return (await connection.execute(statement)).all()


def _judge(
    cipher: Cipher, table: Table, columns: Sequence[str], rows: Sequence[Any]
) -> tuple[Standing, list[tuple[Any, dict[str, str]]]]:
    """What is to be written anew, as (row, {column: clear text})."""
    found, anew = Standing(looked_at=len(rows)), []
    keys = len(table.primary_key.columns)
    for row in rows:
        old = {name: sealed for name, sealed in zip(columns, row[keys:], strict=True)
               if sealed and not cipher.is_newest(sealed)}  # fmt: skip
        try:
            clear = {name: cipher.decrypt(sealed) for name, sealed in old.items()}
        except ValueError:
            found.unreadable[table.name] = found.unreadable.get(table.name, 0) + 1
            continue
        if clear:
            found.old += 1
            anew.append((row, clear))
    return found, anew


async def _reseal(
    database: Database, cipher: Cipher, table: Table, columns: Sequence[str], rows: Sequence[Any]
) -> Standing:
    found, anew = _judge(cipher, table, columns, rows)
    if anew:
        async with database.write() as session:
            for row, clear in anew:
                unchanged = [column == value for column, value in zip(table.primary_key.columns, row, strict=False)]
                read = dict(zip(columns, row[len(table.primary_key.columns) :], strict=True))
                unchanged += [table.c[name] == read[name] for name in clear]
                sealed: dict[str, Any] = {name: cipher.encrypt(text) for name, text in clear.items()}
                if "updated_at" in table.c:
                    sealed["updated_at"] = table.c.updated_at
                await session.execute(update(table).where(*unchanged).values(sealed))
    return found
