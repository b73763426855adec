"""Reads of the panel: who stands on which shelf, also those that visitors can't see."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.admin.schemas import Arrangement, PickedOut, ShelfOut
from botbot.catalog import shelves
from botbot.catalog.models import PersonalityTemplate as P
from botbot.catalog.shelves import Plan

MOST_FEATURED = 100
_FACES = (P.id, P.slug, P.name, P.avatar_path, P.hue, P.is_public, P.archived_at, P.is_featured)


async def arrangement(connection: AsyncConnection, plans: Sequence[Plan]) -> Arrangement:
    """The arrangement as it is sent; what was picked and then deleted is left out."""
    known = await faces(connection, (each for plan in plans for each in plan.picked))
    shown = [
        ShelfOut(
            id=plan.id,
            kind=plan.kind,
            title=plan.title,
            category=plan.category_slug,
            is_visible=plan.is_visible,
            personalities=[_picked(known[each]) for each in plan.picked if each in known],
        )
        for plan in plans
    ]
    return Arrangement(shown, is_default=not await shelves.stored_plans(connection))


def is_on_shelf(row: Any) -> bool:
    return bool(row.is_public) and row.archived_at is None


def _picked(row: Any) -> PickedOut:
    return PickedOut(row.id, row.slug, row.name, is_on_shelf(row))


async def faces(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, Any]:
    """Name, slug and picture of each, by id."""
    wanted = list(ids)
    if not wanted:
        return {}
    return {row.id: row for row in await connection.execute(select(*_FACES).where(P.id.in_(wanted)))}


async def list_featured(connection: AsyncConnection) -> list[Any]:
    """The featured ones, most deployed first, as the shelf shows them."""
    statement = select(*_FACES).where(P.is_featured == true()).order_by(P.deploy_count.desc(), P.id)
    return list(await connection.execute(statement.limit(MOST_FEATURED)))
