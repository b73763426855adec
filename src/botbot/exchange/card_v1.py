"""Character Card V1: six flat fields. Also the flat files of its predecessors and successors that name no version."""

from botbot.exchange import card
from botbot.exchange.drafts import Document, Draft

FORMAT = "card-v1"
FIELDS = ("name", "description", "personality", "scenario", "first_mes", "mes_example")
_OLDER = {
    "char_name": "name",
    "char_persona": "description",
    "world_scenario": "scenario",
    "char_greeting": "first_mes",
    "example_dialogue": "mes_example",
}
"""What Pygmalion's files called them."""
PLACES = card.PLACES


def fits(document: Document) -> bool:
    if any(name in document for name in ("char_persona", "char_greeting")):
        return True
    telling = [name for name in ("first_mes", "mes_example", "personality", "scenario") if name in document]
    return "name" in document and ("first_mes" in document or "mes_example" in document or len(telling) > 1)


def data_of(document: Document) -> Document:
    """With today's names; a flat file may carry fields of V2 too, and they count."""
    return {_OLDER.get(name, name) if _OLDER.get(name) not in document else name: v for name, v in document.items()}


def read(document: Document) -> Draft:
    draft = Draft(FORMAT, {}, document=document)
    card.read_data(draft, data_of(document))
    return draft


def write(entry: Document) -> Document:
    """Its six fields, and those of V2 that nothing else would hold; programs for V1 don't look at them."""
    return card.write_data(entry)


def block_place(document: Document) -> Document:
    """Where our own block goes."""
    if not isinstance(document.get("extensions"), dict):
        document["extensions"] = {}
    place: Document = document["extensions"]
    return place
