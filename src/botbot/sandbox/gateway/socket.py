"""One client's conversation with the gateway, opcode by opcode. Close codes as in Discord's docs,
topics/opcodes-and-status-codes."""

import asyncio
import json
import time
from collections import deque
from typing import Any

from aiohttp import WSMsgType, web

from botbot.sandbox import render
from botbot.sandbox.core import BOT_TOKEN, Core
from botbot.sandbox.gateway import events
from botbot.sandbox.gateway.session import Link, Session

LARGEST_BYTES, MOST_EVENTS, WINDOW_SECONDS = 4096, 120, 60.0
UNKNOWN_OPCODE, DECODE_ERROR, NOT_AUTHENTICATED, BAD_TOKEN, ALREADY_AUTHENTICATED = 4001, 4002, 4003, 4004, 4005
BAD_SEQUENCE, RATE_LIMITED, TIMED_OUT, BAD_SHARD, BAD_VERSION = 4007, 4008, 4009, 4010, 4012
BAD_INTENTS, DISALLOWED_INTENTS = 4013, 4014
ENDS_SESSION = {1000, 1001}


class Closed(Exception):
    """The gateway ends the conversation with this code."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(str(code))


async def serve(core: Core, request: web.Request) -> web.StreamResponse:
    is_resume_url = request.path.endswith("/resume")
    if core.hub.moods.refuse_connect or (is_resume_url and core.hub.moods.refuse_resume_url):
        return web.Response(status=503, text="no gateway here just now")
    socket = web.WebSocketResponse(max_msg_size=1 << 20, heartbeat=None, autoping=True, timeout=1.0)
    await socket.prepare(request)
    link = Link(socket, request)
    conversation = _Conversation(core, socket, link)
    try:
        core.hub.opened(link)
        if request.query.get("v", "10") != "10" or request.query.get("encoding", "json") != "json":
            raise Closed(BAD_VERSION)
        await conversation.run()
    except Closed as closed:
        link.close(closed.code)
        await _closing(socket)
    finally:
        core.hub.lost(link)
        await link.end()
    if socket.close_code in ENDS_SESSION and conversation.session and not link.is_closing:
        core.hub.end_session(conversation.session)
    return socket


async def _closing(socket: web.WebSocketResponse) -> None:
    for _ in range(100):
        if socket.closed:
            return
        await asyncio.sleep(0.01)


class _Conversation:
    def __init__(self, core: Core, socket: web.WebSocketResponse, link: Link) -> None:
        self._core = core
        self._socket = socket
        self._link = link
        self._beat_at = time.monotonic()
        self._received: deque[float] = deque()
        self.session: Session | None = None

    async def run(self) -> None:
        while True:
            frame = await self._next_frame()
            if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            self._take(self._decoded(frame.data))

    async def _next_frame(self) -> Any:
        patience = self._core.hub.moods.heartbeat_interval_ms * 1.5 / 1000
        try:
            return await self._socket.receive(timeout=max(0.0, self._beat_at + patience - time.monotonic()))
        except TimeoutError:
            raise Closed(TIMED_OUT) from None

    def _decoded(self, data: str | bytes) -> dict[str, Any]:
        """A payload; 4002 for what is none or too long, 4008 for too many."""
        now = time.monotonic()
        self._received.append(now)
        while self._received[0] < now - WINDOW_SECONDS:
            self._received.popleft()
        if len(self._received) > MOST_EVENTS:
            raise Closed(RATE_LIMITED)
        if len(data.encode() if isinstance(data, str) else data) > LARGEST_BYTES:
            raise Closed(DECODE_ERROR)
        try:
            payload = json.loads(data)
        except (ValueError, RecursionError):
            raise Closed(DECODE_ERROR) from None
        if not isinstance(payload, dict) or not isinstance(payload.get("op"), int):
            raise Closed(DECODE_ERROR)
        return payload

    def _take(self, payload: dict[str, Any]) -> None:
        op, data = payload["op"], payload.get("d")
        if op == 1:
            self._heartbeat()
        elif op == 2:
            self._identify(data)
        elif op == 6:
            self._resume(data)
        elif op not in (3, 4, 8):
            raise Closed(UNKNOWN_OPCODE)
        elif self.session is None:
            raise Closed(NOT_AUTHENTICATED)
        elif op == 8:
            self._list_members(self.session, data)

    def _heartbeat(self) -> None:
        self._beat_at = time.monotonic()
        if not self._core.hub.moods.silent:
            self._link.send(11)

    def _identify(self, data: Any) -> None:
        if self.session is not None:
            raise Closed(ALREADY_AUTHENTICATED)
        if not isinstance(data, dict):
            raise Closed(DECODE_ERROR)
        starts = self._core.hub.starts
        if data.get("token") != BOT_TOKEN or starts.remaining == 0:
            raise Closed(BAD_TOKEN)  # who identifies beyond the day's limit has its token reset
        intents, shard = self._intents(data.get("intents")), _shard(data.get("shard"))
        if starts.is_too_soon(shard[0]):
            self._link.send(9, False)
            return
        self.session = self._core.hub.start_session(self._link, intents, shard)

    def _intents(self, intents: Any) -> int:
        if not isinstance(intents, int) or intents < 0 or intents & ~events.EVERY_INTENT:
            raise Closed(BAD_INTENTS)
        refused = events.PRIVILEGED
        if not self._core.switches.message_content:
            refused |= events.MESSAGE_CONTENT
        if intents & refused:
            raise Closed(DISALLOWED_INTENTS)
        return intents

    def _resume(self, data: Any) -> None:
        if self.session is not None:
            raise Closed(ALREADY_AUTHENTICATED)
        if not isinstance(data, dict) or not isinstance(data.get("seq"), int):
            raise Closed(BAD_SEQUENCE)
        if data.get("token") != BOT_TOKEN:
            raise Closed(BAD_TOKEN)
        self.session = self._core.hub.resume(self._link, str(data.get("session_id")), data["seq"])
        if self.session is None:
            self._link.send(9, False)

    def _list_members(self, session: Session, data: Any) -> None:
        """Only by id: the whole list needs the members intent."""
        data = data if isinstance(data, dict) else {}
        guild = self._core.world.state.guilds.get(_as_id(data.get("guild_id")))
        wanted = data.get("user_ids")
        ids = [_as_id(each) for each in (wanted if isinstance(wanted, list) else [wanted])]
        if guild is None:
            return
        found = [guild.members[each] for each in ids if each in guild.members]
        chunk = {
            "guild_id": str(guild.id),
            "members": [render.member(self._core.world, each) for each in found],
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": [str(each) for each in ids if each not in guild.members],
            "nonce": data.get("nonce"),
        }
        session.dispatch("GUILD_MEMBERS_CHUNK", chunk)


def _as_id(value: Any) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else 0


def _shard(value: Any) -> tuple[int, int]:
    if value is None:
        return 0, 1
    if not isinstance(value, list) or len(value) != 2 or not all(isinstance(each, int) for each in value):
        raise Closed(BAD_SHARD)
    number, count = value
    if not 0 <= number < count:
        raise Closed(BAD_SHARD)
    return number, count
