"""What the panel's pages show, computed before a template sees it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.admin import reads
from botbot.catalog import arranging, listing, shelves
from botbot.catalog.queries import list_categories
from botbot.catalog.rules import MAX, Filters
from botbot.catalog.shelves import MOST_SHELVES, Plan

ASKED = ("open", "search", "at", "did", "who")
"""The page's own state in its address: the shelf that is being filled, what is looked for, and where the hand was."""
FOUND = 8
KINDS = {
    "featured": "Featured personalities, the most deployed first",
    "trending": "What servers add and talk to lately",
    "new": "The newest first",
    "picked": "Chosen one by one",
}


async def arrangement(connection: AsyncConnection, asked: dict[str, str]) -> dict[str, Any]:
    """The context of `admin/shelves.html`."""
    plans = await shelves.list_plans(connection)
    standing = {shelf.id: shelf.rows for shelf in await shelves.list_shelves(connection)}
    categories = await list_categories(connection)
    opened = next((plan for plan in plans if plan.id == asked["open"]), None)
    return {
        "shelves": [_shelf(n, plan, standing.get(plan.id, []), categories) for n, plan in enumerate(plans)],
        "is_default": not await shelves.stored_plans(connection),
        "version": arranging.version_of(plans),
        "additions": _additions(plans, categories),
        "is_full": len(plans) >= MOST_SHELVES,
        "opened": await _opened(connection, opened, asked["search"]) if opened else None,
        **{name: asked[name] for name in ASKED},
    }


def _shelf(number: int, plan: Plan, rows: Sequence[Any], categories: list[tuple[str, str, int]]) -> dict[str, Any]:
    names = {slug: name for name, slug, _ in categories}
    slug = plan.category_slug or ""
    return {
        "id": plan.id,
        "number": number + 1,
        "title": plan.title,
        "kind": KINDS.get(plan.kind) or f"The most deployed of {names.get(slug, slug)}",
        "is_visible": plan.is_visible,
        "can_fill": plan.kind in {"picked", "featured"},
        "faces": [{"name": row.name, "avatar": row.avatar_path, "hue": _hue(row)} for row in rows],
    }


def _hue(row: Any) -> int:
    return int(row.hue) // 10 * 10 % 360


def _additions(plans: Sequence[Plan], categories: list[tuple[str, str, int]]) -> list[tuple[str, str]]:
    """What can still be added: (value of the choice, words)."""
    taken = {(plan.kind, plan.category_slug) for plan in plans}
    kinds = {"picked": "Chosen by hand", "featured": "Featured", "trending": "Trending", "new": "New"}
    simple = [(kind, words) for kind, words in kinds.items() if kind == "picked" or (kind, None) not in taken]
    of_categories = [
        (f"category:{slug}:{name}", f"Category: {name}")
        for name, slug, _ in categories
        if ("category", slug) not in taken
    ]
    return simple + of_categories


async def _opened(connection: AsyncConnection, plan: Plan, search: str) -> dict[str, Any]:
    """Who is on the shelf that is being filled, and who was found for it."""
    if plan.kind == "featured":
        present = await reads.list_featured(connection)
    else:
        known = await reads.faces(connection, plan.picked)
        present = [known[each] for each in plan.picked if each in known]
    filters = Filters(search=search[: MAX["search"]], limit=FOUND)
    found = (await listing.list_cards(connection, filters)).rows if filters.words else []
    here = {row.id for row in present}
    return {
        "id": plan.id,
        "is_featured": plan.kind == "featured",
        "present": [{**_face(row), "is_away": not reads.is_on_shelf(row)} for row in present],
        "found": [{**_face(row), "is_here": row.id in here} for row in found],
    }


def _face(row: Any) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "slug": row.slug, "avatar": row.avatar_path, "hue": _hue(row)}
