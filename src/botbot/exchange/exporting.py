"""Entries as files, in every format that we write."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.catalog import editing, pictures, uploads
from botbot.catalog.models import PersonalityTemplate as P
from botbot.catalog.schemas import CURATOR
from botbot.catalog.statements import on_shelf
from botbot.errors import NotFound
from botbot.exchange import card_v1, card_v2, card_v3, charx, originals, ours, png, weaving
from botbot.exchange.drafts import Document
from botbot.exchange.fields import DEFAULT_PROMPT
from botbot.exchange.formats import BY_NAME
from botbot.exchange.originals import Kept
from botbot.house import House

FORMATS = {
    "json": "json", "jsonl": "jsonl", "card-v2": "json", "card-v3": "json", "png": "png", "charx": "charx",
    "lobe": "json", "eliza": "json",
}  # fmt: skip
"""Each format's name, and how its files end."""
CARDS = {each: BY_NAME[each] for each in (card_v1.FORMAT, card_v2.FORMAT, card_v3.FORMAT)}
AT_A_TIME = 200
OPEN_LICENCE = re.compile(
    r"cc0([ -]1\.0)?( universal)?|cc[ -]by([ -]sa)?([ -]\d(\.\d)?)?|public domain|(the )?unlicense|isc"
    r"|mit( licen[cs]e)?|apache([ -]2(\.0)?)?( licen[cs]e)?|bsd([ -]\d[ -]clause)?"
    r"|[al]?gpl([ -]?v?\d(\.\d)?)?([ -]only|[ -]or[ -]later)?"
)
"""Those that let everybody pass it on and change it; of Creative Commons not the ones with NC or ND."""


class Taken(NamedTuple):
    """One entry, ready to be written: its fields by the admin routes' names, the document it came in, its picture."""

    entry: Document
    kept: Kept | None
    picture: bytes

    @property
    def slug(self) -> str:
        return str(self.entry["slug"])


async def take_entries(house: House, ids: Sequence[str], *, hidden_too: bool) -> AsyncIterator[Taken]:
    """Those of the ids or slugs given (all, without any), by age. Raises `NotFound` for one that isn't there."""
    last = ""
    for wanted in ids:
        async with house.db.read() as session:
            row = await session.scalar(select(P).where((P.id == wanted) | (P.slug == wanted), _seen(hidden_too)))
            if row is None:
                raise NotFound(f"There is no entry {wanted[:80]!r}, or it is hidden (--all exports those too).")
            yield await taken(session, row)
    while not ids:
        async with house.db.read() as session:
            some = select(P).where(P.id > last, _seen(hidden_too)).order_by(P.id).limit(AT_A_TIME)
            rows = (await session.scalars(some)).all()
            found = [await taken(session, row) for row in rows]
        for each in found:
            yield each
        if len(rows) < AT_A_TIME:
            return
        last = rows[-1].id


def _seen(hidden_too: bool) -> Any:
    return P.id.is_not(None) if hidden_too else on_shelf()


async def taken(session: AsyncSession, row: P) -> Taken:
    uploaded = await _uploaded(session, row)
    entry = msgspec.to_builtins(editing.entry_out(row))
    if uploaded is not None:
        entry["avatar"] = f"data:image/png;base64,{base64.b64encode(uploaded).decode()}"
    return Taken(entry, await originals.find(session, row.id), uploaded or b"")


async def _uploaded(session: AsyncSession, row: P) -> bytes | None:
    named = pictures.picture_of(row.avatar)
    stored = await uploads.find_picture(session, named) if named else None
    return stored.png if stored else None


async def export_one(house: House, personality_id: str, kind: str) -> bytes:
    """An entry with everything in it, hidden or not. Raises `NotFound`."""
    async for each in take_entries(house, [personality_id], hidden_too=True):
        return await write(each, kind)
    raise NotFound


async def write(taken: Taken, kind: str) -> bytes:
    """One entry in one of `FORMATS`."""
    if kind in {"json", "jsonl"}:
        return _json(ours.write(taken.entry))
    if kind in {"png", "charx"}:
        picture = taken.picture or await asyncio.to_thread(_drawn, taken.entry)
        return await asyncio.to_thread(_with_picture, taken, kind, picture)
    return msgspec.json.format(_json(_document(taken, kind)), indent=2) + b"\n"


def _document(taken: Taken, kind: str) -> Document:
    """In the document it came in, where that has this very format or is a card of another version."""
    kept = taken.kept.document if taken.kept is not None and taken.kept.format == kind else None
    if kept is None and taken.kept is not None and {taken.kept.format, kind} <= CARDS.keys():
        kept = as_version(kind, taken.entry, CARDS[taken.kept.format].data_of(taken.kept.document))
    return weaving.written(BY_NAME[kind], taken.entry, kept)


def as_version(kind: str, entry: Document, data: Document) -> Document:
    """A card of another version with all that its data holds, lorebook and unknown fields too: the versions differ in
    what is around it, and in fields that must be there."""
    fresh = BY_NAME[kind].write(entry)
    if kind == card_v1.FORMAT:
        return {**fresh, **data}
    return {**fresh, "data": {**fresh["data"], **data}}


def _with_picture(taken: Taken, kind: str, picture: bytes) -> bytes:
    newer = _document(taken, card_v3.FORMAT)
    if kind == "charx":
        return charx.write(newer, picture)
    return png.write(picture, {b"chara": _json(_document(taken, card_v2.FORMAT)), b"ccv3": _json(newer)})


def _drawn(entry: Document) -> bytes:
    return pictures.png(entry["avatarChoices"], entry["hue"], entry["slug"])


def _json(document: Document) -> bytes:
    return msgspec.json.encode(document)


def may_be_taken_along(row: P) -> bool:
    """Whether anybody may have it as a card: our own, and those whose licence is an open one."""
    return row.created_by == CURATOR or bool(OPEN_LICENCE.fullmatch(row.licence.strip().casefold()))


async def write_public(taken: Taken, kind: str) -> bytes:
    """What visitors get: without the instructions, which leave by the admin routes alone."""
    entry = {**taken.entry, "systemPrompt": DEFAULT_PROMPT, "sampleReplies": {}, "extensions": {}}
    document = card_v3.write(entry)
    if kind == "json":
        return msgspec.json.format(_json(document), indent=2) + b"\n"
    picture = taken.picture or await asyncio.to_thread(_drawn, entry)
    texts = {b"chara": _json(card_v2.write(entry)), b"ccv3": _json(document)}
    return await asyncio.to_thread(png.write, picture, texts)
