"""Moving windows of a minute in Redis, exact over processes. Loaded only where there is a Redis: its client takes a
sixth of a second to import."""

import time
from typing import Any

import redis.asyncio
from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

CONNECTIONS = 16
"""More wait for their turn: opening one costs more than a count."""
LOST = (RedisError, OSError, TimeoutError)


class RedisLost(Exception):
    """It didn't answer, or not in time; the caller counts by itself meanwhile."""


class SharedLimits:
    def __init__(self, redis_url: str, timeout_seconds: float) -> None:
        self._pool = redis.asyncio.BlockingConnectionPool.from_url(
            redis_url,
            max_connections=CONNECTIONS,
            timeout=timeout_seconds,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
        )
        pooled: dict[str, Any] = {"connection_pool": self._pool}
        storage = RedisStorage("async+redis://localhost:6379", implementation="redispy", **pooled)
        self._windows = MovingWindowRateLimiter(storage)

    async def use(self, key: tuple[str, str], per_minute: int) -> float | None:
        """Count one use; if there was no room, the seconds until there is. Raises `RedisLost`."""
        try:
            item = RateLimitItemPerMinute(per_minute)
            if await self._windows.hit(item, *key):
                return None
            return float((await self._windows.get_window_stats(item, *key)).reset_time - time.time())
        except LOST as error:
            raise RedisLost from error

    async def room(self, key: tuple[str, str], per_minute: int) -> tuple[int, float]:
        """(how often it may be used still, seconds until once more than that). Raises `RedisLost`."""
        try:
            window = await self._windows.get_window_stats(RateLimitItemPerMinute(per_minute), *key)
        except LOST as error:
            raise RedisLost from error
        return window.remaining, window.reset_time - time.time()

    async def aclose(self) -> None:
        await self._pool.aclose()
