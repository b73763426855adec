"""One exchange of a preview chat: limits, budget, the model, and a sample reply where no model can answer.

The model runs in a task of its own. A visitor who leaves cancels the response, and whatever a cancelled generator
awaits in its `finally` never runs; so leaving only cancels that task, which closes the model's connection itself."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from botbot.agents.rules import conversation
from botbot.agents.sampling import choose_sample
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.queries import get_personality
from botbot.catalog.service import SNAPSHOT
from botbot.errors import ApiError, BotBotError, ModelUnavailable, StorageUnavailable, ValidationFailed
from botbot.house import House
from botbot.jobs import budgets
from botbot.peers.llm import Message
from botbot.preview.schemas import MAX_MESSAGE, ChatOut, DoneEvent, Reason, SessionEvent, TokenEvent, UsageOut
from botbot.preview.sessions import PreviewSession, PreviewSessions
from botbot.security.limits import visitor

Event = SessionEvent | TokenEvent | DoneEvent | ApiError
MAX_TOKENS = 400
log = logging.getLogger("botbot.preview")


@dataclass
class Exchange:
    """A message that passed every check, about to be answered. `reason` is why no model is asked, if so."""

    personality: PersonalityTemplate
    session: PreviewSession
    message: str
    prompt: list[Message] = field(default_factory=list)
    reason: Reason | None = None


async def open_exchange(
    house: House, sessions: PreviewSessions, id_or_slug: str, message: str, session_id: str | None, address: str
) -> Exchange:
    """Check the message and the visitor's limits before anything is answered; the day's budget is asked at the call.

    Raises `ValidationFailed` (400), `NotFound` (404), `RateLimited` (429)."""
    text = message.strip()
    if not text or len(text) > MAX_MESSAGE:
        raise ValidationFailed(fields={"message": f"must have 1 to {MAX_MESSAGE} characters"})
    async with house.db.read() as session:
        personality = await get_personality(session, id_or_slug)
    per_minute = house.settings.preview_per_minute
    await house.limiter.hit("preview-address", visitor(address), per_minute)
    exchange = Exchange(personality, sessions.get_or_open(session_id, personality.id), text)
    await house.limiter.hit("preview-session", exchange.session.id, per_minute)
    exchange.reason = None if house.model.is_configured else "not_configured"
    if exchange.reason is None:
        snapshot = {name: getattr(personality, name) for name in SNAPSHOT}
        exchange.prompt = conversation(snapshot, personality.name, {}, exchange.session.turns, text)
    return exchange


async def _may_call(house: House) -> bool:
    """Reserve one call from the day's cap. Without a database there is no budget: fail closed."""
    try:
        async with house.db.write() as session:
            return await budgets.reserve(session, budgets.day_key("preview"), 1, house.settings.preview_per_day)
    except StorageUnavailable:
        return False


