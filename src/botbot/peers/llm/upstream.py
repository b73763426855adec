"""One streamed answer of one model: from the request until its last event, with nothing decided above it.

Every wait has a deadline of ours on the event loop's clock; the server's pings never move it. Closing runs in a task
of its own, so that it also completes when the visitor's task is being cancelled (again and again, if a framework
does)."""

import asyncio
import codecs
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx2

from botbot.peers.llm import failures
from botbot.peers.llm.messages import Chunk, ReportedUsage, decode_chunk

MAX_EVENT_BYTES = 64 * 1024
MAX_REPLY_BYTES = 200_000
MAX_ERROR_BYTES = 16 * 1024
LINGER_SECONDS = 0.05

_closing: set["asyncio.Task[None]"] = set()


class StrictUtf8(httpx2.AsyncByteStream):
    """A body that must be UTF-8. The event reader would put replacement characters where it is not."""

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        decoder = codecs.getincrementaldecoder("utf-8")("strict")
        async for piece in self._body:
            decoder.decode(piece)
            yield piece

    async def aclose(self) -> None:
        await self._body.aclose()


class Upstream:
    """An answer that has begun with status 200. `next_piece` until it returns `None`; `aclose` in every case."""

    def __init__(self, response: httpx2.Response, model: str, grace_seconds: float) -> None:
        self.model = model
        self.finish_reason = ""
        self.usage: ReportedUsage | None = None
        self.characters = 0
        self._response = response
        self._grace_seconds = grace_seconds
        self._bytes = 0
        self._events = aiter(httpx2.EventSource(_strict(response), max_event_size=MAX_EVENT_BYTES))

    async def next_piece(self, deadline: float) -> str | None:
        """The next non-empty text, or `None` at the proper end. Raises `AttemptFailed` for everything else.

        After the `finish_reason` the reply is whole: the usage gets a moment to arrive, and no fault matters."""
        while not self.finish_reason:
            chunk = await self._next_chunk(deadline)
            if chunk is None:
                raise failures.bad_reply(started=self._has_started)
            if piece := self._take(chunk):
                return piece
        await self._read_usage()
        return None

    async def aclose(self) -> None:
        await close_shielded(self._response, self._events)

    @property
    def _has_started(self) -> bool:
        return self.characters > 0

    def _take(self, chunk: Chunk) -> str:
        self.model = (chunk.model or self.model)[:100]
        self.usage = chunk.usage or self.usage
        self.finish_reason = chunk.finish_reason
        self._bytes += len(chunk.text.encode())
        if self._bytes > MAX_REPLY_BYTES:
            raise failures.bad_reply(started=True)
        self.characters += len(chunk.text)
        return chunk.text

    async def _next_chunk(self, deadline: float) -> Chunk | None:
        """One decoded event; `None` for `[DONE]` and for the end of the body."""
        try:
            async with asyncio.timeout_at(deadline):
                event = await anext(self._events, None)
            if event is None or event.data.strip() == "[DONE]":
                return None
            chunk = decode_chunk(event.data) if event.data else Chunk()  # a keep-alive may have no data
        except failures.TRANSPORT_FAULTS as fault:
            raise failures.from_fault(fault, started=self._has_started) from None
        if chunk.error is not None or "error" in (event.event, chunk.finish_reason):
            raise failures.bad_reply(started=self._has_started)
        return chunk

    async def _read_usage(self) -> None:
        deadline = asyncio.get_running_loop().time() + self._grace_seconds
        with suppress(failures.AttemptFailed):
            while (chunk := await self._next_chunk(deadline)) is not None:
                self.usage = chunk.usage or self.usage
            await self._next_chunk(min(deadline, asyncio.get_running_loop().time() + LINGER_SECONDS))


def _strict(response: httpx2.Response) -> httpx2.Response:
    response.encoding = "utf-8"  # event streams always are, whatever a charset parameter says
    if "content-encoding" not in response.headers and isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = StrictUtf8(response.stream)
    return response


async def read_error(response: httpx2.Response) -> bytes:
    """The start of an error's body, to learn which parameter it refuses."""
    body = b""
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > MAX_ERROR_BYTES:
            break
    return body[:MAX_ERROR_BYTES]


async def close_shielded(
    response: httpx2.Response, events: AsyncIterator[httpx2.ServerSentEvent] | None = None
) -> None:
    """Close the connection now, unless the body was read to its end and it can be used again."""
    task = asyncio.create_task(_close(response, events))
    _closing.add(task)
    task.add_done_callback(_closing.discard)
    await asyncio.shield(task)


async def _close(response: httpx2.Response, events: AsyncIterator[httpx2.ServerSentEvent] | None) -> None:
    with suppress(*failures.TRANSPORT_FAULTS, RuntimeError):
        await response.aclose()
    if events is not None:
        with suppress(*failures.TRANSPORT_FAULTS, RuntimeError):
            await events.aclose()  # type: ignore[attr-defined]
