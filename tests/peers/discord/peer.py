"""A peer that misbehaves on command: a plain socket server, because HTTP servers are too polite to cut a line."""

import asyncio
import contextlib
import json
import socket
import struct
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

BOT_TOKEN = "bot-token-canary"
CLIENT_SECRET = "client-secret-canary"
DEADLINE_SECONDS = 0.6


@dataclass
class Received:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), strict_parsing=True))


@dataclass
class Scripted:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""
    delay: float = 0.0


class Peer:
    """Answers what was scripted, in order, then `fallback`. Faults happen after the request was read whole."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self._serving: set[asyncio.Task[None]] = set()
        self.script: deque[Scripted] = deque()
        self.fallback = Scripted(body=b"{}")
        self.url = ""
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/api/v10"

    async def stop(self) -> None:
        assert self._server
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._server.wait_closed()

    def answer(
        self,
        json_body: Any = None,
        *,
        status: int = 200,
        body: bytes | None = None,
        fault: str = "",
        delay: float = 0.0,
        headers: dict[str, str] | None = None,
    ) -> None:
        """`fault`: reset, hang, truncate (half the promised body), endless (more than anyone takes),
        drip (a little, for ever)."""
        raw = body if body is not None else b"" if json_body is None else json.dumps(json_body).encode()
        self.script.append(Scripted(status, raw, headers or {}, fault, delay))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            self.received.append(await _read(reader))
            reply = self.script.popleft() if self.script else self.fallback
            await asyncio.sleep(reply.delay)
            await self._reply(writer, reply)
        writer.close()

    async def _reply(self, writer: asyncio.StreamWriter, reply: Scripted) -> None:
        if reply.fault == "hang":
            await asyncio.sleep(30)
        elif reply.fault == "reset":
            _reset(writer)
        elif reply.fault == "drip":
            await _drip(writer)
        elif reply.fault == "endless":
            await _flood(writer)
        else:
            await _write(writer, reply)


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    now = asyncio.get_running_loop().time()
    return Received(method, parts.path.removeprefix("/api/v10"), dict(parse_qsl(parts.query)), headers, body, now)


async def _write(writer: asyncio.StreamWriter, reply: Scripted) -> None:
    promised = len(reply.body) * (2 if reply.fault == "truncate" else 1)
    headers = {"content-type": "application/json", **reply.headers, "connection": "close"}
    if reply.status != 204:
        headers["content-length"] = str(promised)
    lines = [f"HTTP/1.1 {reply.status} X", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + reply.body)
    await writer.drain()


async def _flood(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n[")
    while not writer.is_closing():
        writer.write(b"1," * 50_000)
        await writer.drain()


async def _drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"[")
        await writer.drain()
        await asyncio.sleep(0.1)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Closing with linger 0 sends RST instead of FIN."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
