"""Moving windows of a minute in memory: how often each key was used in the last sixty seconds, exactly.

Nothing is awaited, so nothing can come between a look and a use. Whatever is kept is swept out a minute after its key's
last use, the oldest first; so one use costs the same whether ten visitors are here or a hundred thousand."""

import time
from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import NamedTuple

SECONDS = 60.0


class Room(NamedTuple):
    """What is left, and after how many seconds there will be one more."""

    remaining: int
    reset_after_seconds: float


class Windows:
    """`use` counts; `room` only looks."""

    def __init__(self) -> None:
        self._uses: OrderedDict[Hashable, deque[float]] = OrderedDict()

    def use(self, key: Hashable, limit: int) -> bool:
        """Whether one more fitted under `limit`; what did not fit is not counted."""
        now = time.monotonic()
        self._sweep(now)
        uses = self._uses.get(key)
        if uses is None:
            uses = self._uses[key] = deque()
        _forget(uses, now)
        if len(uses) >= limit:
            return False
        uses.append(now)
        self._uses.move_to_end(key)
        return True

    def room(self, key: Hashable, limit: int) -> Room:
        now = time.monotonic()
        uses = self._uses.get(key, deque())
        _forget(uses, now)
        oldest = uses[0] if uses else now
        return Room(max(0, limit - len(uses)), oldest + SECONDS - now)

    def __len__(self) -> int:
        return len(self._uses)

    def _sweep(self, now: float) -> None:
        """Keys are in the order of their last use, so the first that is still warm ends it."""
        while self._uses:
            key, uses = next(iter(self._uses.items()))
            if uses and uses[-1] > now - SECONDS:
                return
            del self._uses[key]


def _forget(uses: deque[float], now: float) -> None:
    while uses and uses[0] <= now - SECONDS:
        uses.popleft()
