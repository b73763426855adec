"""A question to the catalogue, read from what came over the wire."""

from typing import cast

from botbot.catalog.rules import CONTENT_RATINGS, MAX, SORTS, Filters, SortBy, fold
from botbot.errors import ValidationFailed

MOST_WORDS = 24
"""Of a search; each number of words is a statement of its own, kept to be used again."""
DEEPEST = 1_000_000
"""The last page anybody may ask for."""


def read_filters(
    *,
    search: str | None,
    category: list[str] | None,
    tags: str | None,
    exclude_tags: str | None = None,
    language: list[str] | None = None,
    content_rating: list[str] | None = None,
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
    if len(fold(search or "").split()) > MOST_WORDS:
        wrong["search"] = f"has more than {MOST_WORDS} words"
    if unknown := [each for each in content_rating or [] if each and each not in CONTENT_RATINGS]:
        wrong["contentRating"] = f"must be one of {', '.join(CONTENT_RATINGS)}, not {unknown[0][:20]}"
    texts = {
        "search": search or "",
        "tags": tags or "",
        "excludeTags": exclude_tags or "",
        "category": "".join(category or []),
        "language": "".join(language or []),
    }
    for name, text in texts.items():
        if len(text) > MAX["search"] * (10 if name != "search" else 1):
            wrong[name] = "is too long"
        if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
            wrong[name] = "must not contain NUL or broken characters"
    if wrong:
        raise ValidationFailed(fields=wrong)
    return Filters(
        search=(search or "").strip(),
        categories=_several(category, 50),
        tags=_several((tags or "").split(","), 20),
        without_tags=_several((exclude_tags or "").split(","), 20),
        languages=_several(language, 50),
        content_ratings=_several(content_rating, len(CONTENT_RATINGS)),
        min_rating=min_rating,
        sort_by=cast("SortBy | None", sort_by),
        page=page or 1,
        limit=limit,
        cursor=cursor,
    )


def _several(values: list[str] | None, most: int) -> tuple[str, ...]:
    """Each once, in the order given, blanks left out."""
    return tuple(dict.fromkeys(value.strip() for value in values or [] if value.strip()))[:most]
