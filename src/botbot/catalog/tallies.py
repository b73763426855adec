"""What is worth counting once for many readers, kept for a moment in this process.

Only what is allowed to be a little old is kept: the caller says how long for each value."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy.ext.asyncio import AsyncConnection

log = logging.getLogger("botbot.catalog")

MOST = 2_000
"""How many values one database may have kept; the least recently used go first."""
REST = 4.0
"""After work in the background, rest so many times as long: readers come first."""
SHORTEST = 0.2
"""However long a value took: those who waited meanwhile take it too, instead of making it one after the other."""
Make = Callable[[], Awaitable[Any]]
Seconds = Callable[[Any, float], float]


class Tallies:
    """Values by key, each until its time; whoever asks for the same thing at the same time waits for one answer."""

    def __init__(self) -> None:
        self._values: OrderedDict[Hashable, tuple[Any, float]] = OrderedDict()
        self._busy: dict[Hashable, asyncio.Lock] = {}
        self._background: asyncio.Task[None] | None = None
        self._rests_until = 0.0

    def find(self, key: Hashable) -> Any:
        """The value, or `None` when there is none or its time is over."""
        value, until = self._values.get(key, (None, 0.0))
        if until <= time.monotonic():
            return None
        self._values.move_to_end(key)
        return value

    def put(self, key: Hashable, value: Any, seconds: float) -> None:
        self._values[key] = (value, time.monotonic() + seconds)
        self._values.move_to_end(key)
        while len(self._values) > MOST:
            self._values.popitem(last=False)

    def drop(self, key: Hashable) -> None:
        self._values.pop(key, None)

    async def get(self, key: Hashable, make: Make, seconds: Seconds) -> Any:
        """The kept value, or the one `make` answers, kept for `seconds(value, seconds it took)` from when it was asked
        for; what is worth no seconds is made for each who asks."""
        if (known := self.find(key)) is not None:
            return known
        if key not in self._values:
            return await self._make(key, make, seconds)
        lock = self._busy.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                if (known := self.find(key)) is not None:
                    return known
                return await self._make(key, make, seconds)
        finally:
            if not lock.locked():
                self._busy.pop(key, None)

    async def _make(self, key: Hashable, make: Make, seconds: Seconds) -> Any:
        started = time.monotonic()
        value = await make()
        took = time.monotonic() - started
        if (length := seconds(value, took)) > 0:
            self.put(key, value, max(length - took, SHORTEST))
        else:
            self.drop(key)
        return value

    def later(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it in the background, unless something is being done there or a rest is due; who asks again has luck."""
        is_free = self._background is None or self._background.done()
        if is_free and time.monotonic() > self._rests_until:
            self._background = asyncio.create_task(self._quietly(work), name="tallies")

    async def _quietly(self, work: Callable[[], Awaitable[None]]) -> None:
        started = time.monotonic()
        try:
            await work()
        except Exception:
            log.warning("a count has to wait", exc_info=True)
        finally:
            self._rests_until = time.monotonic() + (time.monotonic() - started) * REST


_by_engine: WeakKeyDictionary[Any, Tallies] = WeakKeyDictionary()


def tallies_of(connection: AsyncConnection) -> Tallies:
    """The values of the database that this connection leads to."""
    return _by_engine.setdefault(connection.sync_engine, Tallies())
