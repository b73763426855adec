"""Rate limits: exact in one process by default, exact across processes with Redis.

When Redis is lost the limiter falls back to this process's memory: browsing goes on, and money is guarded elsewhere
(`jobs/budgets.py` keeps its caps in the database and fails closed)."""

import logging
import time

from limits import RateLimitItem, RateLimitItemPerMinute, parse
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter

from botbot.errors import RateLimited

log = logging.getLogger("botbot.limits")


class Limiter:
    def __init__(self, redis_url: str = "") -> None:
        self._memory = MovingWindowRateLimiter(MemoryStorage())
        self._storage: Storage | None = None
        self._shared: MovingWindowRateLimiter | None = None
        if redis_url:
            url = redis_url if redis_url.startswith("async+") else f"async+{redis_url}"
            self._storage = RedisStorage(url, implementation="redispy", socket_timeout=1)
            self._shared = MovingWindowRateLimiter(self._storage)

    async def hit(self, name: str, key: str, per_minute: int) -> None:
        """Count one use of `name` by `key`. Raises `RateLimited` with the seconds until the next is free."""
        item = RateLimitItemPerMinute(per_minute)
        if per_minute <= 0 or not await self._try(item, name, key):
            raise RateLimited(retry_after=await self._seconds_left(item, name, key) if per_minute > 0 else 60)

    async def _try(self, item: RateLimitItem, *key: str) -> bool:
        if self._shared is not None:
            try:
                return await self._shared.hit(item, *key)
            except Exception:
                log.warning("Redis isn't answering; limits hold per process meanwhile.")
        return await self._memory.hit(item, *key)

    async def _seconds_left(self, item: RateLimitItem, *key: str) -> float:
        window = await self._memory.get_window_stats(item, *key)
        return max(1.0, min(60.0, window.reset_time - time.time()))

    async def aclose(self) -> None:
        if isinstance(self._storage, RedisStorage):
            await self._storage.reset_connections() if hasattr(self._storage, "reset_connections") else None


def parse_limit(text: str) -> RateLimitItem:
    return parse(text)
