"""A circuit breaker: when the model keeps failing, visitors get their sample reply at once, not after 8 seconds.

Closed, it counts failures in a row. At the limit it opens: every call fails fast until the pause is over. Then one
call is let through as a probe; its success closes the breaker, its failure opens it for another pause. A call that
was cancelled proves nothing either way."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from botbot.errors import ModelUnavailable
from botbot.peers.llm.failures import AttemptFailed


class Breaker:
    def __init__(self, failures: int = 3, pause_seconds: float = 15.0) -> None:
        self._limit = failures
        self._pause_seconds = pause_seconds
        self._failures = 0
        self._open_until = 0.0
        self._is_probing = False

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Hold this around everything before the first token. Raises `ModelUnavailable` at once while open."""
        is_probe = self._admit()
        try:
            yield
        except AttemptFailed as failure:
            if failure.blames_server:
                self._count_failure()
            raise
        else:
            self._failures = 0
        finally:
            if is_probe:
                self._is_probing = False

    def _admit(self) -> bool:
        if self._failures < self._limit:
            return False
        left = self._open_until - asyncio.get_running_loop().time()
        if left > 0 or self._is_probing:
            raise ModelUnavailable(code="circuit_open", retry_after=max(left, 1.0))
        self._is_probing = True
        return True

    def _count_failure(self) -> None:
        self._failures += 1
        if self._failures >= self._limit:
            self._open_until = asyncio.get_running_loop().time() + self._pause_seconds
