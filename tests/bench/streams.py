"""Visitors who listen to a preview: raw HTTP/1.1, everything noted as it comes and understood afterwards.

While the server is busy a visitor costs one list append a read; the chunks and events are taken apart when all is
over."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

FIRST_TOKEN = b"event: token"


@dataclass
class Heard:
    """What arrived at one visitor: `(moment, bytes)` in order of arrival."""

    asked_at: float = 0.0
    reads: list[tuple[float, bytes]] = field(default_factory=list)
    is_broken: bool = False


class Listener(asyncio.Protocol):
    """One connection, one question. With `leave_at` it hangs up once these bytes came by."""

    def __init__(self, request: bytes, leave_at: bytes = b"") -> None:
        self._request = request
        self._leave_at = leave_at
        self.heard = Heard()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.heard.asked_at = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self.heard.reads.append((time.perf_counter(), data))
        if self._leave_at and self._leave_at in data:
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self.heard.is_broken = error is not None
        if not self.done.done():
            self.done.set_result(None)


async def listen(port: int, request: bytes, leave_at: bytes = b"") -> Heard:
    """Ask, and hear it to its end (or to where the visitor leaves)."""
    loop = asyncio.get_running_loop()
    _, listener = await loop.create_connection(lambda: Listener(request, leave_at), "127.0.0.1", port)
    await listener.done
    return listener.heard


def post(path: str, body: dict[str, Any]) -> bytes:
    content = msgspec.json.encode(body)
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    ).encode() + content


@dataclass
class Told:
    """One reply, understood. Times are seconds; `arrivals` those of the reads that brought text."""

    status: int
    text: str
    ends: list[str]
    last: dict[str, Any]
    first_token: float
    arrivals: list[float]

    @property
    def gaps(self) -> list[float]:
        return [after - before for before, after in zip(self.arrivals, self.arrivals[1:], strict=False)]


def understand(heard: Heard) -> Told:
    """Take one visitor's reads apart."""
    status = int(heard.reads[0][1][9:12]) if heard.reads else 0
    told = Told(status, "", [], {}, float("inf"), [])
    pieces: list[str] = []
    for moment, name, data in _events(heard):
        if name == "token":
            pieces.append(data["text"])
            if not told.arrivals or moment > told.arrivals[-1]:
                told.arrivals.append(moment)
        elif name in {"done", "error"}:
            told.ends.append(name)
            told.last = data
    told.text = "".join(pieces)
    if told.arrivals:
        told.first_token = told.arrivals[0] - heard.asked_at
    return told


def _events(heard: Heard) -> Iterator[tuple[float, str, dict[str, Any]]]:
    waiting = b""
    for moment, data in _unchunked(heard.reads):
        waiting += data
        *whole, waiting = waiting.split(b"\n\n")
        for event in whole:
            if not event.startswith(b":"):
                name, _, content = event.partition(b"\n")
                yield moment, name[7:].decode(), msgspec.json.decode(content[6:])


def _unchunked(reads: list[tuple[float, bytes]]) -> Iterator[tuple[float, bytes]]:
    """The body alone, each part with the moment of the read that completed it."""
    waiting, is_body = b"", False
    for moment, data in reads:
        waiting += data
        if not is_body:
            head, found, rest = waiting.partition(b"\r\n\r\n")
            if not found or b"chunked" not in head.lower():
                continue
            waiting, is_body = rest, True
        while True:
            size, found, rest = waiting.partition(b"\r\n")
            length = int(size, 16) if found else 0
            if not found or len(rest) < length + 2:
                break
            waiting = rest[length + 2 :]
            yield moment, rest[:length]
