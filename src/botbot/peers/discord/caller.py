"""One call, from "may it go now?" to a typed result or a typed failure."""

import asyncio
import time
from importlib import metadata
from typing import TypeVar
from urllib.parse import quote

from botbot.errors import BotBotError
from botbot.peers.discord import failures
from botbot.peers.discord.ask import Ask
from botbot.peers.discord.limits import NON_ESSENTIAL_UNTIL, InvalidRequests, Limits, TooBusy
from botbot.peers.discord.line import DEADLINE_SECONDS, Answer, Line, Lost
from botbot.peers.discord.wire import Nonsense, decode
from botbot.settings import Settings
from botbot.watching import figures, tracing

T = TypeVar("T")


class Caller:
    """Sends each call once. Only a read whose connection broke is asked a second time, within the same deadline.

    All raise, besides what a method names: `DiscordUnavailable` (no sense, no answer; `maybe_happened` for writes),
    `DiscordBusy` (a limit; nothing happened), `DiscordRefused` and its kin (a lasting no)."""

    def __init__(
        self,
        settings: Settings,
        deadline_seconds: float = DEADLINE_SECONDS,
        invalid: InvalidRequests | None = None,
    ) -> None:
        self._deadline_seconds = deadline_seconds
        home = quote(settings.public_url, safe=":/[]%")
        self._line = Line(settings.discord_api_url, f"DiscordBot ({home}, {metadata.version('botbot-marketplace')})")
        self._limits = Limits(invalid)

    async def aclose(self) -> None:
        await self._line.aclose()

    @property
    def invalid_requests(self) -> int:
        """How many 401, 403 and 429 came in the last ten minutes. Discord bars an address at 10,000."""
        return self._limits.invalid.count(asyncio.get_running_loop().time())

    @property
    def rest_seconds(self) -> float:
        """How long nothing is asked because too much was refused; mostly 0."""
        return self._limits.invalid.rest_seconds(asyncio.get_running_loop().time())

    @property
    def may_spend(self) -> bool:
        """Whether calls that only please (typing) may still be made."""
        return self.invalid_requests < NON_ESSENTIAL_UNTIL

    async def fetch(self, ask: Ask, shape: type[T]) -> T:
        """The answer's JSON as `shape`."""
        answer = await self.answer(ask)
        if answer.status // 100 != 2:
            raise failures.from_answer(ask, answer)
        return self.read(ask, answer, shape)

    async def run(self, ask: Ask) -> None:
        """For calls whose success is empty. A body that isn't JSON was not Discord's."""
        answer = await self.answer(ask)
        if answer.status // 100 != 2:
            raise failures.from_answer(ask, answer)
        if answer.body:
            self.read(ask, answer, object)

    def read(self, ask: Ask, answer: Answer, shape: type[T]) -> T:
        try:
            return decode(answer.body, shape)
        except Nonsense:
            failure = failures.nonsense(ask, answer)
        raise failure

    async def answer(self, ask: Ask) -> Answer:
        """Whatever Discord answers, a failure included; raises only where nothing came or nothing could be sent."""
        deadline = asyncio.get_running_loop().time() + self._deadline_seconds
        with tracing.span(f"Discord {ask.route_key}", kind="client"):
            outcome = await self._once(ask, deadline)
            if isinstance(outcome, Lost) and outcome.broken and ask.is_read:
                outcome = await self._once(ask, deadline)
            tracing.note(outcome=outcome.status if isinstance(outcome, Answer) else type(outcome).__name__)
        if isinstance(outcome, Answer):
            return outcome
        raise self._failure(ask, outcome)

    def _failure(self, ask: Ask, outcome: Lost | TooBusy) -> BotBotError:
        return failures.busy(outcome.seconds) if isinstance(outcome, TooBusy) else failures.from_lost(ask, outcome)

    async def _once(self, ask: Ask, deadline: float) -> Answer | Lost | TooBusy:
        bucket = await self._limits.enter(ask)
        if isinstance(bucket, TooBusy):
            return bucket
        began = time.perf_counter()
        try:
            outcome = await self._line.send(ask, deadline)
            status = outcome.status if isinstance(outcome, Answer) else 0
            figures.discord_called(ask.route_key, status, time.perf_counter() - began)
            if isinstance(outcome, Answer):
                self._limits.learn(ask, outcome)
            return outcome
        finally:
            bucket.leave()
