"""Values of foreign documents, which promise nothing about their types, as the texts and lists that we keep."""

import re
from collections.abc import Iterable
from typing import Any

from botbot.catalog.entry_rules import cleaned
from botbot.catalog.rules import MAX, MOST
from botbot.exchange.drafts import Draft

MOST_TAGS, MOST_SAMPLES = MOST["tags"], MOST["sample_messages"]
MOST_TALKS, MOST_TURNS = MOST["sample_conversations"], MOST["turns"]
SAMPLE_LENGTH = MAX["sample"]
LARGEST = 10**30
"""Nobody means a longer number, and thousands of digits may not even be written."""
DEFAULT_PROMPT = (
    "You are {{char}}, in a conversation with {{user}}. Stay in character: think, speak and decide as {{char}} would, "
    "in your own words. Leave what the other person says and does to them."
)
"""For characters that bring no system prompt."""
MORE_ABOUT = "More about you:"
_CHAR = re.compile(r"\{\{\s*char\s*\}\}|<(?:bot|char)>", re.IGNORECASE)
_USER = re.compile(r"\{\{\s*user\s*\}\}|<user>", re.IGNORECASE)
_ADULT = {"nsfw", "mature", "adult", "18+", "explicit", "r18", "smut", "erotic"}


def text_of(value: Any) -> str:
    """Text, also where a list or a number stands in its place; anything else is no text."""
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n").strip()
    if isinstance(value, list):
        return "\n".join(filter(None, map(text_of, value)))
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > LARGEST:
        return ""
    return str(value)


def line_of(value: Any) -> str:
    return " ".join(text_of(value).split())


def texts_of(value: Any) -> list[str]:
    """A list of texts; one text (as real files have it) is a list of one."""
    found = value if isinstance(value, list) else [value]
    return [text for text in map(text_of, found) if text]


def table_of(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def list_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def shorten(text: str, most: int) -> str:
    """At most so many characters, ending at a word where there is one near."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    at_word = cut.rsplit(None, 1)[0] if " " in cut[most // 2 :] else cut
    return at_word.rstrip(" ,.;:–—-") + "…"


def placeholders(text: str) -> str:
    """The many spellings of the two placeholders as the one that we fill. Other macros stay as they are."""
    return _USER.sub("{{user}}", _CHAR.sub("{{char}}", text))


def set_line(draft: Draft, name: str, value: Any, where: str) -> None:
    """A short field: one line, cut with a note when it is longer than we keep."""
    kind = _KINDS.get(name, name)
    longest = MAX[kind]
    line = line_of(value)
    draft.entry[name] = cleaned(shorten(line, longest), kind)
    if len(line) > longest:
        draft.note("mapped", where, f"shortened from {len(line):,} to {longest:,} characters")


_KINDS = {"openingLine": "opening_line"}


def set_text(draft: Draft, name: str, value: Any, where: str) -> None:
    """A longer field: line breaks stay."""
    text, kind = placeholders(text_of(value)), _KINDS.get(name, name)
    draft.entry[name] = cleaned(shorten(text, MAX[kind]), kind)
    if len(text) > MAX[kind]:
        draft.note("mapped", where, f"shortened from {len(text):,} to {MAX[kind]:,} characters")


def set_persona(draft: Draft, persona: str, prompt: str) -> None:
    """Persona and system prompt. What the public persona has no room for goes on in the prompt."""
    persona, most = _clean(placeholders(persona)), MAX["persona"]
    prompt = _clean(placeholders(prompt)) or DEFAULT_PROMPT
    if len(persona) > most:
        head, rest = _split(persona, most)
        draft.note("mapped", "persona", f"longer than {most:,} characters: it goes on in the system prompt")
        persona, prompt = head, f"{prompt}\n\n{MORE_ABOUT}\n{rest}"
    draft.entry["persona"], draft.entry["systemPrompt"] = persona, prompt


def _clean(text: str) -> str:
    """Without what can't be stored, and not cut: what is too long has to be said, not lost."""
    pieces = [cleaned(text[at : at + MAX["persona"]], "persona") for at in range(0, len(text), MAX["persona"])]
    return "".join(pieces) if len(pieces) > 1 else (pieces[0] if pieces else "")


def _split(text: str, most: int) -> tuple[str, str]:
    """In two at a paragraph, a line or a word, whichever comes late enough."""
    for mark in ("\n\n", "\n", " "):
        at = text.rfind(mark, most // 2, most)
        if at > 0:
            return text[:at].rstrip(), text[at:].lstrip()
    return text[:most], text[most:]


def set_tags(draft: Draft, value: Any, where: str = "tags") -> None:
    """At most twelve short ones, each once; a tag that says so makes the entry `mature`."""
    named = [line_of(each).replace(",", " ") for each in _split_tags(value)]
    clean = [cleaned(shorten(tag, MAX["tag"]), "tag") for tag in named]
    wanted = list(dict.fromkeys(tag for tag in clean if tag))
    draft.entry["tags"] = wanted[:MOST_TAGS]
    if len(wanted) > MOST_TAGS or any(len(tag) > MAX["tag"] for tag in named):
        draft.note("mapped", where, f"at most {MOST_TAGS} of {MAX['tag']} characters each")
    if _ADULT & {tag.casefold() for tag in named}:
        draft.entry["contentRating"] = "mature"
        draft.note("mapped", where, "says that this is for adults: rated mature")


def _split_tags(value: Any) -> list[Any]:
    return re.split(r"[,;]", value) if isinstance(value, str) else list_of(value)


def set_samples(draft: Draft, texts: Iterable[str], where: str) -> None:
    found = list(texts)
    kept = [_sample(text) for text in found[:MOST_SAMPLES]]
    draft.entry["sampleMessages"] = [text for text in kept if text]
    if len(found) > MOST_SAMPLES or any(len(text) > SAMPLE_LENGTH for text in found):
        draft.note("mapped", where, f"at most {MOST_SAMPLES} of {SAMPLE_LENGTH:,} characters each")


def set_talks(draft: Draft, talks: Iterable[list[dict[str, str]]], where: str) -> None:
    """Conversations of `{"role", "content"}`, bounded."""
    found = [talk for talk in talks if talk]
    bounded = [_bounded(talk) for talk in found[:MOST_TALKS]]
    draft.entry["sampleConversations"] = [talk for talk in bounded if talk]
    too_long = any(len(talk) > MOST_TURNS or any(len(t["content"]) > SAMPLE_LENGTH for t in talk) for talk in found)
    if len(found) > MOST_TALKS or too_long:
        draft.note("mapped", where, f"at most {MOST_TALKS} conversations of {MOST_TURNS} turns are kept as samples")


def _bounded(talk: list[dict[str, str]]) -> list[dict[str, str]]:
    turns = [{"role": turn["role"], "content": _sample(turn["content"])} for turn in talk[:MOST_TURNS]]
    return [turn for turn in turns if turn["content"]]


def _sample(text: str) -> str:
    return cleaned(shorten(placeholders(text), SAMPLE_LENGTH), "sample")


def first_sentence(text: str, most: int = MAX["description"]) -> str:
    """How a text begins, as a short description."""
    line = line_of(text)
    end = re.search(r"(?<=[.!?。！？])(?:\s|$)", line[: most + 1])
    return line[: end.end()].strip() if end and end.end() > 20 else shorten(line, most)
