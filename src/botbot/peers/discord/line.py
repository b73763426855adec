"""One request, one answer, no opinions: the only place that touches the socket.

It speaks through the transport and not through `AsyncClient`, because the client logs every URL (a webhook's URL holds
its token), keeps cookies and takes proxies from the environment. Redirects are answers like others: not followed."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx2

from botbot.peers.discord.ask import Ask
from botbot.peers.tls import trusted

DEADLINE_SECONDS = 10.0
CONNECT_SECONDS = 3.0
MOST_BYTES = 5 * 1024 * 1024
IDLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The body is not shown: it may hold tokens."""

    status: int
    headers: httpx2.Headers = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Lost:
    """No usable answer. `sent`: the request had started to leave, so it may have had its effect.

    `broken`: the connection ended under us, as opposed to silence or too much."""

    sent: bool
    broken: bool = False


class _Trace:
    """Learns from the HTTP library whether the request's first bytes were written."""

    def __init__(self) -> None:
        self.sent = False

    async def __call__(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith("send_request_headers.started"):
            self.sent = True


class Line:
    def __init__(self, base_url: str, user_agent: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._user_agent = user_agent
        limits = httpx2.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=IDLE_SECONDS)
        self._transport = httpx2.AsyncHTTPTransport(limits=limits, verify=trusted())

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def send(self, ask: Ask, deadline: float) -> Answer | Lost:
        """`deadline` is a moment of the running loop's clock. Never raises for what a peer or a network does."""
        trace = _Trace()
        try:
            async with asyncio.timeout_at(deadline):
                return await self._send(ask, trace)
        except (httpx2.NetworkError, httpx2.RemoteProtocolError, ConnectionError):
            return Lost(trace.sent, broken=True)
        except (TimeoutError, httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError, UnicodeError):
            return Lost(trace.sent)

    async def _send(self, ask: Ask, trace: _Trace) -> Answer | Lost:
        response = await self._transport.handle_async_request(self._request(ask, trace))
        try:
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MOST_BYTES:
                    return Lost(sent=True)
            return Answer(response.status_code, response.headers, bytes(body))
        finally:
            await response.aclose()

    def _request(self, ask: Ask, trace: _Trace) -> httpx2.Request:
        patience = {
            "connect": CONNECT_SECONDS,
            "read": DEADLINE_SECONDS,
            "write": DEADLINE_SECONDS,
            "pool": CONNECT_SECONDS,
        }
        return httpx2.Request(
            ask.method,
            self._base_url + ask.path,
            headers=ask.headers(self._user_agent),
            content=ask.body,
            extensions={"timeout": patience, "trace": trace},
        )
