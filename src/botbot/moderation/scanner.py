"""Reads a text once, chunk by chunk, and says where it breaks a rule.

The whole text and a streamed one go through this same reader, which never looks back at text: so a breach that a whole
text has is found in any cutting of it, and the time is linear. It remembers where each group of words was met last; a
rule is broken when its groups have met within its window. A rule with exceptions then waits for a few more words: "how
do I kill him" is one thing, "how do I kill him in the second level" another."""

from collections import deque
from itertools import pairwise
from typing import NamedTuple

from botbot.moderation.rulebook import Category, Rule, Rulebook
from botbot.moderation.shapes import Shapes

LONGEST_CHUNK = 80
"""Characters; a longer run without white space is cut, always at the same places."""
LOOK_BACK_WORDS = 12
LOOK_AHEAD_CHARACTERS = 40
SENTENCE_WORDS = 4
"""How many words the end of a sentence counts for: what stands in two sentences seldom belongs together."""
MOST_SPELLED = 14
_ENDS = (".", "!", "?", "…", ";", ":")
_LONG_AGO = -1000


class Waiting(NamedTuple):
    """A broken rule that may yet turn out harmless."""

    rule: Rule
    until: int


class Scanner:
    """`feed` every chunk and `skip` what lies between; then `finish`. Each answers the category that was broken."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._book = rulebook
        self._seen = [_LONG_AGO] * rulebook.size
        self._recent: deque[str] = deque(maxlen=rulebook.lexicon.longest_phrase)
        self._shapes = Shapes()
        self._spelled = ""
        self._gap = 0
        self._place = 0
        self._characters = 0
        self._number_began = 0
        self._waiting: list[Waiting] = []
        self.flags: set[str] = set()

    @property
    def is_waiting(self) -> bool:
        """Whether what was fed last may still turn out to be part of a breach."""
        return bool(self._waiting or self._spelled) or self._is_in_a_number

    @property
    def _is_in_a_number(self) -> bool:
        """A number in groups is held back from its first group, but not for ever."""
        return self._shapes.is_reading and self._characters - self._number_began <= LOOK_AHEAD_CHARACTERS

    @property
    def _is_too_late(self) -> bool:
        """Whether nothing can save the text any more."""
        return bool(self._waiting) and self._characters > self._waiting[0].until

    def feed(self, chunk: str) -> Category | None:
        """A run of at most `LONGEST_CHUNK` characters without white space."""
        self._characters += len(chunk)
        if self._is_too_late:
            return self._waiting[0].rule.category
        if not self._shapes.is_reading:
            self._number_began = self._characters
        if (shape := self._shapes.feed(chunk)) and (category := self._book.shapes.get(shape)) and category.blocks:
            return category
        broken = None
        for word in self._book.words_of(chunk):
            broken = broken or self._read(word)
        if chunk.endswith(_ENDS):
            self._place += SENTENCE_WORDS
        return broken

    def skip(self, white_space: int) -> Category | None:
        """So many characters of white space, in any number of calls."""
        self._characters += white_space
        self._gap += white_space
        if self._is_too_late:
            return self._waiting[0].rule.category
        if self._spelled and self._gap > 3:
            return self._end_spelling()
        return None

    def finish(self) -> Category | None:
        broken = self._end_spelling()
        return broken or (self._waiting[0].rule.category if self._waiting else None)

    def _read(self, word: str) -> Category | None:
        """Letters that stand alone are kept until the next word, and then read as one if there are many."""
        if len(word) == 1 and word.isalpha() and len(self._spelled) < MOST_SPELLED:
            self._spelled += word
            self._gap = 0
            return None
        broken = self._end_spelling() if self._spelled else None
        return broken or self._take(word)

    def _end_spelling(self) -> Category | None:
        letters, self._spelled, self._gap = self._spelled, "", 0
        broken = None
        for word in self._book.lexicon.read(letters) if len(letters) > 2 else letters:
            broken = broken or self._take(word)
        return broken

    def _take(self, word: str) -> Category | None:
        self._place += 1
        self._recent.append(word)
        met = [hit.group for hit in self._book.lexicon.find(word) if not hit.before or self._follows(hit.before)]
        if not met:
            return None
        for group in met:
            self._seen[group] = self._place
        if self._waiting:
            self._waiting = [each for each in self._waiting if each.rule.unless.isdisjoint(met)]
        return self._judge(met)

    def _follows(self, before: tuple[str, ...]) -> bool:
        """Whether these words stand right before the newest one; looks at the nearest first, which mostly says no."""
        n = len(self._recent) - 1
        if len(before) > n:
            return False
        for pattern in reversed(before):
            n -= 1
            if not _fits(pattern, self._recent[n]):
                return False
        return True

    def _judge(self, met: list[int]) -> Category | None:
        for group in met:
            for rule in self._book.rules.get(group, ()):
                if self._is_broken(rule) and (category := self._consider(rule)):
                    return category
        return None

    def _is_broken(self, rule: Rule) -> bool:
        if len(rule.all) == 1:
            return True
        places = [self._seen[group] for group in rule.all]
        if len(set(places)) < len(places):
            return False
        if rule.in_order:
            return all(0 < later - earlier <= rule.within for earlier, later in pairwise(places))
        return min(places) >= self._place - rule.within

    def _consider(self, rule: Rule) -> Category | None:
        """What follows from a broken rule: a flag, nothing, patience, or a breach at once."""
        if any(self._seen[each] > self._place - LOOK_BACK_WORDS for each in rule.unless):
            return None
        if not rule.category.blocks:
            self.flags.add(rule.category.name)
            return None
        if rule.unless:
            self._waiting.append(Waiting(rule, self._characters + LOOK_AHEAD_CHARACTERS))
            return None
        return rule.category


def _fits(pattern: str, word: str) -> bool:
    return word == pattern or (pattern[-1] == "*" and word.startswith(pattern[:-1]))
