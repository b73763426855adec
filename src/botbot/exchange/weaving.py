"""How nothing is lost between our entries and a foreign document, in both directions.

A document we write carries a block named `botbot` where its format leaves room for others: everything an entry says.
A document that was imported is kept, and exported again with only those of its fields changed that were edited here.
When a document with our block comes back, each of its own fields that still says what the block would have been written
as gives way to the block; one that was edited elsewhere counts."""

import copy
from typing import Any, Protocol

from botbot.exchange.drafts import Document, Draft

BLOCK = "botbot"
IN_BLOCK = (
    "name", "description", "openingLine", "persona", "systemPrompt", "category", "tags", "traits", "language",
    "contentRating", "hue", "avatarChoices", "sampleMessages", "sampleConversations", "sampleReplies", "compatibility",
    "requirements", "modelOptions", "licence", "source", "credit",
)  # fmt: skip
"""What an entry says and how it is drawn; where it stands is each marketplace's own affair."""
_MISSING = object()


class Format(Protocol):
    """What each foreign JSON format offers."""

    FORMAT: str
    PLACES: dict[str, tuple[str, ...]]

    def fits(self, document: Document) -> bool: ...
    def read(self, document: Document) -> Draft: ...
    def write(self, entry: Document) -> Document: ...
    def data_of(self, document: Document) -> Document: ...
    def block_place(self, document: Document) -> Document: ...


def written(kind: Format, entry: Document, kept: Document | None) -> Document:
    """The entry as a document: the one it came in, as far as nothing was edited, else a new one."""
    document = kind.write(entry) if kept is None else _overlaid(kind, entry, kept)
    kind.block_place(document)[BLOCK] = {name: entry[name] for name in _block_names(kind)}
    return document


def _block_names(kind: Format) -> tuple[str, ...]:
    """Extensions too, where the format has no place of its own for them."""
    return IN_BLOCK if "extensions" in kind.PLACES else (*IN_BLOCK, "extensions")


def _overlaid(kind: Format, entry: Document, kept: Document) -> Document:
    document, fresh = copy.deepcopy(kept), kind.write(entry)
    was = read(kind, kept).entry
    for name, places in kind.PLACES.items():
        if entry.get(name) != was.get(name):
            for place in places:
                _move(kind.data_of(fresh), kind.data_of(document), place.split("."))
    return document


def _move(source: Any, target: Any, path: list[str]) -> None:
    *way, last = path
    for step in way:
        source = source.get(step, {}) if isinstance(source, dict) else {}
        if not isinstance(target.get(step), dict):
            target[step] = {}
        target = target[step]
    value = source.get(last, _MISSING) if isinstance(source, dict) else _MISSING
    if value is _MISSING:
        target.pop(last, None)
    else:
        target[last] = value


def read(kind: Format, document: Document) -> Draft:
    """The document as a draft, our block included if it has one."""
    draft = kind.read(document)
    block = kind.block_place(copy.deepcopy(document)).get(BLOCK)
    if not isinstance(block, dict):
        return draft
    entry = {name: block[name] for name in _block_names(kind) if name in block}
    try:
        expected = kind.read(kind.write({**_EMPTY, **entry})).entry
    except (KeyError, TypeError, AttributeError, ValueError):  # Somebody else's block of our name.
        return draft
    draft.findings = [each for each in draft.findings if each.kind == "unsafe"]
    for name, value in entry.items():
        if draft.entry.get(name) == expected.get(name):
            draft.entry[name] = value
        else:
            draft.note("mapped", name, "was edited since we wrote it: what the file says counts")
    return draft


_EMPTY: Document = {
    "name": "", "description": "", "openingLine": "", "persona": "", "systemPrompt": "", "category": "", "tags": [],
    "traits": {}, "language": "en", "sampleMessages": [], "sampleConversations": [], "licence": "", "source": "",
    "credit": "", "extensions": {},
}  # fmt: skip
