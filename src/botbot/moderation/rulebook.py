"""The rule files, read strictly and put together. Their format is documented in `docs/guide/moderation.md`.

Shipped files come first; those of the operator follow and may add to a category, soften it or switch it off."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from botbot.errors import NotConfigured
from botbot.moderation.folding import fold, words_of
from botbot.moderation.lexicon import SHORTEST_STEM, Lexicon
from botbot.moderation.shapes import Shape
from botbot.moderation.verdicts import Side

COMMON = "common"
SHORT, SHORT_CHUNKS = 14, 4096
"""Characters of a chunk whose words are kept, and how many such chunks."""
LANGUAGES = ("any", "en", "de", "es", "fr", "it", "pt")
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Phrase = Annotated[str, Meta(min_length=1, max_length=80)]
Groups = dict[Name, list[Phrase]]
_WORDS = re.compile(r"[^\W_]+\*?|\*")


class RuleIn(msgspec.Struct, forbid_unknown_fields=True):
    """`all` names groups of words that have to meet within that many words; `unless` those that make it harmless."""

    all: Annotated[list[Name], Meta(min_length=1, max_length=4)]
    within: Annotated[int, Meta(ge=1, le=30)] = 6
    unless: list[Name] = []
    in_order: bool = False
    side: Side | None = None


class FileIn(msgspec.Struct, forbid_unknown_fields=True):
    """A rule file's content, as written."""

    name: Name
    about: str = ""
    blocks: bool | None = None
    off: bool = False
    unless: list[Name] = []
    shapes: list[Shape] = []
    provider: dict[str, float] = {}
    allow: list[Phrase] = []
    rule: list[RuleIn] = []
    any: Groups = {}
    en: Groups = {}
    de: Groups = {}
    es: Groups = {}
    fr: Groups = {}
    it: Groups = {}
    pt: Groups = {}

    def groups(self, language: str) -> Groups:
        found: Groups = getattr(self, language)
        return found


class Category(NamedTuple):
    """What the files of one name come to. `provider`: from which score on each of the provider's categories counts."""

    name: str
    about: str
    blocks: bool
    provider: Mapping[str, float]


class Rule(NamedTuple):
    """A rule in one language, its groups as numbers."""

    category: Category
    all: tuple[int, ...]
    within: int
    unless: frozenset[int]
    in_order: bool


class Rulebook:
    """Everything a scanner needs for one side of the talk."""

    def __init__(self, given: Iterable[FileIn], side: Side) -> None:
        self.lexicon = Lexicon()
        self.rules: dict[int, list[Rule]] = {}
        self.shapes: dict[Shape, Category] = {}
        self.exempting: frozenset[int] = frozenset()
        self._side = side
        self._numbers: dict[tuple[str, str, str], int] = {}
        self._files = _merged(given)
        self.categories = {name: _category(file) for name, file in self._files.items() if name != COMMON}
        for name in self.categories:
            if not self._files[name].off:
                self._take(self._files[name])
        self.exempting = frozenset(each for rules in self.rules.values() for rule in rules for each in rule.unless)
        self._short_words = lru_cache(SHORT_CHUNKS)(self._words)

    def words_of(self, chunk: str) -> list[str]:
        """The words of a chunk, to be looked at only. People and models say the same few thousand words again and
        again; those are kept. A longer chunk seldom comes twice, and may be private."""
        return self._short_words(chunk) if len(chunk) <= SHORT else self._words(chunk)

    def _words(self, chunk: str) -> list[str]:
        return words_of(chunk, self.lexicon.knows)

    @property
    def size(self) -> int:
        """How many groups of words there are."""
        return len(self._numbers)

    def _take(self, file: FileIn) -> None:
        category = self.categories[file.name]
        self.shapes |= dict.fromkeys(file.shapes, category)
        for rule in file.rule:
            if rule.side in (None, self._side):
                for language in LANGUAGES:
                    self._take_rule(file, category, rule, language)

    def _take_rule(self, file: FileIn, category: Category, given: RuleIn, language: str) -> None:
        needed = [self._group(file, name, language) for name in given.all]
        if None in needed or (language == "any" and not all(file.any.get(name) for name in given.all)):
            return
        unless = {self._group(file, name, language) for name in (*given.unless, *file.unless, "allow")}
        found = tuple(each for each in needed if each is not None)
        exempt = frozenset(each for each in unless if each is not None)
        rule = Rule(category, found, given.within, exempt, given.in_order)
        for group in {found[-1]} if given.in_order else set(found):
            self.rules.setdefault(group, []).append(rule)

    def _group(self, file: FileIn, name: str, language: str) -> int | None:
        """The number of a group in a language, its words read when first asked for; `None` if it has none there."""
        common = self._files.get(COMMON, FileIn(COMMON))
        phrases = [
            phrase
            for each in (file, common)
            for spoken in dict.fromkeys(("any", language))
            for phrase in (each.allow if name == "allow" else each.groups(spoken).get(name, ()))
        ]
        if not phrases:
            return None
        key = (file.name, name, language)
        if key not in self._numbers:
            self._numbers[key] = len(self._numbers)
            for phrase in dict.fromkeys(phrases):
                self.lexicon.add(_folded(phrase), self._numbers[key])
        return self._numbers[key]


