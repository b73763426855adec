"""Entries over JSON, with everything in them. Moderators read, admins write."""

import asyncio
import math
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from litestar import Response, Router, delete, get, post, put
from litestar.params import Parameter

from botbot.accounts.rules import Viewer
from botbot.admin.rules import require_admin, require_staff
from botbot.catalog import backroom, editing, uploads
from botbot.catalog.asking import read_filters
from botbot.catalog.entry_schemas import EntryIn, EntryOut
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.queries import get_personality
from botbot.catalog.rules import CONTENT_RATINGS, Filters
from botbot.catalog.schemas import Pagination
from botbot.errors import ValidationFailed
from botbot.house import House
from botbot.reviews.queries import ratings_of
from botbot.security.requests import StrictRequest

PATH = "/api/marketplace/admin/personalities"
PRIVATE = {"cache-control": "private, no-store"}
STARS = {"oneOf": [{"type": "number", "minimum": 1, "maximum": 5}, {"type": "null"}]}


class EntryList(msgspec.Struct, rename="camel"):
    personalities: list[EntryOut]
    pagination: Pagination


class NewEntry(EntryIn, rename="camel", kw_only=True):
    """An entry with what is written beside its first version."""

    changelog: str = ""


class EntryChange(msgspec.Struct, rename="camel"):
    """Any fields of an entry; what isn't there stays. Read as plain data, because absent and `null` differ."""

    changelog: str = ""


@get("/", summary="Every entry, hidden and archived ones too")
async def list_all(
    house: House,
    viewer: Viewer | None,
    search: str | None = None,
    category: list[str] | None = None,
    tags: Annotated[str | None, Parameter(description="Comma-separated; all of them.")] = None,
    language: list[str] | None = None,
    content_rating: Annotated[
        list[str] | None,
        Parameter(query="contentRating", schema_extra={"items": {"type": "string", "enum": [*CONTENT_RATINGS]}}),
    ] = None,
    min_rating: Annotated[float | None, Parameter(query="minRating", schema_extra=STARS)] = None,
    sort_by: Annotated[str | None, Parameter(query="sortBy", schema_extra={"enum": [*backroom.ORDERS]})] = None,
    standing: Annotated[str, Parameter(query="state", schema_extra={"enum": [*backroom.STATES]})] = "all",
    page: Annotated[int | None, Parameter(schema_extra={"minimum": 1, "maximum": 1_000_000})] = None,
    limit: Annotated[int, Parameter(schema_extra={"minimum": 1, "maximum": 100})] = 24,
    cursor: str | None = None,
) -> Response[EntryList]:
    """As the public list, with `state` besides, and what was changed last first."""
    require_staff(viewer)
    order, state = check_order(sort_by), check_state(standing)
    filters = read_filters(
        search=search, category=category, tags=tags, language=language, content_rating=content_rating,
        min_rating=min_rating, sort_by=None, page=page, limit=limit, cursor=cursor,
    )  # fmt: skip
    if cursor is not None:
        filters = replace(filters, page=backroom.read_cursor(filters, state, order), cursor=None)
    async with house.db.read() as session:
        rows, total = await backroom.list_entries(session, filters, state=state, order=order)
    pagination = _pagination(filters, total, state, order)
    return Response(EntryList([editing.entry_out(row) for row in rows], pagination), headers=PRIVATE)


def check_order(sort_by: str | None) -> str:
    if sort_by is not None and sort_by not in backroom.ORDERS:
        raise ValidationFailed(fields={"sortBy": f"must be one of {', '.join(backroom.ORDERS)}"})
    return sort_by or "changed"


def check_state(standing: str) -> backroom.State:
    if standing not in backroom.STATES:
        raise ValidationFailed(fields={"state": f"must be one of {', '.join(backroom.STATES)}"})
    return standing


