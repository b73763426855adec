"""Our own format: the admin routes' names, one object for each entry, as a JSON list or as JSON Lines."""

from typing import Any

from botbot.catalog.entry_schemas import EntryIn
from botbot.exchange.drafts import Document, Draft
from botbot.exchange.fields import text_of

FORMAT = "botbot"
NAMES = frozenset(EntryIn.__struct_encode_fields__) - {"version"}
LEFT_OUT = {"createdBy", "publishAt"}
"""Who made it, and when it was to appear, are things of the marketplace it comes from."""


def fits(document: Document) -> bool:
    return "systemPrompt" in document and "persona" in document


def read(document: Document) -> Draft:
    entry = {name: value for name, value in document.items() if name in NAMES - LEFT_OUT}
    avatar = text_of(entry.get("avatar"))
    if avatar and not avatar.startswith("data:"):
        del entry["avatar"]  # A path of that marketplace; the face is drawn from its choices.
    draft = Draft(FORMAT, entry)
    draft.note_dropped(sorted(set(document) - NAMES - LEFT_OUT - _SHOWN))
    return draft


_SHOWN = {"avgRating", "ratingCount", "updatedAt", "isFeatured", "version", "ratings", "warnings"}
"""What our own export holds besides, and what belongs to the marketplace it was exported from."""


def write(entry: dict[str, Any]) -> Document:
    return {name: value for name, value in entry.items() if name in NAMES - LEFT_OUT}
