"""Character Card V2: `{"spec": "chara_card_v2", "spec_version": "2.0", "data": {…}}`."""

from typing import Any

from botbot.exchange import card
from botbot.exchange.drafts import Document, Draft
from botbot.exchange.fields import table_of

FORMAT = "card-v2"
SPEC, SPEC_VERSION = "chara_card_v2", "2.0"
PLACES = card.PLACES


def fits(document: Document) -> bool:
    """Files that forgot their `spec` are told by their data."""
    data = document.get("data")
    named = isinstance(data, dict) and "name" in data and ("first_mes" in data or "description" in data)
    return document.get("spec") == SPEC or ("spec" not in document and named)


def data_of(document: Document) -> Document:
    """Some programs repeat the fields at the root, and some write them only there."""
    return table_of(document.get("data")) or document


def read(document: Document) -> Draft:
    draft = Draft(FORMAT, {}, document=document)
    card.read_data(draft, data_of(document))
    return draft


def write(entry: Document) -> Document:
    return {"spec": SPEC, "spec_version": SPEC_VERSION, "data": card.write_data(entry)}


def block_place(document: Document) -> Document:
    data = data_of(document)
    if not isinstance(data.get("extensions"), dict):
        data["extensions"] = {}
    place: dict[str, Any] = data["extensions"]
    return place
