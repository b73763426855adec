"""The catalogue over JSON."""

import asyncio
import hashlib
import math
from typing import Annotated, Any, cast

import msgspec
from litestar import Request, Response, Router, get
from litestar.params import Parameter

from botbot.catalog import queries
from botbot.catalog.pictures import svg
from botbot.catalog.rules import MAX, SORTS, Filters, SortBy
from botbot.catalog.schemas import (
    Card,
    CategoryOut,
    Pagination,
    PersonalityList,
    card_fields,
)
from botbot.errors import NotFound, ValidationFailed
from botbot.house import House

JSON = "application/json"
DEEPEST = 1_000_000


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


@get("/", summary="List personalities")
async def list_personalities(
    request: Request[Any, Any, Any],
    house: House,
    search: str | None = None,
    category: list[str] | None = None,
    tags: Annotated[str | None, Parameter(description="Comma-separated; all of them.")] = None,
    min_rating: Annotated[float | None, Parameter(query="minRating")] = None,
    sort_by: Annotated[
        str | None, Parameter(query="sortBy", schema_extra={"enum": [*SORTS]}, description="`popular` by default.")
    ] = None,
    page: int | None = None,
    limit: int = 24,
    cursor: str | None = None,
) -> Response[PersonalityList]:
    """Filters combine with AND. `search` looks for every word in name, description and tags, ignoring case and
    accents; `category` may be repeated. Answers an `ETag` and honours `If-None-Match`."""
    filters = read_filters(
        search=search, category=category, tags=tags, min_rating=min_rating, sort_by=sort_by, page=page, limit=limit,
        cursor=cursor,
    )  # fmt: skip
    async with house.db.reading() as connection:
        found = await queries.list_cards(connection, filters)
        total = await queries.count_cards(connection, filters)
    answer = PersonalityList(
        personalities=[Card(**card_fields(row)) for row in found.rows],
        pagination=_pagination(filters, total, found.next_cursor),
    )
    return with_etag(request, answer)


def _pagination(filters: Filters, total: int, next_cursor: str | None) -> Pagination:
    return Pagination(
        page=None if filters.cursor else filters.page,
        limit=filters.limit,
        total_count=total,
        total_pages=math.ceil(total / filters.limit),
        has_next_page=next_cursor is not None,
        has_previous_page=filters.cursor is not None or (filters.page > 1 and total > 0),
        next_cursor=next_cursor,
    )


def with_etag(request: Request[Any, Any, Any], answer: Any) -> Response[Any]:
    """The answer with a strong `ETag`, or 304 to someone who has it already."""
    body = msgspec.json.encode(answer)
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"etag": etag, "cache-control": "no-cache"}
    known = request.headers.get("if-none-match", "")
    if known and (known.strip() == "*" or etag in {tag.strip().removeprefix("W/") for tag in known.split(",")}):
        return Response(b"", status_code=304, headers=headers, media_type=JSON)
    return Response(body, headers=headers, media_type=JSON)


@get("/api/marketplace/categories", summary="List categories", tags=["catalogue"])
async def list_categories(request: Request[Any, Any, Any], house: House) -> Response[list[CategoryOut]]:
    async with house.db.reading() as connection:
        found = await queries.list_categories(connection)
    return with_etag(request, [CategoryOut(*each) for each in found])


@get("/avatars/{file_name:str}", include_in_schema=False)
async def avatar(house: House, file_name: str) -> Response[bytes]:
    """`<slug>.<hash>.svg`: cacheable for ever when the hash is today's, briefly when it isn't."""
    slug, _, rest = file_name.partition(".")
    if not rest.endswith("svg"):
        raise NotFound
    async with house.db.read() as session:
        personality = await queries.get_personality(session, slug)
    body = await asyncio.to_thread(svg, personality.avatar, personality.hue, personality.slug)
    is_current = personality.avatar_path == f"/avatars/{file_name}"
    caching = "public, max-age=31536000, immutable" if is_current else "public, max-age=60"
    return Response(body.encode(), media_type="image/svg+xml", headers={"cache-control": caching})


router = Router("/api/marketplace/personalities", route_handlers=[list_personalities], tags=["catalogue"])
handlers: list[Any] = [router, list_categories, avatar]
