"""One personality as the bytes that are sent, and the short way to it for visitors."""

from typing import Any, cast

import msgspec

from botbot.catalog.queries import get_detail
from botbot.catalog.schemas import Ratings, detail
from botbot.house import House
from botbot.reviews.queries import no_stars, ratings_of


async def encode_detail(house: House, id_or_slug: str) -> bytes:
    """`Detail` as JSON. Raises `NotFound` for what visitors can't see."""
    async with house.bare.reading() as bare:
        connection = cast(Any, bare)
        row = await get_detail(connection, id_or_slug)
        ratings = await ratings_of(connection, row.id) if row.rating_count else Ratings(no_stars(), [])
    return msgspec.json.encode(detail(row, ratings))


async def usual_detail(house: House, path: str, query: bytes) -> bytes:
    """The last segment of the path names it; no query changes the answer. Raises what `encode_detail` does."""
    return await encode_detail(house, path.rpartition("/")[2])
