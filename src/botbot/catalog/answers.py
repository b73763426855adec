"""Answers kept as the bytes that go over the wire, so that the same question costs nothing twice.

What may go wrong with a cache, and what is done about it:

- *Too old.* A wake of the topic `catalogue` makes everything kept stale at once: a counter is raised, and an answer is
  fresh only under the counter it was begun with. What was begun before a change is therefore never served after it,
  neither from the cache nor to somebody who joins its making late. Wakes can be lost (another process on SQLite, a
  broken line to PostgreSQL), so an answer is stale one second after its making began in any case.
- *Too many.* Keys come from strangers. Bytes are counted, the longest unused go first, and nothing larger than a
  sixteenth of the room is kept at all.
- *A crowd at the door.* One key is made once at a time, however many wait for it.

A stale answer stays in its place: when the new one says the same, its compressed forms are taken over."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable

from botbot.kit.coding import Coding, pack

KEEP_SECONDS = 1.0
MOST_BYTES = 48 * 1024 * 1024
OVERHEAD = 2048
"""Bytes that an entry costs besides its bodies, about."""

Headers = list[tuple[bytes, bytes]]


class Answer:
    """One answer. `headers` are those that hold for every form of it; `is_kept` tells whether it may be kept at all.

    `etag` is that of the plain body, quotes included; a compressed form's has the coding's name before the last."""

    __slots__ = ("body", "etag", "forms", "headers", "is_kept", "status", "uses")

    def __init__(self, status: int, headers: Headers, body: bytes, *, is_kept: bool = False) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.is_kept = is_kept
        self.etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"' if is_kept else ""
        self.forms: dict[Coding, bytes | None] = {}
        self.uses = 0

    @property
    def gzip(self) -> bytes | None:
        """Made when first asked for; `None` where it would not be smaller."""
        return self._form("gzip")

    @property
    def br(self) -> bytes | None:
        return self._form("br")

    def _form(self, coding: Coding) -> bytes | None:
        if coding not in self.forms:
            self.forms[coding] = pack(self.body, coding)
        return self.forms[coding]

    @property
    def size(self) -> int:
        return OVERHEAD + len(self.body) + sum(len(form or b"") for form in self.forms.values())


Make = Callable[[], Awaitable[Answer]]


class _Entry:
    __slots__ = ("answer", "fresh_until", "generation", "size")

    def __init__(self, answer: Answer, generation: int, fresh_until: float) -> None:
        self.answer = answer
        self.generation = generation
        self.fresh_until = fresh_until
        self.size = answer.size


class Answers:
    """The answers of one process. Belongs to one event loop; nothing here waits but for `make`."""

    def __init__(self, *, most_bytes: int = MOST_BYTES, keep_seconds: float = KEEP_SECONDS) -> None:
        self._most_bytes = most_bytes
        self.keep_seconds = keep_seconds
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._bytes = 0
        self._generation = 0
        self._flights: dict[Hashable, asyncio.Task[Answer]] = {}
        self._running: set[asyncio.Task[Answer]] = set()

    @property
    def bytes_held(self) -> int:
        return self._bytes

    def __len__(self) -> int:
        return len(self._entries)

    def drop(self) -> None:
        """Something that visitors see has changed: nothing begun before this moment answers anybody after it."""
        self._generation += 1
        self._flights.clear()

    def find(self, key: Hashable) -> Answer | None:
        """The fresh answer, if there is one."""
        entry = self._entries.get(key)
        if entry is None or entry.generation != self._generation or time.monotonic() >= entry.fresh_until:
            return None
        self._entries.move_to_end(key)
        entry.answer.uses += 1
        return entry.answer

    async def get(self, key: Hashable, make: Make) -> Answer:
        """The fresh answer, or the one that `make` gives, made once for all who ask meanwhile. What `make` raises
        reaches all of them; one who leaves does not end it for the others."""
        found = self.find(key)
        if found is not None:
            return found
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._make(key, make))
            self._flights[key] = flight
            self._running.add(flight)
            flight.add_done_callback(self._landed)
        return await asyncio.shield(flight)

    def measure(self, key: Hashable, answer: Answer) -> None:
        """Count an answer's bytes anew after it got another form."""
        entry = self._entries.get(key)
        if entry is not None and entry.answer is answer:
            self._bytes += answer.size - entry.size
            entry.size = answer.size
            self._make_room()

    async def _make(self, key: Hashable, make: Make) -> Answer:
        generation, began = self._generation, time.monotonic()
        try:
            answer = await make()
        finally:
            if self._flights.get(key) is asyncio.current_task():
                del self._flights[key]
        if answer.is_kept and generation == self._generation:
            self._keep(key, _Entry(self._like_before(key, answer), generation, began + self.keep_seconds))
        return answer

    def _like_before(self, key: Hashable, answer: Answer) -> Answer:
        """The same words need not be compressed again."""
        before = self._entries.get(key)
        if before is not None and before.answer.etag == answer.etag:
            answer.forms, answer.uses = before.answer.forms, before.answer.uses
        answer.uses += 1
        return answer

    def _keep(self, key: Hashable, entry: _Entry) -> None:
        self._forget(key)
        if entry.size <= self._most_bytes // 16:
            self._entries[key] = entry
            self._bytes += entry.size
            self._make_room()

    def _forget(self, key: Hashable) -> None:
        gone = self._entries.pop(key, None)
        if gone is not None:
            self._bytes -= gone.size

    def _make_room(self) -> None:
        while self._bytes > self._most_bytes:
            _, gone = self._entries.popitem(last=False)
            self._bytes -= gone.size

    def _landed(self, flight: asyncio.Task[Answer]) -> None:
        self._running.discard(flight)
        if not flight.cancelled():
            flight.exception()  # Seen, even when everybody who waited has left.
