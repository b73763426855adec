"""One personality over JSON: the catalogue's entry with its ratings."""

from typing import Any

from litestar import Request, Response, get

from botbot.catalog.schemas import Detail
from botbot.house import House
from botbot.security.caching import with_etag
from botbot.storefront.details import encode_detail


@get("/api/marketplace/personalities/{personality_id:str}", summary="One personality", tags=["catalogue"])
async def show(request: Request[Any, Any, Any], house: House, personality_id: str) -> Response[Detail]:
    """By id or slug: its story, traits, samples, requirements, ratings. Never its system prompt."""
    return with_etag(request, await encode_detail(house, personality_id))


handlers: list[Any] = [show]
