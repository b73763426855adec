"""A card of the grid: a personality cut to the size of a card, with the hits of a search marked."""

from typing import Any

from botbot.catalog import rules
from botbot.catalog.schemas import CardView, card_view

Pieces = list[tuple[str, bool]]
"""A text in pieces; `True` marks those that a search found."""

WHAT, LINE = 104, 132
"""How many characters of the description and of the opening line a card has room for."""
BEFORE_HIT = 32
"""How many characters of what stands before a late hit are shown."""
TELLING = 0.15
"""How far from the middle a scale must be to say anything."""


class GridCard(CardView, kw_only=True):
    """Everything is text already: nothing is computed in the template."""

    name_pieces: Pieces
    what_pieces: Pieces
    tags_hit: list[str]
    line: str
    keys: list[str]


def grid_card(row: Any, words: list[str] | None = None) -> GridCard:
    """The card of a row with `CARD_COLUMNS`; `words` (folded) are marked where they occur."""
    card = card_view(row)
    words = words or []
    return GridCard(
        **{name: getattr(card, name) for name in card.__struct_fields__},
        name_pieces=rules.highlight(card.name, words),
        what_pieces=excerpt(card.description, words, WHAT),
        tags_hit=[tag for tag in card.tags if any(word in rules.fold(tag) for word in words)][:2],
        line=shorten(card.opening_line.replace("*", ""), LINE),
        keys=key_traits(card.traits),
    )


def key_traits(traits: dict[str, Any], most: int = 3) -> list[str]:
    """What it is most of all, in words: the ends of its most decided scales."""
    scales = [each for each in rules.scales(traits) if abs(each["value"] - 0.5) >= TELLING]
    scales.sort(key=lambda each: -abs(each["value"] - 0.5))
    return [each["high"] if each["value"] > 0.5 else each["low"] for each in scales[:most]]


def shorten(text: str, most: int) -> str:
    """The text, or as many whole words of it as fit, with an ellipsis. A word longer than all the room is cut."""
    if len(text) <= most:
        return text
    whole = text[:most].rsplit(" ", 1)[0] if " " in text[:most] else text[: most - 1]
    return whole.rstrip(" ,;:–-") + "…"


def excerpt(text: str, words: list[str], most: int) -> Pieces:
    """The start of the text; when the first hit is further on, the part around that."""
    start, end = _first_hit(rules.highlight(text, words))
    if end > most:
        begin = max(0, start - BEFORE_HIT)
        text = "…" + text[text.find(" ", begin, start) + 1 or begin :]
    return rules.highlight(shorten(text, most), words)


def _first_hit(pieces: Pieces) -> tuple[int, int]:
    at = 0
    for text, is_hit in pieces:
        if is_hit:
            return at, at + len(text)
        at += len(text)
    return 0, 0
