"""Near misses: what somebody may have meant whose words were found nowhere.

Each word that occurs nowhere is replaced by the words of the catalogue that are spelt most like it, and then it is
searched as usual: what comes out matches, is ranked and stays under the other filters. The same on both databases,
because the trigrams are rows of ours and the likeness is computed here."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import product
from typing import Any

from sqlalchemy import Select, bindparam, column, func, select, table
from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.catalog.listing import find_cards
from botbot.catalog.matching import has_words
from botbot.catalog.rules import Filters

CANDIDATES = 150
"""How many words of the catalogue are compared with one of the search."""
NEAR = 0.6
"""How alike two words must be, from 0 to 1: about two wrong letters in six."""
LONGEST = 40
PER_WORD, TRIES = 4, 6
MOST_WORDS = 5
"""A longer search is a sentence, and no misspelt name."""
_TRIGRAMS = table("search_word_trigrams", column("trigram"), column("word"))


async def suggest(connection: AsyncConnection, filters: Filters, limit: int = 6) -> Sequence[Any]:
    """The entries nearest to the words of a search, under its other filters; rows of `CARD_COLUMNS`."""
    words = filters.words
    if not words or len(words) > MOST_WORDS or not await has_words(connection):
        return []
    options = [await _alike(connection, word) for word in words]
    asked = filters.at(sort_by=None, page=1, cursor=None, limit=limit)
    return await _first_of(connection, asked, _together(options)) or await _first_of(connection, asked, _alone(options))


async def _first_of(connection: AsyncConnection, filters: Filters, attempts: list[list[str]]) -> list[Any]:
    """What the attempts find, one after the other, each entry once, until there is enough."""
    found: dict[str, Any] = {}
    for attempt in attempts[:TRIES]:
        page, _ = await find_cards(connection, filters.at(search=" ".join(attempt)))
        found |= {row.id: row for row in page.rows if row.id not in found}
        if len(found) >= filters.limit:
            break
    return list(found.values())[: filters.limit]


Options = list[list[tuple[float, str]]]
"""For each word of the search, what it may have been: (likeness, word)."""


def _together(options: Options) -> list[list[str]]:
    """Every choice of one word for each, the nearest first; words that are like nothing are left out."""
    choices = product(*(each for each in options if each))
    scored = [(sum(1 - likeness for likeness, _ in choice), [word for _, word in choice]) for choice in choices]
    return [words for far, words in sorted(scored) if words and (far or [] in options)]


def _alone(options: Options) -> list[list[str]]:
    """One word of several, for when no entry has them all."""
    each = sorted((1 - likeness, word) for option in options for likeness, word in option[:1])
    return [[word] for _, word in each] if len(options) > 1 else []


async def _alike(connection: AsyncConnection, word: str) -> list[tuple[float, str]]:
    """(likeness, word of the catalogue), the most alike first; the word itself has 1."""
    if len(word) > LONGEST:
        return []  # Nobody's word; comparing it letter by letter would hold everybody up.
    trigrams = sorted(trigrams_of(word))
    values = {f"trigram_{n}": trigram for n, trigram in enumerate(trigrams)} | {"length": len(word)}
    rows = await connection.execute(_candidates(len(trigrams)), values)
    scored = [(likeness(word, other), other) for (other,) in rows]
    return sorted((each for each in scored if each[0] >= NEAR), key=lambda each: (-each[0], each[1]))[:PER_WORD]


def trigrams_of(word: str) -> set[str]:
    """With two spaces before and one behind, as the index has them."""
    padded = f"  {word} "
    return {padded[place : place + 3] for place in range(len(padded) - 2)}


def likeness(word: str, other: str) -> float:
    """From 0 to 1: what they share in order, or in trigrams, whichever says more."""
    ours, theirs = trigrams_of(word), trigrams_of(other)
    in_order = (SequenceMatcher(None, word, other).ratio() + SequenceMatcher(None, other, word).ratio()) / 2
    return round(max(in_order, len(ours & theirs) / len(ours | theirs)), 6)


@lru_cache(maxsize=128)
def _candidates(count: int) -> Select[Any]:
    shared = func.count()
    length = func.abs(func.length(_TRIGRAMS.c.word) - bindparam("length"))
    return (
        select(_TRIGRAMS.c.word)
        .where(_TRIGRAMS.c.trigram.in_([bindparam(f"trigram_{n}") for n in range(count)]))
        .group_by(_TRIGRAMS.c.word)
        .order_by(shared.desc(), length, _TRIGRAMS.c.word)
        .limit(CANDIDATES)
    )
