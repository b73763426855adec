"""A stand-in for moderation: a few plain words per category, enough to tell a threat from a recipe."""

import hashlib
import re
from typing import Any

_WORDS = {
    "hate": r"\b(vermin|subhuman|inferior race)\b",
    "hate/threatening": r"\bexterminate (them|those|all)\b",
    "harassment": r"\byou('re| are)? (such )?(an? )?(\w+ )?(idiot|moron|loser)\b|\bnobody likes you\b",
    "harassment/threatening": r"\bi('ll| will) (hurt|find|get) you\b",
    "illicit": r"\b(pick a lock|steal a|forge a|cook meth)\b",
    "illicit/violent": r"\b(build|make) a (bomb|gun)\b",
    "self-harm": r"\b(suicide|cut(ting)? myself|self-harm)\b",
    "self-harm/intent": r"\bi('m going to| want to| will) (kill myself|end (it all|my life))\b",
    "self-harm/instructions": r"\bhow (to|can i) (kill|hurt) myself\b",
    "sexual": r"\b(porn|explicit sex)\b",
    "sexual/minors": r"\bsexual\w* .*(minor|child)\b",
    "violence": r"\b(will|going to|want to) (kill|murder|stab|shoot) (you|him|her|them|someone|everyone|my)\b",
    "violence/graphic": r"\b(gore|dismember\w*|disembowel\w*)\b",
}


def answer(given: Any, model: str) -> dict[str, Any]:
    """The body of a moderation answer for a string, a list of strings, or a list of text and image parts."""
    texts = [given] if isinstance(given, str) else [_text(part) for part in given]
    digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:24]
    return {"id": f"modr-{digest}", "model": model, "results": [_result(text) for text in texts]}


def _text(part: Any) -> str:
    return part if isinstance(part, str) else str(part.get("text") or "")


def _result(text: str) -> dict[str, Any]:
    categories = {name: bool(re.search(words, text.casefold())) for name, words in _WORDS.items()}
    scores = {name: 0.98 if flagged else 0.001 for name, flagged in categories.items()}
    kinds = {name: ["text"] for name in _WORDS}
    return {
        "flagged": any(categories.values()),
        "categories": categories,
        "category_scores": scores,
        "category_applied_input_types": kinds,
    }
