"""Character Card V3: V2 with assets, group greetings, a nickname, notes in several languages and a source.

The version number is no reason to refuse a card: the specification asks that newer ones be read as far as possible."""

from botbot.exchange import card, card_v2
from botbot.exchange.drafts import Document, Draft
from botbot.exchange.fields import list_of, table_of, text_of

FORMAT = "card-v3"
SPEC, SPEC_VERSION = "chara_card_v3", "3.0"
PLACES = card.PLACES
INSIDE = ("embeded://", "embedded://", "ccdefault:", "data:")
"""Where a picture may be that comes with the card; the first spelling is the specification's own."""
data_of, block_place = card_v2.data_of, card_v2.block_place


def fits(document: Document) -> bool:
    """Also whatever comes after 3: `chara_card_v4` has to be read as well as we can."""
    spec = document.get("spec")
    return isinstance(spec, str) and spec.startswith("chara_card_v") and spec not in {"chara_card_v1", card_v2.SPEC}


def read(document: Document) -> Draft:
    draft = Draft(FORMAT, {}, document=document)
    data = data_of(document)
    card.read_data(draft, data)
    _note_addresses(draft, data)
    return draft


def _note_addresses(draft: Draft, data: Document) -> None:
    """Pictures elsewhere stay elsewhere: an address in a stranger's file is never opened."""
    uris = [text_of(table_of(each).get("uri")) for each in list_of(data.get("assets"))]
    if away := [uri for uri in uris if uri and not uri.startswith(INSIDE)]:
        draft.note("unsafe", "assets", f"{len(away)} addresses elsewhere: never fetched")


def icon_of(data: Document) -> str:
    """The URI of the main icon, else of the first one; empty without any."""
    icons = [table_of(each) for each in list_of(data.get("assets")) if table_of(each).get("type") == "icon"]
    main = [each for each in icons if each.get("name") == "main"]
    return text_of((main or icons or [{}])[0].get("uri"))


def write(entry: Document) -> Document:
    data = card.write_data(entry)
    return {"spec": SPEC, "spec_version": SPEC_VERSION, "data": {**data, "group_only_greetings": []}}
