"""Rate limits as Discord answers them: a bucket per route and top-level id, 50 requests a second over all, and a
ban for who keeps sending invalid requests. Source: Discord docs, topics/rate-limits. The numbers of the buckets
are not published; ours are in the table of each endpoint."""

import hashlib
import math
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from botbot.sandbox.refusals import Refusal

GLOBAL_PER_SECOND = 50
INVALID_LIMIT, INVALID_WINDOW_SECONDS = 10_000, 600
BAN_PAGE = b"<!doctype html><title>Access denied</title><h1>Error 1015</h1><p>You are being rate limited.</p>"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds."""

    limit: int
    seconds: float


@dataclass(slots=True)
class _Window:
    resets_at: float
    used: int = 0


@dataclass
class Limits:
    is_enabled: bool = True
    _windows: dict[tuple[str, str], _Window] = field(default_factory=dict)
    _recent: dict[str, deque[float]] = field(default_factory=dict)
    _invalid: deque[float] = field(default_factory=deque)

    def spend(self, route: str, key: str, rate: Rate) -> dict[str, str]:
        """Take one from the bucket; the headers to answer with. Raises a 429 when it is empty."""
        now = time.monotonic()
        window = self._windows.get((route, key))
        if window is None or window.resets_at <= now:
            window = self._windows[(route, key)] = _Window(now + rate.seconds)
        if self.is_enabled and window.used >= rate.limit:
            headers = _headers(route, rate.limit, 0, window.resets_at - now)
            raise too_many(window.resets_at - now, scope="user", headers=headers)
        window.used += 1
        return _headers(route, rate.limit, max(0, rate.limit - window.used), window.resets_at - now)

    def spend_global(self, who: str) -> None:
        now = time.monotonic()
        recent = self._recent.setdefault(who, deque())
        while recent and recent[0] <= now - 1:
            recent.popleft()
        if self.is_enabled and len(recent) >= GLOBAL_PER_SECOND:
            raise too_many(recent[0] + 1 - now, scope="global")
        recent.append(now)

    @property
    def invalid_requests(self) -> int:
        """Answers of 401, 403 and 429 (except `shared`) in the last ten minutes."""
        while self._invalid and self._invalid[0] <= time.monotonic() - INVALID_WINDOW_SECONDS:
            self._invalid.popleft()
        return len(self._invalid)

    def count(self, status: int, headers: dict[str, str]) -> None:
        if status in (401, 403, 429) and headers.get("X-RateLimit-Scope") != "shared":
            self._invalid.append(time.monotonic())

    @property
    def is_banned(self) -> bool:
        return self.is_enabled and self.invalid_requests >= INVALID_LIMIT

    def clear(self) -> None:
        self._windows.clear()
        self._recent.clear()
        self._invalid.clear()


def too_many(
    retry_after: float, *, scope: str = "user", headers: dict[str, str] | None = None, code: int | None = None
) -> Refusal:
    """A 429; `retry_after` in seconds, `scope` one of user, global, shared."""
    is_global = scope == "global"
    body: dict[str, Any] = {"message": "You are being rate limited.", "retry_after": round(retry_after, 3)}
    body["global"] = is_global
    if code is not None:
        body["code"] = code
    extra = {"Retry-After": str(math.ceil(retry_after)), "X-RateLimit-Scope": scope}
    return Refusal(429, body, {**(headers or {}), **extra, **({"X-RateLimit-Global": "true"} if is_global else {})})


def _headers(route: str, limit: int, remaining: int, reset_after: float) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": f"{time.time() + reset_after:.3f}",
        "X-RateLimit-Reset-After": f"{reset_after:.3f}",
        "X-RateLimit-Bucket": hashlib.sha256(route.encode()).hexdigest()[:32],
    }
