"""A question to the catalogue, read from what came over the wire."""

from typing import cast

from botbot.catalog.rules import MAX, SORTS, Filters, SortBy
from botbot.errors import ValidationFailed

DEEPEST = 1_000_000
"""The last page anybody may ask for."""


def read_filters(
    *,
    search: str | None,
    category: list[str] | None,
    tags: str | None,
    min_rating: float | None,
    sort_by: str | None,
    page: int | None,
    limit: int,
    cursor: str | None,
) -> Filters:
    """Query parameters as a question. Raises `ValidationFailed` naming each parameter that can't be used."""
    wrong: dict[str, str] = {}
    if not 1 <= limit <= 100:
        wrong["limit"] = "must be between 1 and 100"
    if page is not None and not 1 <= page <= DEEPEST:
        wrong["page"] = f"must be between 1 and {DEEPEST}"
    if page is not None and cursor is not None:
        wrong["cursor"] = "can't be used together with page"
    if min_rating is not None and not 1 <= min_rating <= 5:
        wrong["minRating"] = "must be between 1 and 5"
    if sort_by is not None and sort_by not in SORTS:
        wrong["sortBy"] = f"must be one of {', '.join(SORTS)}"
    texts = {"search": search or "", "tags": tags or "", "category": "".join(category or [])}
    for name, text in texts.items():
        if len(text) > MAX["search"] * (10 if name != "search" else 1):
            wrong[name] = "is too long"
        if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
            wrong[name] = "must not contain NUL or broken characters"
    if wrong:
        raise ValidationFailed(fields=wrong)
    return Filters(
        search=(search or "").strip(),
        categories=tuple(dict.fromkeys(name for name in category or [] if name.strip()))[:50],
        tags=tuple(dict.fromkeys(tag.strip() for tag in (tags or "").split(",") if tag.strip()))[:20],
        min_rating=min_rating,
        sort_by=cast("SortBy | None", sort_by),
        page=page or 1,
        limit=limit,
        cursor=cursor,
    )
