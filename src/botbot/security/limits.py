"""Rate limits: exact in one process by default, exact across processes with Redis.

When Redis is lost the limiter falls back to this process's memory: browsing goes on, and money is guarded elsewhere
(`jobs/budgets.py` keeps its caps in the database and fails closed). That memory is `kit/windows.py`: the library's own
looks through every visitor's key at every use, each in a thread."""

import contextlib
import ipaddress
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from botbot.errors import RateLimited
from botbot.kit.windows import Windows

if TYPE_CHECKING:
    from botbot.security.shared_limits import SharedLimits

log = logging.getLogger("botbot.limits")

TIMEOUT_SECONDS = 1.0


class Left(NamedTuple):
    """How often somebody may still do something, and after how many seconds once more than that."""

    remaining: int
    reset_after_seconds: int


def visitor(address: str) -> str:
    """Who an address stands for: an IPv6 visitor owns a whole /64 and could change addresses within it at will."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


class Limiter:
    """Moving windows of a minute. `redis_url` as the setting has it; empty keeps everything in this process."""

    def __init__(self, redis_url: str = "", *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._memory = Windows()
        self._shared: SharedLimits | None = None
        if redis_url:
            from botbot.security import shared_limits

            self._shared = shared_limits.SharedLimits(redis_url, timeout_seconds)

    async def hit(self, name: str, key: str, per_minute: int) -> None:
        """Count one use of `name` by `key`. Raises `RateLimited` with the seconds until the next is free."""
        if per_minute <= 0:
            raise RateLimited(retry_after=60)
        if self._shared is not None:
            from botbot.security.shared_limits import RedisLost

            try:
                wait = await self._shared.use((name, key), per_minute)
            except RedisLost:
                log.warning("Redis isn't answering; limits hold per process meanwhile.")
            else:
                if wait is not None:
                    raise _refused(wait)
                return
        if not self._memory.use((name, key), per_minute):
            raise _refused(self._memory.room((name, key), per_minute).reset_after_seconds)

    async def left(self, used: Iterable[tuple[str, str]], per_minute: int) -> Left:
        """What the tightest of several (name, key) leaves; counts nothing."""
        rooms = [await self._left(each, max(per_minute, 1)) for each in used]
        tightest = min(rooms, key=lambda left: (left[0], -left[1]))
        return Left(tightest[0], tightest[1])

    async def _left(self, key: tuple[str, str], per_minute: int) -> tuple[int, int]:
        if self._shared is not None:
            from botbot.security.shared_limits import RedisLost

            with contextlib.suppress(RedisLost):  # `hit` has said so already.
                remaining, seconds = await self._shared.room(key, per_minute)
                return remaining, _whole(seconds)
        room = self._memory.room(key, per_minute)
        return room.remaining, _whole(room.reset_after_seconds)

    async def aclose(self) -> None:
        if self._shared is not None:
            await self._shared.aclose()


def _refused(seconds: float) -> RateLimited:
    return RateLimited(retry_after=max(1.0, min(60.0, seconds)))


def _whole(seconds: float) -> int:
    return max(1, min(60, round(seconds)))
