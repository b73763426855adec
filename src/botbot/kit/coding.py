"""Compressed forms of a body, and which of them a client takes."""

import gzip
from functools import lru_cache
from typing import Literal

import brotli  # type: ignore[import-untyped]

Coding = Literal["br", "gzip"]
CODINGS: tuple[Coding, ...] = ("br", "gzip")
"""Smallest first: what we would rather send."""


@lru_cache(maxsize=256)
def accepted(header: str) -> tuple[Coding, ...]:
    """The codings that an `Accept-Encoding` header allows, best first: by its weights, then by size. A weight that
    can't be read counts as a refusal; so does one of 0."""
    weights: dict[str, float] = {}
    for part in header.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weights[name] = _weight(parameters)
    offered = [(weights.get(each, weights.get("*", 0.0)), each) for each in CODINGS]
    return tuple(each for weight, each in sorted(offered, key=lambda pair: -pair[0]) if weight > 0)


def _weight(parameters: list[str]) -> float:
    given = next((each[2:] for each in parameters if each.startswith("q=")), "1")
    try:
        weight = float(given)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


def pack(body: bytes, coding: Coding, *, thoroughly: bool = False) -> bytes | None:
    """The body in that coding; `None` where it would not be smaller. 35 KB of HTML take half a millisecond;
    `thoroughly` takes some hundred times as long and is for what is made once per process."""
    packed: bytes
    if coding == "br":
        packed = brotli.compress(body, quality=11 if thoroughly else 5)
    else:
        packed = gzip.compress(body, 9 if thoroughly else 6, mtime=0)
    return packed if len(packed) < len(body) else None


class Forms:
    """A body that never changes, with its compressed forms: made thoroughly when first asked for, then kept."""

    __slots__ = ("_made", "body")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self._made: dict[Coding, bytes | None] = {}

    def is_made(self, coding: Coding) -> bool:
        return coding in self._made

    def get(self, coding: Coding) -> bytes | None:
        """`None` where it would not be smaller. The first time takes up to 0.1 s for 60 KB: call it in a thread."""
        if coding not in self._made:
            self._made[coding] = pack(self.body, coding, thoroughly=True)
        return self._made[coding]
