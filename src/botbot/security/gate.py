"""The outermost layer: what holds for every request and every answer, whatever handles it.

- Unsafe methods from another origin are refused, and so are those with a cookie but neither `Origin` nor
  `Sec-Fetch-Site`. A bearer token needs neither: no browser sends one by itself.
- On `/api` a body is JSON or multipart; anything else is 415. Bodies have a ceiling.
- `HEAD` is `GET` without the body, wherever there is a `GET`.
- Every answer carries the content security policy and its companions, also errors and files.
- More requests at once than can be answered soon are turned away at once, so that those inside are answered at all.
- Every request begins a trail, whose id stands in `X-Request-Id` and in each log line, and is counted by its route."""

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from botbot.errors import (
    BodyTooLarge,
    BotBotError,
    CrossSiteRequest,
    HeadersTooLarge,
    NotFound,
    Overloaded,
    UnsupportedMediaType,
)
from botbot.security import boundary
from botbot.security.requests import media_type, most_of
from botbot.watching import figures, tracing, trails

log = logging.getLogger("botbot.access")

Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_HEAD = 32 * 1024
DRAIN_BYTES, DRAIN_SECONDS = 64 * 1024 * 1024, 3.0
"""How much of a refused body is still read: an answer sent before the client has finished would be lost to it."""
SAFE = {"GET", "HEAD", "OPTIONS"}
MOST_AT_ONCE = 200
"""Requests of one process that are whole and whose answer hasn't begun. More would only make everybody wait past their
patience: at a few milliseconds each the last of these waits a good half second. A stream counts to its first byte."""
ALWAYS_IN = {"/healthz", "/readyz", "/metrics"}
"""Asked by those who decide whether this process is well."""
WAITS_FOR_THE_MODEL = re.compile(r"/api/marketplace/preview/|/personalities/[^/]+/try$")
"""Takes seconds of the model's time and none of ours, and has a limit of its own (`preview.service.require_place`)."""
CROWDED_SECONDS = 2.0
TELL_SECONDS = 10.0
CALLBACK = "/api/auth/callback"
"""The one `GET` that uses something up: whoever only looks at that address must not sign anybody in."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https://cdn.discordapp.com; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
]
HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class Gate:
    """ASGI middleware around the whole application. `own_origin` is the public URL."""

    def __init__(
        self,
        app: App,
        *,
        own_origin: str,
        error_page: Callable[[Scope, BotBotError], bytes],
    ) -> None:
        self._app = app
        self._own_origin = own_origin
        self._error_page = error_page
        self._waiting = 0
        self._turned_away = 0
        self._told_at = float("-inf")
        self._crowded_page = b""
        self._headers = [*HEADERS, HSTS] if own_origin.startswith("https://") else HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request_id = trails.new_id()
        trails.enter(request_id)
        if not tracing.is_on():
            return await self._watched(scope, receive, send, request_id)
        with tracing.span(scope["method"], kind="server", request=request_id):
            return await self._watched(scope, receive, send, request_id)

    async def _watched(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Let it through, and note how that went."""
        asked, place = _Asked(scope), self._place_for(scope)

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                if message["status"] == BodyTooLarge.status:
                    await _drain(receive)
                asked.begins(message)
                place.leave()
                present = {name.lower() for name, _ in message.get("headers", [])}
                kept = message.get("headers", [])
                if scope["method"] == "OPTIONS":  # The framework names one handler's methods only: say nothing instead.
                    kept = [header for header in kept if header[0].lower() != b"allow"]
                extra = [header for header in self._headers if header[0] not in present]
                named = (b"x-request-id", request_id.encode())
                message = {**message, "headers": [*kept, *extra, named]}
            await send(message)

        try:
            if self._waiting >= MOST_AT_ONCE and place.counts:
                self._turn_away()
            self._check(scope)
            if not _has_body(scope):
                place.take()
            receive = place.taken_with_the_end_of(receive)
            if scope["method"] == "HEAD" and scope["path"] != CALLBACK:
                asked.scope = {**scope, "method": "GET"}
                await self._app(asked.scope, self._capped(receive, scope["path"]), _without_body(send_with_headers))
            else:
                await self._app(scope, self._capped(receive, scope["path"]), send_with_headers)
        except BotBotError as failure:
            asked.was_turned_away = isinstance(failure, Overloaded)
            if not asked.status:
                await self._refuse(scope, receive, send_with_headers, failure)
        finally:
            place.leave()
            asked.ends(scope["method"])

    def _place_for(self, scope: Scope) -> "_Place":
        counts = scope["path"] not in ALWAYS_IN and WAITS_FOR_THE_MODEL.match(scope["path"]) is None

        def move(by: int) -> None:
            self._waiting += by

        return _Place(move, counts=counts)

    def _check(self, scope: Scope) -> None:
        if "\x00" in scope["path"]:
            raise NotFound
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEAD:
            raise HeadersTooLarge
        if scope["method"] in SAFE:
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        self._check_origin(headers)
        length = headers.get(b"content-length", "")
        if length.isdigit() and int(length) > most_of(scope["path"]):
            raise BodyTooLarge
        kind = media_type(headers.get(b"content-type", ""))
        is_api = scope["path"].startswith("/api/")
        if is_api and _has_body(scope) and kind not in {"application/json", "multipart/form-data"}:
            raise UnsupportedMediaType

    def _check_origin(self, headers: dict[bytes, str]) -> None:
        if headers.get(b"authorization", "").startswith("Bearer bbt_"):
            return
        origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site")
        if origin is not None:
            addressed = f"{self._own_origin.partition('://')[0]}://{headers.get(b'host', '')}"
            if origin not in {self._own_origin, addressed}:
                raise CrossSiteRequest
        elif site is not None:
            if site not in {"same-origin", "none"}:
                raise CrossSiteRequest
        elif b"cookie" in headers:
            raise CrossSiteRequest("Your browser did not say where this came from, so it was not done.")

    def _capped(self, receive: Receive, path: str) -> Receive:
        """Count what really arrives: a chunked body names no length."""
        taken = 0

        async def capped() -> Any:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most_of(path):
                raise BodyTooLarge
            return message

        return capped

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, failure: BotBotError) -> None:
        """The connection ends with it; what was still on its way would make that a reset, and the answer be lost."""
        if _has_body(scope) and failure.status != BodyTooLarge.status:
            await _drain(receive)
        accept = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"accept"), "")
        html = boundary.prefers_html(scope["path"], accept)
        body = self._page(scope, failure) if html else boundary.encode(failure)
        kind = b"text/html; charset=utf-8" if html else b"application/json"
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        if scope["method"] not in SAFE or not isinstance(failure, Overloaded):  # what else it sends is of no interest
            headers.append((b"connection", b"close"))
        extra = [(name.encode(), value.encode()) for name, value in boundary.headers_for(failure).items()]
        await send({"type": "http.response.start", "status": failure.status, "headers": [*headers, *extra]})
        await send({"type": "http.response.body", "body": body})

    def _turn_away(self) -> NoReturn:
        """Must cost next to nothing; so the log hears of it now and then, not each time."""
        self._turned_away += 1
        if time.monotonic() - self._told_at > TELL_SECONDS:
            log.warning("turned away so far: %s; waiting inside: %s", self._turned_away, self._waiting)
            self._told_at = time.monotonic()
        raise Overloaded(retry_after=CROWDED_SECONDS)

    def _page(self, scope: Scope, failure: BotBotError) -> bytes:
        """Drawn once for everybody where there is no time for more."""
        if not isinstance(failure, Overloaded):
            return self._error_page(scope, failure)
        if not self._crowded_page:
            nobody = {**scope, "path": "/", "raw_path": b"/", "query_string": b"", "headers": []}
            self._crowded_page = self._error_page(nobody, failure)
        return self._crowded_page


