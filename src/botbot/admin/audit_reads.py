"""The audit trail as the panel shows and exports it."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.accounts import people
from botbot.admin import asking, tables_out
from botbot.audit import queries
from botbot.audit.models import ERASED
from botbot.audit.queries import Wanted
from botbot.db import Database
from botbot.kit import clock

FILTERS = ("actor", "action", "subjectType", "subjectId", "since", "until")
CHUNK = 500
MOST_NAMESAKES = 100
HEAD = ("id", "at", "actorId", "actor", "action", "subjectType", "subjectId", "details", "before", "after")


class EntryOut(msgspec.Struct, rename="camel"):
    """One entry. `actor` is what they are called now; `null` with an `actorId` is somebody who left, without one it was
    the product itself."""

    id: str
    at: datetime
    actor_id: str | None
    actor: str | None
    action: str
    subject_type: str
    subject_id: str
    details: dict[str, Any]
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @property
    def who(self) -> str:
        if self.actor_id is None:
            return "BotBot itself"
        return self.actor or ("Somebody who left" if self.actor_id.startswith(ERASED) else "Somebody unknown")

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """(field, before, after) as a person reads them."""
        before, after = self.before or {}, self.after or {}
        return [(name, _said(before, name), _said(after, name)) for name in sorted({*before, *after})]

    @property
    def notes(self) -> list[tuple[str, str]]:
        return [(name, _said(self.details, name)) for name in sorted(self.details)]


class AuditPage(msgspec.Struct, rename="camel"):
    entries: list[EntryOut]
    next_cursor: str | None


def _said(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


async def wanted_by(connection: AsyncConnection, query: asking.Query) -> Wanted:
    """The filters of an address. `actor` is an id, a name or a part of one, or `botbot` for the product itself.
    Raises `ValidationFailed` for a day that is none."""
    asked = asking.words(query, *FILTERS)
    return Wanted(
        actors=await _actors(connection, asked["actor"]),
        action=asked["action"],
        subject_type=asked["subjectType"],
        subject_id=asked["subjectId"],
        since=asking.moment(asked["since"], "since"),
        until=asking.moment(asked["until"], "until", end_of_day=True),
    )


async def _actors(connection: AsyncConnection, actor: str) -> tuple[str, ...] | None:
    if not actor:
        return None
    found, _ = await people.list_people(connection, (), search=actor, limit=MOST_NAMESAKES)
    return (actor, *(each.id for each in found))


async def page(connection: AsyncConnection, wanted: Wanted, limit: int, cursor: str = "") -> AuditPage:
    rows, following = await queries.list_entries(connection, wanted, limit, cursor)
    return AuditPage(await _named(connection, rows), following or None)


async def _named(connection: AsyncConnection, rows: Sequence[Any]) -> list[EntryOut]:
    names = await people.names_of(connection, {row.actor_id for row in rows if row.actor_id})
    return [EntryOut(actor=names.get(row.actor_id or ""), **row._mapping) for row in rows]


async def export(database: Database, wanted: Wanted, form: str) -> AsyncIterator[bytes]:
    """CSV or JSON Lines, a piece at a time: no transaction is open while the reader takes one."""
    if form == "csv":
        yield tables_out.csv_lines([HEAD]).encode()
    cursor = ""
    while True:
        async with database.reading() as connection:
            found = await page(connection, wanted, CHUNK, cursor)
        for_spreadsheets = form == "csv"
        yield b"".join(_line(entry, for_spreadsheets) for entry in found.entries)
        if found.next_cursor is None:
            return
        cursor = found.next_cursor


def _line(entry: EntryOut, as_csv: bool) -> bytes:
    if not as_csv:
        return msgspec.json.encode(entry) + b"\n"
    said = [None if value is None else msgspec.json.encode(value).decode() for value in
            (entry.details, entry.before, entry.after)]  # fmt: skip
    who = (entry.id, clock.iso(entry.at), entry.actor_id, entry.actor, entry.action)
    return tables_out.csv_lines([(*who, entry.subject_type, entry.subject_id, *said)]).encode()
