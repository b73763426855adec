"""Which of a personality's cached replies fits a message, for the times when no model answers.

A message is folded (case, accents, stretched letters), slips of the keyboard in telling words are mended, and then it
is held against `kinds.toml`, the telling kinds before the general ones: "hi, are you a robot?" is about robots.
Greetings, thanks and goodbyes count only when little else is said. The language given is tried first, then the
others, because people write as they please."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files

# What may stand in for a kind a personality lacks, best first. Nothing cheerful ever answers sadness.
STAND_INS: Mapping[str, tuple[str, ...]] = {
    "greeting": ("how_are_you", "who_are_you", "question"),
    "farewell": ("thanks", "greeting"),
    "thanks": ("compliment", "farewell", "greeting"),
    "how_are_you": ("greeting", "who_are_you"),
    "who_are_you": ("greeting", "question"),
    "are_you_human": ("who_are_you", "unclear"),
    "question": ("help", "opinion", "unclear"),
    "opinion": ("question", "help"),
    "help": ("question", "unclear"),
    "joke": ("story", "question"),
    "story": ("joke", "question"),
    "compliment": ("thanks", "greeting"),
    "complaint": ("unclear", "question"),
    "sad": ("help", "unclear", "question"),
    "refusal": ("unclear", "complaint"),
    "unclear": ("question", "greeting"),
}
MOST_CHARACTERS = 600  # what a message is about shows early
FEW_WORDS = 7
MENDABLE = 5  # letters; in shorter words a slip is as likely another word
_ASKING = re.compile(
    r"\?|^\W*(who|what|when|where|why|how|which|whose|is|are|do|does|did|can|could|should|will|would|has|have"
    r"|wer|was|wann|wo|warum|wieso|wie|welche\w*|qui|que|quoi|quand|ou|pourquoi|comment|quel\w*|combien"
    r"|quien|cuando|donde|por que|como|cual\w*|cuant\w+)\b"
)


def kind_of(message: str, language: str) -> str:
    """One of `KINDS`. `language` is a BCP 47 tag; of it only the first part matters, and any may be given."""
    folded = _fold(message)
    spoken = re.findall(r"[a-z']+", folded)
    order = _languages(language)
    for text in dict.fromkeys((_mended(folded), folded)):
        if kind := _telling_kind(text, order) or _short_kind(text, order, len(spoken)):
            return kind
    return "question" if (_ASKING.search(folded) and spoken) or _has_sense(message, spoken) else "unclear"


def choose_sample(sample_replies: Mapping[str, Sequence[str]], message: str, language: str, turn: int) -> str:
    """The reply to give; `turn` (0, 1, 2 …) alternates between the replies of a kind.

    Falls back to a related kind, then to any that is not out of place; empty only when there is none at all."""
    kind = kind_of(message, language)
    rest = [] if kind == "sad" else ["question", "unclear", "greeting", *sample_replies]
    for candidate in (kind, *STAND_INS[kind], *rest):
        replies = [reply for reply in sample_replies.get(candidate, ()) if reply.strip()]
        if replies:
            return replies[turn % len(replies)]
    return ""


def _fold(message: str) -> str:
    """Lower case, no accents, plain apostrophes, one space at a time, and "hellooo" as "hello"."""
    plain = unicodedata.normalize("NFKD", message[:MOST_CHARACTERS].casefold())
    plain = "".join(each for each in plain if not unicodedata.combining(each)).replace("’", "'").replace("`", "'")
    return " ".join(re.sub(r"([a-z])\1{2,}", r"\1", plain).split())


def _has_sense(message: str, spoken: Sequence[str]) -> bool:
    """False for emoji, punctuation and keyboard mash. Scripts we cannot read are given the benefit of the doubt."""
    if not spoken:
        return any(each.isalpha() for each in message)
    return any(_is_word(word) for word in spoken)


def _is_word(word: str) -> bool:
    if word in _vocabulary() or len(word) <= 2:
        return word in _vocabulary()
    has_vowels = len(re.findall(r"[aeiouy]", word)) * 5 >= len(word)
    is_row = any(word in row for row in ("qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm"))
    return has_vowels and not is_row and not re.search(r"[^aeiouy']{5,}", word.replace("sch", "s").replace("ch", "c"))


def _languages(language: str) -> list[str]:
    first = language.replace("_", "-").split("-")[0].casefold()
    return sorted(_patterns(), key=lambda each: each != first)


def _telling_kind(text: str, order: Iterable[str]) -> str:
    for language in order:
        for kind, pattern in _patterns()[language]["telling"]:
            if pattern.search(text):
                return kind
    return ""


def _short_kind(text: str, order: Iterable[str], words: int) -> str:
    """Thanks, goodbye or hello, unless so much else is said, or asked, that it is mere politeness."""
    if words > FEW_WORDS or (text.endswith("?") and words > 3):
        return ""
    for language in order:
        for kind, pattern in _patterns()[language]["short"]:
            if pattern.search(text):
                return kind
    return ""


@cache
def _patterns() -> dict[str, dict[str, list[tuple[str, re.Pattern[str]]]]]:
    """Language → `telling` or `short` → kinds with their patterns, in the order of the file."""
    given = tomllib.loads((files(__package__) / "kinds.toml").read_text(encoding="utf-8"))
    return {
        language: {
            group: [(kind, re.compile("|".join(parts))) for kind, parts in kinds.items()]
            for group, kinds in groups.items()
        }
        for language, groups in given.items()
    }


@cache
def _vocabulary() -> frozenset[str]:
    """Every whole word that occurs in a pattern."""
    sources = [
        re.sub(r"\\.", " ", pattern.pattern)
        for groups in _patterns().values()
        for kinds in groups.values()
        for _, pattern in kinds
    ]
    return frozenset(word for source in sources for word in re.findall(r"(?<![a-z?*+])[a-z]+(?![a-z?*+\\])", source))


def _mended(text: str) -> str:
    """The text with slips in telling words undone: "thnaks", "whta do you thnik", "tell me a stroy"."""
    return re.sub(r"[a-z]{4,}", lambda found: _mend(found.group()), text)


@cache
def _by_letters() -> dict[tuple[str, str], str]:
    """First letter and sorted letters → the word, to find letters that changed places."""
    return {(word[0], "".join(sorted(word))): word for word in sorted(_vocabulary()) if len(word) > 3}


def _mend(word: str) -> str:
    """A word whose letters changed places, or that lost or doubled one. Never a replaced letter: "store" is no slip
    of "story"."""
    vocabulary = _vocabulary()
    if word in vocabulary:
        return word
    if swapped := _by_letters().get((word[0], "".join(sorted(word)))):
        return swapped
    shorter = (word[:n] + word[n + 1 :] for n in range(1, len(word)))
    longer = (word[:n] + each + word[n:] for n in range(1, len(word) + 1) for each in "abcdefghijklmnopqrstuvwxyz")
    found = (each for each in (*shorter, *longer) if len(each) >= MENDABLE and each in vocabulary)
    return next(found, word) if len(word) >= MENDABLE else word
