"""The house's rules read what personalities say in public, version by version, and lay what they find on the desk."""

import asyncio
import json
import logging

from sqlalchemy import or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.catalog.models import PersonalityTemplate as P
from botbot.catalog.schemas import CURATOR
from botbot.desk.models import Screened
from botbot.house import House
from botbot.kit import clock
from botbot.moderation import Screen, flags
from botbot.reviews.screening import keep_flags

log = logging.getLogger("botbot.desk")

AT_ONCE = 25
MOST_A_ROUND = 500
"""What is left of a large import waits for the next round: people come first."""


async def screen_personalities(house: House) -> int:
    """Read every public entry whose version hasn't been read; answers how many. The house's own ones are trusted."""
    read = 0
    while read < MOST_A_ROUND:
        async with house.db.read() as session:
            rows = list(await session.scalars(_UNREAD))
        for row in rows:
            found = await asyncio.to_thread(_look, house.screen, row)
            async with house.db.write() as session:
                await _keep(session, row, found)
        read += len(rows)
        if len(rows) < AT_ONCE:
            break
    return read


_UNREAD = (
    select(P)
    .outerjoin(Screened, Screened.personality_id == P.id)
    .where(P.is_public, P.archived_at.is_(None), or_(P.created_by.is_(None), P.created_by != CURATOR))
    .where(or_(Screened.version.is_(None), Screened.version < P.version))
    .order_by(P.id)
    .limit(AT_ONCE)
)


def _look(screen: Screen, row: P) -> tuple[str, ...]:
    """By our own rules: an import of thousands must not cost as many calls to a provider."""
    said = "\n".join([row.name, row.description, row.opening_line, row.persona, *row.sample_messages])
    text = f"{said}\n{json.dumps(row.sample_conversations, ensure_ascii=False)}"
    breach = screen.judge_locally(text, "reply")
    found = {breach.category} if breach else set()
    found |= screen.flags(said)
    if flags.has_link(said):
        found.add(flags.LINK)
    if flags.is_too_mature(text, row.content_rating):
        found.add(flags.TOO_MATURE)
    return tuple(sorted(found))


async def _keep(session: AsyncSession, row: P, found: tuple[str, ...]) -> None:
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    values = {"version": row.version, "at": clock.now()}
    noted = insert(Screened).values(personality_id=row.id, **values)
    await session.execute(noted.on_conflict_do_update(index_elements=[Screened.personality_id], set_=values))
    await keep_flags(session, "personality", row.id, found)
