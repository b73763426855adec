"""Totals that cost little at any size: exact up to `EXACT_UP_TO`, an estimate that is kept beyond."""

import time
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.catalog.matching import Finder, bare_hits, finder_for, finder_parameters, found_in_text
from botbot.catalog.rules import Filters
from botbot.catalog.statements import P, Shape, conditions, filter_conditions, on_shelf, parameters_of, shape_of
from botbot.catalog.tallies import Tallies, tallies_of

EXACT_UP_TO = 10_000
CHEAP, CHEAP_SECONDS = 1_000, 0.1
"""So many, or what took so long, are counted anew each time."""
EXACT_SECONDS, ESTIMATE_SECONDS, SIZE_SECONDS = 0.8, 60.0, 5.0
FORGET_SECONDS = 3600.0
SAMPLE = 2_000


@dataclass(frozen=True, slots=True)
class Total:
    count: int
    is_estimate: bool


async def count_cards(connection: AsyncConnection, filters: Filters) -> Total:
    """How many the filters leave. Exact up to `EXACT_UP_TO` (above `CHEAP` up to a second old); beyond, an estimate:
    the background's last count, at most one a minute, and before the first the share among the first by name."""
    tallies, key = tallies_of(connection), filters.at(sort_by="popular").fingerprint()
    if (known := tallies.find(("many", key))) is not None:
        count, counted_at = known
        if time.monotonic() - counted_at > ESTIMATE_SECONDS:
            tallies.later(partial(_count_all, connection, tallies, key, filters))
        return Total(count, is_estimate=True)
    found: Total = await tallies.get(("total", key), partial(_count, connection, tallies, key, filters), _keep_seconds)
    return found


def _keep_seconds(total: Total, took: float) -> float:
    return EXACT_SECONDS if total.count > CHEAP or took > CHEAP_SECONDS else 0.0


async def _count(connection: AsyncConnection, tallies: Tallies, key: str, filters: Filters) -> Total:
    count = await _bounded(connection, filters, EXACT_UP_TO + 1)
    if count <= EXACT_UP_TO:
        return Total(count, is_estimate=False)
    tallies.later(partial(_count_all, connection, tallies, key, filters))
    return Total(max(count, await _guess(connection, filters)), is_estimate=True)


async def _bounded(connection: AsyncConnection, filters: Filters, most: int) -> int:
    finder = await finder_for(connection, filters)
    statement = _statement(shape_of(filters)._replace(order=""), finder)
    values = parameters_of(filters) | finder_parameters(filters.words, finder) | {"most": most}
    return int((await connection.execute(statement, values)).scalar_one())


async def _count_all(connection: AsyncConnection, tallies: Tallies, key: str, filters: Filters) -> None:
    """Exactly, on a connection of its own."""
    async with connection.engine.connect() as own:
        count = await _bounded(own, filters, 2**62)
    if count > EXACT_UP_TO:
        tallies.put(("many", key), (count, time.monotonic()), FORGET_SECONDS)
    else:
        tallies.drop(("many", key))


async def _guess(connection: AsyncConnection, filters: Filters) -> int:
    """The share among the first by name, of all."""
    size = await shelf_size(connection)
    if filters.is_plain:
        return size
    statement = _sample_statement(shape_of(filters)._replace(order=""))
    matching, looked_at = (await connection.execute(statement, parameters_of(filters))).one()
    return int(size * matching / max(1, looked_at))


async def shelf_size(connection: AsyncConnection) -> int:
    """About how many entries there are; asks no row."""
    asked = _SIZES[connection.dialect.name]

    async def ask() -> int:
        return max(0, int((await connection.execute(asked)).scalar() or 0))

    return int(await tallies_of(connection).get("shelf_size", ask, lambda size, took: SIZE_SECONDS))


_SIZES = {
    "sqlite": text("select max(rowid) from personality_templates"),
    "postgresql": text("select reltuples::bigint from pg_class where oid = 'personality_templates'::regclass"),
}


@lru_cache(maxsize=128)
def _statement(shape: Shape, finder: Finder) -> Select[Any]:
    some = None if filter_conditions(shape) else bare_hits(shape, finder)
    if some is None:
        some = select(P.id).where(*picking(shape, finder))
    return select(func.count()).select_from(some.limit(bindparam("most")).subquery())


def picking(shape: Shape, finder: Finder) -> list[ColumnElement[bool]]:
    """All conditions, for taking everything that matches at once: from the words' index, if it has any of them."""
    return [on_shelf(), *found_in_text(shape, finder), *filter_conditions(shape, walking=bool(finder.words))]


@lru_cache(maxsize=128)
def _sample_statement(shape: Shape) -> Select[Any, Any]:
    sample = select(P.id).where(on_shelf()).order_by(P.name_folded, P.id).limit(SAMPLE).subquery()
    matching = func.count().filter(*conditions(shape, walking=True)[1:])
    return select(matching, func.count()).select_from(P).join(sample, sample.c.id == P.id)