class _Place:
    """One of the places inside. Whoever is still sending takes none, so that slow senders keep nobody out."""

    def __init__(self, move: Callable[[int], None], *, counts: bool) -> None:
        self._move = move
        self._is_taken = False
        self.counts = counts

    def take(self) -> None:
        if self.counts and not self._is_taken:
            self._is_taken = True
            self._move(1)

    def leave(self) -> None:
        if self._is_taken:
            self._move(-1)
        self._is_taken = self.counts = False

    def taken_with_the_end_of(self, receive: Receive) -> Receive:
        async def watched() -> Any:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body"):
                self.take()
            return message

        return watched


class _Asked:
    """What is noted of one request: its route as it is written in code, its status, and how long its answer took."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.status = 0
        self.was_turned_away = False
        self._began = time.perf_counter()
        self._seconds = 0.0
        self._is_stream = False

    @property
    def _template(self) -> str:
        return str(self.scope.get("path_template", ""))

    def begins(self, message: Any) -> None:
        self.status = message["status"]
        self._seconds = time.perf_counter() - self._began
        kind = next((value for name, value in message.get("headers", []) if name.lower() == b"content-type"), b"")
        if kind.startswith(b"text/event-stream"):
            self._is_stream = True
            figures.stream_opened(self._template)

    def ends(self, method: str) -> None:
        route = figures.route_of(self._template)
        seconds = self._seconds or time.perf_counter() - self._began
        figures.answered(method, self._template, self.status, seconds)
        if self._is_stream:
            figures.stream_closed(self._template)
        if self.status >= 500 and not self.was_turned_away:
            log.warning("%s %s answered %s after %.0f ms", method, route, self.status, seconds * 1000)
        if tracing.is_on():
            tracing.note(name=f"{method} {route}", status=self.status, failed=int(self.status >= 500))


def _has_body(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers


def _without_body(send: Send) -> Send:
    """Passes the head on, and an empty end in place of the body. `Content-Length` stays that of the `GET`. The end
    comes at once: a stream would keep the asker waiting for what they don't want, and finds nobody there any more."""
    has_ended = False

    async def headless(message: Any) -> None:
        nonlocal has_ended
        if message["type"] != "http.response.body":
            await send(message)
        elif not has_ended:
            has_ended = True
            await send({"type": "http.response.body", "body": b""})

    return headless


async def _drain(receive: Receive) -> None:
    """Read a refused body to its end, within reason."""
    taken = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while taken < DRAIN_BYTES:
                message = await receive()
                taken += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
