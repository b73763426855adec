"""From a file to entries of the catalogue. A few dozen entries share a transaction, because a commit costs more than an
entry does; when one of them is refused there, each of them gets one of its own. What was imported stays imported when
the rest fails, and the same file again skips it, so an import that was cut off is simply repeated."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.catalog import editing, entry_rules, uploads
from botbot.catalog.entry_schemas import EntryIn
from botbot.catalog.models import PersonalityTemplate as P
from botbot.errors import BotBotError, Conflict, StorageUnavailable, ValidationFailed
from botbot.exchange import originals, ours
from botbot.exchange.bounds import PICTURE_BYTES
from botbot.exchange.drafts import Broken, Draft
from botbot.exchange.formats import Item, open_file
from botbot.exchange.report import EntryReport, Report, in_words
from botbot.house import House
from botbot.security.requests import as_requirement

AT_A_TIME = 32
Numbered = tuple[int, EntryReport]


def file_name(name: str) -> str:
    """As a name may be stored and shown: without a path, and without NUL, which no database holds."""
    return PurePath(name.replace("\\", "/").replace("\0", "")).name[:200] or "upload"


async def import_file(house: House, actor_id: str | None, data: bytes, name: str, *, dry_run: bool) -> Report:
    """Everything in one file. Raises `ValidationFailed` for a file without one usable entry."""
    entries = [each async for each in Importer(house, actor_id, dry_run=dry_run).take(data, name)]
    refuse_if_hopeless(entries, len(entries))
    return Report.of(entries, dry_run=dry_run)


def refuse_if_hopeless(entries: Sequence[EntryReport], total: int) -> None:
    """Raises `ValidationFailed` with the first reason when none of a file's entries can be used. `entries` may be only
    the first of them."""
    if total > len(entries) or any(each.status != "rejected" for each in entries):
        return
    first = next((each.error for each in entries if each.error is not msgspec.UNSET), None)
    why = first.message if first else "There is no entry in that file."
    raise ValidationFailed(why, fields=(first.details.get("fields") if first else None), entries=total)


class Importer:
    """One run over any number of files, in which the same content is taken once."""

    def __init__(self, house: House, actor_id: str | None, *, dry_run: bool) -> None:
        self._house = house
        self._actor_id = actor_id
        self._dry_run = dry_run
        self._seen: dict[str, str | None] = {}

    async def take(self, data: bytes, name: str) -> AsyncIterator[EntryReport]:
        """The fate of each entry, as it is decided. A file that can't be read is one rejected entry."""
        async for some in self.choose(data, name):
            for _, report in some:
                yield report

    async def choose(
        self, data: bytes, name: str, *, begin: int = 0, chosen: frozenset[int] | None = None
    ) -> AsyncIterator[list[Numbered]]:
        """Those from `begin` on, counted from 0, that are `chosen` (`None`: all of them), each with its number: as many
        at once as were decided together."""
        file = file_name(name)
        found = _wanted(open_file(data, file), begin, chosen)
        while some := await asyncio.to_thread(_some, found):
            yield await self._all(some, file)

    async def _all(self, some: Sequence["Read"], file: str) -> list[Numbered]:
        """Their fates, in their order."""
        cases = [(number, await asyncio.to_thread(_prepared, draft, file)) for number, draft in some]
        waiting = [case for _, case in cases if case.entry is not None]
        await self._skip_known(waiting)
        waiting = [case for case in waiting if case.report.status != "skipped"]
        for case in waiting:
            await case.make_picture(dry_run=self._dry_run)
        if self._dry_run:
            for case in waiting:
                case.imported(None)
        else:
            await self._store_all(waiting)
        for _, case in cases:
            self._remember(case)
        return [(number, case.finished()) for number, case in cases]

    async def _skip_known(self, cases: Sequence["Case"]) -> None:
        """Those that are here already, or came before in this very run, also among these."""
        async with self._house.db.read() as session:
            known = await _known(session, cases)
        seen = dict[str, "Case"]()
        for case in cases:
            if case.digest in self._seen:
                case.skipped(self._seen[case.digest])
            elif found := _one_of(known, case):
                case.skipped(found)
            elif case.digest in seen:
                case.same_as = seen[case.digest]
                case.skipped(None)
            else:
                seen[case.digest] = case

    async def _store_all(self, cases: Sequence["Case"]) -> None:
        """In one transaction, else each in its own."""
        try:
            await self._store_some(cases)
        except StorageUnavailable:
            raise  # It says nothing about the entries, which have to have their turn again.
        except (BotBotError, IntegrityError) as error:
            if len(cases) > 1:
                for case in cases:
                    await self._store_all([case])
            elif cases:
                cases[0].rejected(error if isinstance(error, BotBotError) else Conflict())

    async def _store_some(self, cases: Sequence["Case"]) -> None:
        made: list[tuple[Case, str | None]] = []
        async with self._house.db.write() as session:
            await editing.take_turns(session)
            known = await _known(session, cases)  # Somebody may have been faster.
            for case in cases:
                made.append((case, None if _one_of(known, case) else await self._store(session, case)))
        for case, stored in made:
            case.imported(stored) if stored else case.skipped(_one_of(known, case))

    def _remember(self, case: "Case") -> None:
        if case.same_as is not None:  # It became what the one before it became.
            if case.same_as.report.status == "rejected":
                case.report.status, case.report.error = "rejected", case.same_as.report.error
            case.report.id = case.same_as.report.id
        if case.entry is not None and case.report.status != "rejected":
            self._seen[case.digest] = case.report.id

    async def _store(self, session: AsyncSession, case: "Case") -> str:
        assert case.entry is not None
        assert case.draft is not None
        row = await editing.create_personality(
            session, self._actor_id, case.entry, changelog=f"Imported ({case.draft.format}).", picture=case.picture,
            warnings=case.warnings,
        )  # fmt: skip
        if case.draft.document is not None:
            await originals.keep(session, row.id, case.draft.format, case.draft.document)
        return row.id


