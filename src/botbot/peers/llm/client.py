"""A thin streaming client of any OpenAI-compatible `/chat/completions`.

Why not the vendor's SDK: it ends a truncated stream as if it were whole, waits 600 seconds by default, lets pings
defeat its timeout, and costs six times the CPU per token. Here a reply is a success only with a `finish_reason`, and
every failure is one `ModelUnavailable` that says whether part of the reply had already been given out (`started`).

Entering `stream` waits for the first token: a failure there is always `started=False`, so a sample reply can still
take its place. Fallback models are tried only then, and share the first model's deadline."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Self
from urllib.parse import urlsplit

import httpx2
import msgspec

from botbot.errors import ModelUnavailable
from botbot.peers.llm import failures
from botbot.peers.llm.breaker import Breaker
from botbot.peers.llm.dialect import Dialect, Permit, Request
from botbot.peers.llm.messages import Message, Reply, Usage, estimate_usage
from botbot.peers.llm.upstream import Upstream, close_shielded, read_error
from botbot.settings import Settings

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
NOT_CONFIGURED = "This marketplace has no model configured, so only sample replies are given."


class Deadlines(msgspec.Struct, frozen=True):
    """Seconds. `first_token` covers all models together, `total` the whole call; `usage` is how long we wait for the
    count of tokens once the reply is whole."""

    connect: float = 2.0
    first_token: float = 8.0
    between_tokens: float = 10.0
    total: float = 60.0
    usage: float = 1.0


class ReplyStream:
    """The pieces of one reply, in order; iterate it once. The other attributes are final after the last piece.

    Raises `ModelUnavailable(started=True)` when the reply is cut off, stalls, or grows beyond 200 kB."""

    def __init__(self, upstream: Upstream, first: str, messages: Sequence[Message], between: float, end: float) -> None:
        self._upstream = upstream
        self._first = first
        self._messages = messages
        self._between_tokens = between
        self._end = end

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        if self._first:
            piece, self._first = self._first, ""
            return piece
        now = asyncio.get_running_loop().time()
        following = await self._upstream.next_piece(min(now + self._between_tokens, self._end))
        if following is None:
            raise StopAsyncIteration
        return following

    @property
    def finish_reason(self) -> str:
        return self._upstream.finish_reason

    @property
    def model(self) -> str:
        """The model as the server names it."""
        return self._upstream.model

    @property
    def usage(self) -> Usage:
        """What the call cost so far; exact only when `usage_is_estimate` is false."""
        reported = self._upstream.usage
        if reported is None or min(reported.prompt_tokens, reported.completion_tokens) < 0:
            return estimate_usage(self._messages, self._upstream.characters)
        return Usage(reported.prompt_tokens, reported.completion_tokens)

    @property
    def usage_is_estimate(self) -> bool:
        reported = self._upstream.usage
        return reported is None or min(reported.prompt_tokens, reported.completion_tokens) < 0


class ModelClient:
    """One per process; safe for many calls at once. Close it with `aclose`."""

    def __init__(
        self, settings: Settings, *, deadlines: Deadlines | None = None, breaker: Breaker | None = None
    ) -> None:
        self._base_url = settings.effective_openai_base_url
        self._key = settings.openai_api_key
        self._models = (settings.openai_model, *settings.openai_fallback_models)
        self._deadlines = deadlines or Deadlines()
        self._breaker = breaker or Breaker()
        self._dialects: dict[str, Dialect] = {}
        self._http = _open_client(self._base_url, self._deadlines.connect)

    @property
    def is_configured(self) -> bool:
        """Whether there is a model to ask at all."""
        return bool(self._base_url)

    async def aclose(self) -> None:
        await self._http.aclose()

    @asynccontextmanager
    async def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 500,
        temperature: float | None = None,
        permit: Permit | None = None,
    ) -> AsyncIterator[ReplyStream]:
        """Ask, and read the reply as it is written. Leaving the block closes the connection at once. `permit` is asked
        before each call to a server; where it says no, the failure's code is `budget`.

        Raises `ModelUnavailable`: on entering (`started` false), or while iterating (`started` true)."""
        if not self.is_configured or self._http.is_closed:
            raise ModelUnavailable(NOT_CONFIGURED, permanent=True, code="not_configured")
        start = asyncio.get_running_loop().time()
        with self._breaker.watch():
            upstream, first = await self._first_token(Request(messages, max_tokens, temperature, permit), start)
        try:
            yield ReplyStream(upstream, first, messages, self._deadlines.between_tokens, start + self._deadlines.total)
        finally:
            await upstream.aclose()

    async def complete(
        self, messages: Sequence[Message], *, max_tokens: int = 500, temperature: float | None = None
    ) -> Reply:
        """The whole reply at once, under the same deadlines. Raises `ModelUnavailable`."""
        async with self.stream(messages, max_tokens=max_tokens, temperature=temperature) as reply:
            text = "".join([piece async for piece in reply])
            return Reply(text, reply.finish_reason, reply.usage, reply.model, reply.usage_is_estimate)

    async def _first_token(self, request: Request, start: float) -> tuple[Upstream, str]:
        """Ask one model after the other. Each but the last gets half of the time that is left."""
        clock = asyncio.get_running_loop().time
        end = start + min(self._deadlines.first_token, self._deadlines.total)
        last_failure = failures.too_slow(started=False)
        for model in self._models:
            is_last = model == self._models[-1]
            deadline = end if is_last else clock() + (end - clock()) / 2
            try:
                return await self._ask(model, request, deadline)
            except failures.AttemptFailed as failure:
                last_failure = failure
                if failure.code in {"unauthorized", "budget"} or clock() >= end:
                    break
        raise last_failure

    async def _ask(self, model: str, request: Request, deadline: float) -> tuple[Upstream, str]:
        response = await self._open(model, request, deadline)
        upstream = Upstream(response, model, self._deadlines.usage)
        try:
            first = await upstream.next_piece(deadline)
            if first is None:  # finished without a word: a filter, or all tokens spent on thinking
                raise failures.bad_reply(started=False)
        except BaseException:
            await upstream.aclose()
            raise
        return upstream, first

    async def _open(self, model: str, request: Request, deadline: float) -> httpx2.Response:
        """The response of the first dialect that this model takes; its body not yet read."""
        dialect = self._dialects.get(model, Dialect())
        while True:
            if request.permit is not None and not await request.permit():
                raise failures.not_permitted()
            response, refusal = await self._post(dialect.body(model, request), deadline)
            if response.status_code == 200:
                self._dialects[model] = dialect
                return response
            adapted = dialect.adapted(refusal)
            if adapted is None:
                raise failures.from_status(response.status_code, response.headers)
            dialect = adapted

    async def _post(self, body: bytes, deadline: float) -> tuple[httpx2.Response, bytes]:
        """Send once. With status 200 the response is open; else it is closed and its body comes along if it is
        400."""
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._http.send(self._request(body), stream=True)
                if response.status_code == 200:
                    return response, b""
                try:
                    return response, await read_error(response) if response.status_code == 400 else b""
                finally:
                    await close_shielded(response)
        except failures.TRANSPORT_FAULTS as fault:
            raise failures.from_fault(fault, started=False) from None

    def _request(self, body: bytes) -> httpx2.Request:
        headers = {
            "Content-Type": "application/json",
            "Accept": "text/event-stream",
            "Accept-Encoding": "identity",
        }
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        return self._http.build_request("POST", f"{self._base_url}/chat/completions", content=body, headers=headers)


def _open_client(base_url: str, connect_seconds: float) -> httpx2.AsyncClient:
    """HTTP/1.1 on purpose: over HTTP/2 a cancelled stream can leak. Proxies from the environment, but never for a
    model on this machine."""
    is_local = urlsplit(base_url).hostname in LOOPBACK
    return httpx2.AsyncClient(
        http1=True,
        http2=False,
        trust_env=not is_local,
        timeout=httpx2.Timeout(None, connect=connect_seconds),
        limits=httpx2.Limits(max_connections=400, max_keepalive_connections=100, keepalive_expiry=20.0),
    )
