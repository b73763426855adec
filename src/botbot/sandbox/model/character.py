"""Who is to be played, found in the system message and the example turns: a name, a role, and phrases to borrow."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from botbot.sandbox.model.intents import kind_of, language_of
from botbot.sandbox.model.lexicon import fold, words

LONGEST_LINE = 110
NEAR_THE_START = 400
LONGEST_QUOTE = 38  # a prompt is its author's: no more of it is ever repeated than a turn of phrase
_CAPITALISED = r"[^\W\d_a-zß-ÿ][\w'’\-]*"
_BETWEEN = r"(?:the|of|de|von|van|del|la|le|du|der|die|das|and|&)"
_NAME_FORM = rf"{_CAPITALISED}(?:\s{_BETWEEN}\b|\s{_CAPITALISED})*"
_NAME = re.compile(
    r"(?:\b[Yy]ou(?: are|'re|’re| were| play)|\b[Dd]u bist|\bSie sind|\b[Tt]u es|\b[Vv]ous êtes|\b[Ee]res)\s+"
    rf"((?:(?:the|der|die|das|el|la|le)\s)?{_NAME_FORM})"
)
_WORD_OF_NAME = r"[^\W\d_a-zß-ÿ][a-zß-ÿ][\w'’\-]*"  # not shouted, as headings are
_FULL_NAME = re.compile(rf"{_WORD_OF_NAME}(?:(?: {_BETWEEN}){{0,2}} {_WORD_OF_NAME})+")
_ROLE = re.compile(r"^[,:]?\s*((?:an?|the|ein|eine|einen|der|die|un|une|la|le|una|el)\s[^.;:!?\n]{3,120})")
_QUOTED = re.compile(r"[\"“„«]([^\"”“„«»\n]{2,110})[\"”“»]|(?<!\w)['‘]([A-ZÀ-Þ][^'’\n]{1,60})['’](?!\w)")
_NOUN = re.compile(
    r"\b(?:a|an|the|my|your|this|one|two|ein|eine|der|die|das|un|une|le|la|el|una)\s+([^\W\d_]{4,14})"
    r"(?=[.,;:!?]|\s(?:in|is|was|has|had|on|with|and|that|for|und|ist|et|est|y|es)\b)"
)
_EMOJI = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")
_SENTENCE = re.compile(r"[^.!?…\n]+[.!?…]+[\"”')]*|[^.!?…\n]+$")


class Character(msgspec.Struct):
    """Who is to be played. `openings` and `closings` are sentences in its own voice, the first and the last ones of
    its example turns, each with the kind of message it answered; `props` are things it has about it."""

    name: str
    role: str
    manners: list[str]
    openings: list[tuple[str, str]]
    closings: list[tuple[str, str]]
    props: list[str]
    language: str
    emoji: str = ""
    never_shouts: bool = False
    is_lower_case: bool = False


def character_of(prompt: str, examples: Sequence[dict[str, Any]]) -> Character:
    """Read the system message's text and the example turns; everything may be missing."""
    name, role = _name_and_role(prompt)
    openings, closings = _spoken(examples)
    voice = " ".join(text_of(turn) for turn in examples if turn["role"] == "assistant")
    found = _EMOJI.findall(voice)
    return Character(
        name=name,
        role=role,
        manners=_manners(prompt),
        openings=openings or [(line, "") for line in _quoted(prompt)],
        closings=closings,
        props=_props(voice + prompt),
        language=language_of(prompt + voice) or "en",
        emoji=max(set(found), key=lambda each: (found.count(each), each)) if len(found) > 1 else "",
        never_shouts=len(voice) > 200 and "!" not in voice,
        is_lower_case=len(voice) > 200 and voice == voice.lower(),
    )


def _name_and_role(prompt: str) -> tuple[str, str]:
    found = _NAME.search(prompt)
    if not found:
        return _first_named(prompt), ""
    name = _trim(found.group(1))
    role = _ROLE.search(prompt[found.end() :])
    short = re.split(r",| (?:who|whose|that|which|der|die|qui|que)\b", role.group(1))[0].strip() if role else ""
    is_new = short and len(short) <= LONGEST_QUOTE and fold(short.split()[-1]) not in fold(name)
    return name, short if is_new else ""


def _first_named(prompt: str) -> str:
    """Without a "You are …": the first name of several words, near the start ("Score for one voice: Ada Byron")."""
    return next((_trim(found) for found in _FULL_NAME.findall(prompt[:NEAR_THE_START])), "")


def _trim(name: str) -> str:
    return name.strip(" ,.'’-")[:60]


def _spoken(examples: Sequence[dict[str, Any]]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    openings: list[tuple[str, str]] = []
    closings: list[tuple[str, str]] = []
    asked = ""
    for turn in examples:
        if turn["role"] == "user":
            asked = text_of(turn)
            continue
        sentences = [each.strip() for each in _SENTENCE.findall(text_of(turn))]
        kind = kind_of(asked)
        openings += [(each, kind) for each in sentences[:1] if _is_portable(each, asked)]
        closings += [(each, kind) for each in sentences[1:][-1:] if _is_portable(each, asked)]
    return openings, closings


def _is_portable(sentence: str, asked: str) -> bool:
    """Whether a sentence could follow other words than those it was written for: no names in it, no figures, no loose
    markup, and nothing of what was asked."""
    spoken = re.findall(r"[\w'’]+", sentence)
    has_names = any(word[0].isupper() and not word.isupper() and len(word) > 3 for word in spoken[1:])
    about = {fold(word)[:5] for word in re.findall(r"\w{4,}", asked)}
    echoes = any(fold(word)[:5] in about for word in spoken if len(word) > 3)
    return 2 < len(sentence) <= LONGEST_LINE and not (has_names or echoes or re.search(r"[\d*`()\[\]#_]", sentence))


def _quoted(prompt: str) -> list[str]:
    """Speech quoted in the prompt: catchphrases, and examples of how it talks."""
    found = [(one or two).strip() for one, two in _QUOTED.findall(prompt)]
    return [each for each in found if len(each) <= LONGEST_QUOTE]


def _manners(prompt: str) -> list[str]:
    """How it is: adjectives with a share ("curious (98 %)"), the strongest first; else adjectives of manner."""
    rated = re.findall(r"\b([a-z]{4,}) \((\d{1,3}) ?%\)", prompt)
    if rated:
        return [word for word, _ in sorted(rated, key=lambda each: -int(each[1]))][:3]
    spoken = re.findall(r"[a-z]+", prompt.lower())
    return list(dict.fromkeys(word for word in spoken if word in words("manner", "words")))[:3]


def _props(text: str) -> list[str]:
    """Things that are named again and again, the most frequent first."""
    found = Counter(word for word in _NOUN.findall(text) if _is_thing(word))
    return [word for word, times in found.most_common(5) if times > 1]


def _is_thing(word: str) -> bool:
    return word.islower() and not word.endswith("s") and fold(word) not in words("props", "dull")


def text_of(message: dict[str, Any]) -> str:
    """A message's text; of a list of parts the texts among them."""
    content = message.get("content")
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
