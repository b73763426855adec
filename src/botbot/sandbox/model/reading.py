"""What a request tells the stand-in: who is to be played, in whose phrases, and what was said.

Where a conversation begins is not marked in the protocol, so example turns and real ones look alike. They are told
apart by, in this order: a later system message between them, `name: "example_…"`, or the stand-in's own handwriting
in an earlier reply. Turns that none of these claims are taken as examples, unless it is a single one."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from botbot.sandbox.model.character import Character, character_of, text_of
from botbot.sandbox.model.intents import kind_of, language_of
from botbot.sandbox.model.lexicon import fold
from botbot.sandbox.model.phrases import is_ours
from botbot.sandbox.model.topics import topic_of

DULL = frozenset(
    {"and", "called", "did", "have", "just", "remember", "said", "say", "tell", "the", "told", "was", "what", "you"}
)
_TOLD_WHAT_IT_IS = re.compile(r"\b(?:AI|KI|IA)\b|artificial intelligence")
"""A model says what it is because its system message says so; without, it stays in character, as real ones do."""


class Scene(msgspec.Struct):
    """One request, understood."""

    character: Character
    message: str
    kind: str
    topic: str
    language: str
    earlier: list[str]


def read(messages: Sequence[dict[str, Any]]) -> Scene:
    """Understand a request's messages, which the official description has already been held against."""
    prompt = "\n".join(text_of(each) for each in messages if each["role"] in {"system", "developer"})
    examples, history = _parted(messages)
    message = text_of(history[-1]) if history and history[-1]["role"] == "user" else ""
    character = character_of(prompt, examples)
    kind = kind_of(message)
    if kind == "are_you_human" and not _TOLD_WHAT_IT_IS.search(prompt):
        kind = "who_are_you"
    earlier = _earlier(_said(history[:-1]), _said(examples), message, kind)
    language = language_of(message) or character.language
    return Scene(character, message, kind, topic_of(message), language, earlier)


def _said(turns: Sequence[dict[str, Any]]) -> list[str]:
    return [text_of(turn) for turn in turns if turn["role"] == "user"]


def _earlier(known: list[str], unclaimed: list[str], message: str, kind: str) -> list[str]:
    """What the visitor said before, the most telling last. Unclaimed turns count when there is a single one (nobody
    sends one example), or when the visitor asks for just what one of them says."""
    if kind == "recall":
        asked = _telling(message)
        known = known + [said for said in known or unclaimed if asked & _telling(said)]
    return known or (unclaimed if len(unclaimed) == 1 else [])


def _telling(text: str) -> set[str]:
    return set(re.findall(r"\w{3,}", fold(text))) - DULL


def _is_aside(message: dict[str, Any]) -> bool:
    """Something beside the conversation, such as where it takes place: nobody said it."""
    return message.get("name") == "setting"


def _parted(messages: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The example turns, and the conversation that is really going on; the latter ends with the visitor's message."""
    marked = [each for each in messages if str(each.get("name", "")).startswith("example")]
    rest = [each for each in messages if each not in marked and not _is_aside(each)]
    start = max((i for i, each in enumerate(rest) if each["role"] in {"system", "developer"}), default=-1) + 1
    before = [each for each in rest[:start] if each["role"] in {"user", "assistant"}]
    turns = [each for each in rest[start:] if each["role"] in {"user", "assistant"}]
    if marked or before:
        return marked + before, turns
    own = (i for i, turn in enumerate(turns) if turn["role"] == "assistant" and is_ours(text_of(turn)))
    begin = max(next(own, len(turns)) - 1, 0)
    return turns[:begin], turns[begin:]
