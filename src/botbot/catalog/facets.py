"""How many each option would leave: the numbers beside the filters, and which filter to drop when nothing is left."""

from functools import lru_cache, partial
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, case, func, literal, null, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.catalog.counting import CHEAP_SECONDS, EXACT_UP_TO, count_cards, picking
from botbot.catalog.matching import Finder, finder_for, finder_parameters
from botbot.catalog.models import PersonalityTag
from botbot.catalog.rules import Filters, fold
from botbot.catalog.statements import P, Shape, bytewise, conditions, parameters_of, shape_of
from botbot.catalog.tallies import tallies_of

LOOK_AT = 5_000
"""Of more than `EXACT_UP_TO` entries so many are counted, and scaled up. They are taken by name, which has least to do
with what is counted: the most deployed ones would all be rated."""
KEEP_SECONDS, KEEP_ESTIMATE_SECONDS = 0.8, 60.0
MOST_TAGS = 24
STARS = (4.5, 4.0, 3.0, 2.0)
"""The steps of the rating filter."""


class Facets(NamedTuple):
    """Per group: what may be chosen, and how many that leaves under all filters of the other groups. Tags are all-of,
    so the chosen ones stay: the number is what one tag more would leave."""

    categories: list[tuple[str, str, int]]
    """(name, slug, count), by name."""
    tags: list[tuple[str, int]]
    """The most used ones, most used first."""
    languages: list[tuple[str, int]]
    content_ratings: list[tuple[str, int]]
    ratings: list[tuple[float, int]]
    """(at least so many stars, count)."""
    is_estimate: bool = False


GROUPS = {"categories": (), "languages": (), "content_ratings": (), "min_rating": None}
"""The groups whose own choice is left out of their numbers, and what "nothing chosen" is."""
Counted = dict[str, list[tuple[Any, Any, int]]]


async def count_facets(connection: AsyncConnection, filters: Filters) -> Facets:
    """Exact while at most `EXACT_UP_TO` entries are left (kept for a second when there are many), and else an estimate
    that is kept for a minute."""
    whole = await _count(connection, filters)
    own = {
        group: await _count(connection, filters.at(**{group: nothing}))
        for group, nothing in GROUPS.items()
        if getattr(filters, group) != nothing
    }
    return Facets(
        categories=sorted(
            ((name, slug, count) for slug, name, count in own.get("categories", whole)["category"]),
            key=lambda each: (fold(each[0]), each[1]),
        ),
        tags=[(tag, count) for tag, _, count in whole["tag"]],
        languages=_most_first(own.get("languages", whole)["language"]),
        content_ratings=_most_first(own.get("content_ratings", whole)["content_rating"]),
        ratings=_at_least(own.get("min_rating", whole)["stars"]),
        is_estimate=any("estimate" in counted for counted in (whole, *own.values())),
    )


def _most_first(counted: list[tuple[Any, Any, int]]) -> list[tuple[str, int]]:
    return sorted(((value, count) for value, _, count in counted), key=lambda each: (-each[1], each[0]))


def _at_least(counted: list[tuple[Any, Any, int]]) -> list[tuple[float, int]]:
    """Steps exclude each other in SQL, and add up here."""
    by_step = {float(step): count for step, _, count in counted}
    return [(stars, sum(count for step, count in by_step.items() if step >= stars)) for stars in STARS]


async def _count(connection: AsyncConnection, filters: Filters) -> Counted:
    """The numbers of every group under exactly these filters; `estimate` is among them when they are one."""
    key = ("facets", filters.at(sort_by="popular").fingerprint())
    counted: Counted = await tallies_of(connection).get(key, partial(_count_now, connection, filters), _keep_seconds)
    return counted


def _keep_seconds(counted: Counted, took: float) -> float:
    if "estimate" in counted:
        return KEEP_ESTIMATE_SECONDS
    return KEEP_SECONDS if took > CHEAP_SECONDS else 0.0


async def _count_now(connection: AsyncConnection, filters: Filters) -> Counted:
    total = (await count_cards(connection, filters)).count
    is_whole = total <= EXACT_UP_TO
    finder = await finder_for(connection, filters)
    statement = _statement(shape_of(filters)._replace(order=""), finder, is_whole)
    values = parameters_of(filters) | finder_parameters(filters.words, finder)
    rows = (await connection.execute(statement, values | {"look_at": 2 * EXACT_UP_TO if is_whole else LOOK_AT})).all()
    counted: Counted = {group: [] for group in ("all", "category", "tag", "language", "content_rating", "stars")}
    for group, value, name, count in rows:
        counted[group].append((value, name, count))
    if is_whole:
        return counted
    ((_, _, looked_at),) = counted.pop("all")
    share = total / max(1, looked_at)
    scaled = {
        group: [(value, name, round(count * share)) for value, name, count in found] for group, found in counted.items()
    }
    return scaled | {"estimate": []}


@lru_cache(maxsize=128)
def _statement(shape: Shape, finder: Finder, is_whole: bool) -> Select[Any]:
    """Rows of (group, value, name, count) over everything that matches, or over some of it."""
    columns = (P.id, P.category_slug, P.category, P.language, P.content_rating, _step().label("stars"))
    some = select(*columns).where(*(picking(shape, finder) if is_whole else conditions(shape, walking=True)))
    if not is_whole:
        some = some.order_by(P.name_folded, P.id)
    hits = some.limit(bindparam("look_at")).cte("hits").prefix_with("MATERIALIZED")
    count = func.count()
    tags = (
        select(literal("tag"), PersonalityTag.tag, null(), count)
        .join(hits, hits.c.id == PersonalityTag.personality_id)
        .group_by(PersonalityTag.tag)
        .order_by(count.desc(), bytewise(PersonalityTag.tag))
        .limit(MOST_TAGS)
        .subquery()
    )
    slug, stars = hits.c.category_slug, hits.c.stars
    # Named, because two unnamed NULLs would become one column.
    everything = (literal("all").label("kind"), null().label("value"), null().label("name"), count.label("count"))
    parts = [select(*everything).select_from(hits), select(tags)]
    parts += [select(literal("category"), slug, func.min(hits.c.category), count).group_by(slug)]
    parts += [
        select(literal(name), column, null(), count).group_by(column)
        for name, column in (("language", hits.c.language), ("content_rating", hits.c.content_rating))
    ]
    parts += [select(literal("stars"), stars, null(), count).where(stars.is_not(None)).group_by(stars)]
    return select(union_all(*parts).subquery())


def _step() -> Any:
    """The highest step that an entry's average reaches, as text like the other groups' values."""
    return case(*((P.avg_rating >= stars, literal(str(stars))) for stars in STARS), else_=null())


async def what_to_drop(connection: AsyncConnection, filters: Filters) -> list[tuple[Filters, int]]:
    """For an empty result: the same question without one of its filters, where that finds something; the most first."""
    found = []
    for wider in _without_one(filters):
        if count := (await count_cards(connection, wider)).count:
            found.append((wider, count))
    return sorted(found, key=lambda each: -each[1])


def _without_one(filters: Filters) -> list[Filters]:
    start = filters.at(page=1, cursor=None)
    empty: dict[str, Any] = {**GROUPS, "search": ""}
    wider = [start.at(**{name: nothing}) for name, nothing in empty.items() if getattr(start, name) != nothing]
    for name in ("tags", "without_tags"):
        chosen = getattr(start, name)
        wider += [start.at(**{name: tuple(tag for tag in chosen if tag != each)}) for each in chosen]
    return wider
