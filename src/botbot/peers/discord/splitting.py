"""Cutting a long reply into messages, where a reader would.

Lengths are code points, as Discord counts them. A cut prefers the end of a paragraph, then of a line, a sentence, a
word; a hard cut never parts what belongs together (an emoji's pieces, a `<…>` token, a run of backticks). An open code
block or spoiler is closed before the cut and opened again after it."""

import re
import unicodedata
from dataclasses import dataclass

MOST_CONTENT = 2000
LEAST_LIMIT = 100
CLOSING_ROOM = 8
"""Room for a closing fence on a line of its own, a spoiler's bars and the sign that there was more."""
MORE = " …"
WORTH_IT = 0.4
"""A better kind of cut is taken only if it fills this share of the message."""
TOKEN_REACH = 100
WALK_BACK = 200

_MARKS = re.compile(r"```|`[^`\n]*`|\|\|")
_LANGUAGE = re.compile(r"[\w+#.-]{0,20}(?=\n)")
_CUTS = (re.compile(r"\n\n"), re.compile(r"\n"), re.compile(r"[.!?…。！？][\"'”’)\]]*\s"), re.compile(r"\s"))
_CUTS_IN_CODE = (re.compile(r"\n"), re.compile(r"\s"))


@dataclass(frozen=True, slots=True)
class _Open:
    """What is open at a cut: a code block (with its language tag), or a spoiler."""

    fence: str | None = None
    spoiler: bool = False

    @property
    def opening(self) -> str:
        return f"```{self.fence}\n" if self.fence is not None else "||" if self.spoiler else ""

    @property
    def closing(self) -> str:
        return "\n```" if self.fence is not None else "||" if self.spoiler else ""


def split_reply(text: str, limit: int = 1900, most: int = 3) -> list[str]:
    """At most `most` parts of at most `limit` code points, none of them empty; [] for blank text.

    What doesn't fit into the last part is left out, and " …" says so. `limit` is 100–2000."""
    if not LEAST_LIMIT <= limit <= MOST_CONTENT or most < 1:
        raise ValueError("limit must be 100 to 2000, most at least 1")
    parts: list[str] = []
    rest, state = text.strip(), _Open()
    while rest.strip() and len(parts) < most:
        head, rest, after = _next_part(rest, state, limit)
        if head.strip():
            parts.append(
                _finished(state.opening + head, after, is_cut_short=bool(rest.strip()) and len(parts) + 1 == most)
            )
        state = after
    return parts


def _next_part(rest: str, state: _Open, limit: int) -> tuple[str, str, _Open]:
    """The words of the next part, what remains, and what is open between them."""
    room = limit - len(state.opening) - CLOSING_ROOM
    if len(rest) <= room:
        return rest, "", _state_after(rest, "", state)
    cut = _find_cut(rest, room, in_code=state.fence is not None)
    after = _state_after(rest[:cut], rest[cut:], state)
    head, tail = rest[:cut].rstrip(), rest[cut:]
    return head, (tail.removeprefix("\n") if after.fence is not None else tail.lstrip()), after


def _finished(part: str, after: _Open, *, is_cut_short: bool) -> str:
    return part + after.closing + (MORE if is_cut_short else "")


def _state_after(text: str, following: str, state: _Open) -> _Open:
    """A spoiler counts as open only if it is closed later: a lone `||` is just two bars."""
    fence, spoiler, at = state.fence, state.spoiler, 0
    while mark := _MARKS.search(text, at):
        at = mark.end()
        if fence is not None:
            at = _fence_end(text, mark.start())
            fence = None if at >= 0 else fence
            if at < 0:
                break
        elif mark.group() == "```":
            language = _LANGUAGE.match(text, at)
            fence = language.group() if language else ""
        elif mark.group() == "||":
            spoiler = not spoiler
    return _Open(fence, spoiler and "||" in following)


def _fence_end(text: str, at: int) -> int:
    """Where the code block that is open at `at` has ended; -1 if it hasn't."""
    found = text.find("```", at)
    return found + 3 if found >= 0 else -1


def _find_cut(text: str, room: int, *, in_code: bool) -> int:
    for pattern in _CUTS_IN_CODE if in_code else _CUTS:
        ends = [match.end() for match in pattern.finditer(text, 0, room)]
        if ends and ends[-1] >= room * WORTH_IT and not _parts_a_token(text, ends[-1]):
            return ends[-1]
    return _hard_cut(text, room)


def _hard_cut(text: str, room: int) -> int:
    for cut in range(room, max(room - WALK_BACK, 0), -1):
        if not _belongs_together(text, cut) and not _parts_a_token(text, cut):
            return cut
    return room


def _belongs_together(text: str, cut: int) -> bool:
    """Whether the characters around `cut` are one sign to a reader."""
    before, after = text[cut - 1], text[cut]
    if before == after and before in "`|":
        return True
    if before == "\u200d" or after == "\u200d" or unicodedata.category(after)[0] == "M":
        return True
    return "\U0001f3fb" <= after <= "\U0001f3ff" or (_is_regional(after) and _regionals_before(text, cut) % 2 == 1)


def _is_regional(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _regionals_before(text: str, cut: int) -> int:
    count = 0
    while count < min(cut, WALK_BACK) and _is_regional(text[cut - count - 1]):
        count += 1
    return count


def _parts_a_token(text: str, cut: int) -> bool:
    """Whether `cut` lies inside `<…>`, such as an emoji, a time or a wrapped link."""
    start = text.rfind("<", max(cut - TOKEN_REACH, 0), cut)
    if start < 0:
        return False
    end = text.find(">", start, start + 2 * TOKEN_REACH)
    return cut <= end and not any(char.isspace() for char in text[start:end])
