"""Reads of single entries and of the shelf's categories. Lists: `listing`, `searching`, `facets`."""

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from botbot.catalog.counting import EXACT_UP_TO
from botbot.catalog.models import PersonalityTemplate, PersonalityVersion
from botbot.catalog.rules import fold
from botbot.catalog.statements import CARD_COLUMNS, on_shelf
from botbot.catalog.tallies import tallies_of
from botbot.errors import NotFound

__all__ = ["CARD_COLUMNS", "get_personality", "get_version", "list_categories", "on_shelf"]

P = PersonalityTemplate
KEEP_SECONDS = 60.0
_COUNTS = select(P.category_slug, func.count().label("count")).where(on_shelf()).group_by(P.category_slug).subquery()
_NAME = select(P.category).where(on_shelf(), P.category_slug == _COUNTS.c.category_slug).limit(1).scalar_subquery()
_CATEGORIES = select(_NAME.label("name"), _COUNTS.c.category_slug, _COUNTS.c.count)
"""Counts in the index alone; only one row of each category is read, for its name."""


async def list_categories(connection: AsyncConnection) -> list[tuple[str, str, int]]:
    """(name, slug, how many on the shelf), by name. With more than `EXACT_UP_TO` entries it is kept for a minute."""
    kept = await tallies_of(connection).get("categories", lambda: _count_categories(connection), _keep_seconds)
    return list(kept)


async def _count_categories(connection: AsyncConnection) -> list[tuple[str, str, int]]:
    found = [(name, slug, count) for name, slug, count in await connection.execute(_CATEGORIES) if name is not None]
    return sorted(found, key=lambda each: (fold(each[0]), each[1]))


def _keep_seconds(found: list[tuple[str, str, int]], took: float) -> float:
    return KEEP_SECONDS if sum(count for _, _, count in found) > EXACT_UP_TO else 0.0


async def get_personality(session: AsyncSession, id_or_slug: str, *, on_shelf_only: bool = True) -> P:
    """The entry with everything; raises `NotFound` also for private and archived ones."""
    statement = select(P).where(or_(P.id == id_or_slug, P.slug == id_or_slug))
    if on_shelf_only:
        statement = statement.where(on_shelf())
    found = await session.scalar(statement)
    if found is None:
        raise NotFound("There is no personality at this address. It may have left the marketplace.")
    return found


async def get_version(session: AsyncSession, personality_id: str, version: int) -> PersonalityVersion:
    found = await session.get(PersonalityVersion, (personality_id, version))
    if found is None:
        raise NotFound("That version does not exist.")
    return found
