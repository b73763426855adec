"""What a message is about: its key noun phrase, found without a dictionary.

Words that carry no topic (articles, question words, everyday verbs) are boundaries; what stands between them are
candidates. A phrase after "about" wins, else the last one, for that is where all four languages put the news. Small
words inside a phrase ("capital of France") hold two candidates together."""

import re

from botbot.sandbox.model.lexicon import fold, lexicon, words

LONGEST = 48
MOST_WORDS = 5
_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")


def topic_with_article(message: str) -> str:
    """The topic as it stands in an English sentence of ours: "the sky", "your bread"."""
    topic = topic_of(message)
    before = re.search(r"(\w+)\s+" + re.escape(topic), message) if topic else None
    word = before.group(1).casefold() if before else ""
    if word in words("determiner", "mine"):
        return f"your {topic}"
    return f"{word} {topic}" if word in words("determiner", "kept") else topic


def topic_of(message: str) -> str:
    """The key noun phrase in the visitor's own spelling, at most 48 characters; empty when there is none."""
    message = " ".join(message[:2000].split())
    if after := _phrases(_after_about(message)):
        return after[0][:LONGEST].strip()
    phrases = _phrases(_last_question(message)) or _phrases(message)
    return _without_verb(message, phrases)[:LONGEST].strip() if phrases else ""


def _after_about(message: str) -> str:
    folded = fold(message)
    found = list(re.finditer(lexicon()["topic"]["about"], folded))
    if not found or len(folded) != len(message):  # folding changed lengths: positions would not fit
        return ""
    return message[found[-1].end() :]


def _last_question(message: str) -> str:
    questions = [part for part in re.split(r"(?<=[.!?])\s+", message) if part.rstrip().endswith("?")]
    return questions[-1] if questions else message


def _phrases(text: str) -> list[str]:
    """Runs of words that carry meaning, each as written."""
    runs: list[list[str]] = [[]]
    previous_end = 0
    for match in _WORD.finditer(text):
        if text[previous_end : match.start()].strip():
            runs.append([])
        previous_end = match.end()
        if _is_empty(match.group()) and not _may_join(runs[-1], match.group()):
            runs.append([])
        else:
            runs[-1].append(match.group())
    return [" ".join(kept) for run in runs if (kept := _trimmed(run))]


def _is_empty(word: str) -> bool:
    empty, folded = words("topic", "empty"), fold(word)
    return folded in empty or ("-" in folded and all(part in empty for part in folded.split("-")))


def _may_join(run: list[str], word: str) -> bool:
    glue = words("topic", "glue")
    return bool(run) and (fold(word) in glue or (fold(word) == "the" and fold(run[-1]) in glue))


def _trimmed(run: list[str]) -> list[str]:
    while run and _is_empty(run[-1]):
        run = run[:-1]
    return run[-MOST_WORDS:]


def _without_verb(message: str, phrases: list[str]) -> str:
    """ "How do black holes form" asks about black holes, "why is the sky blue" about the sky."""
    parts = phrases[-1].split()
    ends_there = message.rstrip(" ?!.").endswith(phrases[-1])
    is_joined = len(parts) > 2 and fold(parts[-2]) in words("topic", "glue")
    is_verb_last = any(re.search(each, fold(message)) for each in lexicon()["topic"]["verb_last"])
    if len(parts) > 1 and len(phrases) == 1 and ends_there and is_verb_last and not is_joined:
        return " ".join(parts[:-1])
    return phrases[-1]
