"""Every word and phrase of the rules, found in the time it takes to look at a word. No expression searches text."""

from collections.abc import Sequence
from typing import NamedTuple

SHORTEST_STEM = 3


class Hit(NamedTuple):
    """A group of words that was met. `before` is what a phrase needs in front of its last word."""

    group: int
    before: tuple[str, ...]


class Lexicon:
    """Words, stems (`poison*`) and phrases (`end it all`), each belonging to a numbered group."""

    def __init__(self) -> None:
        self._words: dict[str, list[Hit]] = {}
        self._stems: dict[str, list[Hit]] = {}
        self._lengths: tuple[int, ...] = ()
        self._vocabulary: set[str] = set()
        self.longest_phrase = 1

    def add(self, phrase: Sequence[str], group: int) -> None:
        """`phrase` is folded; a trailing `*` of a word stands for any ending."""
        *before, last = phrase
        self._vocabulary |= {word.rstrip("*") for word in phrase}
        self.longest_phrase = max(self.longest_phrase, len(phrase))
        hits = self._stems if last.endswith("*") else self._words
        hits.setdefault(last.rstrip("*"), []).append(Hit(group, tuple(before)))
        self._lengths = tuple(sorted({len(each) for each in self._stems}))

    def find(self, word: str) -> list[Hit]:
        """What this word may be the last word of."""
        found = self._words.get(word)
        size = len(word)
        for length in self._lengths:
            if length > size:
                break
            if hits := self._stems.get(word[:length]):
                found = [*found, *hits] if found else hits
        return found or []

    def knows(self, word: str) -> bool:
        return word in self._vocabulary or bool(self.find(word))

    def read(self, letters: str) -> list[str]:
        """The words in a few letters that were spelled out one by one; long words before short ones."""
        best = [0]
        starts = [-1]
        for end in range(1, len(letters) + 1):
            score, start = best[-1], -1
            for n in range(end):
                if letters[n:end] in self._vocabulary and best[n] + (end - n) ** 2 > score:
                    score, start = best[n] + (end - n) ** 2, n
            best.append(score)
            starts.append(start)
        return _traced(letters, starts)


def _traced(letters: str, starts: Sequence[int]) -> list[str]:
    """The words that end where they start was noted, from the last one back."""
    found, end = [], len(letters)
    while end > 0:
        if starts[end] >= 0:
            found.append(letters[starts[end] : end])
        end = starts[end] if starts[end] >= 0 else end - 1
    return found[::-1]