def read_rules(folder: Path | None) -> list[FileIn]:
    """The shipped files, then the operator's. Raises `NotConfigured`, which names the file and what is wrong in it."""
    given = [*_shipped()]
    own = sorted(folder.glob("*.toml")) if folder is not None and folder.is_dir() else []
    for path in own:
        given.append(_read(path.name, _text(path), str(path)))
    _check(given, {file.name for file in _shipped()})
    return given


@cache
def _shipped() -> tuple[FileIn, ...]:
    folder = files(__package__) / "rules"
    return tuple(
        _read(each.name, each.read_text(encoding="utf-8"), each.name)
        for each in sorted(folder.iterdir(), key=lambda each: each.name)
        if each.name.endswith(".toml")
    )


@cache
def shipped_rulebook(side: Side) -> Rulebook:
    """Compiled once for a process, as long as no operator's file changes it."""
    return Rulebook(_shipped(), side)


def rulebook(folder: Path | None, side: Side) -> Rulebook:
    given = read_rules(folder)
    return shipped_rulebook(side) if len(given) == len(_shipped()) else Rulebook(given, side)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise _unusable(str(path), "it can't be read as UTF-8 text") from error


def _read(name: str, text: str, shown: str) -> FileIn:
    try:
        file = msgspec.convert(tomllib.loads(text), FileIn)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _unusable(shown, str(error)) from error
    for language in LANGUAGES:
        for group, phrases in file.groups(language).items():
            for phrase in phrases:
                _check_phrase(phrase, f"{language}.{group}", shown)
    for phrase in file.allow:
        _check_phrase(phrase, "allow", shown)
    return file


def _check_phrase(phrase: str, where: str, shown: str) -> None:
    words = _folded(phrase)
    if not words or len(words) > 8:
        raise _unusable(shown, f"{where}: {phrase!r} must have 1 to 8 words")
    for word in words:
        stem = word.rstrip("*")
        if "*" in stem or (word != stem and (len(stem) < SHORTEST_STEM or word.count("*") > 1)):
            raise _unusable(shown, f"{where}: {phrase!r}: a * may only end a word of {SHORTEST_STEM} letters or more")


def _check(given: Iterable[FileIn], shipped: set[str]) -> None:
    """Every rule's groups exist somewhere, and a category of the operator's own says whether it blocks."""
    merged = _merged(given)
    common = _named(merged.get(COMMON, FileIn(COMMON)))
    for file in merged.values():
        known = _named(file) | common
        missing = sorted({name for rule in file.rule for name in (*rule.all, *rule.unless, *file.unless)} - known)
        if missing:
            raise _unusable(file.name, f"its rules name groups that have no words: {', '.join(missing)}")
        if file.name not in shipped and file.blocks is None:
            raise _unusable(file.name, "a category of your own needs `blocks = true` or `blocks = false`")


def _named(file: FileIn) -> set[str]:
    return {name for language in LANGUAGES for name, phrases in file.groups(language).items() if phrases}


def _merged(given: Iterable[FileIn]) -> dict[str, FileIn]:
    """By category; a later file adds its words and rules to an earlier one's, and its settings win."""
    merged: dict[str, FileIn] = {}
    for file in given:
        old = merged.get(file.name)
        merged[file.name] = file if old is None else _joined(old, file)
    return merged


def _joined(old: FileIn, new: FileIn) -> FileIn:
    def groups(language: str) -> Groups:
        names = {**old.groups(language), **new.groups(language)}
        return {name: [*old.groups(language).get(name, []), *new.groups(language).get(name, [])] for name in names}

    changes: dict[str, Any] = {language: groups(language) for language in LANGUAGES}
    return FileIn(
        name=old.name,
        about=new.about or old.about,
        blocks=old.blocks if new.blocks is None else new.blocks,
        off=new.off,
        unless=[*old.unless, *new.unless],
        shapes=[*old.shapes, *new.shapes],
        provider={**old.provider, **new.provider},
        allow=[*old.allow, *new.allow],
        rule=[*old.rule, *new.rule],
        **changes,
    )


def _category(file: FileIn) -> Category:
    return Category(file.name, file.about, not file.off and file.blocks is not False, file.provider)


def _folded(phrase: str) -> tuple[str, ...]:
    """As a message's words are folded: `n'importe` is two words, `don't` one."""
    text = fold(phrase).replace("'", " ") if not _is_english_short(phrase) else fold(phrase).replace("'", "")
    return tuple(_WORDS.findall(text))


def _is_english_short(phrase: str) -> bool:
    return any(
        word.rpartition("'")[2] in {"s", "t", "d", "m", "re", "ve", "ll"} for word in phrase.split() if "'" in word
    )


def _unusable(where: str, why: str) -> NotConfigured:
    return NotConfigured(f"The moderation rules in {where} can't be used: {why}.")
