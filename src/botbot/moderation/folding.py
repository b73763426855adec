"""From what was typed to plain words: tricks undone, ordinary spelling left alone.

A chunk is a run of characters without white space. Compatibility forms, case, accents, invisible characters and letters
of other scripts that look Latin are always undone, because that changes no word. The rest (`b0mb`, `ki.ll`, `kiiill`)
is undone only where a word of the rules comes out: `b2b`, `e-mail` and `hmmm` stay what they are."""

import re
import unicodedata
from collections.abc import Callable

Knows = Callable[[str], bool]

_LOOKALIKES = {
    **dict(zip("авеіјкмнорсѕтухһԁӏԛԝьпз", "abeijkmhopcstyxhdlqwbne", strict=True)),
    **dict(zip("αβγδεηικμνορστυχωϲϳ", "abydenikuvopotuxwcj", strict=True)),
    **dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz", strict=True)),
    **dict(zip("ıłøđħŧɑɡ", "ilodhtag", strict=True)),
    "æ": "ae", "œ": "oe", "’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "‐": "-", "‑": "-", "–": "-", "—": "-",
}  # fmt: skip
_FILLERS = dict.fromkeys([*"\u115f\u1160\u3164\u2800\u034f\uffa0\u17b4\u17b5"], "")
_FLAGS = {chr(0x1F1E6 + n): letter for n, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}
_SQUARES = {chr(first + n): _FLAGS[chr(0x1F1E6 + n)] for first in (0x1F150, 0x1F170) for n in range(26)}
_PLAIN = str.maketrans(_LOOKALIKES | _FILLERS | _FLAGS | _SQUARES)
_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)])
_LEET = str.maketrans("@431!|05$7€8+", "aaeiiiosstebt")
_IS_LEET = re.compile(r"[@$€+!|]?[a-z]*[@431!|05$7€8+][a-z0-9@$!|€+]*")
_WORDS = re.compile(r"[^\W_]+")
_STRETCHED = re.compile(r"(.)\1\1+")
_PUNCTUATION = ".,;:!?…\"'()[]{}<>*_~“”„«»‹›¿¡-/\\|"
_ENGLISH_ENDS = frozenset(["s", "t", "d", "m", "re", "ve", "ll"])
_MOST = 400
"""Characters of a folded chunk; one character may become eighteen."""


def fold(chunk: str) -> str:
    """Lower case, no accents, nothing invisible, and Latin where it looks Latin."""
    if chunk.isascii():
        return chunk.lower().translate(_CONTROLS)
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", chunk[:_MOST]).casefold())[:_MOST]
    text = "".join(each for each in text if unicodedata.category(each) not in {"Mn", "Me", "Mc", "Cf", "Cc"})
    return text.translate(_PLAIN)


def words_of(chunk: str, knows: Knows) -> list[str]:
    """The words of one chunk, in order; letters that stand alone (`b.o.m.b`) stay alone."""
    core = fold(chunk).strip(_PUNCTUATION)
    if core.isalpha():
        return [_unstretched(core, knows)]
    found = [_unstretched(word, knows) for word in _split(core, knows)]
    if not core.isdigit() and any(each in core for each in "@431!|05$7€8+"):
        return _unleeted(chunk, found, knows)
    return found


def _unleeted(chunk: str, found: list[str], knows: Knows) -> list[str]:
    """Digits and signs read as letters, if the rules know a word that comes out and did not before."""
    core = fold(chunk).strip(".,;:?…\"'()[]{}<>*_~-/\\")
    for text in (core, core.rstrip("!|"), core.replace("11", "ll")):
        if not any(each.isalpha() for each in text):
            continue
        read = _split(text.translate(_LEET), knows)
        if any(knows(word) and word not in found for word in read):
            return read
    return found


def _split(core: str, knows: Knows) -> list[str]:
    if "'" in core:
        core = _without_apostrophes(core)
    parts = _WORDS.findall(core)
    if "-" in core and _is_one_word(parts, knows):
        return ["".join(parts)]
    if len(parts) > 1 and any(len(each) <= 2 for each in parts) and not all(len(each) == 1 for each in parts):
        joined = "".join(parts)
        if knows(joined):
            return [joined]
    return parts


def _is_one_word(parts: list[str], knows: Knows) -> bool:
    """`explo-sives` is a word cut in two; `bath-bomb` and `make-up` are words of their own."""
    return len(parts) > 1 and all(len(each) > 2 and not knows(each) for each in parts) and knows("".join(parts))


def _without_apostrophes(core: str) -> str:
    """`don't` is one word, `l'enfant` and `t'ammazzo` are two."""
    first, *rest = core.split("'")
    for part in rest:
        first += part if part in _ENGLISH_ENDS else f" {part}"
    return first


def _unstretched(word: str, knows: Knows) -> str:
    if len(word) < 3 or not _STRETCHED.search(word):
        return word
    tries = (_STRETCHED.sub(r"\1\1", word), _STRETCHED.sub(r"\1", word))
    return next((each for each in tries if knows(each)), word)
