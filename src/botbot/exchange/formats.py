"""Which format a file has, told by what is in it and never by its name; and what is in it, entry by entry."""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, cast

import msgspec

from botbot.errors import BotBotError, ValidationFailed
from botbot.exchange import card_v1, card_v2, card_v3, charx, eliza, front_matter, lobe, ours, png, prompts_csv, weaving
from botbot.exchange.bounds import FILE_BYTES, MOST_ENTRIES, check_count, read_json, refused
from botbot.exchange.drafts import Broken, Document, Draft
from botbot.exchange.weaving import Format

log = logging.getLogger("botbot.exchange")

FOREIGN: tuple[Format, ...] = tuple(cast(Format, each) for each in (card_v3, card_v2, lobe, eliza, card_v1))
"""Those of which each document says most clearly what it is come first."""
BY_NAME = {each.FORMAT: each for each in FOREIGN}
Item = Draft | Broken | Callable[[], Draft | Broken]
UNKNOWN = "it is in none of the formats that we know"


def read_file(data: bytes, name: str = "") -> Iterator[Draft | Broken]:
    """The entries of one file, as they are found. `name` only hints at a language. Raises `ValidationFailed` for a
    file of which nothing can be read."""
    for item in open_file(data, name):
        yield item if isinstance(item, (Draft, Broken)) else item()


def open_file(data: bytes, name: str = "") -> Iterator[Item]:
    """As `read_file`, but what stands in a list is read only when it is called: who goes on in the middle of a long
    file need not read its beginning again."""
    if not data.strip():
        raise refused("it is empty")
    if len(data) > FILE_BYTES:
        raise refused(f"it has more than {FILE_BYTES // 1024 // 1024} MiB")
    if data.startswith(png.SIGNATURE):
        yield _labelled("", partial(_drawn, data), is_alone=True)
    elif data.startswith(charx.SIGNATURE):
        yield _labelled("", partial(_archived, data), is_alone=True)
    else:
        yield from _read_text(_text(data), name)


def count_entries(data: bytes, name: str = "") -> int:
    """How many entries a file holds, without reading them; as far as it can be read."""
    count = 0
    try:
        for _ in open_file(data, name):
            count += 1
    except BotBotError:
        count += 1  # As an import counts it: where the rest should have been stands one refusal.
    return count


def _drawn(data: bytes) -> Draft:
    draft = _document(png.read(data))
    draft.picture = data
    return draft


def _archived(data: bytes) -> Draft:
    archive = charx.read(data)
    draft = _document(archive.document)
    draft.picture = archive.picture
    draft.note_dropped(archive.others)
    return draft


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refused("it is neither a picture, an archive nor text in UTF-8") from error


def _read_text(text: str, name: str) -> Iterator[Item]:
    start = text.lstrip()[:1]
    if start == "[":
        yield from _each(_listed(text), name)
    elif start == "{":
        yield from _objects(text, name)
    elif front_matter.fits(text.replace("\r\n", "\n")):
        yield _labelled("", partial(front_matter.read, text.replace("\r\n", "\n")), is_alone=True)
    elif prompts_csv.fits(text):
        yield from prompts_csv.read(text)
    else:
        raise refused(UNKNOWN)


def _listed(text: str) -> list[msgspec.Raw]:
    """A list, each entry of which is looked at in its turn: thousands of them never stand in memory at once."""
    check_count(text)
    try:
        return msgspec.json.decode(text, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise refused("it isn't valid JSON") from error


def _objects(text: str, name: str) -> Iterator[Item]:
    """One object, or one on each line."""
    try:
        whole = read_json(text)
    except ValidationFailed:
        if text.count("\n") > MOST_ENTRIES * 2:
            raise refused(f"it has more than {MOST_ENTRIES:,} entries") from None
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) < 2:
            raise
        yield from _lines(lines, name)
        return
    listed = whole.get("personalities")
    yield from _each(listed if isinstance(listed, list) else [whole], name)


def _lines(lines: list[str], name: str) -> Iterator[Item]:
    if len(lines) > MOST_ENTRIES:
        raise refused(f"it has more than {MOST_ENTRIES:,} entries")
    for number, line in enumerate(lines, 1):
        yield partial(_labelled, f"line {number}", partial(_read_one, line, name))


def _each(documents: Sequence[Any], name: str) -> Iterator[Item]:
    if len(documents) > MOST_ENTRIES:
        raise refused(f"it has more than {MOST_ENTRIES:,} entries")
    is_alone = len(documents) == 1
    for number, document in enumerate(documents, 1):
        yield partial(_labelled, "" if is_alone else f"entry {number}", partial(_read_one, document, name))


def _read_one(document: Any, name: str) -> Draft:
    if isinstance(document, (str, msgspec.Raw)):
        document = read_json(document if isinstance(document, str) else bytes(document))
    return _document(document, name)


def _labelled(label: str, read: Callable[[], Draft], *, is_alone: bool = False) -> Draft | Broken:
    """The entry, or why it can't be read. A stranger's file may surprise a reader in ways nobody thought of: that is
    logged, and costs the others nothing. Where the file is one entry, a plain refusal is the file's."""
    try:
        draft = read()
    except BotBotError as error:
        if is_alone:
            raise
        return Broken(label, error.to_api_error())
    except Exception:
        log.warning("an entry of an import met the unexpected", exc_info=True)
        return Broken(label, refused("it can't be read").to_api_error())
    draft.label = label
    return draft


def _document(document: Any, name: str = "") -> Draft:
    """One object as a draft. Raises `ValidationFailed`."""
    if not isinstance(document, dict):
        raise refused("an entry must be an object")
    if ours.fits(document):
        return ours.read(document)
    kind = next((each for each in FOREIGN if each.fits(document)), None)
    if kind is None:
        raise refused(UNKNOWN)
    if kind.FORMAT == lobe.FORMAT and lobe.is_translation(document):
        raise refused("it holds only the words of an agent in another language, and no instructions")
    draft = weaving.read(kind, document)
    if kind.FORMAT == lobe.FORMAT:
        draft.entry["language"] = _language(draft, document, name)
    return draft


def _language(draft: Draft, document: Document, name: str) -> str:
    block = lobe.block_place(document).get(weaving.BLOCK)
    return str(draft.entry["language"]) if isinstance(block, dict) else lobe.language_of(document, name)
