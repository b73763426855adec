"""Circuit breakers: when the model keeps failing, visitors get their sample reply at once, not after 8 seconds.

There is one for the server, which counts refused connections and refused keys, and one for each of its models, which
counts all else: a model that is gone or over its limit closes nobody out of the next one.

Closed, it counts failures in a row. At the limit it opens: every call fails fast until the pause is over. Then one
call is let through as a probe; its success closes the breaker, its failure opens it for another pause, twice as long.
A call that was cancelled proves nothing either way.

Silence weighs more than an error that comes at once, because somebody waited for it: unless another call succeeded
meanwhile, it opens the breaker by itself, before the first token and between tokens alike. So a server that accepts
and says nothing costs each visitor its deadline once. While it is open, a `Retry-After` is honoured."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from botbot.errors import ModelUnavailable
from botbot.peers.llm.failures import AttemptFailed

LONGEST_PAUSE_SECONDS = 120.0
LONGEST_REST_SECONDS = 60.0
"""Of what a `Retry-After` may ask for: a limit of hours may have been lifted by the operator long before."""


class Breaker:
    def __init__(self, failures: int = 3, pause_seconds: float = 15.0, *, is_of_server: bool = False) -> None:
        self._limit = failures
        self._is_of_server = is_of_server
        self._first_pause_seconds = pause_seconds
        self._pause_seconds = pause_seconds
        self._failures = 0
        self._open_until = 0.0
        self._succeeded_at = float("-inf")
        self._is_probing = False

    def like(self, *, is_of_server: bool = False) -> "Breaker":
        """A fresh one with the same limits."""
        return Breaker(self._limit, self._first_pause_seconds, is_of_server=is_of_server)

    @property
    def is_open(self) -> bool:
        """Whether a call would fail at once."""
        return self._failures >= self._limit and (self._open_until > _now() or self._is_probing)

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Hold this around everything before the first token. Raises `ModelUnavailable` at once while open."""
        is_probe = self._admit()
        began = _now()
        try:
            yield
        except AttemptFailed as failure:
            if failure.blames_server and failure.is_of_server == self._is_of_server:
                self._count(failure, began)
            elif self._is_of_server and not failure.is_of_server and not failure.was_silence:
                self._close()  # Whatever a model did wrong, the server is there.
            raise
        else:
            self._close()
        finally:
            if is_probe:
                self._is_probing = False

    @contextmanager
    def hear(self) -> Iterator[None]:
        """Hold this around the rest of the reply: a stall there is silence too. Other faults end fast, and don't
        count."""
        began = _now()
        try:
            yield
        except AttemptFailed as failure:
            if failure.was_silence:
                self._count(failure, began)
            raise

    def _admit(self) -> bool:
        if self._failures < self._limit:
            return False
        left = self._open_until - _now()
        if left > 0 or self._is_probing:
            raise ModelUnavailable(code="circuit_open", retry_after=max(left, 1.0))
        self._is_probing = True
        return True

    def _close(self) -> None:
        self._failures = 0
        self._pause_seconds = self._first_pause_seconds
        self._succeeded_at = _now()

    def _count(self, failure: AttemptFailed, began: float) -> None:
        is_dead = failure.was_silence and self._succeeded_at <= began
        was_open = self._failures >= self._limit
        self._failures = self._limit if is_dead else self._failures + 1
        if self._failures < self._limit:
            return
        if was_open and self._open_until <= _now():
            self._pause_seconds = min(self._pause_seconds * 2, LONGEST_PAUSE_SECONDS)
        asked = min(failure.retry_after or 0.0, LONGEST_REST_SECONDS)
        self._open_until = max(self._open_until, _now() + max(self._pause_seconds, asked))


def _now() -> float:
    return asyncio.get_running_loop().time()
