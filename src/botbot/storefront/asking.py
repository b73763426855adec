"""What an address of the marketplace asks for. A page has no use for a 400: people type addresses and follow old links,
so what can't be read counts as not said."""

import re
from collections.abc import Mapping
from typing import Any

from botbot.catalog.asking import MOST_WORDS, read_filters
from botbot.catalog.rules import CONTENT_RATINGS, MAX, SORTS, Filters
from botbot.errors import ValidationFailed

PER_PAGE = 24
"""Divides by 1, 2, 3, 4 and 6, the numbers of columns a grid may have."""
MOST_PAGES = 20
"""How many pages of cards one request may fetch, for somebody who comes back to where they were."""
DEEPEST_PAGE = 50_000

Query = Any
"""Litestar's multi-dict of the query string: `get` and `getall`."""


def lenient_filters(query: Query) -> Filters:
    """The filters of a query string. A form without script repeats `tags` and `excludeTags`; a tag both wanted and
    unwanted counts as unwanted."""
    without = _tags(query, "excludeTags")
    try:
        return read_filters(
            search=_searched(query.get("search", "")),
            category=_several(query, "category"),
            tags=",".join(tag for tag in _tags(query, "tags") if tag not in without),
            exclude_tags=",".join(without),
            language=_several(query, "language"),
            content_rating=[each for each in _several(query, "contentRating") if each in CONTENT_RATINGS],
            min_rating=_stars(query.get("minRating", "")),
            sort_by=_one_of(SORTS, query.get("sortBy", "")),
            page=_number(query.get("page", ""), DEEPEST_PAGE),
            limit=PER_PAGE,
            cursor=None,
        )
    except ValidationFailed:
        return Filters(limit=PER_PAGE)


def _searched(text: str) -> str:
    """As much of it as can be looked for."""
    text = _clean(text)[: MAX["search"]]
    return text if len(text.split()) <= MOST_WORDS else " ".join(text.split()[:MOST_WORDS])


def page_count(query: Query) -> int:
    return _number(query.get("pages", ""), MOST_PAGES)


def _several(query: Query, name: str) -> list[str]:
    return [_clean(each) for each in query.getall(name, [])]


def _tags(query: Query, name: str) -> list[str]:
    return [tag for each in _several(query, name) for tag in each.split(",") if tag]


def _clean(text: str) -> str:
    """Without what no database holds."""
    return "".join(char for char in text if char != "\x00" and not "\ud800" <= char <= "\udfff")


def _one_of(known: Mapping[Any, str], value: str) -> str | None:
    return value if value in known else None


def _number(text: str, most: int) -> int:
    return max(1, min(int(text), most)) if re.fullmatch("[0-9]{1,6}", text) else 1


def _stars(text: str) -> float | None:
    try:
        stars = float(text)
    except ValueError:
        return None
    return stars if 1 <= stars <= 5 else None
