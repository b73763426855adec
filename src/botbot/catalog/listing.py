"""Pages of cards: prebuilt Core statements that take the ids from an index first and then join the rows, so that a
deep page does not read what it skips.

There are two ways to a page. `walk` goes along the index of an order and leaves out what doesn't match: best when much
matches. `pick` takes everything that matches from the index of the words, tags or categories and sorts it: best when
little does. The total, which is known by then, decides. Either way the answer is the same."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.catalog.counting import CHEAP, EXACT_SECONDS, EXACT_UP_TO, Total, count_cards, picking, shelf_size
from botbot.catalog.cursors import read_cursor, write_cursor
from botbot.catalog.matching import SHORTEST, Finder, finder_for, finder_parameters, found_in_name
from botbot.catalog.ordering import (
    EXACT,
    LAST,
    NAMES,
    RANKED,
    REST,
    STARTS,
    OrderKey,
    behind,
    column_keys,
    front_condition,
    match_keys,
    rest_condition,
    sorting,
)  # fmt: skip
from botbot.catalog.rules import Filters
from botbot.catalog.statements import CARD_COLUMNS, P, Shape, conditions, parameters_of, shape_of
from botbot.catalog.tallies import tallies_of

__all__ = ["Page", "Total", "count_cards", "find_cards", "list_cards"]

FEW = 1_000
"""Up to so many matches are ranked each."""
FRONT = 5_000
"""So many may stand in front."""
FAR = 50_000
"""So many entries of an index a walk may pass; without words it reads nothing else."""
MODE_SECONDS = 60.0


class Page(NamedTuple):
    rows: Sequence[Any]
    next_cursor: str | None


class Way(NamedTuple):
    """How a statement finds and orders its rows."""

    finder: Finder
    picks: bool
    after_cursor: bool
    ranks_all: bool = True
    mode: int | None = None
    """Of a match; `None` for an order of its own."""
    front: bool = True


async def find_cards(connection: AsyncConnection, filters: Filters) -> tuple[Page, Total]:
    """One page and the total; cheaper than one after the other."""
    if filters.words and filters.cursor is None and (found := await _few(connection, filters)):
        return found
    total = await count_cards(connection, filters)
    return await _page(connection, filters, total.count), total


async def list_cards(connection: AsyncConnection, filters: Filters) -> Page:
    """One page of cards in the filter's order, with the cursor of the next page (`None` at the end).

    Raises `ValidationFailed` for a cursor that is not ours or belongs to other filters."""
    if filters.is_plain:
        return await _page(connection, filters, EXACT_UP_TO)
    return (await find_cards(connection, filters))[0]


async def _few(connection: AsyncConnection, filters: Filters) -> tuple[Page, Total] | None:
    """Both in one statement, where the index of the words leaves at most `FEW`: it is asked once instead of twice.
    `None` for more, which is remembered, and behind the last page."""
    finder = await finder_for(connection, filters)
    tallies, crowded = tallies_of(connection), ("crowded", filters.at(sort_by="popular").fingerprint())
    if not finder.words or tallies.find(crowded):
        return None
    way = Way(finder, picks=True, after_cursor=False, mode=RANKED if filters.order == "match" else None)
    values = parameters_of(filters) | finder_parameters(filters.words, finder)
    values |= {"limit": filters.limit + 1, "offset": (filters.page - 1) * filters.limit, "few": FEW + 1}
    rows = list((await connection.execute(_few_statement(shape_of(filters), way), values)).all())
    if not rows and filters.page > 1:
        return None
    total = rows[0].total if rows else 0
    if total > FEW:
        tallies.put(crowded, True, MODE_SECONDS)
        return None
    return _cut(filters, rows), Total(total, is_estimate=False)


def _cut(filters: Filters, rows: list[Any]) -> Page:
    """One row more than asked for says that there is another page."""
    kept = rows[: filters.limit]
    return Page(kept, write_cursor(filters, kept[-1]) if len(rows) > len(kept) else None)


async def _page(connection: AsyncConnection, filters: Filters, total: int) -> Page:
    place = read_cursor(filters) if filters.cursor is not None else {}
    if not total:
        return Page([], None)
    finder = await finder_for(connection, filters)
    picks = await _is_picked(connection, filters, total)
    way = Way(finder, picks, after_cursor=bool(place), ranks_all=total <= FEW)
    values = parameters_of(filters) | finder_parameters(filters.words, finder)
    values |= {"limit": filters.limit + 1, "offset": (filters.page - 1) * filters.limit} | place
    find = _best_matches if filters.order == "match" else _rows
    return _cut(filters, await find(connection, filters, way, values))


async def _is_picked(connection: AsyncConnection, filters: Filters, total: int) -> bool:
    """Whether the walk to this page would be longer than what it costs to take everything."""
    if filters.is_plain:
        return False
    walk = filters.page * filters.limit * await shelf_size(connection) / total
    return walk > (total if filters.words else FAR)


async def _rows(connection: AsyncConnection, filters: Filters, way: Way, values: dict[str, Any]) -> list[Any]:
    return list((await connection.execute(_statement(shape_of(filters), way), values)).all())


async def _best_matches(connection: AsyncConnection, filters: Filters, way: Way, values: dict[str, Any]) -> list[Any]:
    """The front of the mode, filled up with the rest."""
    values["beyond"] = values["whole"] + LAST
    mode, rank = await _place(connection, filters, way, values)
    way = way._replace(mode=mode)
    front = [] if rank == REST else await _rows(connection, filters, way._replace(picks=True), values)
    if mode == RANKED or len(front) == values["limit"]:
        return front
    rest = values | {"limit": values["limit"] - len(front)}
    if rank != REST:
        passed = 0 if front or way.after_cursor else values["offset"]
        rest["offset"] = passed and passed - await _front_size(connection, filters, way, values)
        way = way._replace(after_cursor=False)
    return front + await _rows(connection, filters, way._replace(front=False), rest)


async def _place(connection: AsyncConnection, filters: Filters, way: Way, values: dict[str, Any]) -> tuple[int, int]:
    """The mode, and the rank that the page starts behind: as the cursor says, else by how much matches."""
    if way.after_cursor:
        mode, rank = divmod(values["after_key"], 10)
        return mode * 10, rank if mode else 0
    if way.ranks_all:
        return RANKED, 0
    mode = await tallies_of(connection).get(
        ("mode", filters.fingerprint()),
        lambda: _mode(connection, filters, way, values),
        lambda mode, took: MODE_SECONDS,
    )
    return mode, 0


async def _mode(connection: AsyncConnection, filters: Filters, way: Way, values: dict[str, Any]) -> int:
    """The most exact mode whose front is small enough to be sorted."""
    for mode in (NAMES, STARTS) if all(len(word) >= SHORTEST for word in filters.words) else (STARTS,):
        if await _front_size(connection, filters, way._replace(mode=mode), values) <= FRONT:
            return mode
    return EXACT


async def _front_size(connection: AsyncConnection, filters: Filters, way: Way, values: dict[str, Any]) -> int:
    statement = _front_statement(shape_of(filters), way._replace(picks=True, after_cursor=False))

    async def count() -> int:
        return int((await connection.execute(statement, values | {"most": FRONT + 1})).scalar_one())

    key = ("front", way.mode, filters.fingerprint())
    return int(await tallies_of(connection).get(key, count, lambda size, took: EXACT_SECONDS if size > CHEAP else 0.0))


@lru_cache(maxsize=128)
def _front_statement(shape: Shape, way: Way) -> Select[Any]:
    some = select(P.id).where(*_conditions(shape, way)).limit(bindparam("most")).subquery()
    return select(func.count()).select_from(some)


@lru_cache(maxsize=128)
def _statement(shape: Shape, way: Way) -> Select[Any]:
    keys = _keys(shape, way)
    chosen = (_picked if way.picks else _walked)(keys, _conditions(shape, way), way)
    return _rows_of(chosen, keys, chosen.c.sort_key)


@lru_cache(maxsize=128)
def _few_statement(shape: Shape, way: Way) -> Select[Any]:
    """A page that says in each row how many there are, up to one more than `FEW`."""
    keys = _keys(shape, way)
    every = select(P.id, P.deploy_count, keys[0][0].label("sort_key")).where(*_conditions(shape, way))
    found = every.limit(bindparam("few")).cte("found").prefix_with("MATERIALIZED")
    total = select(func.count()).select_from(found).scalar_subquery().label("total")
    ids = select(found.c.id, found.c.sort_key, total).order_by(*_sorted(found, keys))
    chosen = ids.limit(bindparam("limit")).offset(bindparam("offset")).subquery("chosen")
    return _rows_of(chosen, keys, chosen.c.sort_key, chosen.c.total)


def _keys(shape: Shape, way: Way) -> list[OrderKey]:
    return column_keys(shape.order) if way.mode is None else match_keys(way.mode, shape.words, front=way.front)


def _rows_of(chosen: Any, keys: list[OrderKey], *more: Any) -> Select[Any]:
    first = chosen.c.sort_key
    rows = select(*CARD_COLUMNS, *more).join(chosen, chosen.c.id == P.id)
    return rows.order_by(first.desc() if keys[0][1] else first.asc(), *sorting(keys[1:]))


def _sorted(found: Any, keys: list[OrderKey]) -> list[Any]:
    places = {"after_key": found.c.sort_key, "after_count": found.c.deploy_count, "after_id": found.c.id}
    return [places[name].desc() if down else places[name].asc() for _, down, name in keys]


def _conditions(shape: Shape, way: Way) -> list[Any]:
    if way.mode in {NAMES, STARTS, EXACT} and way.front:
        return _front_conditions(shape, way)
    asked = picking(shape, way.finder) if way.picks else conditions(shape, walking=True)
    return asked + ([rest_condition(way.mode, shape.words)] if way.mode else [])


def _front_conditions(shape: Shape, way: Way) -> list[Any]:
    """Names are found by themselves; what else is asked is looked at in each."""
    walking = conditions(shape, walking=True)
    if way.mode == NAMES:
        return [*walking, *found_in_name(shape, way.finder)]
    return [*walking, front_condition(way.mode or EXACT)]


def _walked(keys: list[OrderKey], asked: list[Any], way: Way) -> Any:
    """Ids along the index of the order."""
    ids = select(P.id, keys[0][0].label("sort_key")).where(*asked)
    ordered = keys if way.mode is None else keys[1:]  # Behind the front everybody has the same rank.
    ids = ids.where(behind(ordered)) if way.after_cursor else ids.offset(bindparam("offset"))
    return ids.order_by(*sorting(ordered)).limit(bindparam("limit")).subquery("chosen")


def _picked(keys: list[OrderKey], asked: list[Any], way: Way) -> Any:
    """Ids of everything that matches, sorted. Materialized, because PostgreSQL would rather walk and hope."""
    every = select(P.id, P.deploy_count, keys[0][0].label("sort_key")).where(*asked)
    if way.after_cursor:
        every = every.where(behind(keys))
    found = every.cte("found").prefix_with("MATERIALIZED")
    ids = select(found.c.id, found.c.sort_key).order_by(*_sorted(found, keys)).limit(bindparam("limit"))
    return (ids if way.after_cursor else ids.offset(bindparam("offset"))).subquery("chosen")
