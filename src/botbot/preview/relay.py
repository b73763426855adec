"""Carries replies from the model to whoever reads them.

The model runs in a task of its own. A visitor who leaves cancels the response, and whatever a cancelled generator
awaits in its `finally` never runs; so leaving only cancels that task, which closes the model's connection and its books
by itself. What is on its way waits in memory, so a visitor who doesn't read holds up nobody: a reply is bounded, and
its task ends when the model has ended, read or not."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from itertools import groupby

from botbot.errors import ApiError, BotBotError, ModelUnavailable, RateLimited
from botbot.house import House
from botbot.kit.tasks import settle
from botbot.preview.answering import Answering
from botbot.preview.exchanges import Exchange
from botbot.preview.schemas import DoneEvent, SessionEvent, TokenEvent

Event = SessionEvent | TokenEvent | DoneEvent | ApiError
LONGEST_SECONDS = 90.0
"""A last resort; the model's own deadlines are shorter."""
UNBEGUN_SECONDS = 10.0
"""How long a place is kept for a response that never starts, as when the visitor is gone already."""
FULL_RETRY_SECONDS = 5.0
FULL = "Everybody is trying somebody out right now. Please try again in a few seconds."
CUT_OFF = "The reply was cut off because we are restarting. Please ask again."
log = logging.getLogger("botbot.preview")


class Outbox:
    """Events on their way to one reader. Words that wait together leave together."""

    def __init__(self) -> None:
        self._waiting: list[Event] = []
        self.is_closed = False
        self._has_news = asyncio.Event()

    def put(self, event: Event) -> None:
        if not self.is_closed:
            self._waiting.append(event)
            self._has_news.set()

    def close(self) -> None:
        self.is_closed = True
        self._has_news.set()

    def cut(self, last: Event) -> None:
        """Throw away what waits; `last` is the end. What has its end already keeps it."""
        if not self.is_closed:
            self._waiting.clear()
            self.put(last)
            self.close()

    async def take(self, timeout_seconds: float) -> list[Event] | None:
        """What is waiting; nothing if nothing came in that time, `None` after the end."""
        if not self._has_news.is_set():
            try:
                async with asyncio.timeout(timeout_seconds):
                    await self._has_news.wait()
            except TimeoutError:
                return []
        taken, self._waiting = self._waiting, []
        if not taken and self.is_closed:
            return None
        if not self.is_closed:
            self._has_news.clear()
        return _joined(taken)


def _joined(events: list[Event]) -> list[Event]:
    if len(events) < 2:
        return events
    joined: list[Event] = []
    for kind, run in groupby(events, type):
        if kind is TokenEvent:
            joined.append(TokenEvent("".join(each.text for each in run if isinstance(each, TokenEvent))))
        else:
            joined += run
    return joined


class Relay:
    """One exchange on its way. It has a place among the live ones from when it is made until it ends."""

    def __init__(self, relays: "Relays", house: House, exchange: Exchange) -> None:
        self.exchange = exchange
        self._relays = relays
        self._house = house
        self._outbox = Outbox()
        self._task: asyncio.Task[None] | None = None
        self._lease = asyncio.get_running_loop().call_later(relays.unbegun_seconds, self.leave)
        relays.add(self)

    async def batches(self, ping_seconds: float = 10) -> AsyncGenerator[list[Event]]:
        """The exchange's events as they come, a few at once; an empty list is a sign of life while the model thinks.

        Iterate it once. However that ends, the exchange ends with it."""
        try:
            self._begin()
            while (events := await self._outbox.take(ping_seconds)) is not None:
                yield events
        finally:
            self.leave()

    def leave(self) -> None:
        """Nobody reads any more: stop the model's work, whose task closes everything by itself."""
        self._lease.cancel()
        if self._task is not None:
            self._task.cancel()
        self._relays.drop(self)

    def interrupt(self) -> None:
        """End it with an error event, because this process is going down."""
        self._outbox.cut(ModelUnavailable(CUT_OFF).to_api_error())
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._lease.cancel()
        if self._outbox.is_closed:
            return
        self._relays.add(self)
        self._task = asyncio.create_task(self._run(), name="preview")
        self._relays.watch(self, self._task)

    async def _run(self) -> None:
        answering = Answering(self._house, self.exchange, self._outbox.put)
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await answering.run()
        except TimeoutError:
            self._fail(answering, ModelUnavailable())
        except BotBotError as error:
            self._fail(answering, error)
        except Exception:
            log.exception("a preview met the unexpected")
            self._fail(answering, BotBotError())
        finally:
            self._outbox.close()
            await settle(answering.books.close())

    def _fail(self, answering: Answering, error: BotBotError) -> None:
        answering.books.outcome = "failed"
        self._outbox.put(error.to_api_error())


class Relays:
    """Every live reply of this process: so many and no more, and a shutdown can end each with a last event."""

    def __init__(self, *, unbegun_seconds: float = UNBEGUN_SECONDS) -> None:
        self.unbegun_seconds = unbegun_seconds
        self._live: set[Relay] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, house: House, exchange: Exchange) -> Relay:
        """A place for one more reply. Raises `RateLimited` (429) when this process writes as many as it may."""
        self.require_place(house)
        return Relay(self, house, exchange)

    def require_place(self, house: House) -> None:
        """Ask before a message costs its sender anything. Raises `RateLimited`."""
        if len(self._live) >= house.settings.preview_streams:
            raise RateLimited(FULL, retry_after=FULL_RETRY_SECONDS)

    def add(self, relay: Relay) -> None:
        self._live.add(relay)

    def drop(self, relay: Relay) -> None:
        self._live.discard(relay)

    def watch(self, relay: Relay, task: asyncio.Task[None]) -> None:
        """Its place is free when its task has ended, whether or not anybody reads what is left."""

        def ended(_: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            self.drop(relay)

        self._tasks.add(task)
        task.add_done_callback(ended)

    def interrupt(self) -> None:
        for relay in list(self._live):
            relay.interrupt()

    async def settled(self) -> None:
        """Wait for the books of replies that have ended; before the database is closed."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))
