"""Watches a reply while it is streamed, and lets through what is safe.

White space ends a chunk, and where a language has none, a sign of punctuation or the tenth character in a row; only
then it is judged. So the word that is being written is held back, and with it whatever a broken rule is still in doubt
about. Both are bounded by the reader's constants: a few dozen characters, seldom more than a word."""

import re

from botbot.moderation.rulebook import Category, Rulebook
from botbot.moderation.scanner import LONGEST_CHUNK, Scanner
from botbot.moderation.verdicts import Blocked, Breach

_UNSEEN = "\x0b\x0c\x1c-\x1f\x85"
"""White space to a computer, and nothing at all to a reader: it divides no word."""
_SOLID = rf"[\S{_UNSEEN}]"
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
    "\u3005-\u3007\u3041-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff66-\uff9f"
)
"""Thai, Lao, Burmese, Khmer, kana and Han: written without spaces between words, so a sign ends a chunk there."""
LONGEST_RUN = 10
"""Characters of such a script in one part: whoever reads it should not wait for the end of a sentence."""
_SIGNS = "。、！？，．：；」』）】〉》…・～｡､｣.,!?"
_CLAUSE = rf"{_SOLID}{{0,{LONGEST_CHUNK - 2}}}?[{_UNSPACED}][{_SIGNS}]"
_RUN = rf"[{_UNSPACED}]{{{LONGEST_RUN}}}"
PARTS = re.compile(rf"[^\S{_UNSEEN}]+|{_RUN}|{_CLAUSE}|{_SOLID}{{1,{LONGEST_CHUNK}}}")
_SPACE = re.compile(rf"[^\S{_UNSEEN}]")
_ENDS_ITSELF = re.compile(rf"{_SPACE.pattern}\Z|[{_UNSPACED}][{_SIGNS}]\Z|^{_RUN}\Z")
_GAP = re.compile(rf"{_SPACE.pattern}|[{_SIGNS}{_UNSPACED}]")


class Guard:
    """For one reply. After `Blocked` it is of no further use."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._scanner = Scanner(rulebook)
        self._held = ""
        self._read = 0

    def feed(self, piece: str) -> str:
        """What may be shown now. Raises `Blocked`."""
        self._held += piece
        if not _GAP.search(piece) and len(self._held) - self._read < LONGEST_CHUNK:
            return ""
        safe = 0
        for part in PARTS.finditer(self._held, self._read):
            if part.end() == len(self._held) and not _is_whole(part.group()):
                break
            _stop(read(self._scanner, part.group()))
            self._read = part.end()
            if not self._scanner.is_waiting:
                safe = self._read
        return self._release(safe)

    def finish(self) -> str:
        """The rest. Raises `Blocked`."""
        for part in PARTS.findall(self._held[self._read :]):
            _stop(read(self._scanner, part))
        _stop(self._scanner.finish())
        self._read = len(self._held)
        return self._release(self._read)

    def _release(self, end: int) -> str:
        shown, self._held = self._held[:end], self._held[end:]
        self._read -= end
        return shown


def _is_whole(part: str) -> bool:
    """Whether nothing that follows could belong to this part."""
    return len(part) >= LONGEST_CHUNK or _ENDS_ITSELF.search(part) is not None


def read(scanner: Scanner, part: str) -> Category | None:
    """One part of a text, as `PARTS` cuts it."""
    return scanner.skip(len(part)) if _SPACE.match(part) else scanner.feed(part)


def find(rulebook: Rulebook, text: str) -> tuple[Category | None, set[str]]:
    """The first blocking category that a whole text breaks, and those that are only flagged up to there."""
    scanner = Scanner(rulebook)
    for part in PARTS.findall(text):
        if broken := read(scanner, part):
            return broken, scanner.flags
    return scanner.finish(), scanner.flags


def _stop(broken: Category | None) -> None:
    if broken is not None:
        raise Blocked(Breach(broken.name))
