"""Files that are looked at before they are imported, and imported in turns of a few seconds each, so that no request
waits for thousands of entries and nothing is lost when one is cut off."""

import asyncio
import time
from datetime import timedelta
from itertools import islice

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.errors import NotFound, ValidationFailed
from botbot.exchange.formats import count_entries
from botbot.exchange.importing import Importer, file_name, refuse_if_hopeless
from botbot.exchange.models import ImportFile
from botbot.exchange.report import EntryReport, Report
from botbot.house import House
from botbot.kit import clock

TURN_SECONDS = 4.0
KEPT_FOR = timedelta(days=1)
MOST_WAITING = 5
"""Files of one person; the oldest makes room."""
MOST_PROBLEMS = 200
MOST_LOOKED_AT = 300
"""Entries of a file, before it is imported: nobody reads more, and nobody waits for them."""


async def look_at(house: House, actor_id: str, data: bytes, name: str) -> tuple[str, Report]:
    """Say what an import would do with the first entries, and keep the file for it. `total` counts all that there are.
    Raises `ValidationFailed`."""
    importer = Importer(house, actor_id, dry_run=True)
    first = importer.choose(data, name, chosen=frozenset(range(MOST_LOOKED_AT)))
    looked = [each async for some in first for _, each in some]
    report = Report.of(looked, dry_run=True)
    report.total = await asyncio.to_thread(count_entries, data, file_name(name))
    refuse_if_hopeless(looked, report.total)
    async with house.db.write() as session:
        row = ImportFile(actor_id=actor_id, name=file_name(name), data=data, total=report.total)
        session.add(row)
        await session.flush()
        await _make_room(session, actor_id)
    return row.id, report


async def _make_room(session: AsyncSession, actor_id: str) -> None:
    mine = select(ImportFile.id).where(ImportFile.actor_id == actor_id).order_by(ImportFile.id.desc())
    kept = list(await session.scalars(mine.limit(MOST_WAITING)))
    await session.execute(delete(ImportFile).where(ImportFile.actor_id == actor_id, ImportFile.id.not_in(kept)))


async def get_file(house: House, actor_id: str, file_id: str) -> ImportFile:
    """One's own. Raises `NotFound`."""
    async with house.db.read() as session:
        found = await session.scalar(
            select(ImportFile).where(ImportFile.id == file_id, ImportFile.actor_id == actor_id)
        )
    if found is None:
        raise NotFound("That file is no longer here. Please choose it again.")
    return found


async def take_turn(
    house: House,
    actor_id: str,
    file_id: str,
    chosen: frozenset[int] | None = None,
    *,
    seconds: float = TURN_SECONDS,
) -> ImportFile:
    """Import the next entries for so many seconds, a few at least; `chosen` are the ones wanted, counted from 0, `None`
    for all.

    Two turns at once do the same work twice, which the second finds done. Raises `NotFound`."""
    row = await get_file(house, actor_id, file_id)
    importer, until = Importer(house, actor_id, dry_run=False), time.monotonic() + seconds
    at, done = row.at, list[EntryReport]()
    try:
        async for some in importer.choose(row.data, row.name, begin=row.at, chosen=chosen):
            at = some[-1][0] + 1
            done += [each for _, each in some]
            if chosen is None and time.monotonic() > until:
                break  # What was ticked is little, and is done in one turn.
        else:
            at = row.total
    finally:
        await _note(house, row, at, done)
    return await get_file(house, actor_id, file_id)


async def _note(house: House, row: ImportFile, at: int, done: list[EntryReport]) -> None:
    rejected = [msgspec.to_builtins(each) for each in done if each.status == "rejected"]
    values = {
        "at": at,
        "imported": ImportFile.imported + sum(each.status == "imported" for each in done),
        "skipped": ImportFile.skipped + sum(each.status == "skipped" for each in done),
        "problems": list(islice([*row.problems, *rejected], MOST_PROBLEMS)),
    }
    async with house.db.write() as session:
        await session.execute(update(ImportFile).where(ImportFile.id == row.id, ImportFile.at == row.at).values(values))


async def forget_old(session: AsyncSession) -> None:
    await session.execute(delete(ImportFile).where(ImportFile.created_at < clock.now() - KEPT_FOR))


def chosen_entries(pairs: list[tuple[str, str]], total: int) -> frozenset[int] | None:
    """The ticked ones of a form; `None` for all. Raises `ValidationFailed` when nothing is ticked."""
    fields = dict(pairs)
    if fields.get("which", "all") == "all":
        return None
    ticked = {value for name, value in pairs if name == "entry"}
    numbers = (int(each) for each in ticked if each.isascii() and each.isdigit() and len(each) < 7)
    found = frozenset(number for number in numbers if number < total)
    if not found:
        raise ValidationFailed("Tick at least one entry, or choose all of them.")
    return found
