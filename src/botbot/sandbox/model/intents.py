"""What kind of message this is, and in which language, as far as a stand-in has to know.

The telling kinds come before the general ones: "thanks, but are you a robot?" is about robots. A greeting or thanks
counts only when little else is said."""

import re

from botbot.sandbox.model.lexicon import fold, lexicon, patterns, words

FEW_WORDS = 6


def kind_of(message: str) -> str:
    """One of the kinds of `phrases.toml`; `question` when it asks, else `chat` for a plain statement."""
    folded = fold(message[:2000])
    spoken = re.findall(r"\w+", folded)
    if not any(character.isalpha() for character in folded) or _is_mash(spoken):
        return "unclear"
    groups = ("telling", "short", "asking") if len(spoken) <= FEW_WORDS else ("telling", "asking")
    for group in groups:
        for kind, pattern in patterns(group):
            if pattern.search(folded):
                return kind
    return "chat"


def _is_mash(spoken: list[str]) -> bool:
    return len(spoken) == 1 and len(spoken[0]) > 4 and not re.search(r"[aeiouy]\w{0,3}$", spoken[0])


def language_of(text: str) -> str | None:
    """The language whose commonest words occur most; `None` when hardly any do."""
    spoken = re.findall(r"[a-z]+", fold(text[:4000]))
    counts = {language: sum(word in words("common", language) for word in spoken) for language in lexicon()["common"]}
    best = max(counts, key=lambda language: counts[language])
    return best if counts[best] and counts[best] * 8 >= len(spoken) else None
