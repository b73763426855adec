"""The preview chat over JSON, whole or streamed."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Response, Router, post
from litestar.response import Stream

from botbot.errors import ApiError
from botbot.house import House
from botbot.preview.exchanges import open_exchange
from botbot.preview.relay import Event, Relay, Relays
from botbot.preview.schemas import ChatIn, DoneEvent, RefusalEvent, SessionEvent, TokenEvent
from botbot.preview.service import answer_while_there
from botbot.preview.sessions import PreviewSessions
from botbot.security.requests import StrictRequest

PING = b": ping\n\n"
STREAM = "text/event-stream"
NAMES = {
    SessionEvent: "session",
    TokenEvent: "token",
    RefusalEvent: "token",
    DoneEvent: "done",
    ApiError: "error",
}


@post("/{personality_id:str}/chat", status_code=200, summary="Try a personality", body=ChatIn)
async def chat(
    request: StrictRequest,
    personality_id: str,
    house: House,
    sessions: PreviewSessions,
    relays: Relays,
) -> Response[Any]:
    """With `Accept: text/event-stream`: events `session`, `token`, then one of `done` and `error`. Else one JSON
    answer. No account is needed; nothing that is said is stored."""
    data = await request.read(ChatIn)
    relays.require_place(house)
    exchange = await open_exchange(
        house,
        sessions,
        personality_id,
        data.message,
        data.session_id,
        request.client.host if request.client else "",
        setting=data.setting,
        speaker=data.speaker,
        regenerate=data.regenerate,
    )
    if STREAM in request.headers.get("accept", ""):
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return Stream(_stream(relays.open(house, exchange)), media_type=STREAM, headers=headers)
    whole = await answer_while_there(house, relays, exchange, request.receive)
    return Response(whole, headers={"cache-control": "no-store"})


async def _stream(relay: Relay) -> AsyncIterator[bytes]:
    async for events in relay.batches():
        yield b"".join(map(_encode, events)) or PING


def _encode(event: Event) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (NAMES[type(event)].encode(), msgspec.json.encode(event))


router = Router("/api/marketplace/preview", route_handlers=[chat], tags=["preview"])
