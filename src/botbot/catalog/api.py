"""The catalogue over JSON."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.params import Parameter
from sqlalchemy import select

from botbot.catalog import queries
from botbot.catalog.asking import DEEPEST, read_filters
from botbot.catalog.lists import encode_list
from botbot.catalog.models import StoredPicture
from botbot.catalog.pictures import Pictures, svg
from botbot.catalog.rules import CONTENT_RATINGS, SORTS
from botbot.catalog.schemas import CategoryOut, PersonalityList
from botbot.errors import NotFound
from botbot.house import House
from botbot.kit.coding import Forms
from botbot.security.caching import FILE_POLICY, FOR_EVER, file_answer, matches, with_etag

PAGE = {"oneOf": [{"type": "integer", "minimum": 1, "maximum": DEEPEST}, {"type": "null"}]}
SVG, BRIEFLY = "image/svg+xml", "public, max-age=60"
STARS = {"oneOf": [{"type": "number", "minimum": 1, "maximum": 5}, {"type": "null"}]}


@get("/", summary="List personalities")
async def list_personalities(
    request: Request[Any, Any, Any],
    house: House,
    search: str | None = None,
    category: list[str] | None = None,
    tags: Annotated[str | None, Parameter(description="Comma-separated; all of them.")] = None,
    exclude_tags: Annotated[
        str | None, Parameter(query="excludeTags", description="Comma-separated; none of them.")
    ] = None,
    language: Annotated[list[str] | None, Parameter(description="As in `language`, `de` say.")] = None,
    content_rating: Annotated[
        list[str] | None,
        Parameter(query="contentRating", schema_extra={"items": {"type": "string", "enum": [*CONTENT_RATINGS]}}),
    ] = None,
    min_rating: Annotated[float | None, Parameter(query="minRating", schema_extra=STARS)] = None,
    sort_by: Annotated[
        str | None, Parameter(query="sortBy", schema_extra={"enum": [*SORTS]}, description="`popular` by default.")
    ] = None,
    page: Annotated[int | None, Parameter(schema_extra=PAGE)] = None,
    limit: Annotated[int, Parameter(schema_extra={"minimum": 1, "maximum": 100})] = 24,
    cursor: str | None = None,
) -> Response[PersonalityList]:
    """Filters combine with AND. `search` looks for every word in name, description and tags, ignoring case and
    accents; `category`, `language` and `contentRating` may be repeated: any of them. When nothing is found,
    `suggestions` has what is spelt alike. Answers an `ETag` and honours `If-None-Match`."""
    filters = read_filters(
        search=search, category=category, tags=tags, exclude_tags=exclude_tags, language=language,
        content_rating=content_rating, min_rating=min_rating, sort_by=sort_by, page=page, limit=limit, cursor=cursor,
    )  # fmt: skip
    return with_etag(request, await encode_list(house, filters))


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
    pictures: Pictures = request.app.state.pictures
    etag = f'"{rest.removesuffix(".svg")}"'
    if forms := pictures.find(file_name):
        return await file_answer(request, forms, etag, SVG)
    async with house.db.read() as session:
        personality = await queries.get_personality(session, slug, on_shelf_only=False)
    forms = Forms(svg(personality.avatar, personality.hue, personality.slug).encode())
    if personality.avatar_path == f"/avatars/{file_name}":
        pictures.keep(file_name, forms)
        return await file_answer(request, forms, etag, SVG)
    if not personality.is_public or personality.archived_at is not None:
        raise NotFound  # A deployment may still show it; nobody learns of it by guessing.
    return await file_answer(request, forms, f'"{personality.avatar_path}"', SVG, caching=BRIEFLY)


@get("/pictures/{file_name:str}", include_in_schema=False)
async def picture(request: Request[Any, Any, Any], house: House, file_name: str) -> Response[bytes]:
    """`<id>.webp` (512 px) or `<id>.small.webp` (128 px) of an upload; the id is the hash of what it shows."""
    named, _, form = file_name.partition(".")
    column = {"webp": StoredPicture.large, "small.webp": StoredPicture.small}.get(form)
    if column is None:
        raise NotFound
    async with house.db.read() as session:
        body = await session.scalar(select(column).where(StoredPicture.id == named))
    if body is None:
        raise NotFound
    headers = {"cache-control": FOR_EVER, "content-security-policy": FILE_POLICY, "etag": f'"{form}-{named[:20]}"'}
    if matches(request.headers.get("if-none-match", ""), [headers["etag"]]):
        return Response(b"", status_code=304, headers=headers, media_type="image/webp")
    return Response(body, headers=headers, media_type="image/webp")


router = Router("/api/marketplace/personalities", route_handlers=[list_personalities], tags=["catalogue"])
handlers: list[Any] = [router, list_categories, avatar, picture]
