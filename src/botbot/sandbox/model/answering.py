"""The reply: words that fit the message, among phrases the character itself was given.

Everything is chosen by a hash of the request, so that the same request gets the same reply and another character
another one. Without example turns the voice comes from what the prompt quotes, names, and calls it."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from botbot.sandbox.model.character import Character
from botbot.sandbox.model.phrases import fitting
from botbot.sandbox.model.reading import Scene, read
from botbot.sandbox.model.topics import topic_with_article

SERIOUS = {"sad", "refusal"}  # no borrowed cheer around these
SHORT_LINE = 48  # characters; a longer line says too much of what it was written for
GOING_ON = {"question", "opinion", "help", "chat"}  # these end with something to answer


def answer(messages: Sequence[dict[str, Any]]) -> str:
    """The stand-in's reply to a chat request's messages."""
    scene = read(messages)
    seed = repr((scene.character.name, scene.character.openings[:4], scene.message, len(messages)))
    core, borrowed = _core(scene, seed), _borrowed(scene, seed)
    first = [core, borrowed] if scene.kind == "farewell" else [borrowed, core]
    parts = [*first, _callback(scene, seed), _ending(scene, seed, borrowed)]
    return _in_the_manner(scene.character, " ".join(part for part in parts if part))


def _pick(options: Sequence[str], seed: str, salt: str) -> str:
    if not options:
        return ""
    digest = hashlib.sha256((salt + seed).encode(errors="replace")).digest()
    return options[int.from_bytes(digest[:4], "big") % len(options)]


def _borrowed(scene: Scene, seed: str) -> str:
    """A line the character was given; best one that answered such a message before, else a short one."""
    given = [(line, kind) for line, kind in scene.character.openings if not line.endswith("?")]
    if lines := _lines(scene, given):
        return _finished(_pick(lines, seed, "borrowed"))
    is_long = scene.kind in GOING_ON
    return _pick(fitting(scene.language, "aside", _fillings(scene, seed)), seed, "aside") if is_long else ""


def _lines(scene: Scene, given: list[tuple[str, str]]) -> list[str]:
    if scene.kind in SERIOUS or scene.language != scene.character.language:
        return []
    short = sorted((line for line, _ in given if len(line) <= SHORT_LINE), key=lambda line: (len(line), line))
    return [line for line, kind in given if kind == scene.kind] or short[:3]


def _finished(line: str) -> str:
    line = line[:1].upper() + line[1:]
    return line if not line or line[-1] in ".!?…\"”')" else line + "."


def _core(scene: Scene, seed: str) -> str:
    fillings = _fillings(scene, seed)
    options = fitting(scene.language, scene.kind, fillings) or fitting(scene.language, "chat", fillings)
    return re.sub(r"(?:^|[.!?] )\w", lambda start: start.group().upper(), _pick(options, seed, "core"))


def _fillings(scene: Scene, seed: str) -> dict[str, str]:
    character = scene.character
    is_at_home = scene.language == character.language
    props = character.props if is_at_home else []
    first = _pick(props, seed, "prop")
    topic = topic_with_article(scene.message) if scene.language == "en" else scene.topic
    return {
        "topic": topic,
        "Topic": topic[:1].upper() + topic[1:],
        "name": character.name,
        "role": character.role if is_at_home else "",
        "manner": " and ".join(character.manners[:2]) if scene.language == "en" else "",
        "prop": first,
        "other": _pick([each for each in props if each != first], seed, "other"),
        "earlier": _earlier_topic(scene),
        "said": scene.earlier[-1][:120].strip() if scene.earlier else "",
    }


def _earlier_topic(scene: Scene) -> str:
    topics = [topic for said in reversed(scene.earlier) if (topic := topic_with_article(said))]
    return next((topic for topic in topics if scene.topic.casefold() not in topic.casefold()), "")


def _callback(scene: Scene, seed: str) -> str:
    """A word about an earlier turn, where there was one and the reply is not about it already."""
    if scene.kind in {"recall", "farewell", *SERIOUS} or not scene.topic:
        return ""
    return _pick(fitting(scene.language, "callback", {"earlier": _earlier_topic(scene)}), seed, "callback")


def _ending(scene: Scene, seed: str, borrowed: str) -> str:
    """Something to go on with: the character's own last words, or a question of ours about the topic."""
    if scene.kind not in GOING_ON:
        return ""
    own = [line for line in _lines(scene, scene.character.closings) if line != borrowed]
    hooks = fitting(scene.language, "hook", _fillings(scene, seed))
    return _finished(_pick(own, seed, "closing")) or _pick(hooks, seed, "hook")


def _in_the_manner(character: Character, text: str) -> str:
    """Habits that show in every line the character was given: no exclamation marks, no capitals, an emoji."""
    if character.never_shouts:
        text = text.replace("!", ".")
    if character.is_lower_case:
        text = text.lower()
    return f"{text} {character.emoji}" if character.emoji and character.emoji not in text else text
