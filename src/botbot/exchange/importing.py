"""From a file to entries of the catalogue. Each entry has a transaction of its own: what was imported stays imported
when the rest fails, and the same file again skips it, so an import that was cut off is simply repeated."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import PurePath
from typing import Any

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.catalog import editing, entry_rules, uploads
from botbot.catalog.entry_schemas import EntryIn
from botbot.catalog.models import PersonalityTemplate as P
from botbot.errors import BotBotError, StorageUnavailable, ValidationFailed
from botbot.exchange import originals, ours
from botbot.exchange.bounds import PICTURE_BYTES
from botbot.exchange.drafts import Broken, Draft
from botbot.exchange.formats import open_file
from botbot.exchange.report import EntryReport, Report, in_words
from botbot.house import House
from botbot.security.requests import as_requirement


async def import_file(house: House, actor_id: str | None, data: bytes, name: str, *, dry_run: bool) -> Report:
    """Everything in one file. Raises `ValidationFailed` for a file without one usable entry."""
    entries = [each async for each in Importer(house, actor_id, dry_run=dry_run).take(data, name)]
    report = Report.of(entries, dry_run=dry_run)
    if all(each.status == "rejected" for each in entries):
        first = next((each.error for each in entries if each.error is not msgspec.UNSET), None)
        why = first.message if first else "There is no entry in that file."
        raise ValidationFailed(why, fields=(first.details.get("fields") if first else None), entries=len(entries))
    return report


class Importer:
    """One run over any number of files, in which the same content is taken once."""

    def __init__(self, house: House, actor_id: str | None, *, dry_run: bool) -> None:
        self._house = house
        self._actor_id = actor_id
        self._dry_run = dry_run
        self._seen: dict[str, str | None] = {}

    async def take(self, data: bytes, name: str) -> AsyncIterator[EntryReport]:
        """The fate of each entry, as it is decided. A file that can't be read is one rejected entry."""
        async for _, report in self.choose(data, name):
            yield report

    async def choose(
        self, data: bytes, name: str, *, begin: int = 0, chosen: frozenset[int] | None = None
    ) -> AsyncIterator[tuple[int, EntryReport]]:
        """Those from `begin` on, counted from 0, that are `chosen` (`None`: all of them), each with its number."""
        file = PurePath(name.replace("\\", "/")).name[:200] or "upload"
        found, number = open_file(data, file), 0
        while True:
            try:
                item = await asyncio.to_thread(next, found, None)
            except BotBotError as error:
                yield number, EntryReport(file, "", "rejected", None, [], error.to_api_error())
                return
            if item is None:
                return
            if number >= begin and (chosen is None or number in chosen):
                draft = item if isinstance(item, (Draft, Broken)) else await asyncio.to_thread(item)
                yield number, await self._one(draft, file)
            number += 1

    async def _one(self, draft: Draft | Broken, file: str) -> EntryReport:
        if isinstance(draft, Broken):
            return EntryReport(file, draft.name, "rejected", None, [], draft.error, draft.label or msgspec.UNSET)
        report = EntryReport(
            file, str(draft.entry.get("name", ""))[:200], "rejected", None, [], msgspec.UNSET,
            draft.label or msgspec.UNSET, draft.format,
        )  # fmt: skip
        try:
            await self._decide(draft, report)
        except StorageUnavailable:
            raise  # It says nothing about the entry, which has to have its turn again.
        except BotBotError as error:
            report.status, report.id, report.error = "rejected", None, error.to_api_error()
        report.warnings = in_words(draft.findings)
        return report

    async def _decide(self, draft: Draft, report: EntryReport) -> None:
        entry = _entry(draft)
        entry_rules.checked(entry)
        digest = editing.content_digest(entry)
        if digest in self._seen:
            report.status, report.id = "skipped", self._seen[digest]
            return
        async with self._house.db.read() as session:
            known = await _known(session, entry, digest)
        if known is None:
            picture = await _picture(draft, entry)
            if not self._dry_run:
                async with self._house.db.write() as session:
                    known = await _known(session, entry, digest)  # Somebody may have been faster.
                    if known is None:
                        report.id = await self._store(session, draft, entry, picture)
        report.status, report.id = ("imported", report.id) if known is None else ("skipped", known)
        self._seen[digest] = report.id

    async def _store(self, session: AsyncSession, draft: Draft, entry: EntryIn, picture: uploads.Picture | None) -> str:
        warnings: list[str] = []
        row = await editing.create_personality(
            session, self._actor_id, entry, changelog=f"Imported ({draft.format}).", picture=picture, warnings=warnings
        )
        for each in warnings:
            draft.note("dropped", "avatar", each)
        if draft.document is not None:
            await originals.keep(session, row.id, draft.format, draft.document)
        return row.id


def _entry(draft: Draft) -> EntryIn:
    """What is foreign is never public at once. Raises `ValidationFailed`."""
    plain = draft.entry if draft.format == ours.FORMAT else {**draft.entry, "isPublic": False}
    try:
        return msgspec.convert(plain, EntryIn)
    except msgspec.ValidationError as error:
        text, _, where = str(error).partition(" - at `$")
        field = where.rstrip("`").lstrip(".") or "entry"
        raise ValidationFailed(fields={field: as_requirement(text)}) from error


async def _picture(draft: Draft, entry: EntryIn) -> uploads.Picture | None:
    """Made anew in a thread, before any transaction. One that can't be is left out, and said."""
    try:
        if draft.picture is not None:
            return await asyncio.to_thread(uploads.reencode, draft.picture, most=PICTURE_BYTES)
        if entry.avatar is not None and entry.avatar.startswith("data:"):
            return await asyncio.to_thread(lambda: uploads.reencode(uploads.from_data_url(entry.avatar or "")))
    except ValidationFailed as error:
        why = " ".join(map(str, error.details.get("fields", {}).values())) or error.message
        draft.note("dropped", "avatar", f"the picture {why}; a face is drawn")
        entry.avatar = None
    return None


async def _known(session: AsyncSession, entry: EntryIn, digest: str) -> str | None:
    """The entry that has this id or says the same."""
    same: Any = P.content_hash == digest
    if entry.id is not None:
        same = or_(same, P.id == entry.id)
    found: str | None = await session.scalar(select(P.id).where(same).limit(1))
    return found
