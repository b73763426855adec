"""One connection (`Link`) and what survives its loss (`Session`), and the count of new sessions (`Starts`)."""

import asyncio
import json
import secrets
import time
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

REPLAYED = 1000
DAY_SECONDS = 86_400
CLOSE_SECONDS = 1.0

Payload = dict[str, Any]


class Link:
    """A socket with one deflate stream over all its frames, when the client asked for that.

    Sending never waits: frames queue up and one task writes them in order."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self._socket = socket
        self._request = request
        compress = request.query.get("compress")
        self._deflate = zlib.compressobj() if compress == "zlib-stream" else None
        self._waiting: asyncio.Queue[Payload | int | None] = asyncio.Queue()
        self._writer = asyncio.create_task(self._write())
        self.is_closing = False

    def send(self, op: int, data: Any = None, *, sequence: int | None = None, event: str | None = None) -> None:
        self._waiting.put_nowait({"op": op, "d": data, "s": sequence, "t": event})

    def close(self, code: int) -> None:
        """After everything that is still queued."""
        self.is_closing = True
        self._waiting.put_nowait(code)

    def abort(self) -> None:
        """As if the cable were pulled: no close frame."""
        self._writer.cancel()
        if self._request.transport is not None:
            self._request.transport.abort()

    async def end(self) -> None:
        """The socket is gone; let the writer go too."""
        self._writer.cancel()
        await asyncio.gather(self._writer, return_exceptions=True)

    async def _write(self) -> None:
        while True:
            next_up = await self._waiting.get()
            try:
                if isinstance(next_up, int):
                    async with asyncio.timeout(CLOSE_SECONDS):
                        await self._socket.close(code=next_up)
                    return
                await self._write_frame(json.dumps(next_up))
            except (ConnectionError, TimeoutError, RuntimeError):
                return  # The reader notices the loss and cleans up.

    async def _write_frame(self, text: str) -> None:
        if self._deflate is None:
            await self._socket.send_str(text)
            return
        packed = self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        await self._socket.send_bytes(packed)


@dataclass
class Session:
    """`sent` is the replay buffer of (sequence, event, data)."""

    intents: int
    shard: tuple[int, int]
    link: Link | None
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    sequence: int = 0
    sent: deque[tuple[int, str, Any]] = field(default_factory=lambda: deque(maxlen=REPLAYED))

    def dispatch(self, event: str, data: Any) -> None:
        self.sequence += 1
        self.sent.append((self.sequence, event, data))
        if self.link:
            self.link.send(0, data, sequence=self.sequence, event=event)

    def resume(self, link: Link, last_seen: int) -> bool:
        """Attach a new connection and send what it missed; false when that is no longer known."""
        oldest = self.sent[0][0] if self.sent else self.sequence + 1
        if not oldest - 1 <= last_seen <= self.sequence:
            return False
        self.link = link
        for sequence, event, data in self.sent:
            if sequence > last_seen:
                link.send(0, data, sequence=sequence, event=event)
        self.dispatch("RESUMED", {})
        return True

    def owns(self, guild_id: int) -> bool:
        number, count = self.shard
        return (guild_id >> 22) % count == number


@dataclass
class Starts:
    """The session start limit: so many identifies a day, and `max_concurrency` of them every 5 seconds."""

    total: int = 1000
    max_concurrency: int = 1
    seconds_apart: float = 5.0
    identified_at: list[float] = field(default_factory=list)
    _last: dict[int, float] = field(default_factory=dict)
    _spent_elsewhere: int = 0

    @property
    def remaining(self) -> int:
        since = time.monotonic() - DAY_SECONDS
        used = sum(1 for at in self.identified_at if at > since)
        return max(0, self.total - used - self._spent_elsewhere)

    @remaining.setter
    def remaining(self, left: int) -> None:
        self._spent_elsewhere = 0
        self._spent_elsewhere = self.remaining - left

    def shown(self) -> dict[str, int]:
        since_first = time.monotonic() - self.identified_at[0] if self.identified_at else 0
        return {
            "total": self.total,
            "remaining": self.remaining,
            "reset_after": int(max(0, DAY_SECONDS - since_first) * 1000),
            "max_concurrency": self.max_concurrency,
        }

    def is_too_soon(self, shard_id: int) -> bool:
        """Counts the attempt, and tells whether another of its group came less than 5 seconds before."""
        now = time.monotonic()
        self.identified_at.append(now)
        group = shard_id % self.max_concurrency
        before = self._last.get(group)
        if before is not None and now - before < self.seconds_apart:
            return True
        self._last[group] = now
        return False
