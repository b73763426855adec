"""Reads of single entries and of the shelf's categories. Lists: `listing`, `searching`, `facets`."""

from typing import Any

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from botbot.catalog.counting import EXACT_UP_TO
from botbot.catalog.models import PersonalityTemplate, PersonalityVersion
from botbot.catalog.rules import fold
from botbot.catalog.statements import CARD_COLUMNS, on_shelf
from botbot.catalog.tallies import tallies_of
from botbot.errors import NotFound

__all__ = [
    "CARD_COLUMNS",
    "get_detail",
    "get_personality",
    "get_version",
    "hold_on_shelf",
    "list_categories",
    "on_shelf",
]

P = PersonalityTemplate
KEEP_SECONDS = 0.8
"""With the second of `answers` no reader is two behind, whichever process wrote and whatever became of its wake."""
GONE = "There is no personality at this address. It may have left the marketplace."
_COUNTS = select(P.category_slug, func.count().label("count")).where(on_shelf()).group_by(P.category_slug).subquery()
_NAME = select(P.category).where(on_shelf(), P.category_slug == _COUNTS.c.category_slug).limit(1).scalar_subquery()
_CATEGORIES = select(_NAME.label("name"), _COUNTS.c.category_slug, _COUNTS.c.count)
"""Counts in the index alone; only one row of each category is read, for its name."""


async def list_categories(connection: AsyncConnection) -> list[tuple[str, str, int]]:
    """(name, slug, how many on the shelf), by name. With more than `EXACT_UP_TO` entries it is counted once
    a second at most: the index alone answers, in about a tenth of that for a million."""
    kept = await tallies_of(connection).get("categories", lambda: _count_categories(connection), _keep_seconds)
    return list(kept)


async def _count_categories(connection: AsyncConnection) -> list[tuple[str, str, int]]:
    found = [(name, slug, count) for name, slug, count in await connection.execute(_CATEGORIES) if name is not None]
    return sorted(found, key=lambda each: (fold(each[0]), each[1]))


def _keep_seconds(found: list[tuple[str, str, int]], took: float) -> float:
    return KEEP_SECONDS if sum(count for _, _, count in found) > EXACT_UP_TO else 0.0


_NAMED = or_(P.id == bindparam("named"), P.slug == bindparam("named"))
_DETAIL = select(*CARD_COLUMNS, P.persona, P.sample_conversations, P.compatibility, P.version).where(_NAMED, on_shelf())


async def get_detail(connection: AsyncConnection, id_or_slug: str) -> Any:
    """The row of what visitors read about one entry; raises `NotFound` also for private and archived ones."""
    found = (await connection.execute(_DETAIL, {"named": id_or_slug})).first()
    if found is None:
        raise NotFound(GONE)
    return found


async def get_personality(session: AsyncSession, id_or_slug: str, *, on_shelf_only: bool = True) -> P:
    """The entry with everything; raises `NotFound` also for private and archived ones."""
    statement = select(P).where(or_(P.id == id_or_slug, P.slug == id_or_slug))
    if on_shelf_only:
        statement = statement.where(on_shelf())
    found = await session.scalar(statement)
    if found is None:
        raise NotFound(GONE)
    return found


async def hold_on_shelf(session: AsyncSession, personality_id: str) -> P:
    """The entry as it is now, which nobody can take off the shelf before this transaction ends. Raises `NotFound`."""
    held = select(P).where(P.id == personality_id, on_shelf()).with_for_update(read=True, of=P)
    found: P | None = await session.scalar(held.execution_options(populate_existing=True))
    if found is None:
        raise NotFound(GONE)
    return found


async def get_version(session: AsyncSession, personality_id: str, version: int) -> PersonalityVersion:
    found = await session.get(PersonalityVersion, (personality_id, version))
    if found is None:
        raise NotFound("That version does not exist.")
    return found
