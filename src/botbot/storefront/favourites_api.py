"""Favourites over JSON."""

import math
from typing import Annotated

import msgspec
from litestar import Response, delete, get, put
from litestar.params import Parameter

from botbot.accounts.rules import Viewer, require
from botbot.catalog import favourites
from botbot.catalog.asking import DEEPEST
from botbot.catalog.schemas import Card, Pagination, card_fields
from botbot.errors import ValidationFailed
from botbot.house import House


class FavouriteList(msgspec.Struct, rename="camel"):
    """`away_count` is how many of mine have left the marketplace; they come back when it has them again."""

    personalities: list[Card]
    pagination: Pagination
    away_count: int


@get("/api/marketplace/favourites", summary="List my favourites", tags=["favourites"])
async def list_mine(
    house: House,
    viewer: Viewer | None,
    page: Annotated[int, Parameter(schema_extra={"minimum": 1, "maximum": DEEPEST})] = 1,
    limit: Annotated[int, Parameter(schema_extra={"minimum": 1, "maximum": 100})] = 24,
) -> Response[FavouriteList]:
    """The newest mark comes first."""
    who = require(viewer)
    _check(page, limit)
    async with house.db.reading() as connection:
        found = await favourites.list_favourites(connection, who.user_id, page=page, limit=limit)
    answer = FavouriteList(
        personalities=[Card(**card_fields(row)) for row in found.rows],
        pagination=_pagination(page, limit, found.present),
        away_count=found.away,
    )
    return Response(answer, headers={"cache-control": "private, no-store"})


def _check(page: int, limit: int) -> None:
    wrong = {}
    if not 1 <= limit <= 100:
        wrong["limit"] = "must be between 1 and 100"
    if not 1 <= page <= DEEPEST:
        wrong["page"] = f"must be between 1 and {DEEPEST}"
    if wrong:
        raise ValidationFailed(fields=wrong)


def _pagination(page: int, limit: int, count: int) -> Pagination:
    pages = math.ceil(count / limit)
    return Pagination(
        page=page,
        limit=limit,
        total_count=count,
        total_pages=pages,
        has_next_page=page < pages,
        has_previous_page=page > 1 and count > 0,
        next_cursor=None,
    )


@put(
    "/api/marketplace/personalities/{personality_id:str}/favourite",
    status_code=204,
    summary="Mark a personality as a favourite",
    tags=["favourites"],
)
async def add(personality_id: str, house: House, viewer: Viewer | None) -> None:
    """By id or slug; marking it twice is fine."""
    who = require(viewer)
    await house.limiter.hit("favourite", who.user_id, favourites.PER_MINUTE)
    async with house.db.write() as session:
        await favourites.add_favourite(session, who.user_id, personality_id)


@delete(
    "/api/marketplace/personalities/{personality_id:str}/favourite",
    status_code=204,
    summary="Take my favourite mark away",
    tags=["favourites"],
)
async def remove(personality_id: str, house: House, viewer: Viewer | None) -> None:
    """Also when there is none."""
    who = require(viewer)
    await house.limiter.hit("favourite", who.user_id, favourites.PER_MINUTE)
    async with house.db.write() as session:
        await favourites.remove_favourite(session, who.user_id, personality_id)


handlers = [list_mine, add, remove]
