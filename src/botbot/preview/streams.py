"""A reply on its way, as the event stream that browsers read."""

from collections.abc import AsyncIterator

import msgspec

from botbot.errors import ApiError
from botbot.preview.relay import Event, Relay
from botbot.preview.schemas import DoneEvent, RefusalEvent, SessionEvent, TokenEvent

PING = b": ping\n\n"
STREAM = "text/event-stream"
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
NAMES = {
    SessionEvent: "session",
    TokenEvent: "token",
    RefusalEvent: "token",
    DoneEvent: "done",
    ApiError: "error",
}


async def as_bytes(relay: Relay) -> AsyncIterator[bytes]:
    """`session`, then `token` events, then one of `done` and `error`; a comment now and then while the model thinks."""
    async for events in relay.batches():
        yield b"".join(map(_encode, events)) or PING


def _encode(event: Event) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (NAMES[type(event)].encode(), msgspec.json.encode(event))
