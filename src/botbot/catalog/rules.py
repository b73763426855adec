"""Pure decisions of the catalogue: folding, slugs, scores, filters, scales."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Any, Literal

import msgspec

SortBy = Literal["popular", "newest", "rating", "name"]
SORTS: dict[SortBy, str] = {
    "popular": "Most deployed",
    "newest": "Newest",
    "rating": "Best rated",
    "name": "Name",
}
PRIOR_COUNT, PRIOR_MEAN = 5, 3.5
"""A rating starts as if five people had said 3.5, so one 5-star vote does not beat 4.8 from 200."""

CONTENT_RATINGS: dict[str, str] = {"everyone": "Everyone", "teen": "Teen", "mature": "Mature"}

SCALES: dict[str, tuple[str, str]] = {
    "bold": ("shy", "bold"),
    "playful": ("serious", "playful"),
    "warm": ("cool", "warm"),
    "curious": ("settled", "curious"),
    "talkative": ("brief", "talkative"),
    "formal": ("casual", "formal"),
    "patient": ("brisk", "patient"),
    "dramatic": ("plain", "dramatic"),
    "optimistic": ("sceptical", "optimistic"),
    "precise": ("loose", "precise"),
    "gentle": ("blunt", "gentle"),
    "mischievous": ("well-behaved", "mischievous"),
}
"""Words at both ends of a drawn trait."""

MAX = {
    "name": 60,
    "description": 300,
    "opening_line": 2000,
    "persona": 32000,
    "system_prompt": 32000,
    "category": 40,
    "tag": 24,
    "trait": 40,
    "trait_value": 200,
    "sample": 2000,
    "language": 35,
    "requirements": 2000,
    "licence": 100,
    "source": 500,
    "credit": 300,
    "changelog": 500,
    "slug": 60,
    "review": 1000,
    "search": 200,
}
"""The longest each text may be, in characters. A `sample` is one message of any of the samples."""
MOST = {
    "tags": 20,
    "traits": 40,
    "sample_messages": 20,
    "sample_conversations": 20,
    "turns": 40,
    "sample_replies": 12,
    "compatibility": 20,
    "extensions_bytes": 500_000,
}
"""The most entries each list may have; `sample_replies` for each kind of message."""


def fold(text: str) -> str:
    """Text as it is searched: NFKD, casefolded, without marks. Done here so that both databases agree."""
    return " ".join(_bare(text).split())


def _bare(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in unicodedata.normalize("NFKD", decomposed) if not unicodedata.combining(char))


def highlight(text: str, words: Sequence[str]) -> list[tuple[str, bool]]:
    """The pieces of a text, each with whether a word of the search (folded or not) occurs there."""
    folded, places = _fold_with_places(text)
    hit = [False] * len(text)
    for word in {fold(each) for each in words} - {""}:
        start = folded.find(word)
        while start >= 0:
            first, last = places[start], places[start + len(word) - 1]
            hit[first : last + 1] = [True] * (last + 1 - first)
            start = folded.find(word, start + 1)
    for index in range(1, len(text)):
        hit[index] |= hit[index - 1] and not _fold_sign(text[index])  # A mark goes with its letter.
    runs = groupby(range(len(text)), key=hit.__getitem__)
    return [("".join(text[index] for index in run), is_hit) for is_hit, run in runs]


def _fold_with_places(text: str) -> tuple[str, list[int]]:
    """The folded text, spaces kept, and for each of its characters the index it came from."""
    pairs = [(sign, index) for index, char in enumerate(text) for sign in _fold_sign(char)]
    return "".join(sign for sign, _ in pairs), [index for _, index in pairs]


def _fold_sign(char: str) -> str:
    return " " if char.isspace() else _bare(char)


def slugify(text: str) -> str:
    """Lower-case ASCII words with hyphens; a hash where nothing of the text is ASCII."""
    slug = re.sub(r"[^a-z0-9]+", "-", fold(text)).strip("-")[:60].strip("-")
    return slug or hashlib.sha256(text.encode()).hexdigest()[:12]


def search_text(name: str, description: str, tags: list[str]) -> str:
    """What a search looks through. A line break keeps a match from running across two fields."""
    return "\n".join([fold(name), fold(description), *(fold(tag) for tag in tags)])


def average(rating_sum: int, rating_count: int) -> float | None:
    """The mean with two decimals; `None` when nobody rated."""
    return round(rating_sum / rating_count, 2) if rating_count else None


def score(rating_sum: int, rating_count: int) -> float:
    """What "best rated" sorts by; the unrated come last."""
    return (rating_sum + PRIOR_COUNT * PRIOR_MEAN) / (rating_count + PRIOR_COUNT) if rating_count else 0.0


def content_hash(content: dict[str, Any]) -> str:
    """Tells whether two entries say the same: SHA-256 over their canonical JSON."""
    return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()


def scales(traits: dict[str, Any]) -> list[dict[str, Any]]:
    """The traits that are drawn as scales: numbers 0–1."""
    drawn = [(name, value) for name, value in traits.items() if _is_scale(value)]
    return [
        {"name": name, "low": low, "high": high, "value": float(value)}
        for name, value in drawn
        for low, high in [SCALES.get(name, (f"not {name}", name))]
    ]


def _is_scale(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


def labels(traits: dict[str, Any]) -> list[dict[str, str]]:
    """The traits that are shown as labels: texts and booleans."""
    return [
        {"name": name.replace("_", " "), "value": value if isinstance(value, str) else "yes" if value else "no"}
        for name, value in traits.items()
        if isinstance(value, (str, bool))
    ]


@dataclass(frozen=True)
class Filters:
    """One question to the catalogue: any of the categories, languages and content ratings, all of the tags and none of
    `without_tags`. Texts as given; folding happens where they are used."""

    search: str = ""
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    without_tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    content_ratings: tuple[str, ...] = ()
    min_rating: float | None = None
    sort_by: SortBy | None = None
    page: int = 1
    limit: int = 24
    cursor: str | None = None

    @cached_property
    def words(self) -> list[str]:
        return fold(self.search).split()

    @property
    def order(self) -> str:
        """`match` when words were given and no sort; else the sort, popular by default."""
        return self.sort_by or ("match" if self.words else "popular")

    @property
    def is_plain(self) -> bool:
        return self == Filters(sort_by=self.sort_by, page=self.page, limit=self.limit, cursor=self.cursor)

    def at(self, **changes: Any) -> "Filters":
        return replace(self, **changes)

    def fingerprint(self) -> str:
        """What a cursor is bound to: everything but the page."""
        return content_hash(
            {
                "search": self.words,
                "categories": sorted(self.categories),
                "tags": sorted(self.tags),
                "withoutTags": sorted(self.without_tags),
                "languages": sorted(self.languages),
                "contentRatings": sorted(self.content_ratings),
                "minRating": self.min_rating,
                "order": self.order,
            }
        )[:12]
