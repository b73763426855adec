"""The front page's shelves: what is in them, read in at most four statements however many there are.

Until an admin arranges anything, the table is empty and the shelves are those of `default_shelves`; the first change
stores the whole arrangement. A personality stands on one shelf of the page only, the first that wants it; what was
picked by hand stays where it was put."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlencode

from sqlalchemy import CompoundSelect, Select, bindparam, literal, select, true, union_all
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from botbot.catalog.models import PersonalityTemplate as P
from botbot.catalog.models import Shelf, ShelfItem
from botbot.catalog.queries import CARD_COLUMNS, on_shelf

Reader = AsyncConnection | AsyncSession
PER_SHELF = 12
MOST_SHELVES = 12
KINDS = ("featured", "trending", "new", "category", "picked")
TITLES = {"featured": "Picked by the house", "trending": "Trending this week", "new": "Just moved in"}
ASKED_FOR_CATEGORIES = 200
"""By so many of the most deployed the three categories of the default shelves are chosen: cheap at any size."""


class ShelfRow(NamedTuple):
    """A shelf as the page shows it. `url` leads to all of it; `None` where no list of the marketplace says the same."""

    title: str
    url: str | None
    rows: Sequence[Any]
    kind: str = ""
    id: str = ""


class Plan(NamedTuple):
    """A shelf as it was arranged. `picked` holds personality ids in order, for the kind of that name."""

    id: str
    kind: str
    title: str
    category_slug: str | None = None
    is_visible: bool = True
    picked: tuple[str, ...] = ()


async def list_shelves(connection: AsyncConnection) -> list[ShelfRow]:
    """The visible shelves that hold anything, in order; rows have `CARD_COLUMNS`, at most twelve a shelf."""
    plans = [plan for plan in await list_plans(connection) if plan.is_visible][:MOST_SHELVES]
    chosen = _share_out(plans, await _candidates(connection, plans))
    cards = await _cards(connection, [each for ids in chosen for each in ids])
    shelves = [
        ShelfRow(plan.title, _url(plan), [cards[each] for each in ids if each in cards], plan.kind, plan.id)
        for plan, ids in zip(plans, chosen, strict=True)
    ]
    return [shelf for shelf in shelves if shelf.rows]


_PLANS = (
    select(Shelf.id, Shelf.kind, Shelf.title, Shelf.category_slug, Shelf.is_visible, ShelfItem.personality_id)
    .outerjoin(ShelfItem, ShelfItem.shelf_id == Shelf.id)
    .order_by(Shelf.position, Shelf.id, ShelfItem.position, ShelfItem.personality_id)
)


async def list_plans(connection: Reader) -> list[Plan]:
    """The arrangement, hidden shelves too; the default one while nobody has changed it."""
    return await stored_plans(connection) or await default_shelves(connection)


async def stored_plans(connection: Reader) -> list[Plan]:
    """What an admin arranged; empty while nobody has."""
    plans: dict[str, Plan] = {}
    for row in await connection.execute(_PLANS):
        plan = plans.setdefault(row[0], Plan(*row[:5]))
        if row[5] is not None:
            plans[row[0]] = plan._replace(picked=(*plan.picked, row[5]))
    return list(plans.values())


_LEADING = (
    select(P.category, P.category_slug)
    .where(on_shelf())
    .order_by(P.deploy_count.desc(), P.id)
    .limit(ASKED_FOR_CATEGORIES)
)


async def default_shelves(connection: Reader) -> list[Plan]:
    """Featured, trending, new, then the three categories that lead among the most deployed."""
    found = Counter((row[0], row[1]) for row in await connection.execute(_LEADING))
    leading = sorted(found, key=lambda each: (-found[each], each[1]))[:3]
    plans = [Plan(kind, kind, TITLES[kind]) for kind in ("featured", "trending", "new")]
    return plans + [Plan(f"category-{slug}", "category", name, slug) for name, slug in leading]


async def _candidates(connection: AsyncConnection, plans: list[Plan]) -> list[list[str]]:
    """For each shelf the ids it would like, best first: enough for all the others to take theirs from it."""
    if not plans:
        return []
    parameters: dict[str, Any] = {}
    for n, plan in enumerate(plans):
        parameters[f"limit_{n}"] = PER_SHELF * len(plans) if plan.kind != "picked" else len(plan.picked)
        if plan.kind == "category":
            parameters[f"category_{n}"] = plan.category_slug or ""
        if plan.kind == "picked":
            parameters[f"picked_{n}"] = list(plan.picked)
    wanted: dict[int, list[str]] = defaultdict(list)
    for n, personality_id in await connection.execute(_statement(tuple(plan.kind for plan in plans)), parameters):
        wanted[n].append(personality_id)
    return [_in_order(plan, wanted[n]) for n, plan in enumerate(plans)]


def _in_order(plan: Plan, found: list[str]) -> list[str]:
    return [each for each in plan.picked if each in set(found)] if plan.kind == "picked" else found


@lru_cache(maxsize=128)
def _statement(kinds: tuple[str, ...]) -> CompoundSelect[Any]:
    """One question for all shelves: (number of the shelf, id). Each part stops at its limit along an index."""
    parts = []
    for n, kind in enumerate(kinds):
        part = _wanted(kind, n).limit(bindparam(f"limit_{n}")).subquery()
        parts.append(select(literal(n), part.c.id))
    return union_all(*parts)


def _wanted(kind: str, n: int) -> Select[Any]:
    shown = select(P.id).where(on_shelf())
    if kind == "featured":
        return shown.where(P.is_featured == true()).order_by(P.deploy_count.desc(), P.id)
    if kind == "trending":
        return shown.where(P.trend_score > 0).order_by(P.trend_score.desc(), P.id)
    if kind == "new":
        return shown.order_by(P.created_at.desc(), P.id)
    if kind == "picked":
        return shown.where(P.id.in_(bindparam(f"picked_{n}", expanding=True)))
    return shown.where(P.category_slug == bindparam(f"category_{n}")).order_by(P.deploy_count.desc(), P.id)


def _share_out(plans: list[Plan], wanted: list[list[str]]) -> list[list[str]]:
    """Each shelf takes what no shelf has yet; the hand-picked ones choose first and keep all they have."""
    picked = [ids[:PER_SHELF] if plan.kind == "picked" else [] for plan, ids in zip(plans, wanted, strict=True)]
    taken = {each for ids in picked for each in ids}
    shared = []
    for plan, ids, own in zip(plans, wanted, picked, strict=True):
        mine = own if plan.kind == "picked" else [each for each in ids if each not in taken][:PER_SHELF]
        taken.update(mine)
        shared.append(mine)
    return shared


_CARDS = select(*CARD_COLUMNS).where(P.id.in_(bindparam("ids", expanding=True)), on_shelf())


async def _cards(connection: AsyncConnection, ids: list[str]) -> dict[str, Any]:
    if not ids:
        return {}
    return {row.id: row for row in await connection.execute(_CARDS, {"ids": ids})}


def _url(plan: Plan) -> str | None:
    if plan.kind == "category":
        return f"/?{urlencode({'category': plan.category_slug or ''})}"
    return "/?sortBy=newest" if plan.kind == "new" else None
