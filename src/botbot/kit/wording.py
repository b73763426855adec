"""Two texts laid over each other word by word, in a time that no text can stretch.

The fewest words taken out and put in, after E. W. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986): the
work grows with how much differs, not with how often a word repeats, and past `MOST_EDITS` it is given up."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import Literal

MOST_WORDS = 2500
"""Longer texts are not compared word by word: that would cost more than it tells."""
MOST_EDITS = 1000
"""Texts that share less are two texts. Found out in a quarter of a second at most."""
Kind = Literal["same", "gone", "new"]


@dataclass(frozen=True)
class Piece:
    kind: Kind
    text: str


def compare(old: str, new: str) -> list[Piece]:
    """The pieces that both texts are made of, in order; nothing when they are too long, or share too little, for that.

    Takes up to a quarter of a second, so call it in a thread where others wait."""
    before, after = _words(old), _words(new)
    if max(len(before), len(after)) > MOST_WORDS:
        return []
    start = _shared(before, after)
    end = _shared(before[start:][::-1], after[start:][::-1])
    middle = _edits(before[start : len(before) - end], after[start : len(after) - end])
    if middle is None:
        return []
    same: list[tuple[Kind, str]] = [("same", word) for word in before[:start]]
    return list(_joined([*same, *middle, *(("same", word) for word in before[len(before) - end :])]))


def _words(text: str) -> list[str]:
    """Words with the space before them, so that joining them gives the text again."""
    return re.findall(r"\s*\S+|\s+$", text)


def _shared(old: Sequence[str], new: Sequence[str]) -> int:
    """How many words both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))


def _edits(old: Sequence[str], new: Sequence[str]) -> list[tuple[Kind, str]] | None:
    """Each word and what became of it; `None` when more than `MOST_EDITS` were taken out and put in."""
    reached: list[list[int]] = []
    """After so many edits: how far into `old` each diagonal (from -edits to +edits, every other) got."""
    for edits in range(MOST_EDITS + 1):
        far = [_slide(old, new, *_step(reached, edits, k)) for k in range(-edits, edits + 1, 2)]
        reached.append(far)
        last = len(old) - len(new)
        if abs(last) <= edits and (edits - last) % 2 == 0 and far[(last + edits) // 2] >= len(old):
            return _way_back(old, new, reached)
    return None


def _step(reached: list[list[int]], edits: int, k: int) -> tuple[int, int]:
    """Where the diagonal `k` begins with one edit more."""
    if edits == 0:
        return 0, 0
    before, here = reached[-1], (k + edits) // 2
    x = before[here] if _is_put_in(before, here) else before[here - 1] + 1
    return x, x - k


def _is_put_in(before: list[int], here: int) -> bool:
    """Whether the diagonal comes from its upper neighbour, by a new word, rather than from its lower one."""
    return here == 0 or (here < len(before) and before[here - 1] < before[here])


def _slide(old: Sequence[str], new: Sequence[str], x: int, y: int) -> int:
    """As far as the words are the same."""
    while x < len(old) and y < len(new) and old[x] == new[y]:
        x, y = x + 1, y + 1
    return x


def _way_back(old: Sequence[str], new: Sequence[str], reached: list[list[int]]) -> list[tuple[Kind, str]]:
    """The edits, read from the end."""
    found: list[tuple[Kind, str]] = []
    x, y = len(old), len(new)
    while reached:
        reached.pop()
        edits, k = len(reached), x - y
        from_x, from_y = _step(reached, edits, k)
        found += [("same", old[at]) for at in range(x - 1, from_x - 1, -1)]
        x, y = from_x, from_y
        if edits and _is_put_in(reached[-1], (k + edits) // 2):
            y -= 1
            found.append(("new", new[y]))
        elif edits:
            x -= 1
            found.append(("gone", old[x]))
    return found[::-1]


def _joined(words: Sequence[tuple[Kind, str]]) -> Iterator[Piece]:
    """Between two pieces that stayed, first all that went, then all that came."""
    for is_same, run in groupby(words, lambda word: word[0] == "same"):
        told = list(run)
        kinds: tuple[Kind, ...] = ("same",) if is_same else ("gone", "new")
        for kind in kinds:
            if text := "".join(word for each, word in told if each == kind):
                yield Piece(kind, text)
