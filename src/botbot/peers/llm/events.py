"""Server-sent events out of bytes, as they come: any line ending, cut anywhere, never more than 64 KiB of one event.

Only what a model sends is understood: `data` and `event`; comments, ids and retries pass by. Bytes stay bytes: the
JSON decoder reads them as they are, and refuses what isn't UTF-8. Source: WHATWG HTML, Server-sent events, 9.2.6."""

import msgspec

MAX_EVENT_BYTES = 64 * 1024
_BOM = b"\xef\xbb\xbf"


class Event(msgspec.Struct, frozen=True):
    """One event that carried data; `name` is empty where the server gave none."""

    data: bytes
    name: bytes = b""


class TooLarge(ValueError):
    """An event grew beyond what any model would send."""


class EventReader:
    """`feed` it what arrives; it answers the events that are complete. The end of the body completes none."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0
        self._name = b""
        self._has_begun = False

    def feed(self, piece: bytes) -> list[Event]:
        """Raises `TooLarge`; the reader is of no use afterwards."""
        *lines, self._rest = self._with_plain_endings(self._rest + piece).split(b"\n")
        found: list[Event] = []
        for line in lines:
            if line:
                self._take(line)
            elif (event := self._dispatch()) is not None:
                found.append(event)
        if len(self._rest) + self._size > MAX_EVENT_BYTES:
            raise TooLarge
        return found

    def _with_plain_endings(self, text: bytes) -> bytes:
        if not self._has_begun and len(text) >= len(_BOM):
            self._has_begun, text = True, text.removeprefix(_BOM)
        if b"\r" not in text:
            return text
        kept = b"\r" if text.endswith(b"\r") else b""  # perhaps the first half of a line's end
        return text.removesuffix(kept).replace(b"\r\n", b"\n").replace(b"\r", b"\n") + kept

    def _take(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._size += len(value) + 1  # its line's end: a line without content takes room too
        elif field == b"event":
            self._name = value
        if self._size > MAX_EVENT_BYTES:
            raise TooLarge

    def _dispatch(self) -> Event | None:
        data, name = self._data, self._name
        self._data, self._size, self._name = [], 0, b""
        return Event(b"\n".join(data), name) if data else None
