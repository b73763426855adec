"""The line to the model's server: aiohttp, whose parser is C. A stream read so costs less than half of what it costs
with a client in Python.

Nothing waits here when it is closed: an answer that nobody reads any more lets go of its socket at once."""

import asyncio
import urllib.request
from urllib.parse import urlsplit

import aiohttp

from botbot.peers.llm import failures
from botbot.peers.llm.upstream import read_error

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
NAMING = {400, 422}
"""The statuses of refusals whose bodies name the parameter that was refused."""
READ_BUFFER_BYTES = 64 * 1024
IDLE_SECONDS = 20.0


class Line:
    """Opened by its first use, in the event loop that uses it. `connect_seconds` covers looking up the name, the
    connection and TLS."""

    def __init__(self, base_url: str, key: str, connect_seconds: float) -> None:
        self._url = f"{base_url}/chat/completions"
        self._key = key
        self._connect_seconds = connect_seconds
        self._proxy = proxy_for(base_url)
        self._session: aiohttp.ClientSession | None = None
        self.is_closed = False

    async def post(self, body: bytes, deadline: float) -> tuple[aiohttp.ClientResponse, bytes]:
        """Send once. With status 200 the response is open; else it is closed, and a body that may name a parameter
        comes along.

        Raises `AttemptFailed`."""
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._opened().post(
                    self._url, data=body, headers=self._headers(), proxy=self._proxy, allow_redirects=False
                )
                if response.status == 200:
                    return response, b""
                try:
                    return response, await read_error(response) if response.status in NAMING else b""
                finally:
                    response.close()
        except failures.TRANSPORT_FAULTS as fault:
            raise failures.from_fault(fault, started=False) from None
        except ValueError:  # credentials in the URL beside a key, a proxy that is no URL
            raise failures.misconfigured() from None

    async def aclose(self) -> None:
        self.is_closed = True
        if self._session is not None:
            await self._session.close()

    def _headers(self) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "Accept": "text/event-stream",
            "Accept-Encoding": "identity",
            "User-Agent": "BotBot",
        }
        if self._key:
            if not (self._key.isascii() and self._key.isprintable()):
                raise failures.misconfigured()
            headers["Authorization"] = f"Bearer {self._key}"
        return headers

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = open_session(self._connect_seconds)
        return self._session


def open_session(connect_seconds: float | None = None) -> aiohttp.ClientSession:
    """One for all calls of a client. How many there are at once is decided by who calls, not by a queue in here."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=connect_seconds),
        read_bufsize=READ_BUFFER_BYTES,
    )


def proxy_for(base_url: str) -> str | None:
    """The proxy that the environment names for this server; never one for a model on this machine.

    aiohttp's own `trust_env` would also read `~/.netrc`, and stumble over a password in it beside our key."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if host in LOOPBACK or urllib.request.proxy_bypass(host):
        return None
    named = urllib.request.getproxies()
    found = named.get(parts.scheme) or named.get("all")
    return found if not found or "://" in found else f"http://{found}"
