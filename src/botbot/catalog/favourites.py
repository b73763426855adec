"""What a person marked to find again: one row per person and personality, and nothing else is kept of it."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from botbot.catalog.models import PersonalityFavourite as F
from botbot.catalog.models import PersonalityTemplate as P
from botbot.catalog.queries import CARD_COLUMNS, get_personality, on_shelf
from botbot.errors import Conflict, NotFound
from botbot.kit import clock

MOST = 1000
"""How many one person may mark."""
PER_MINUTE = 60
"""How often one person may mark or take a mark away."""


class Favourites(NamedTuple):
    """One page of somebody's favourites, newest first, and how many there are; `away` have left the marketplace."""

    rows: Sequence[Any]
    present: int
    away: int


_MINE = F.user_id == bindparam("user_id")
_OF_THESE = select(F.personality_id).where(_MINE, F.personality_id.in_(bindparam("ids", expanding=True)))
_NEWEST = (
    select(*CARD_COLUMNS)
    .join(F, F.personality_id == P.id)
    .where(_MINE, on_shelf())
    .order_by(F.created_at.desc(), P.id)
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_COUNTS = (
    select(func.count(), func.count(P.id)).select_from(F).outerjoin(P, and_(P.id == F.personality_id, on_shelf()))
).where(_MINE)


async def favourite_ids(
    reader: AsyncSession | AsyncConnection, user_id: str, personality_ids: Iterable[str]
) -> set[str]:
    """Which of these the person has marked."""
    wanted = list(personality_ids)
    if not wanted:
        return set()
    return {row[0] for row in await reader.execute(_OF_THESE, {"user_id": user_id, "ids": wanted})}


async def list_favourites(connection: AsyncConnection, user_id: str, *, page: int, limit: int) -> Favourites:
    """Cards of what is on the shelf; the rest is only counted, and comes back when it does."""
    everything, present = (await connection.execute(_COUNTS, {"user_id": user_id})).one()
    parameters = {"user_id": user_id, "limit": limit, "offset": (page - 1) * limit}
    rows = (await connection.execute(_NEWEST, parameters)).all() if present else []
    return Favourites(rows, present, everything - present)


async def add_favourite(session: AsyncSession, user_id: str, id_or_slug: str, *, most: int = MOST) -> P:
    """Mark it; once is enough. Raises `NotFound` for what visitors can't see, `Conflict` beyond `most`."""
    personality = await get_personality(session, id_or_slug)
    marked = await session.scalar(select(func.count()).select_from(F).where(F.user_id == user_id))
    if (marked or 0) >= most and not await favourite_ids(session, user_id, [personality.id]):
        raise Conflict(f"You have {most:,} favourites, which is as many as we keep. Take one away first.")
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    await session.execute(
        insert(F)
        .values(user_id=user_id, personality_id=personality.id, created_at=clock.now())
        .on_conflict_do_nothing()
    )
    return personality


async def remove_favourite(session: AsyncSession, user_id: str, id_or_slug: str) -> None:
    """Take the mark away, also from what has left the marketplace; nothing happens when there is none.

    Raises `NotFound` for what the person can't see and hadn't marked."""
    named: ColumnElement[bool] = or_(P.id == id_or_slug, P.slug == id_or_slug)
    removed = await session.scalar(
        delete(F)
        .where(F.user_id == user_id, F.personality_id.in_(select(P.id).where(named)))
        .returning(F.personality_id)
    )
    if removed is None and await session.scalar(select(P.id).where(named, on_shelf())) is None:
        raise NotFound("There is no personality at this address. It may have left the marketplace.")
