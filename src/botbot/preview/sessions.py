"""Preview conversations: in this process's memory only, few, short and soon forgotten. Nothing of them is stored."""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from botbot.kit import clock, ids

MOST = 5000
IDLE = timedelta(hours=1)
LIFETIME = timedelta(hours=6)
"""However busy it is, a conversation ends after this time."""
EXCHANGES = 12
"""Older ones are dropped; twelve are enough to judge somebody by."""
CHARACTERS = 12_000
"""Of all that is remembered of one conversation, both sides together."""


class Turn(msgspec.Struct, frozen=True):
    """One side's words. `source` and `reason` are a reply's; `speaker` is the pretend member who said a message."""

    role: Literal["user", "assistant"]
    content: str
    speaker: str | None = None
    source: str | None = None
    reason: str | None = None


class Question(msgspec.Struct, frozen=True):
    """A visitor's message and its place in the conversation."""

    number: int
    text: str
    speaker: str | None = None


class Said(msgspec.Struct, frozen=True):
    """A question with the reply it got."""

    question: Question
    reply: str
    source: str
    reason: str | None

    @property
    def length(self) -> int:
        return len(self.question.text) + len(self.reply)


@dataclass
class PreviewSession:
    """One conversation. `question` is the last message, answered or not; it is what can be answered again."""

    id: str
    personality_id: str
    question: Question | None = None
    asked: int = 0
    opened_at: datetime = field(default_factory=clock.now)
    used_at: datetime = field(default_factory=clock.now)
    _said: list[Said] = field(default_factory=list)
    _numbers: int = 0

    @property
    def turns(self) -> list[Turn]:
        """What was said, in the order of asking, also when two tabs asked at once."""
        return [turn for said in self._said for turn in _turns(said)]

    def turns_beside(self, question: Question) -> list[Turn]:
        """As `turns`, without an earlier reply to that question."""
        return [turn for said in self._said if said.question.number != question.number for turn in _turns(said)]

    def ask(self, text: str, speaker: str | None = None) -> Question:
        """Begin one more exchange."""
        self._numbers += 1
        self.question = Question(self._numbers, text, speaker)
        return self.question

    def ask_again(self, text: str = "") -> Question | None:
        """The last message once more, `None` when there is none, or it was another text. Its reply stays until it has
        another one."""
        question = self.question
        return None if question is None or (text and text != question.text) else question

    def remember(self, question: Question, reply: str, source: str = "live", reason: str | None = None) -> None:
        """Keep one exchange; an earlier reply to the same question makes way."""
        self._drop(question)
        self._said = sorted([*self._said, Said(question, reply, source, reason)], key=lambda said: said.question.number)
        del self._said[:-EXCHANGES]
        while sum(said.length for said in self._said) > CHARACTERS:
            self._said.pop(0)

    def forget(self, question: Question) -> None:
        """As if it had never been asked."""
        self._drop(question)
        if self.question == question:
            self.question = None

    def is_over(self) -> bool:
        now = clock.now()
        return now - self.used_at >= IDLE or now - self.opened_at >= LIFETIME

    def _drop(self, question: Question) -> None:
        self._said = [said for said in self._said if said.question.number != question.number]


def _turns(said: Said) -> tuple[Turn, Turn]:
    return (
        Turn("user", said.question.text, speaker=said.question.speaker),
        Turn("assistant", said.reply, source=said.source, reason=said.reason),
    )


class PreviewSessions:
    """The newest conversations by id; ids are ours, 256 random bits, never the client's choice."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, PreviewSession] = OrderedDict()

    def get_or_open(self, session_id: str | None, personality_id: str) -> PreviewSession:
        found = self.find(session_id, personality_id)
        if found is None:
            found = PreviewSession(ids.new_secret(), personality_id)
            self._kept[found.id] = found
        found.used_at = clock.now()
        self._kept.move_to_end(found.id)
        self._trim()
        return found

    def find(self, session_id: str | None, personality_id: str) -> PreviewSession | None:
        """A live conversation with that personality."""
        found = self._kept.get(session_id or "")
        if found is None or found.personality_id != personality_id or found.is_over():
            return None
        return found

    def _trim(self) -> None:
        """The least recently used come first: those that are over, and what is too many."""
        while self._kept:
            oldest = next(iter(self._kept.values()))
            if len(self._kept) <= MOST and not oldest.is_over():
                return
            del self._kept[oldest.id]
