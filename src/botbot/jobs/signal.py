"""What wakes a sleeping loop: in this process an event, between processes PostgreSQL's LISTEN/NOTIFY.

A signal is only a hint. Every listener also polls slowly, and looks for waiting rows whenever it (re)connects, so a
lost one costs seconds, never work."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import asyncpg

from botbot.db.engine import CHANNEL, Database, driver_url
from botbot.db.lines import make_alert

log = logging.getLogger("botbot.signal")


class Subscription:
    """One listener's view of a topic; several wakes while it is busy count as one."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        self._event.set()

    async def wait(self, timeout_seconds: float) -> None:
        """Return at the next wake, or when the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):  # Python 3.11's wait_for may swallow a cancellation
                await self._event.wait()
        self._event.clear()


class Signal:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscriptions: dict[str, list[Subscription]] = defaultdict(list)
        self._callbacks: dict[str, list[Callable[[], None]]] = defaultdict(list)
        database.on_wake = self.wake if database.is_sqlite else self._call_back

    def subscribe(self, topic: str) -> Subscription:
        subscription = Subscription()
        self._subscriptions[topic].append(subscription)
        return subscription

    def on_wake(self, topic: str, callback: Callable[[], None]) -> None:
        """Call `callback` at every wake: at once when this process committed the change itself, on both databases (and
        on PostgreSQL once more when its notification arrives), and whenever a wake may have been missed. It must be
        quick and never raise."""
        self._callbacks[topic].append(callback)

    def wake(self, topic: str) -> None:
        self._call_back(topic)
        for subscription in self._subscriptions[topic]:
            subscription.wake()

    def _call_back(self, topic: str) -> None:
        for callback in self._callbacks[topic]:
            callback()

    async def listen(self) -> None:
        """Pass PostgreSQL's notifications on until cancelled; reconnects by itself. A no-op on SQLite."""
        while not self._database.is_sqlite:
            try:
                await self._listen_once()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("The database's signal line is down, polling meanwhile: %s", type(error).__name__)
            await asyncio.sleep(1)

    async def _listen_once(self) -> None:
        connection = await asyncpg.connect(driver_url(self._database.url), timeout=5)
        make_alert(connection)
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._on_notify)
            for topic in {*self._subscriptions, *self._callbacks}:
                self.wake(topic)
            await lost.wait()
        finally:
            connection.terminate()

    def _on_notify(self, connection: Any, pid: int, channel: str, payload: Any) -> None:
        self.wake(str(payload))
