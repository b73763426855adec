"""Serves the pictures that stand for personalities where their links are shared.

A drawing costs more than any other answer here, and anybody may ask. So each is drawn once at a time, one after the
other and off the event loop; a few are kept; and when many wait already, the next is asked to come back."""

import asyncio
from collections import OrderedDict
from typing import Any

from litestar import Request, Response, get

from botbot.catalog import pictures, uploads
from botbot.catalog.queries import get_personality
from botbot.errors import NotFound, RateLimited
from botbot.house import House
from botbot.storefront import postcard

KEPT_BYTES = 12 * 1024 * 1024
MOST_WAITING = 24


class Easel:
    """Draws and keeps pictures, by their path."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._drawing: dict[str, asyncio.Future[bytes]] = {}
        self._one = asyncio.Lock()

    async def picture(self, path: str, personality: Any, portrait: bytes | None = None) -> bytes:
        """The PNG; raises `RateLimited` when too many others are being drawn."""
        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        if path not in self._drawing:
            if len(self._drawing) >= MOST_WAITING:
                raise RateLimited("Many pictures are being drawn just now.", retry_after=5)
            self._drawing[path] = asyncio.ensure_future(self._draw(path, personality, portrait))
        return await asyncio.shield(self._drawing[path])

    async def _draw(self, path: str, personality: Any, portrait: bytes | None) -> bytes:
        try:
            async with self._one:
                drawn = await asyncio.to_thread(postcard.draw, personality, portrait)
            self._keep(path, drawn)
            return drawn
        finally:
            del self._drawing[path]

    def _keep(self, path: str, drawn: bytes) -> None:
        self._kept[path] = drawn
        while sum(map(len, self._kept.values())) > KEPT_BYTES:
            self._kept.popitem(last=False)


@get("/og/{file_name:str}", include_in_schema=False, media_type="image/png")
async def picture(request: Request[Any, Any, Any], house: House, file_name: str) -> Response[bytes]:
    """`<slug>.<hash>.png`: cacheable for ever when the hash is today's, briefly when it isn't."""
    slug, _, rest = file_name.partition(".")
    if not rest.endswith("png"):
        raise NotFound
    async with house.db.read() as session:
        personality = await get_personality(session, slug)
        named = pictures.picture_of(personality.avatar)
        uploaded = await uploads.find_picture(session, named) if named else None
    current = postcard.path(personality)
    easel: Easel = request.app.state.easel
    body = await easel.picture(current, personality, uploaded.png if uploaded else None)
    is_current = current == f"/og/{file_name}"
    headers = {"cache-control": "public, max-age=31536000, immutable" if is_current else "public, max-age=60"}
    return Response(body, headers=headers, media_type="image/png")


handlers: list[Any] = [picture]
