"""The words the stand-in understands (`lexicon.toml`), read once, on the first request."""

import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Any


def fold(text: str) -> str:
    """Lower case without accents; ß becomes ss, typographic apostrophes plain ones."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    return "".join(character for character in plain if not unicodedata.combining(character))


@cache
def lexicon() -> Any:
    return tomllib.loads((files(__package__) / "lexicon.toml").read_text(encoding="utf-8"))


@cache
def patterns(group: str) -> list[tuple[str, re.Pattern[str]]]:
    """Kind and pattern, in the order of the file; the patterns are for folded text."""
    return [(kind, re.compile("|".join(parts))) for kind, parts in lexicon()[group].items()]


@cache
def words(group: str, name: str) -> frozenset[str]:
    return frozenset(lexicon()[group][name].split())
