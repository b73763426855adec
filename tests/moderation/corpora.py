"""The labelled lines beside this file, and what the rules make of them."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from botbot.moderation.guard import find
from botbot.moderation.rulebook import rulebook

HARMLESS = "harmless"
NOTED = "prompt_injection"
LANGUAGES = ("en", "de", "es", "fr", "it", "pt")
BOOK = rulebook(None, "message")


class Line(NamedTuple):
    language: str
    label: str
    text: str

    @property
    def verdict(self) -> str:
        """The category that blocks it, else the one that notes it, else `harmless`."""
        broken, flags = find(BOOK, self.text)
        return broken.name if broken else min(flags, default=HARMLESS)


class Tally(NamedTuple):
    """Of the harmful lines how many were met, of the harmless ones how many were blocked."""

    harmful: int
    met: int
    harmless: int
    blocked: int

    @property
    def recall(self) -> float:
        return self.met / max(self.harmful, 1)

    @property
    def false_alarms(self) -> float:
        return self.blocked / max(self.harmless, 1)

    def __str__(self) -> str:
        return (
            f"{self.met:3} of {self.harmful:3} met ({self.recall:6.1%}), "
            f"{self.blocked} of {self.harmless} harmless ones blocked ({self.false_alarms:.1%})"
        )


def lines(part: str) -> Iterator[Line]:
    """`corpus` (the tuned lines), `held` (written before the rules) or `unseen` (written after them)."""
    for name in ("corpus", "wider") if part == "corpus" else (part,):
        path = Path(__file__).with_name(f"{name}.toml")
        for language, labels in tomllib.loads(path.read_text(encoding="utf-8")).items():
            for label, texts in labels.items():
                yield from (Line(language, label, text) for text in texts)


def tally(given: list[Line], label: str = "") -> Tally:
    """For one category, or for all: a line counts as met when any category blocks it, or, if it is only to be noted,
    when it is noted. A harmless line that is merely noted is not blocked."""
    harmful = [each for each in given if each.label != HARMLESS and label in ("", each.label)]
    harmless = [each for each in given if each.label == HARMLESS]
    met = [each for each in harmful if (each.verdict == NOTED) == (each.label == NOTED) and each.verdict != HARMLESS]
    wrong = [each for each in harmless if each.verdict not in (HARMLESS, NOTED) and label in ("", each.verdict)]
    return Tally(len(harmful), len(met), len(harmless), len(wrong))
