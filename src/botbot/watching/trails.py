"""Which request, message or piece of work the present code serves.

A trail begins in the web with a request (or in the bot with a message), is stored beside the work that follows from it
(`sagas.trail`, `outbox.trail`), and goes on wherever that work is done: the same id stands in every log line, and with
tracing on the spans of three processes make one trace. An id is random and tells nothing of anybody."""

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from botbot.watching import tracing

ROW = re.compile(r"([0-9a-f]{16})(?: (00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}))?")
"""As stored: our id, and where the trace stands (W3C `traceparent`)."""


class Trail(NamedTuple):
    id: str
    parent: str = ""


_current: ContextVar[str] = ContextVar("trail", default="")


def new_id() -> str:
    """16 hexadecimal digits, told apart and never kept secret."""
    return f"{random.getrandbits(64):016x}"


def current_id() -> str:
    """Of the trail that is followed now; empty where work began by itself."""
    return _current.get()


def enter(trail_id: str) -> None:
    """For the rest of this task, which serves nothing else."""
    _current.set(trail_id)


def to_row() -> str | None:
    """What is stored with work that somebody else goes on with; `None` where nothing is followed."""
    trail_id, parent = _current.get(), tracing.traceparent()
    if not trail_id:
        return None
    return f"{trail_id} {parent}" if parent else trail_id


def from_row(row: str | None) -> Trail:
    """A new trail where none was stored, or one that can't be read."""
    found = ROW.fullmatch(row or "")
    return Trail(found[1], found[2] or "") if found else Trail(new_id())


@contextmanager
def follow(row: str | None, name: str, **attributes: str | int) -> Iterator[None]:
    """Go on with a stored trail, in a span of that name, until the block ends."""
    trail = from_row(row)
    token = _current.set(trail.id)
    try:
        with tracing.span(name, kind="consumer", parent=trail.parent, **attributes):
            yield
    finally:
        _current.reset(token)
