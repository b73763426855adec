"""What of a talk goes to the model again."""

from typing import Literal

from botbot.agents.rules import HISTORY_CHARACTERS, HISTORY_TURNS, recent
from botbot.peers.llm import Message


def talk(turns: int, size: int = 1, first: Literal["user", "assistant"] = "user") -> list[Message]:
    other: Literal["user", "assistant"] = "assistant" if first == "user" else "user"
    return [Message((first, other)[n % 2], str(n).ljust(size, ".")) for n in range(turns)]


def test_a_short_talk_is_kept_whole() -> None:
    assert recent(talk(HISTORY_TURNS)) == talk(HISTORY_TURNS)


def test_a_long_one_begins_with_what_a_person_said() -> None:
    """However the turns fall: an odd number, long ones, or an answer that came first."""
    for each in (talk(13), talk(14), talk(9, HISTORY_CHARACTERS // 3), talk(6, first="assistant")):
        kept = recent(each)
        assert kept
        assert kept[0].role == "user"
        assert kept == each[-len(kept) :]


def test_answers_alone_are_nothing_to_go_on_from() -> None:
    assert recent([Message("assistant", "Hello!")] * 3) == []
