"""Failures told without what people wrote.

An exception's message may quote a review, a name or a whole row: the driver's "duplicate key" does, and so does every
"can't parse …". Frames and classes say where and what; a message is told only for classes whose words are our own or
the interpreter's."""

import traceback
from collections.abc import Iterator

from botbot.errors import BotBotError

OURS = "botbot"
WORDS_OF_OURS = (
    AttributeError, BotBotError, ImportError, MemoryError, NameError, NotImplementedError, OSError, RecursionError,
    TimeoutError, TypeError,
)  # fmt: skip
LONGEST = 300


def said(logger: str, message: str) -> str:
    """A log line as it may be kept. Our own hold events and ids; of others' the first line, because asyncio's go on
    with the repr of a task and of whatever it failed with."""
    return message if logger.split(".")[0] == OURS else message.partition("\n")[0][:LONGEST]


def one_line(error: BaseException) -> str:
    """The class, its message where that is harmless, and the database's own code where there is one."""
    name = type(error).__name__
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    if isinstance(state, str):
        return f"{name} [{state[:5]}]"
    if isinstance(error, WORDS_OF_OURS) and (words := " ".join(str(error).split())):
        return f"{name}: {words[:LONGEST]}"
    return name


def trace(error: BaseException) -> str:
    """The frames and classes of a failure and of those behind it, the first cause on top."""
    return "\n".join(_told(each) for each in reversed(list(chain(error))))


def _told(error: BaseException) -> str:
    frames = "".join(traceback.format_tb(error.__traceback__)).rstrip("\n")
    return f"{frames}\n{one_line(error)}" if frames else one_line(error)


def chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    present: BaseException | None = error
    while present is not None and id(present) not in seen:
        seen.add(id(present))
        yield present
        present = present.__cause__ or (None if present.__suppress_context__ else present.__context__)