def _pagination(filters: Filters, total: int, state: backroom.State, order: str) -> Pagination:
    pages = math.ceil(total / filters.limit)
    return Pagination(
        page=filters.page,
        limit=filters.limit,
        total_count=total,
        total_pages=pages,
        has_next_page=filters.page < pages,
        has_previous_page=filters.page > 1 and total > 0,
        next_cursor=backroom.write_cursor(filters, state, order) if filters.page < pages else None,
    )


@post("/", status_code=201, summary="Add an entry", body=NewEntry)
async def create(request: StrictRequest, house: House, viewer: Viewer | None) -> Response[EntryOut]:
    """`name`, `description`, `persona`, `systemPrompt` and `category` are needed; the rest has defaults."""
    who = require_admin(viewer)
    entry = await request.read(NewEntry)
    picture, warnings = await picture_of(entry.avatar), list[str]()
    async with house.db.write() as session:
        row = await editing.create_personality(
            session, who.user_id, entry, changelog=entry.changelog, picture=picture, warnings=warnings
        )
    return await _answer(house, row, warnings, status=201)


@get("/{personality_id:str}", summary="One entry")
async def show(personality_id: str, house: House, viewer: Viewer | None) -> Response[EntryOut]:
    """By id or slug. The `ETag` goes into `If-Match` of a change."""
    require_staff(viewer)
    async with house.db.read() as session:
        row = await get_personality(session, personality_id, on_shelf_only=False)
    return await _answer(house, row)


@put("/{personality_id:str}", summary="Change an entry", body=EntryChange)
async def change(
    request: StrictRequest,
    personality_id: str,
    house: House,
    viewer: Viewer | None,
    if_match: Annotated[str | None, Parameter(header="If-Match")] = None,
) -> Response[EntryOut]:
    """Any of the fields; what isn't sent stays. An `If-Match` that isn't the present `ETag` is 412 `edit_conflict`."""
    who = require_admin(viewer)
    data = await request.json()
    if not isinstance(data, dict):
        raise ValidationFailed(fields={"body": "must be an object"})
    said = await request.read(EntryChange)
    avatar = data.get("avatar")
    picture, warnings = await picture_of(avatar if isinstance(avatar, str) else None), list[str]()
    async with house.db.write() as session:
        row = await editing.change_personality(
            session,
            who.user_id,
            personality_id,
            data,
            etag=seen_state(if_match),
            changelog=said.changelog,
            picture=picture,
            warnings=warnings,
        )
    return await _answer(house, row, warnings)


@delete("/{personality_id:str}", status_code=204, summary="Archive an entry")
async def archive(personality_id: str, house: House, viewer: Viewer | None) -> None:
    """It leaves the marketplace. Where it lives it stays; nobody deploys it anew."""
    who = require_admin(viewer)
    async with house.db.write() as session:
        await editing.archive_personality(session, who.user_id, personality_id)


async def picture_of(avatar: str | None) -> uploads.Picture | None:
    """An uploaded picture made anew, before any transaction is open."""
    if avatar is None or not avatar.startswith("data:"):
        return None
    return await asyncio.to_thread(lambda: uploads.reencode(uploads.from_data_url(avatar)))


def seen_state(if_match: str | None) -> str | None:
    if if_match is None or if_match.strip() == "*":
        return None
    return if_match.strip().removeprefix("W/").strip('"')


async def _answer(
    house: House, row: PersonalityTemplate, warnings: list[str] | None = None, *, status: int = 200
) -> Response[EntryOut]:
    async with house.db.read() as session:
        ratings = await ratings_of(session, row.id)
    headers = {"etag": f'"{editing.etag_of(row)}"', "cache-control": "private, no-cache"}
    if status == 201:
        headers["location"] = f"{PATH}/{row.id}"
    answer: Any = msgspec.structs.replace(editing.entry_out(row, warnings), ratings=ratings)
    return Response(answer, status_code=status, headers=headers)


router = Router(PATH, route_handlers=[list_all, create, show, change, archive], tags=["admin"])
