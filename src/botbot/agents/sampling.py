"""Which of a personality's cached replies fits a message, for the times when no model answers.

A message is folded (case, accents, stretched letters), shorthand is spelled out ("vc" is "voce"), slips of the keyboard
in telling words are mended, and then it is held against `kinds.toml`, the telling kinds before the general ones: "hi,
are you a robot?" is about robots. Greetings, thanks and goodbyes count only when little else is said. The language
given is tried first, then the others, the one with the most words in common before the rest: people write as they
please, and a language that is added must not answer for one that was here.

To search a long message for everything would take ten milliseconds. So each expression knows beforehand which pieces
of text it cannot match without (`_needs`), and only those are searched for of which a piece is there."""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

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
MOST_CHARACTERS = 420  # what a message is about shows early, or, in a long one, at its end
AT_THE_END = 120
FEW_WORDS = 7
MENDABLE = 6  # letters; a shorter word that lacks or has one too many is as likely another word
MOST_MENDED = 40  # words; slips tell much in short messages, and little in long ones
PIECES = (6, 4, 3, 2)  # lengths of the pieces of text that let an expression be tried
_QUESTION = re.compile(  # asks about the world, however short it is
    r"\?$|^\W*(who|what|when|where|why|how|which|whose|wer|was|wann|wo|warum|wieso|wie|welche\w*|qui|quand|pourquoi"
    r"|comment|quel\w*|combien|quien|cuando|donde|por que|cual\w*|cuant\w+|chi|dove|perche|qual\w*|quant\w+|quem"
    r"|onde)\b"
)
_ASKING = re.compile(
    r"\?|^\W*(is|are|do|does|did|can|could|should|will|would|has|have|que|quoi|ou|como|che|cosa|come|porque|o que)\b|"
    + _QUESTION.pattern
)


class _Line(NamedTuple):
    """One expression of `kinds.toml`, and the pieces of text of which every match of it has at least one."""

    needs: frozenset[str]
    source: str

    def find(self, padded: str) -> re.Match[str] | None:
        """`padded` is the text with a blank before it."""
        return _finder(self.source)(padded)


class _Kind(NamedTuple):
    name: str
    needs: frozenset[str]  # of all its lines
    lines: list[_Line]


class _Language(NamedTuple):
    telling: list[_Kind]
    short: list[_Kind]
    spelled: dict[str, str]
    words: frozenset[str]  # every whole word that occurs in its expressions
    by_letters: dict[tuple[str, str], str]
    by_loss: dict[str, str]


def kind_of(message: str, language: str) -> str:
    """One of `KINDS`. `language` is a BCP 47 tag; of it only the first part matters, and any may be given."""
    folded = _fold(message)
    spoken = re.findall(r"[a-z']+", folded)
    order = _order(language, spoken)
    plain = _spelled_out(folded, order[0].spelled)
    mended = _mended(plain, order[0]) if len(spoken) <= MOST_MENDED else plain
    # Sadness before all else, in any language and with nothing changed: no mending of ours may hide it.
    sadness = [each.telling[0] for each in order]
    if any(_first_of(sadness, text) for text in {mended, plain, folded}):
        return sadness[0].name
    kinds = [kind for each in order for kind in each.telling[1:]]
    if len(spoken) <= FEW_WORDS and not (len(spoken) > 3 and _QUESTION.search(folded)):
        kinds += [kind for each in order for kind in each.short]  # mere manners, where much else is said, or asked
    for text in dict.fromkeys((mended, plain)):
        if kind := _first_of(kinds, text):
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
    text = _ends(message).casefold()
    if not text.isascii():
        text = _ends(unicodedata.normalize("NFKD", text))  # one character may become eighteen
        text = "".join(each for each in text if not unicodedata.combining(each))
        text = text.replace("’", "'").replace("¿", "").replace("¡", "")
    text = re.sub(r"([a-z])\1{2,}", r"\1", text.replace("`", "'"))
    return " ".join(text.split())


