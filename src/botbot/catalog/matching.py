"""Words and the index: which of them it can find, and how well a row matches."""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Text, and_, bindparam, case, column, func, literal, select, table
from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.catalog import search_index
from botbot.catalog.models import PersonalityTag
from botbot.catalog.rules import Filters
from botbot.catalog.statements import P, Shape, aside, binds, contains, on_shelf, starts
from botbot.catalog.tallies import tallies_of

SHORTEST = 3
"""The index knows pieces of so many characters."""
SAMPLE = 2_000
COMMON = 0.3
"""A share of the most deployed entries. A more common word is come upon at every step, and the index would name half
the catalogue."""
INDEX_SECONDS, SHARE_SECONDS = 30.0, 60.0
_NUMBERS = table("search_numbers", column("number"), column("personality_id", Text()), column("text", Text()))
_TRIGRAMS = table("search_trigrams", column("rowid"), column("search_trigrams"))


class Finder(NamedTuple):
    """How this database finds the words of one question."""

    is_sqlite: bool
    words: tuple[int, ...] = ()
    """The numbers of those that the trigram index is asked for."""
    has_index: bool = False


async def finder_for(connection: AsyncConnection, filters: Filters) -> Finder:
    """Asks the most deployed entries which words are worth looking up; that is kept for a minute."""
    is_sqlite = connection.dialect.name == "sqlite"
    if not filters.words or not await _has_index(connection):
        return Finder(is_sqlite)
    able = [n for n, word in enumerate(filters.words) if (len(word) >= SHORTEST if is_sqlite else _has_run(word))]
    chosen = tuple([n for n in able if await _share(connection, filters.words[n]) < COMMON])
    return Finder(is_sqlite, chosen, has_index=True)


def _has_run(word: str) -> bool:
    """`pg_trgm` sees letters and digits only, and which of the non-ASCII ones depends on the server's locale."""
    run = 0
    for char in word:
        run = run + 1 if char.isascii() and char.isalnum() else 0
        if run >= SHORTEST:
            return True
    return False


async def _has_index(connection: AsyncConnection) -> bool:
    async def ask() -> bool:
        return await search_index.is_complete(connection)

    return bool(await tallies_of(connection).get("has_index", ask, lambda found, took: INDEX_SECONDS))


async def has_words(connection: AsyncConnection) -> bool:
    """Whether the words of the catalogue are known, for near misses."""

    async def ask() -> bool:
        return await search_index.knows_words(connection)

    return bool(await tallies_of(connection).get("has_words", ask, lambda found, took: INDEX_SECONDS))


async def _share(connection: AsyncConnection, word: str) -> float:
    async def ask() -> float:
        matching, looked_at = (await connection.execute(_SHARE, {"word_0": word})).one()
        return float(matching) / max(1, looked_at)

    return float(await tallies_of(connection).get(("share", word), ask, lambda share, took: SHARE_SECONDS))


_POPULAR = select(P.search_text).where(on_shelf()).order_by(P.deploy_count.desc(), P.id).limit(SAMPLE).subquery()
_SHARE = select(func.count().filter(contains(_POPULAR.c.search_text, bindparam("word_0"))), func.count())
_SHARE = _SHARE.select_from(_POPULAR)


def finder_parameters(words: list[str], finder: Finder) -> dict[str, str]:
    """The values for `found_in_text` and `found_in_name`."""
    if not finder.words:
        return {}
    if finder.is_sqlite:
        phrases = ['"' + words[n].replace('"', '""') + '"' for n in finder.words]
        return {
            "in_text": " AND ".join(f"text : {each}" for each in phrases),
            "in_name": " AND ".join(f"name : {each}" for each in phrases),
        }
    return {f"like_{n}": f"%{_escaped(words[n])}%" for n in finder.words}


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def found_in_text(shape: Shape, finder: Finder) -> list[ColumnElement[bool]]:
    """That the words occur, the way the index or, on SQLite, the small rows beside it answer soonest."""
    if finder.is_sqlite and finder.has_index:
        return [_of_number(), *_in_small_rows(shape, finder)]
    indexed = [_like(P.search_text, number) for number in finder.words]
    return indexed + _others(P.search_text, shape, finder)


def found_in_name(shape: Shape, finder: Finder) -> list[ColumnElement[bool]]:
    if not finder.words:
        return [in_name(shape.words)]
    if finder.is_sqlite:
        return [_of_number(), *_numbered("in_name"), in_name(shape.words)]
    return [*(_like(P.name_folded, number) for number in finder.words), in_name(shape.words)]


def bare_hits(shape: Shape, finder: Finder) -> Any:
    """SQLite: one row for each entry that has the words, without a look at the entry: only those on the shelf have a
    number. `None` where there is no index."""
    if not finder.is_sqlite or not finder.has_index or not shape.words:
        return None
    if len(finder.words) == shape.words:
        return select(_TRIGRAMS.c.rowid).where(_matches("in_text"))
    return select(_NUMBERS.c.number).where(*_in_small_rows(shape, finder))


def _in_small_rows(shape: Shape, finder: Finder) -> list[ColumnElement[bool]]:
    return [*(_numbered("in_text") if finder.words else []), *_others(_NUMBERS.c.text, shape, finder)]


def _others(text: Any, shape: Shape, finder: Finder) -> list[ColumnElement[bool]]:
    words = binds("word", shape.words)
    return [contains(text, word) for number, word in enumerate(words) if number not in finder.words]


def _of_number() -> ColumnElement[bool]:
    """From the number to the entry, and never the other way round: the numbers that match are what there is to begin
    with, and each is read only while the limit isn't reached."""
    found: ColumnElement[bool] = P.id == aside(_NUMBERS.c.personality_id)
    return found


def _numbered(question: str) -> list[ColumnElement[bool]]:
    return [_NUMBERS.c.number == _TRIGRAMS.c.rowid, _matches(question)]


def _matches(question: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = _TRIGRAMS.c.search_trigrams.op("match")(bindparam(question, type_=Text()))
    return found


def _like(text: Any, number: int) -> ColumnElement[bool]:
    """In a subquery, so that the plan does not depend on the word: PostgreSQL guesses badly, and its index is right
    for few and for many as long as somebody else decides when there are too many."""
    pattern = select(bindparam(f"like_{number}", type_=Text())).scalar_subquery()
    found: ColumnElement[bool] = text.like(pattern)
    return found


def match_rank(words: int) -> ColumnElement[int]:
    """0 exact name, 1 start of name, 2 start of a word in it, 3 elsewhere in it, 4 tag, 5 description."""
    each = binds("word", words)
    in_tag = select(PersonalityTag.tag).where(PersonalityTag.personality_id == P.id)
    return case(
        *name_ranks(words),
        (and_(*(in_tag.where(contains(PersonalityTag.tag, word)).exists() for word in each)), 4),
        else_=5,
    )


def name_ranks(words: int) -> list[tuple[Any, int]]:
    whole: Any = bindparam("whole")
    spaced = literal(" ") + func.replace(P.name_folded, "-", " ")
    each = binds("word", words)
    return [
        (P.name_folded == whole, 0),
        (starts(P.name_folded, whole), 1),
        (and_(*(contains(spaced, literal(" ") + word) for word in each)), 2),
        (in_name(words), 3),
    ]


def in_name(words: int) -> ColumnElement[bool]:
    return and_(*(contains(P.name_folded, word) for word in binds("word", words)))
