"""The stand-in's own sentences (`phrases.toml`), per language and kind of message, with gaps to fill."""

import re
import tomllib
from functools import cache
from importlib.resources import files

from botbot.sandbox.model.lexicon import fold

GAP = re.compile(r"\{(\w+)\}")
LONG_ENOUGH = 18  # shorter pieces could be anybody's


@cache
def phrases() -> dict[str, dict[str, list[str]]]:
    """Language → kind → sentences."""
    return tomllib.loads((files(__package__) / "phrases.toml").read_text(encoding="utf-8"))


def fitting(language: str, kind: str, fillings: dict[str, str]) -> list[str]:
    """The sentences of that kind whose gaps can all be filled, filled; the telling ones where there are any.

    One pass: what is filled in is not read again."""
    spoken = phrases()[language].get(kind, [])
    usable = [each for each in spoken if all(fillings.get(gap) for gap in GAP.findall(each))]
    telling = [each for each in usable if re.search(r"\{([Tt]opic|said|earlier)\}", each)]
    telling = telling or [each for each in usable if GAP.search(each)]
    return [GAP.sub(lambda gap: fillings[gap.group(1)], each) for each in telling or usable]


def is_ours(text: str) -> bool:
    """Whether this reply was written by the stand-in, told by its sentences."""
    plain = _plain(text)
    return any(piece in plain for piece in _pieces())


@cache
def _pieces() -> tuple[str, ...]:
    spoken = [each for kinds in phrases().values() for each_kind in kinds.values() for each in each_kind]
    pieces = [_plain(piece) for each in spoken for piece in GAP.sub("\0", each).split("\0")]
    return tuple(piece for piece in pieces if len(piece) >= LONG_ENOUGH)


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", fold(text)).strip()