def _ends(text: str) -> str:
    """Where a message is long, its beginning and its end."""
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[: MOST_CHARACTERS - AT_THE_END - 1]} {text[-AT_THE_END:]}"


def _has_sense(message: str, spoken: Sequence[str]) -> bool:
    """False for emoji, punctuation and keyboard mash. Scripts we cannot read are given the benefit of the doubt."""
    if not spoken:
        return any(each.isalpha() for each in message)
    return any(_is_word(word) for word in spoken)


def _is_word(word: str) -> bool:
    if word in _vocabulary() or len(word) <= 2:
        return len(word) > 1 and word in _vocabulary()
    has_vowels = len(re.findall(r"[aeiouy]", word)) * 5 >= len(word)
    is_row = any(word in row for row in ("qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm"))
    return has_vowels and not is_row and not re.search(r"[^aeiouy']{5,}", word.replace("sch", "s").replace("ch", "c"))


def _order(language: str, spoken: Iterable[str]) -> list[_Language]:
    """The language given, then the others by how many of the words are theirs."""
    first = language.replace("_", "-").split("-")[0].casefold()
    words, given = set(spoken), _languages()
    return [given[each] for each in sorted(given, key=lambda each: (each != first, -len(words & given[each].words)))]


def _spelled_out(text: str, spelled: Mapping[str, str]) -> str:
    return re.sub(r"[a-z0-9']+", lambda found: spelled.get(found.group(), found.group()), text)


def _first_of(kinds: Iterable[_Kind], text: str) -> str:
    pieces, padded = _pieces_in(text), f" {text}"
    for kind in kinds:
        if kind.needs.isdisjoint(pieces):
            continue
        if any(not line.needs.isdisjoint(pieces) and line.find(padded) for line in kind.lines):
            return kind.name
    return ""


def _pieces_in(text: str) -> set[str]:
    """Those pieces of its words that any expression needs."""
    words = set(re.findall(r"[a-z']{2,}", text))
    found = {word[n : n + length] for length in PIECES for word in words for n in range(len(word) - length + 1)}
    return {"", *(found & _all_needs())}


@cache
def _languages() -> dict[str, _Language]:
    """By tag, the kinds in the order of the file."""
    given = tomllib.loads((files(__package__) / "kinds.toml").read_text(encoding="utf-8"))
    return {language: _read(groups) for language, groups in given.items()}


def _read(groups: Mapping[str, Mapping[str, Any]]) -> _Language:
    telling, short = ([_kind(*each) for each in groups[name].items()] for name in ("telling", "short"))
    parts = [part for name in ("telling", "short") for parts in groups[name].values() for part in parts]
    sources = [re.sub(r"\\.", " ", each) for part in parts for each in (part, re.sub(r"([a-z])\?", r"\1", part))]
    words = frozenset(word for each in sources for word in _WHOLE_WORD.findall(each))
    spelled = {shorthand: word for word, all_of_it in groups["spelled"].items() for shorthand in all_of_it.split()}
    return _Language(telling, short, spelled, words, _by_letters(words), _by_loss(words))


def _kind(name: str, parts: Iterable[str]) -> _Kind:
    lines = [_Line(_needs(each), each) for part in parts for each in _alternatives(part)]
    return _Kind(name, frozenset().union(*(each.needs for each in lines)), lines)


@cache
def _all_needs() -> frozenset[str]:
    kinds = (kind for each in _languages().values() for kind in (*each.telling, *each.short))
    return frozenset().union(*(kind.needs for kind in kinds))


_WHOLE_WORD = re.compile(r"(?<![a-z?*+])[a-z]+(?![a-z?*+\\[{])")
_INNERMOST = re.compile(r"\(([^()]*)\)(\?|\*|\{0,\d+\})?")
_FIRST_GROUP = 0xE000  # from here on no character is anybody's: each stands for a group


