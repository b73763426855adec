"""Logging: text for a person at a terminal, JSON lines for a machine. Events and ids only, no tokens, no chat.

Each line names the trail it belongs to (`watching.trails`), and failures are told without what people wrote
(`watching.plain`), whoever logs them."""

import logging
import sys
from typing import Any

import msgspec

from botbot.kit import clock
from botbot.watching import figures, plain, trails


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": clock.iso(clock.now()),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": plain.said(record.name, record.getMessage()),
        }
        if trail_id := trails.current_id():
            line["trail"] = trail_id
        if record.exc_info and record.exc_info[1] is not None:
            line["trace"] = plain.trace(record.exc_info[1])
        return msgspec.json.encode(line).decode()


class Lines(logging.Formatter):
    """`WARNING botbot.db (a3…): …`"""

    def format(self, record: logging.LogRecord) -> str:
        trail_id, event = trails.current_id(), plain.said(record.name, record.getMessage())
        line = f"{record.levelname} {record.name}{f' ({trail_id})' if trail_id else ''}: {event}"
        if record.exc_info and record.exc_info[1] is not None:
            line += "\n" + plain.trace(record.exc_info[1])
        return line


class Handler(logging.StreamHandler[Any]):
    """Counts what it writes."""

    def emit(self, record: logging.LogRecord) -> None:
        figures.logged(record.levelname.lower())
        super().emit(record)


def set_up(chosen: str) -> None:
    """`text`, `json`, or empty: text on a terminal, else json."""
    handler = Handler(sys.stderr)
    is_text = chosen == "text" or (not chosen and sys.stderr.isatty())
    handler.setFormatter(Lines() if is_text else JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("httpx2", "httpcore2", "discord", "aiohttp.access", "uvicorn.access", "alembic", "opentelemetry"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
