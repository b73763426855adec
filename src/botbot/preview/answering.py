"""Answers one exchange: the model's words while it writes them, a sample where no model can answer, a refusal where
something is not talked about here.

What the visitor typed is judged before the model is asked, and the reply while it is streamed and once as a whole,
before its end is told. A blocked exchange is kept nowhere."""

import asyncio
from collections.abc import Callable

from botbot.agents.rules import Asking, asking
from botbot.agents.sampling import choose_sample
from botbot.errors import ApiError, ModelUnavailable
from botbot.house import House
from botbot.jobs import budgets
from botbot.kit import clock
from botbot.moderation import Blocked, Breach, refusal
from botbot.peers.llm import ReplyStream
from botbot.preview.books import Books
from botbot.preview.exchanges import Exchange
from botbot.preview.schemas import DoneEvent, Reason, RefusalEvent, SessionEvent, TokenEvent, UsageOut

Put = Callable[[SessionEvent | TokenEvent | DoneEvent | ApiError], None]
MAX_TOKENS = 400
FIRST_WORD_SECONDS = 9.0
"""From the request on; then a sample answers, and has a second for its way."""


class Answering:
    """`run` it once; the caller closes `books` afterwards, however it ended. `put` takes the events."""

    def __init__(self, house: House, exchange: Exchange, put: Put) -> None:
        self.books = Books(house, exchange)
        self._house = house
        self._exchange = exchange
        self._put = put
        self._shown: list[str] = []
        self._patience: asyncio.Timeout | None = None

    async def run(self) -> None:
        """Ends with a `done` event. Raises `ModelUnavailable` when a reply is cut off."""
        exchange = self._exchange
        self._put(SessionEvent(exchange.session.id, *exchange.left))
        try:
            if exchange.reason is not None:
                await self._without_model(exchange.reason)
            elif (reserved := await self.books.reserve()) != "taken":
                await self._without_model("budget" if reserved == "spent" else "unavailable")
            else:
                _stop(await self._house.screen.judge(exchange.typed))
                await self._from_model()
        except Blocked as blocked:
            self._refuse(blocked.breach)

    async def _without_model(self, reason: Reason) -> None:
        """No call leaves the house, so our own rules alone judge."""
        _stop(self._house.screen.judge_locally(self._exchange.typed))
        self._from_sample(reason)

    async def _from_model(self) -> None:
        wanted = asking(self._exchange.snapshot, MAX_TOKENS)
        try:
            done = await self._in_time(wanted)
        except ModelUnavailable as error:
            if self._shown:  # What the guard still held back was seen by nobody.
                raise
            self.books.failed(error)
            self._from_sample("budget" if error.code == "budget" and self.books.is_spent else "unavailable")
        else:
            self._remember()
            self._put(done)

    async def _in_time(self, wanted: Asking) -> DoneEvent:
        """As `_relay`. Whatever takes long, a busy database or a first word that the guard is in doubt about: when
        nothing can be shown in time, that is a failure like any other."""
        try:
            async with asyncio.timeout_at(self._exchange.asked_at + FIRST_WORD_SECONDS) as self._patience:
                return await self._relay(wanted)
        except TimeoutError:
            raise ModelUnavailable(code="timeout") from None

    async def _relay(self, wanted: Asking) -> DoneEvent:
        """Give out the model's words as they come, as far as they are safe."""
        call = self._house.model.stream(
            self._exchange.prompt,
            max_tokens=wanted.max_tokens,
            temperature=wanted.temperature,
            permit=self.books.permit,
            lost=self.books.lost,
        )
        guard = self._house.screen.guard()
        async with call as reply:
            self.books.began()
            try:
                async for piece in reply:
                    self._show(guard.feed(piece))
            except asyncio.CancelledError:
                self._remember()  # The visitor stopped it, and goes on from what they have read.
                raise
            finally:
                self.books.spent(reply)
        self._show(guard.finish())
        _stop(await self._house.screen.ask_provider("".join(self._shown)))
        return _done(reply)

    def _remember(self) -> None:
        if self._shown:
            self._exchange.session.remember(self._exchange.question, "".join(self._shown))

    def _show(self, text: str) -> None:
        if text:
            if not self._shown and self._patience is not None:
                self._patience.reschedule(None)
            self._shown.append(text)
            self._put(TokenEvent(text))

    def _from_sample(self, reason: Reason) -> None:
        exchange, session = self._exchange, self._exchange.session
        cached, language = exchange.snapshot["sample_replies"], exchange.snapshot["language"]
        text = choose_sample(cached, exchange.question.text, language, session.asked)
        if not text:
            raise ModelUnavailable
        self.books.outcome = "sample"
        session.asked += 1
        session.remember(exchange.question, text, "sample", reason)
        for piece in _words(text):
            self._put(TokenEvent(piece))
        self._put(DoneEvent("sample", "stop", None, reason, reset_at=_tomorrow() if reason == "budget" else None))

    def _refuse(self, breach: Breach) -> None:
        """In place of a reply, or after the part of it that was shown already."""
        exchange = self._exchange
        exchange.session.forget(exchange.question)
        self.books.outcome = "blocked"
        text = refusal(exchange.snapshot["name"], exchange.snapshot["language"], breach.category)
        exchange.refusal = text
        self._put(RefusalEvent(f"\n\n{text}" if self._shown else text))
        self._put(DoneEvent("sample", "content_filter", None, "blocked", breach.category))


def _stop(breach: Breach | None) -> None:
    if breach is not None:
        raise Blocked(breach)


def _done(reply: ReplyStream) -> DoneEvent:
    return DoneEvent("live", reply.finish_reason, UsageOut(reply.usage.prompt_tokens, reply.usage.completion_tokens))


def _tomorrow() -> str:
    return clock.iso(budgets.next_day())


def _words(text: str) -> list[str]:
    """Pieces of a few words, so that a sample arrives as a reply does."""
    words = text.split(" ")
    return [" ".join(words[n : n + 4]) + (" " if n + 4 < len(words) else "") for n in range(0, len(words), 4)]