@cache
def _finder(source: str) -> Callable[[str], re.Match[str] | None]:
    """Compiled when first needed: to compile them all would hold up whoever speaks first for half a second.

    Expressions begin where a word does, or where the message does; a blank stands before each. So the search leaps from
    gap to gap, five times faster than if it asked at each letter whether a word begins."""
    pattern = source.replace("(", "(?:")
    if source.startswith("^"):
        return re.compile(f" {pattern[1:]}").match
    return re.compile("[^a-z0-9_]" + pattern.removeprefix(r"\b")).search


def _alternatives(source: str) -> list[str]:
    """Apart at every `|` outside parentheses."""
    parts, depth = [""], 0
    for each in source:
        depth += (each == "(") - (each == ")")
        if each == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += each
    return parts


def _needs(source: str) -> frozenset[str]:
    """Pieces of text of which every match has one, as long as can be; `{""}` where nothing is certain.

    Understands what `kinds.toml` is written in: groups, classes, escapes and quantifiers; no look-arounds."""
    plain = re.sub(r"(\[[^]]*\]|\\.|[^()|])(\?|\*|\{0,\d+\})", "\0", source)  # what may be missing
    plain = re.sub(r"\[[^]]*\]|\\.|[.+^$]|\{\d+,\d*\}", "\0", plain)  # what may be anything
    groups: list[frozenset[str]] = []
    while found := _INNERMOST.search(plain):
        groups.append(frozenset({""}) if found[2] else _surest(found[1], groups))
        plain = plain[: found.start()] + chr(_FIRST_GROUP + len(groups) - 1) + plain[found.end() :]
    return _surest(plain, groups)


def _surest(plain: str, groups: Sequence[frozenset[str]]) -> frozenset[str]:
    """Of each alternative its longest word, or its group whose shortest piece is longest."""
    found: set[str] = set()
    for alternative in plain.split("|"):
        words = re.findall(r"[a-z']+", alternative)
        inner = [groups[ord(each) - _FIRST_GROUP] for each in alternative if ord(each) >= _FIRST_GROUP]
        found |= max([frozenset({""}), *(frozenset({_piece(word)}) for word in words), *inner], key=_shortest)
    return frozenset(found)


def _shortest(pieces: Iterable[str]) -> int:
    return min(map(len, pieces))


def _piece(word: str) -> str:
    return next((word[:length] for length in PIECES if len(word) >= length), "")


@cache
def _vocabulary() -> frozenset[str]:
    return frozenset(word for each in _languages().values() for word in each.words)


def _mended(text: str, spoken: _Language) -> str:
    """The text with slips in telling words undone: "thnaks", "whta do you thnik", "tell me a stroy".

    Only into words of the language given: "piano" is no slip of the Italian for weeping."""
    return re.sub(r"[a-z]{4,}", lambda found: _mend(found.group(), spoken), text)


def _mend(word: str, spoken: _Language) -> str:
    """A word whose letters changed places, or, when it is long, that lost or doubled one. Never a replaced letter:
    "store" is no slip of "story"."""
    if word in _vocabulary():
        return word
    if swapped := spoken.by_letters.get((word[0], "".join(sorted(word)))):
        return swapped
    if len(word) < MENDABLE:
        return word
    shorter = (word[:n] + word[n + 1 :] for n in range(1, len(word)))
    return next((each for each in shorter if each in spoken.words), spoken.by_loss.get(word, word))


def _by_letters(words: Iterable[str]) -> dict[tuple[str, str], str]:
    """First letter and sorted letters → the word, to find letters that changed places."""
    return {(word[0], "".join(sorted(word))): word for word in sorted(words) if len(word) > 3}


def _by_loss(words: Iterable[str]) -> dict[str, str]:
    """A long word without one of its letters, not its first → the word."""
    long = sorted((word for word in words if len(word) > MENDABLE), reverse=True)
    return {word[:n] + word[n + 1 :]: word for word in long for n in range(1, len(word))}
