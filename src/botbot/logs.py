"""Logging: text for a person at a terminal, JSON lines for a machine. Events and ids only, no tokens, no chat."""

import logging
import sys
import traceback
from typing import Any

import msgspec

from botbot.kit import clock


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": clock.iso(clock.now()),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = "".join(traceback.format_exception(*record.exc_info))
        return msgspec.json.encode(line).decode()


def set_up(chosen: str) -> None:
    """`text`, `json`, or empty: text on a terminal, else json."""
    handler = logging.StreamHandler(sys.stderr)
    is_text = chosen == "text" or (not chosen and sys.stderr.isatty())
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s") if is_text else JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("httpx2", "httpcore2", "discord", "aiohttp.access", "uvicorn.access", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
