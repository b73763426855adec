"""Visitors' questions answered before the framework sees them, from `catalog.answers`.

Only `GET` (the layer around this one makes it of `HEAD`), only by somebody without a session cookie and without a
token, and only at the addresses named here. **What is kept is made for nobody:** the request that is handed inside
carries what the key holds and nothing else, which is path, query, page or fragment, theme, and page or JSON for
failures. No cookie, no address, no other header gets in, so nothing of the visitor who happened to come first can get
out to the second.

The security layer stands around this one: its checks come before, its headers are added to every answer."""

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from botbot.catalog.answers import Answer, Answers, Headers
from botbot.kit.coding import Coding, accepted
from botbot.security.boundary import prefers_html
from botbot.security.caching import PUBLIC, matches

Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LIST = "/api/marketplace/personalities"
KEPT = {"/", LIST, "/api/marketplace/categories"}
TEMPLATES = {"/personalities/": "/personalities/{slug}", f"{LIST}/": f"{LIST}/{{personality_id}}"}
"""Addresses that are kept with one more segment, a personality by slug or id, and their routes as figures name
them: the framework, which knows its routes, is mostly not asked here."""
KEPT_BELOW = tuple(TEMPLATES)
LONGEST_QUERY = 2000
REPLACED = {b"cache-control", b"content-encoding", b"content-length", b"etag", b"vary"}
PACKED_AT_ONCE = b"text/html"
"""Pages are compressed the first time, for the sake of slow lines; JSON when it is asked for again."""


VARY = b"Accept-Encoding, Authorization, Cookie"
JSON_HEADERS: Headers = [
    (b"content-type", b"application/json"), (b"vary", VARY), (b"cache-control", PUBLIC.encode())
]  # fmt: skip


class Question(NamedTuple):
    """What an answer may depend on: the whole key of the cache."""

    path: str
    raw_path: bytes
    query: bytes
    wants_html: bool
    is_fragment: bool
    theme: bytes


Short = Callable[[str, bytes], Awaitable[bytes | None]]
"""A way past the framework: the JSON that answers a path and a query string, or `None` for what had better go the long
way."""


class KeptAnswers:
    """ASGI middleware. `cookies` are the names of the session's and the theme's cookie; `short` has ways past the
    framework by path, or for every path with one more segment where its key ends with a slash."""

    def __init__(
        self, app: App, answers: Answers, *, cookies: tuple[str, str], short: Mapping[str, Short] | None = None
    ) -> None:
        self._app = app
        self._answers = answers
        self._short = short or {}
        self._session = cookies[0].encode() + b"="
        self._theme_name = cookies[1].encode()
        self._theme = re.compile(rb"(?:^|;)\s*" + re.escape(self._theme_name) + rb"=(light|dark)\s*(?:;|$)")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not _is_kept(scope["path"]):
            return await self._app(scope, receive, send)
        headers = dict(scope["headers"])
        key = self._question(scope, headers)
        if key is None:
            return await self._app(scope, receive, send)
        scope["path_template"] = key.path if key.path in KEPT else TEMPLATES[f"{key.path.rpartition('/')[0]}/"]
        answer = self._answers.find(key) or await self._answers.get(key, lambda: self._make(scope, key))
        return await self._send(key, answer, headers, send)

    def _question(self, scope: Scope, headers: dict[bytes, bytes]) -> Question | None:
        """`None` for somebody who is signed in or says so, and for a query too long to be worth keeping."""
        query = scope["query_string"]
        if b"authorization" in headers or len(query) > LONGEST_QUERY:
            return None
        cookies = b""
        if b"cookie" in headers:
            cookies = b";".join(value for name, value in scope["headers"] if name == b"cookie")
            if self._session in cookies:
                return None
        chosen = self._theme.search(cookies) if cookies else None
        return Question(
            scope["path"],
            scope.get("raw_path") or b"",
            _in_one_order(query) if b"&" in query else query,
            _wants_html(scope["path"], headers.get(b"accept", b"")),
            headers.get(b"hx-request") == b"true" and headers.get(b"hx-history-restore-request") != b"true",
            chosen[1] if chosen else b"",
        )

    async def _make(self, scope: Scope, key: Question) -> Answer:
        """The application's answer to the bare question."""
        if (short := self._short_way(key.path)) and (body := await _briefly(short, key)) is not None:
            return Answer(200, JSON_HEADERS, body, is_kept=True)
        headers: Headers = [(b"accept", b"text/html" if key.wants_html else b"application/json")]
        if key.is_fragment:
            headers.append((b"hx-request", b"true"))
        if key.theme:
            headers.append((b"cookie", self._theme_name + b"=" + key.theme))
        bare = {
            **{name: scope[name] for name in ("type", "asgi", "http_version", "scheme", "server") if name in scope},
            "root_path": scope.get("root_path", ""),
            "method": "GET",
            "path": key.path,
            "raw_path": key.raw_path,
            "query_string": key.query,
            "headers": headers,
            "client": None,
            "state": {},
        }
        told = _Listener()
        await self._app(bare, _nothing_more, told.send)
        return told.answer()

    def _short_way(self, path: str) -> Short | None:
        return self._short.get(path) or self._short.get(f"{path.rpartition('/')[0]}/")

    async def _send(self, key: Question, answer: Answer, asked: dict[bytes, bytes], send: Send) -> None:
        if not answer.is_kept:
            return await _send(send, answer.status, answer.headers, answer.body)
        codings = accepted(asked[b"accept-encoding"].decode("latin-1")) if b"accept-encoding" in asked else ()
        known = asked.get(b"if-none-match")
        if known is not None:
            possible = [answer.etag, *(_etag(answer, each) for each in codings)]
            if found := matches(known.decode("latin-1"), possible):
                return await _send(send, 304, [*answer.headers, (b"etag", found.encode())], b"")
        body, extra = self._form(key, answer, codings)
        return await _send(send, 200, [*answer.headers, *extra], body)

    def _form(self, key: Question, answer: Answer, codings: tuple[Coding, ...]) -> tuple[bytes, Headers]:
        """The best form that the client takes; a compressed one is made only where it will pay."""
        if codings and (answer.uses > 1 or answer.headers[0][1].startswith(PACKED_AT_ONCE)):
            coding = codings[0]
            is_new = coding not in answer.forms
            packed = answer.br if coding == "br" else answer.gzip
            if is_new:
                self._answers.measure(key, answer)
            if packed is not None:
                return packed, [(b"content-encoding", coding.encode()), (b"etag", _etag(answer, coding).encode())]
        return answer.body, [(b"etag", answer.etag.encode())]


