"""What differs between any two versions of an entry, field by field and word by word, for those who may read all of
it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from botbot.admin.entry_rows import trait_text
from botbot.catalog.service import KEPT
from botbot.kit.wording import Piece, compare

LABELS = {
    "name": "Name", "description": "Description", "opening_line": "Opening line", "persona": "Persona",
    "system_prompt": "Instructions", "category": "Category", "tags": "Tags", "traits": "Traits",
    "language": "Language", "content_rating": "For", "sample_messages": "Sample messages",
    "sample_conversations": "Sample conversations", "sample_replies": "Sample replies",
    "compatibility": "What it needs", "requirements": "Requirements", "model_options": "How the model is asked",
    "licence": "Licence", "source": "Source", "credit": "Credit",
}  # fmt: skip


@dataclass(frozen=True)
class FieldChange:
    """One field: its `pieces` laid over each other; without any, the texts share too little, and `before` and `after`
    are whole."""

    label: str
    pieces: list[Piece] = field(default_factory=list)
    before: str = ""
    after: str = ""
    note: str = ""


def changes_between(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[FieldChange]:
    """Takes up to a quarter of a second for each field: call it in a thread."""
    found = []
    for name in sorted(KEPT, key=[*LABELS].index):
        before, after = as_text(name, old.get(name)), as_text(name, new.get(name))
        if before != after:
            found.append(_change(LABELS[name], before, after))
    return found


def _change(label: str, before: str, after: str) -> FieldChange:
    pieces = compare(before, after)
    if pieces and any(piece.kind == "same" for piece in pieces):
        return FieldChange(label, pieces)
    return FieldChange(label, before=before or "nothing", after=after or "nothing")


def as_text(name: str, value: Any) -> str:
    """A field as lines that can be compared: a trait, a message or what somebody says on each."""
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, str):
        return value
    if name == "tags":
        return ", ".join(value)
    if name == "sample_messages":
        return "\n".join(value)
    if name == "sample_conversations":
        return "\n\n".join("\n".join(f"{_who(turn)}: {turn.get('content', '')}" for turn in talk) for talk in value)
    if name == "sample_replies":
        return "\n".join(f"{kind.replace('_', ' ')}: {reply}" for kind, replies in value.items() for reply in replies)
    return "\n".join(f"{key}: {_plain(each)}" for key, each in value.items())


def _who(turn: Mapping[str, Any]) -> str:
    return "Somebody" if turn.get("role") == "user" else "It"


def _plain(value: Any) -> str:
    if isinstance(value, (str, bool, int, float)):
        return trait_text(value)
    return msgspec.json.encode(value).decode()
