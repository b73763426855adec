"""The catalogue over JSON."""

import gzip
import math
from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.params import Parameter

from botbot.catalog import queries
from botbot.catalog.asking import DEEPEST, read_filters
from botbot.catalog.pictures import svg
from botbot.catalog.rules import SORTS, Filters
from botbot.catalog.schemas import (
    Card,
    CategoryOut,
    Pagination,
    PersonalityList,
    card_fields,
)
from botbot.errors import NotFound
from botbot.house import House
from botbot.security.caching import with_etag

PAGE = {"oneOf": [{"type": "integer", "minimum": 1, "maximum": DEEPEST}, {"type": "null"}]}
STARS = {"oneOf": [{"type": "number", "minimum": 1, "maximum": 5}, {"type": "null"}]}


@get("/", summary="List personalities")
async def list_personalities(
    request: Request[Any, Any, Any],
    house: House,
    search: str | None = None,
    category: list[str] | None = None,
    tags: Annotated[str | None, Parameter(description="Comma-separated; all of them.")] = None,
    min_rating: Annotated[float | None, Parameter(query="minRating", schema_extra=STARS)] = None,
    sort_by: Annotated[
        str | None, Parameter(query="sortBy", schema_extra={"enum": [*SORTS]}, description="`popular` by default.")
    ] = None,
    page: Annotated[int | None, Parameter(schema_extra=PAGE)] = None,
    limit: Annotated[int, Parameter(schema_extra={"minimum": 1, "maximum": 100})] = 24,
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


@get("/api/marketplace/categories", summary="List categories", tags=["catalogue"])
async def list_categories(request: Request[Any, Any, Any], house: House) -> Response[list[CategoryOut]]:
    async with house.db.reading() as connection:
        found = await queries.list_categories(connection)
    return with_etag(request, [CategoryOut(*each) for each in found])


@get("/avatars/{file_name:str}", include_in_schema=False)
async def avatar(request: Request[Any, Any, Any], house: House, file_name: str) -> Response[bytes]:
    """`<slug>.<hash>.svg`: cacheable for ever when the hash is today's, briefly when it isn't."""
    slug, _, rest = file_name.partition(".")
    if not rest.endswith("svg"):
        raise NotFound
    async with house.db.read() as session:
        personality = await queries.get_personality(session, slug, on_shelf_only=False)
    body = svg(personality.avatar, personality.hue, personality.slug).encode()
    is_current = personality.avatar_path == f"/avatars/{file_name}"
    if not is_current and not (personality.is_public and personality.archived_at is None):
        raise NotFound  # A deployment may still show it; nobody learns of it by guessing.
    caching = "public, max-age=31536000, immutable" if is_current else "public, max-age=60"
    headers = {"cache-control": caching, "vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["content-encoding"] = gzip.compress(body, mtime=0), "gzip"
    return Response(body, media_type="image/svg+xml", headers=headers)


router = Router("/api/marketplace/personalities", route_handlers=[list_personalities], tags=["catalogue"])
handlers: list[Any] = [router, list_categories, avatar]