def _is_kept(path: str) -> bool:
    if path in KEPT:
        return True
    return path.startswith(KEPT_BELOW) and path.rpartition("/")[0] + "/" in KEPT_BELOW and not path.endswith("/")


@lru_cache(maxsize=1024)
def _in_one_order(query: bytes) -> bytes:
    """By name; values of one name keep their order, because it may mean something. Nothing is decoded: what looks
    different stays different."""
    pairs: list[bytes] = sorted((pair for pair in query.split(b"&") if pair), key=_name)
    return b"&".join(pairs)


def _name(pair: bytes) -> bytes:
    return pair.partition(b"=")[0]


def _wants_html(path: str, accept: bytes) -> bool:
    """Pages answer a failure as the client likes it; the API always as JSON."""
    return not path.startswith("/api/") and _prefers_html(accept.decode("latin-1"))


@lru_cache(maxsize=256)
def _prefers_html(accept: str) -> bool:
    return prefers_html("/", accept)


def _etag(answer: Answer, coding: Coding) -> str:
    return f'{answer.etag[:-1]}-{coding}"'


async def _send(send: Send, status: int, headers: Headers, body: bytes) -> None:
    if status != 304:
        headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _nothing_more() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _briefly(short: Short, key: Question) -> bytes | None:
    """Whatever goes wrong on the short way is for the framework to meet again and to explain."""
    try:
        return await short(key.path, key.query)
    except Exception:
        return None


class _Listener:
    """Takes down what the application says."""

    def __init__(self) -> None:
        self._start: Any = None
        self._pieces: list[bytes] = []

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            self._pieces.append(message.get("body", b""))

    def answer(self) -> Answer:
        status, given, body = self._start["status"], self._start["headers"], b"".join(self._pieces)
        headers = {name.lower(): value for name, value in given}
        if status != 200 or b"set-cookie" in headers or b"no-store" in headers.get(b"cache-control", b""):
            return Answer(status, [each for each in given if each[0].lower() != b"content-length"], body)
        kept = [(b"content-type", headers.pop(b"content-type", b"application/octet-stream"))]
        kept += [(name, value) for name, value in headers.items() if name not in REPLACED]
        vary = headers.get(b"vary", VARY)
        return Answer(200, [*kept, (b"vary", vary), (b"cache-control", PUBLIC.encode())], body, is_kept=True)
