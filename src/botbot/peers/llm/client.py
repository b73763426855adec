"""A thin streaming client of any OpenAI-compatible `/chat/completions`.

Why not the vendor's SDK: it ends a truncated stream as if it were whole, waits 600 seconds by default, lets pings
defeat its timeout, and costs six times the CPU per token. Here a reply is a success only with a `finish_reason`, and
every failure is one `ModelUnavailable` that says whether part of the reply had already been given out (`started`).

Entering `stream` waits for the first token: a failure there is always `started=False`, so a sample reply can still
take its place. Fallback models are tried only then, and share the first model's deadline."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Self

import aiohttp
import msgspec

from botbot.errors import ModelUnavailable
from botbot.peers.llm import failures
from botbot.peers.llm.breaker import Breaker
from botbot.peers.llm.dialect import Dialect, Permit, Request
from botbot.peers.llm.line import Line
from botbot.peers.llm.messages import Message, Reply, Usage, estimate_usage
from botbot.peers.llm.upstream import Upstream
from botbot.settings import Settings
from botbot.watching import figures, tracing

FOR_ALL_MODELS = failures.OF_SERVER | {"budget"}
"""Failures that the next model on the same server would only repeat."""
MOST_TOKENS = 10_000_000
"""More than any model reads or writes; whoever reports more, counts wrongly."""
PACE_PER_STREAM_SECONDS = 0.0004
LONGEST_PACE_SECONDS = 0.12
"""Alone, each word is given out as it comes. The more replies are read at once, the longer words are gathered."""
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

    def __init__(
        self, upstream: Upstream, first: str, messages: Sequence[Message], between: float, end: float, live: "_Live"
    ) -> None:
        self._upstream = upstream
        self._first = first
        self._messages = messages
        self._between_tokens = between
        self._end = end
        self._live = live
        self._given_at = asyncio.get_running_loop().time()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        if self._first:
            piece, self._first = self._first, ""
            return piece
        clock = asyncio.get_running_loop().time
        deadline = min(clock() + self._between_tokens, self._end)
        if (rest := self._given_at + self._live.pace_seconds - clock()) > 0:
            await self._upstream.rest(rest)
        try:
            following = await self._upstream.next_piece(deadline)
        except failures.AttemptFailed as failure:
            failure.was_silence = failure.was_silence and deadline < self._end  # else it only spoke too slowly
            raise
        if following is None:
            raise StopAsyncIteration
        self._given_at = clock()
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
        return self._reported or estimate_usage(self._messages, self._upstream.characters)

    @property
    def usage_is_estimate(self) -> bool:
        return self._reported is None

    @property
    def _reported(self) -> Usage | None:
        """What the server counted, unless no reply can cost that."""
        reported = self._upstream.usage
        if reported is None:
            return None
        counts = (reported.prompt_tokens, reported.completion_tokens)
        return Usage(*counts) if all(0 <= each <= MOST_TOKENS for each in counts) else None


class _Live:
    """How many replies this process reads now."""

    count = 0

    @property
    def pace_seconds(self) -> float:
        """The least time between two pieces of one reply."""
        return min(self.count * PACE_PER_STREAM_SECONDS, LONGEST_PACE_SECONDS)


class ModelClient:
    """One per process; safe for many calls at once. Close it with `aclose`. `breaker` says how patient the breakers are
    that it makes, one for the server and one for each model."""

    def __init__(
        self, settings: Settings, *, deadlines: Deadlines | None = None, breaker: Breaker | None = None
    ) -> None:
        self._base_url = settings.effective_openai_base_url
        self._models = (settings.openai_model, *settings.openai_fallback_models)
        self._deadlines = deadlines or Deadlines()
        pattern = breaker or Breaker()
        self._of_server = pattern.like(is_of_server=True)
        self._of_model = {model: pattern.like() for model in self._models}
        self._dialects: dict[str, Dialect] = {}
        self._live = _Live()
        self._line = Line(self._base_url, settings.openai_api_key, self._deadlines.connect)

    @property
    def is_configured(self) -> bool:
        """Whether there is a model to ask at all."""
        return bool(self._base_url)

    @property
    def is_resting(self) -> bool:
        """Whether it is left alone for now, the server or every one of its models, because it failed too often."""
        return self._of_server.is_open or all(each.is_open for each in self._of_model.values())

    async def aclose(self) -> None:
        await self._line.aclose()

    @asynccontextmanager
    async def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 500,
        temperature: float | None = None,
        permit: Permit | None = None,
        lost: Callable[[str], None] | None = None,
    ) -> AsyncIterator[ReplyStream]:
        """Ask, and read the reply as it is written. Leaving the block closes the connection at once. `permit` is asked
        before each call to a server; where it says no, the failure's code is `budget`. `lost` hears the name of each
        model that took the call and gave no word for it: its prompt may cost money all the same.

        Raises `ModelUnavailable`: on entering (`started` false), or while iterating (`started` true)."""
        if not self.is_configured or self._line.is_closed:
            raise ModelUnavailable(NOT_CONFIGURED, permanent=True, code="not_configured")
        start = asyncio.get_running_loop().time()
        with self._of_server.watch():
            request = Request(messages, max_tokens, temperature, permit, lost)
            upstream, first, breaker = await self._timed_first_token(request, start)
        end = start + self._deadlines.total
        self._live.count += 1
        try:
            with breaker.hear():
                yield ReplyStream(upstream, first, messages, self._deadlines.between_tokens, end, self._live)
        finally:
            self._live.count -= 1
            upstream.close()

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 500,
        temperature: float | None = None,
        permit: Permit | None = None,
        lost: Callable[[str], None] | None = None,
    ) -> Reply:
        """The whole reply at once, under the same deadlines and with the same questions. Raises `ModelUnavailable`."""
        asked = self.stream(messages, max_tokens=max_tokens, temperature=temperature, permit=permit, lost=lost)
        async with asked as reply:
            text = "".join([piece async for piece in reply])
            return Reply(text, reply.finish_reason, reply.usage, reply.model, reply.usage_is_estimate)

    async def _timed_first_token(self, request: Request, start: float) -> tuple[Upstream, str, Breaker]:
        clock, outcome = asyncio.get_running_loop().time, "failed"
        try:
            with tracing.span("model first word", kind="client"):
                found = await self._first_token(request, start)
            outcome = "ok"
            return found
        finally:
            figures.model_asked(outcome, clock() - start)

    async def _first_token(self, request: Request, start: float) -> tuple[Upstream, str, Breaker]:
        """Ask one model after the other, but those that are left alone for now. Each but the last gets half of the time
        that is left."""
        clock = asyncio.get_running_loop().time
        end = start + min(self._deadlines.first_token, self._deadlines.total)
        last_failure: ModelUnavailable | None = None
        for model in self._models:
            is_last = model == self._models[-1]
            deadline = end if is_last else clock() + (end - clock()) / 2
            try:
                with self._of_model[model].watch():
                    return *await self._ask(model, request, deadline), self._of_model[model]
            except failures.AttemptFailed as failure:
                last_failure = failure
                if failure.code in FOR_ALL_MODELS or clock() >= end:
                    break
            except ModelUnavailable as resting:
                last_failure = last_failure or resting
        raise last_failure or failures.too_slow(started=False)

    async def _ask(self, model: str, request: Request, deadline: float) -> tuple[Upstream, str]:
        response = await self._open(model, request, deadline)
        upstream = Upstream(response, model, self._deadlines.usage)
        try:
            first = await upstream.next_piece(deadline)
            if first is None:  # finished without a word: a filter, or all tokens spent on thinking
                raise failures.bad_reply(started=False)
        except BaseException:
            upstream.close()
            request.lose(model)
            raise
        return upstream, first

    async def _open(self, model: str, request: Request, deadline: float) -> aiohttp.ClientResponse:
        """The response of the first dialect that this model takes; its body not yet read."""
        dialect = self._dialects.get(model, Dialect())
        while True:
            await _ask_permit(request, deadline)
            response, refusal = await self._post(model, dialect.body(model, request), request, deadline)
            if response.status == 200:
                self._dialects[model] = dialect
                return response
            adapted = dialect.adapted(refusal)
            if adapted is None:
                raise failures.from_status(response.status, response.headers)
            dialect = adapted

    async def _post(
        self, model: str, body: bytes, request: Request, deadline: float
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        try:
            return await self._line.post(body, deadline)
        except (failures.AttemptFailed, asyncio.CancelledError) as end:
            if not isinstance(end, failures.AttemptFailed) or end.may_cost:
                request.lose(model)
            raise


async def _ask_permit(request: Request, deadline: float) -> None:
    """Raises `AttemptFailed` when the call is forbidden, or when nobody said in time that it is not."""
    if request.permit is None:
        return
    try:
        async with asyncio.timeout_at(deadline):
            is_permitted = await request.permit()
    except TimeoutError:
        raise failures.permit_too_slow() from None
    if not is_permitted:
        raise failures.not_permitted()