class Relay:
    """Carries one exchange's events from the model's task to whoever reads them."""

    def __init__(self, house: House, exchange: Exchange) -> None:
        self._house = house
        self._exchange = exchange
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(maxsize=256)
        self._task = asyncio.create_task(self._produce(), name="preview")

    def cancel(self) -> None:
        """Stop the model's work; its task closes the connection by itself."""
        self._task.cancel()

    def interrupt(self) -> None:
        """End the stream with an error event, because this process is going down."""
        self._task.cancel()
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(_cut_off())
        self._queue.put_nowait(None)

    async def next(self, timeout_seconds: float) -> Event | None:
        """The next event; `None` after the last. Raises `TimeoutError` when nothing came."""
        async with asyncio.timeout(timeout_seconds):
            return await self._queue.get()

    async def _produce(self) -> None:
        await self._queue.put(SessionEvent(self._exchange.session.id))
        try:
            await (self._from_sample(self._exchange.reason) if self._exchange.reason else self._from_model())
        except BotBotError as error:
            await self._queue.put(error.to_api_error())
        except Exception:
            log.exception("a preview met the unexpected")
            await self._queue.put(BotBotError().to_api_error())
        await self._queue.put(None)

    async def _from_model(self) -> None:
        said: list[str] = []
        try:
            ask = self._house.model.stream(
                self._exchange.prompt, max_tokens=MAX_TOKENS, permit=lambda: _may_call(self._house)
            )
            async with ask as reply:
                async for piece in reply:
                    said.append(piece)
                    await self._queue.put(TokenEvent(piece))
                usage = UsageOut(reply.usage.prompt_tokens, reply.usage.completion_tokens)
                done = DoneEvent("live", reply.finish_reason, usage)
        except ModelUnavailable as error:
            if error.started or said:
                raise
            return await self._from_sample("budget" if error.code == "budget" else "unavailable")
        self._exchange.session.remember(self._exchange.message, "".join(said))
        return await self._queue.put(done)

    async def _from_sample(self, reason: Reason | None) -> None:
        exchange = self._exchange
        text = choose_sample(
            exchange.personality.sample_replies, exchange.message, exchange.personality.language, exchange.session.asked
        )
        if not text:
            raise ModelUnavailable
        exchange.session.asked += 1
        exchange.session.remember(exchange.message, text)
        for piece in _words(text):
            await self._queue.put(TokenEvent(piece))
        await self._queue.put(DoneEvent("sample", "stop", None, reason))


class Relays:
    """Every live stream of this process, so that a shutdown can end each with a last event."""

    def __init__(self) -> None:
        self._live: set[Relay] = set()

    async def events(self, house: House, exchange: Exchange, ping_seconds: float = 10) -> AsyncIterator[Event | None]:
        """The exchange's events; `None` in between is a sign of life while the model thinks."""
        relay = Relay(house, exchange)
        self._live.add(relay)
        try:
            while True:
                try:
                    event = await relay.next(ping_seconds)
                except TimeoutError:
                    yield None
                    continue
                if event is None:
                    return
                yield event
        finally:
            relay.cancel()
            self._live.discard(relay)

    def interrupt(self) -> None:
        for relay in self._live:
            relay.interrupt()


async def answer(house: House, relays: Relays, exchange: Exchange) -> ChatOut:
    """The whole reply. Raises `ModelUnavailable` (503) when it was cut off half-way."""
    said: list[str] = []
    done: DoneEvent | None = None
    async for event in relays.events(house, exchange):
        if isinstance(event, TokenEvent):
            said.append(event.text)
        elif isinstance(event, DoneEvent):
            done = event
        elif isinstance(event, ApiError):
            raise ModelUnavailable(event.message)
    if done is None:
        raise ModelUnavailable
    return ChatOut(exchange.session.id, "".join(said), done.source, done.usage, done.reason)


class VisitorLeft(BotBotError):
    """Nobody waits for this answer any more; it was given up, and its call to the model ended."""

    status, error = 499, "visitor_left"


async def answer_while_there(
    house: House, relays: Relays, exchange: Exchange, receive: Callable[[], Awaitable[Any]]
) -> ChatOut:
    """The whole reply, given up as soon as the visitor closes the connection. `receive` is ASGI's, after the body."""
    work = asyncio.create_task(answer(house, relays, exchange))
    gone = asyncio.create_task(_until_gone(receive))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise VisitorLeft
        return work.result()
    finally:
        for task in (work, gone):
            task.cancel()
        await asyncio.gather(work, gone, return_exceptions=True)


async def _until_gone(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


def _cut_off() -> ApiError:
    return ModelUnavailable("The reply was cut off because we are restarting. Please ask again.").to_api_error()


def _words(text: str) -> list[str]:
    """Pieces of a few words, so that a sample arrives as a reply does."""
    words = text.split(" ")
    return [" ".join(words[n : n + 4]) + (" " if n + 4 < len(words) else "") for n in range(0, len(words), 4)]
