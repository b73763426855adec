"""One personality over JSON: the catalogue's entry with its ratings."""

from typing import Any

from litestar import Request, Response, get

from botbot.catalog.queries import get_personality
from botbot.catalog.schemas import Detail, detail
from botbot.house import House
from botbot.reviews.queries import ratings_of
from botbot.security.caching import with_etag


@get("/api/marketplace/personalities/{personality_id:str}", summary="One personality", tags=["catalogue"])
async def show(request: Request[Any, Any, Any], house: House, personality_id: str) -> Response[Detail]:
    """By id or slug: its story, traits, samples, requirements, ratings. Never its system prompt."""
    async with house.db.read() as session:
        personality = await get_personality(session, personality_id)
        ratings = await ratings_of(session, personality.id)
    return with_etag(request, detail(personality, ratings))


handlers: list[Any] = [show]
