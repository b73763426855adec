"""Preview conversations: in this process's memory only, few, short and soon forgotten. Nothing of them is stored."""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from botbot.kit import clock, ids
from botbot.peers.llm import Message

MOST = 5000
LIFETIME = timedelta(hours=1)
TURNS = 24
"""Older turns are dropped; twelve exchanges are enough to judge somebody by."""


@dataclass
class PreviewSession:
    id: str
    personality_id: str
    turns: list[Message] = field(default_factory=list)
    asked: int = 0
    used_at: datetime = field(default_factory=clock.now)

    def remember(self, message: str, reply: str) -> None:
        """Keep one exchange."""
        self.turns += [Message(role="user", content=message), Message(role="assistant", content=reply)]
        del self.turns[:-TURNS]


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
        is_ours = found is not None and found.personality_id == personality_id
        return found if is_ours and found and clock.now() - found.used_at < LIFETIME else None

    def _trim(self) -> None:
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
