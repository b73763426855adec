"""The preview chat over JSON, whole or streamed."""

from typing import Any

from litestar import Response, Router, post
from litestar.response import Stream

from botbot.house import House
from botbot.preview.exchanges import open_exchange
from botbot.preview.relay import Relays
from botbot.preview.schemas import ChatIn
from botbot.preview.service import answer_while_there
from botbot.preview.sessions import PreviewSessions
from botbot.preview.streams import HEADERS, STREAM, as_bytes
from botbot.security.requests import StrictRequest


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
        return Stream(as_bytes(relays.open(house, exchange)), media_type=STREAM, headers=HEADERS)
    whole = await answer_while_there(house, relays, exchange, request.receive)
    return Response(whole, headers={"cache-control": "no-store"})


router = Router("/api/marketplace/preview", route_handlers=[chat], tags=["preview"])