@dataclass
class Case:
    """One entry on its way, with what is to be said of it. Without an `entry` it is decided already."""

    report: EntryReport
    draft: Draft | None = None
    entry: EntryIn | None = None
    digest: str = ""
    picture: uploads.Picture | None = None
    same_as: "Case | None" = None
    warnings: list[str] = field(default_factory=list)

    def rejected(self, error: BotBotError) -> None:
        self.report.status, self.report.id, self.report.error = "rejected", None, error.to_api_error()

    def skipped(self, known: str | None) -> None:
        self.report.status, self.report.id = "skipped", known

    def imported(self, stored: str | None) -> None:
        self.report.status, self.report.id = "imported", stored

    async def make_picture(self, *, dry_run: bool) -> None:
        """The avatar that came along, made anew in a thread before any transaction; only looked at in a dry run."""
        assert self.entry is not None
        assert self.draft is not None
        self.picture = await asyncio.to_thread(_picture, self.draft, self.entry, dry_run=dry_run)

    def finished(self) -> EntryReport:
        if self.draft is not None:
            for each in dict.fromkeys(self.warnings):
                self.draft.note("dropped", "avatar", each)
            self.report.warnings = in_words(self.draft.findings)
        return self.report


Read = tuple[int, Draft | Broken | BotBotError]


def _wanted(found: Iterator[Item], begin: int, chosen: frozenset[int] | None) -> Iterator[Read]:
    """Each wanted entry, read in its turn. A file that can't be read, or not to its end, ends with why."""
    number = 0
    try:
        for item in found:
            if number >= begin and (chosen is None or number in chosen):
                yield number, item if isinstance(item, (Draft, Broken)) else item()
            number += 1
    except BotBotError as error:
        yield number, error


def _some(found: Iterator[Read]) -> list[Read]:
    """The next few; fewer where pictures come with them, which take their time."""
    some: list[Read] = []
    for each in found:
        some.append(each)
        is_heavy = isinstance(each[1], Draft) and (each[1].picture or each[1].entry.get("avatar"))
        if is_heavy or len(some) >= AT_A_TIME:
            break
    return some


def _prepared(draft: Draft | Broken | BotBotError, file: str) -> Case:
    if isinstance(draft, BotBotError):
        return Case(EntryReport(file, "", "rejected", None, [], draft.to_api_error()))
    label = draft.label or msgspec.UNSET
    if isinstance(draft, Broken):
        return Case(EntryReport(file, draft.name, "rejected", None, [], draft.error, label))
    name = str(draft.entry.get("name", ""))[:200]
    case = Case(EntryReport(file, name, "rejected", None, [], msgspec.UNSET, label, draft.format), draft)
    try:
        entry = _entry(draft)
        entry_rules.checked(entry)
    except BotBotError as error:
        case.rejected(error)
    else:
        case.entry, case.digest = entry, editing.content_digest(entry)
    return case


def _entry(draft: Draft) -> EntryIn:
    """What is foreign is never public at once. Raises `ValidationFailed`."""
    plain = draft.entry if draft.format == ours.FORMAT else {**draft.entry, "isPublic": False}
    try:
        return msgspec.convert(plain, EntryIn)
    except msgspec.ValidationError as error:
        text, _, where = str(error).partition(" - at `$")
        field = where.rstrip("`").lstrip(".") or "entry"
        raise ValidationFailed(fields={field: as_requirement(text)}) from error


def _picture(draft: Draft, entry: EntryIn, *, dry_run: bool) -> uploads.Picture | None:
    """One that can't be made anew is left out, and said."""
    make = uploads.look_at if dry_run else uploads.reencode
    try:
        if draft.picture is not None:
            return make(draft.picture, most=PICTURE_BYTES)
        if entry.avatar is not None and entry.avatar.startswith("data:"):
            return make(uploads.from_data_url(entry.avatar))
    except ValidationFailed as error:
        why = " ".join(map(str, error.details.get("fields", {}).values())) or error.message
        draft.note("dropped", "avatar", f"the picture {why}; a face is drawn")
        entry.avatar = None
    return None


class Known(msgspec.Struct):
    """What is here already, by the ids, slugs and contents that were asked for."""

    named: dict[str, str]
    same: dict[str, str]


async def _known(session: AsyncSession, cases: Sequence[Case]) -> Known:
    """The entries that have one of these ids, also as their slug, or say the same."""
    digests = [case.digest for case in cases]
    ids = [case.entry.id for case in cases if case.entry is not None and case.entry.id is not None]
    same: Any = P.content_hash.in_(digests)
    if ids:
        same = or_(same, P.id.in_(ids), P.slug.in_(ids))
    rows = (await session.execute(select(P.id, P.slug, P.content_hash).where(same))).all() if digests else []
    named = {row.slug: row.id for row in rows} | {row.id: row.id for row in rows}
    return Known(named, {row.content_hash: row.id for row in rows})


def _one_of(known: Known, case: Case) -> str | None:
    named = case.entry.id if case.entry is not None else None
    return (known.named.get(named) if named is not None else None) or known.same.get(case.digest)
