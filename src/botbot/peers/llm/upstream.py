"""One streamed answer of one model: from its headers until its last event, with nothing decided above it.

Every wait has a deadline of ours on the event loop's clock; the server's pings never move it. Everything that arrived
in one read is given out in one piece: at many streams at once, handing each word on by itself costs more than the
words. Closing waits for nothing, so it also happens when the visitor's task is being cancelled (again and again, if a
framework does)."""

import asyncio
from collections import deque
from contextlib import suppress

import aiohttp

from botbot.peers.llm import failures
from botbot.peers.llm.events import Event, EventReader
from botbot.peers.llm.messages import Chunk, ReportedUsage, decode_chunk

MAX_REPLY_BYTES = 200_000
MAX_ERROR_BYTES = 16 * 1024
LINGER_SECONDS = 0.05
DONE = b"[DONE]"


class Upstream:
    """An answer that has begun with status 200. `next_piece` until it returns `None`; `close` in every case."""

    def __init__(self, response: aiohttp.ClientResponse, model: str, grace_seconds: float) -> None:
        self.model = model
        self.finish_reason = ""
        self.usage: ReportedUsage | None = None
        self.characters = 0
        self._response = response
        self._grace_seconds = grace_seconds
        self._bytes = 0
        self._reader = EventReader()
        self._waiting: deque[Event] = deque()
        self._is_over = False

    async def next_piece(self, deadline: float) -> str | None:
        """The next non-empty text, or `None` at the proper end. Raises `AttemptFailed` for everything else.

        After the `finish_reason` the reply is whole: the usage gets a moment to arrive, and no fault matters."""
        while True:
            if piece := self._take_waiting():
                return piece
            if self.finish_reason:
                await self._read_usage()
                return None
            if self._is_over:
                raise failures.bad_reply(started=self._has_started)
            await self._receive(deadline)

    async def rest(self, seconds: float) -> None:
        """Take nothing off the line for so long. What arrives meanwhile is then read at once, where every word by
        itself would wake this process; that the line broke is heard a moment later."""
        line = self._response.connection
        reading = None if line is None or self._response.content.is_eof() else line.protocol
        if reading is None:
            await asyncio.sleep(seconds)
            return
        reading.pause_reading()
        await asyncio.sleep(seconds)
        reading.resume_reading()

    def close(self) -> None:
        """Let go of the connection at once, unless the body was read to its end and it can be used again."""
        self._response.close()

    @property
    def _has_started(self) -> bool:
        return self.characters > 0

    def _take_waiting(self) -> str:
        """The text of the events that have arrived, up to the end of the reply or to a fault. A fault is raised only
        when no good text came before it; else it is met again by the next call."""
        pieces: list[str] = []
        while self._waiting and not self.finish_reason and not self._is_over:
            try:
                piece = self._take(self._waiting[0])
            except failures.TRANSPORT_FAULTS as fault:
                if pieces:
                    break
                raise failures.from_fault(fault, started=self._has_started) from None
            except failures.AttemptFailed:
                if pieces:
                    break
                raise
            self._waiting.popleft()
            pieces.append(piece)
        text = "".join(pieces)
        self.characters += len(text)
        return text

    def _take(self, event: Event) -> str:
        if event.data.strip() == DONE:
            self._is_over = True
            return ""
        chunk = self._decode(event)
        text = chunk.text
        self._bytes += len(text.encode())
        if self._bytes > MAX_REPLY_BYTES:
            raise failures.bad_reply(started=True)
        self.model = (chunk.model or self.model)[:100]
        self.usage = chunk.usage or self.usage
        self.finish_reason = chunk.finish_reason
        return text

    def _decode(self, event: Event) -> Chunk:
        chunk = decode_chunk(event.data) if event.data else Chunk()  # a keep-alive may have no data
        if chunk.error is not None or event.name == b"error" or chunk.finish_reason == "error":
            raise failures.bad_reply(started=self._has_started)
        return chunk

    async def _receive(self, deadline: float) -> None:
        """Wait for more; the end of the body ends the reply."""
        try:
            async with asyncio.timeout_at(deadline):
                piece = await self._response.content.readany()
            self._waiting.extend(self._reader.feed(piece))
        except failures.TRANSPORT_FAULTS as fault:
            raise failures.from_fault(fault, started=self._has_started) from None
        self._is_over = self._is_over or not piece

    async def _read_usage(self) -> None:
        """Read on to the end of the body, for as long as it may take: then the connection can be used again."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._grace_seconds
        with suppress(failures.AttemptFailed, *failures.TRANSPORT_FAULTS):
            while True:  # what came together with the end of the body counts too
                if self._take_usage():
                    deadline = min(deadline, clock() + LINGER_SECONDS)
                if self._response.content.at_eof():
                    return
                await self._receive(deadline)

    def _take_usage(self) -> bool:
        """Look through what has arrived after the reply's end; whether `[DONE]` was in it."""
        is_done = False
        while self._waiting:
            event = self._waiting.popleft()
            if event.data.strip() == DONE:
                is_done = True
            else:
                self.usage = self._decode(event).usage or self.usage
        return is_done


async def read_error(response: aiohttp.ClientResponse) -> bytes:
    """The start of an error's body, to learn which parameter it refuses."""
    body = b""
    while len(body) < MAX_ERROR_BYTES and (piece := await response.content.readany()):
        body += piece
    return body[:MAX_ERROR_BYTES]
