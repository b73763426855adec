"""The list of personalities as the bytes that are sent, and the short way to it for visitors.

The framework's way to the same bytes (signature, conversion, dependencies) costs several times what the question
itself does. So the layer that keeps visitors' answers asks here first; what looks unusual goes the framework's way,
which also says what is wrong with it."""

import math
import re
from operator import attrgetter
from typing import Any, cast
from urllib.parse import parse_qsl

import msgspec

from botbot.catalog import listing, searching
from botbot.catalog.asking import read_filters
from botbot.catalog.counting import Total
from botbot.catalog.rules import Filters
from botbot.catalog.schemas import Card, Pagination, PersonalityList, card_fields
from botbot.house import House

ONCE = {
    "search": "search", "tags": "tags", "excludeTags": "exclude_tags", "minRating": "min_rating", "sortBy": "sort_by",
    "page": "page", "limit": "limit", "cursor": "cursor",
}  # fmt: skip
SEVERAL = {"category": "category", "language": "language", "contentRating": "content_rating"}
USUAL = {"page": (re.compile("[1-9][0-9]{0,5}"), int), "limit": (re.compile("[1-9][0-9]?"), int)} | {
    "minRating": (re.compile(r"[1-4](\.[0-9]{1,3})?|5"), float)
}
"""Numbers that nobody reads in two ways."""
_card = attrgetter(*(name if name != "avatar" else "avatar_path" for name in Card.__struct_fields__))


async def encode_list(house: House, filters: Filters) -> bytes:
    """`PersonalityList` as JSON. Raises what the reads raise."""
    async with house.bare.reading() as connection:
        near: Any = []
        found, total = await listing.find_cards(cast(Any, connection), filters)
        if not total.count and filters.words:
            async with house.db.reading() as ordinary:
                near = await searching.suggest(ordinary, filters)
    return msgspec.json.encode(
        PersonalityList(
            personalities=[Card(*_card(row)) for row in found.rows],
            pagination=_pagination(filters, total, found.next_cursor),
            suggestions=[Card(**card_fields(row)) for row in near],
        )
    )


def _pagination(filters: Filters, total: Total, next_cursor: str | None) -> Pagination:
    return Pagination(
        page=None if filters.cursor else filters.page,
        limit=filters.limit,
        total_count=total.count,
        total_pages=math.ceil(total.count / filters.limit),
        has_next_page=next_cursor is not None,
        has_previous_page=filters.cursor is not None or (filters.page > 1 and total.count > 0),
        next_cursor=next_cursor,
        total_is_estimate=True if total.is_estimate else msgspec.UNSET,
    )


def usual_filters(query: bytes) -> Filters | None:
    """The question of an everyday query string; `None` for what the framework had better look at. Raises
    `ValidationFailed` as it would."""
    given: dict[str, Any] = dict.fromkeys([*ONCE.values(), *SEVERAL.values()]) | {"limit": 24}
    seen = set()
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError:
        return None
    for name, value in pairs:
        if name in SEVERAL:
            given[SEVERAL[name]] = [*(given[SEVERAL[name]] or []), value]
        elif name in ONCE:
            if name in seen:
                return None
            seen.add(name)
            given[ONCE[name]] = value
        if not value or "\ufffd" in value:
            return None
    for name, (looks, read) in USUAL.items():
        if name in seen:
            if not looks.fullmatch(given[ONCE[name]]):
                return None
            given[ONCE[name]] = read(given[ONCE[name]])
    return read_filters(**given)


async def usual_list(house: House, path: str, query: bytes) -> bytes | None:
    filters = usual_filters(query)
    return None if filters is None else await encode_list(house, filters)
