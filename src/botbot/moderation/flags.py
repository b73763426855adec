"""What a moderator should look at, in texts that people publish here: links and addresses, stars that the words deny,
an age rating that the words are too much for. Flags are hints, never verdicts; the word lists are in `flags.toml`."""

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from botbot.moderation.folding import fold

LINK, MISMATCH, TOO_MATURE, INJECTION = "link", "rating_mismatch", "content_rating", "prompt_injection"
_ENDINGS = (
    "com|net|org|io|gg|me|ru|xyz|info|biz|shop|app|dev|co|tv|link|click|site|online|top|club|store|live|fun|ly|de|uk|fr"
)
_LINK = re.compile(
    rf"\b[a-z][a-z0-9+.-]{{1,20}}://\S|\bwww\.\S"
    rf"|(?<![@\w.-])(?:[a-z0-9][a-z0-9-]{{0,60}}\.){{1,4}}(?:{_ENDINGS})(?![\w-])(?:/\S*)?"
    rf"|\bdiscord(?:app)?\s*[.,]\s*(?:gg|com)\s*/|[\w.+-]{{1,60}}@[\w-]{{1,60}}\.[a-z]{{2,}}|\bt\.me/",
    re.IGNORECASE,
)
_DOTTED = re.compile(r" ?[\[({] ?(?:dot|\.) ?[\])}] ?| dot (?=(?:" + _ENDINGS + r")\b)", re.IGNORECASE)
_FILES = re.compile(r"\b(?:node|vue|next|three|asp)\.(?:js|net)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_NEAR = 3
"""A denial so many words before turns what is said round: "not all that good"."""


def has_link(text: str) -> bool:
    """A web address, an invitation or a mail address, also written as `example (dot) com`."""
    return _LINK.search(_FILES.sub(" ", _DOTTED.sub(".", " ".join(text.split())))) is not None


def denies_its_stars(text: str, stars: int) -> bool:
    """Five stars and nothing but blame, or one and nothing but praise. Three deny nothing."""
    if stars == 3:
        return False
    praise, blame = _balance(text)
    return blame >= 2 and praise == 0 if stars > 3 else praise >= 2 and blame == 0


def is_too_mature(text: str, content_rating: str) -> bool:
    """Words for adults in something that is for everyone or for teens: two different ones, or one that says it all."""
    if content_rating == "mature":
        return False
    found = set(_words(text))
    lists = _lists()
    return bool(found & lists["explicit"]) or len(found & lists["mature"]) >= (2 if content_rating == "everyone" else 4)


def _balance(text: str) -> tuple[int, int]:
    """How many different words praise, and how many blame. A denial before one turns it round."""
    lists, words = _lists(), _words(text)
    praise, blame = set[str](), set[str]()
    for at, word in enumerate(words):
        if word not in lists["praise"] and word not in lists["blame"]:
            continue
        is_denied = any(each in lists["denial"] for each in words[max(0, at - _NEAR) : at])
        (praise if (word in lists["praise"]) != is_denied else blame).add(word)
    return len(praise), len(blame)


def _words(text: str) -> list[str]:
    return [word for chunk in text.split() for word in _WORD.findall(fold(chunk))]


@cache
def _lists() -> dict[str, frozenset[str]]:
    """Every language's words of one kind together: what a review is written in isn't known."""
    given: dict[str, dict[str, Any]] = tomllib.loads((files(__package__) / "flags.toml").read_text(encoding="utf-8"))
    return {
        kind: frozenset(fold(word) for words in languages.values() for word in words.split())
        for kind, languages in given.items()
    }
