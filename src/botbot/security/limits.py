"""Rate limits: exact in one process by default, exact across processes with Redis.

When Redis is lost the limiter falls back to this process's memory: browsing goes on, and money is guarded elsewhere
(`jobs/budgets.py` keeps its caps in the database and fails closed). That memory is `kit/windows.py`: the library's own
looks through every visitor's key at every use, each in a thread."""

import ipaddress
import logging
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import redis.asyncio
from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from botbot.errors import RateLimited
from botbot.kit.windows import Windows

log = logging.getLogger("botbot.limits")

TIMEOUT_SECONDS = 1.0
CONNECTIONS = 16
"""More wait for their turn: opening one costs more than a count."""


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
        self._pool: redis.asyncio.ConnectionPool | None = None
        self._shared: MovingWindowRateLimiter | None = None
        if redis_url:
            self._pool = redis.asyncio.BlockingConnectionPool.from_url(
                redis_url,
                max_connections=CONNECTIONS,
                timeout=timeout_seconds,
                socket_timeout=timeout_seconds,
                socket_connect_timeout=timeout_seconds,
            )
            pooled: dict[str, Any] = {"connection_pool": self._pool}
            storage = RedisStorage("async+redis://localhost:6379", implementation="redispy", **pooled)
            self._shared = MovingWindowRateLimiter(storage)

    async def hit(self, name: str, key: str, per_minute: int) -> None:
        """Count one use of `name` by `key`. Raises `RateLimited` with the seconds until the next is free."""
        if per_minute <= 0:
            raise RateLimited(retry_after=60)
        item = RateLimitItemPerMinute(per_minute)
        if self._shared is not None:
            try:
                return await _hit(self._shared, item, name, key)
            except (RedisError, OSError, TimeoutError):
                log.warning("Redis isn't answering; limits hold per process meanwhile.")
        if not self._memory.use((name, key), per_minute):
            raise _refused(self._memory.room((name, key), per_minute).reset_after_seconds)
        return None

    async def left(self, used: Iterable[tuple[str, str]], per_minute: int) -> Left:
        """What the tightest of several (name, key) leaves; counts nothing."""
        item = RateLimitItemPerMinute(max(per_minute, 1))
        tightest = min([await self._left(item, *each) for each in used], key=lambda left: (left[0], -left[1]))
        return Left(tightest[0], tightest[1])

    async def _left(self, item: RateLimitItemPerMinute, *key: str) -> tuple[int, int]:
        if self._shared is not None:
            try:
                return await _stats(self._shared, item, *key)
            except (RedisError, OSError, TimeoutError):
                pass  # `hit` has said so already.
        room = self._memory.room(key, item.amount)
        return room.remaining, _whole(room.reset_after_seconds)

    async def aclose(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()


async def _hit(limiter: MovingWindowRateLimiter, item: RateLimitItemPerMinute, *key: str) -> None:
    if not await limiter.hit(item, *key):
        window = await limiter.get_window_stats(item, *key)
        raise _refused(window.reset_time - time.time())


async def _stats(limiter: MovingWindowRateLimiter, item: RateLimitItemPerMinute, *key: str) -> tuple[int, int]:
    window = await limiter.get_window_stats(item, *key)
    return window.remaining, _whole(window.reset_time - time.time())


def _refused(seconds: float) -> RateLimited:
    return RateLimited(retry_after=max(1.0, min(60.0, seconds)))


def _whole(seconds: float) -> int:
    return max(1, min(60, round(seconds)))
