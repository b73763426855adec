"""How much of a stranger's file is looked at, and JSON out of it."""

import re
from typing import Any

import msgspec

from botbot.errors import ValidationFailed

FILE_BYTES = 32 * 1024 * 1024
"""Of an upload; the console takes as much."""
DOCUMENT_BYTES = 4 * 1024 * 1024
"""Of one character's JSON, wherever it comes out of."""
PICTURE_BYTES = 8 * 1024 * 1024
MOST_ENTRIES = 20_000
MOST_DEPTH = 48
_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?|[\[\]{}]', re.DOTALL)

_SIGNS = re.compile(r'"(?:[^"\\]++|\\.?)*+"?|[\[\]{},]', re.DOTALL)


def refused(why: str) -> ValidationFailed:
    """A file, or one entry of it, that can't be read."""
    return ValidationFailed(f"That file can't be imported: {why}.", fields={"file": why})


def read_json(data: bytes | str, most: int = DOCUMENT_BYTES) -> Any:
    """Bounded in size and depth. Raises `ValidationFailed`."""
    body = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(body) > most:
        raise refused(f"it has more than {most // 1024 // 1024} MiB of JSON")
    if _is_too_deep(body):
        raise refused("its JSON is nested too deeply")
    try:
        found = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise refused("it isn't valid JSON") from error
    return _without_nul(found) if b"\\u0000" in body else found


def _without_nul(value: Any) -> Any:
    """No database of ours holds a NUL, and nobody means one."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [_without_nul(each) for each in value]
    if isinstance(value, dict):
        return {key.replace("\0", ""): _without_nul(each) for key, each in value.items()}
    return value


def check_count(text: str, most: int = MOST_ENTRIES) -> None:
    """Before a list is decoded: a few bytes each would make a gigabyte of entries. Raises `ValidationFailed`."""
    if text.count(",") < most:
        return
    depth = count = 0
    for token in _SIGNS.finditer(text):
        sign = token[0]
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(sign, 0)
        count += sign == "," and depth == 1
        if count >= most:
            raise refused(f"it has more than {most:,} entries")


def _is_too_deep(body: bytes) -> bool:
    depth = 0
    for token in _TOKENS.finditer(body):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        if depth > MOST_DEPTH:
            return True
    return False
