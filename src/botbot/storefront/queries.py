"""What a personality's own page tells besides the entry itself: its past, who made it, and who has it."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import distinct, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.models import User
from botbot.catalog.models import PersonalityFavourite, PersonalityTalk, PersonalityVersion
from botbot.kit import clock

MOST_VERSIONS = 20
TALKS_DAYS = 30


class VersionNote(NamedTuple):
    """One line of the change log."""

    version: int
    changelog: str
    created_at: datetime


class Numbers(NamedTuple):
    """`talking_servers` counts those it answered in during the last 30 days."""

    servers: int
    talking_servers: int
    favourites: int
    ratings: int
    since: datetime


async def list_versions(session: AsyncSession, personality_id: str) -> list[VersionNote]:
    """The newest first. The versions' texts stay where they are."""
    columns = (PersonalityVersion.version, PersonalityVersion.changelog, PersonalityVersion.created_at)
    rows = await session.execute(
        select(*columns)
        .where(PersonalityVersion.personality_id == personality_id)
        .order_by(PersonalityVersion.version.desc())
        .limit(MOST_VERSIONS)
    )
    return [VersionNote(*row) for row in rows]


async def count_talking_servers(session: AsyncSession, personality_id: str) -> int:
    since = f"{clock.now() - timedelta(days=TALKS_DAYS):%Y-%m-%d}"
    talks = select(func.count(distinct(PersonalityTalk.discord_guild_id)))
    return (
        await session.scalar(
            talks.where(PersonalityTalk.personality_id == personality_id, PersonalityTalk.day >= since)
        )
        or 0
    )


async def count_favourites(session: AsyncSession, personality_id: str) -> int:
    marked = select(func.count()).select_from(PersonalityFavourite)
    return await session.scalar(marked.where(PersonalityFavourite.personality_id == personality_id)) or 0


async def author_name(session: AsyncSession, created_by: str | None) -> str | None:
    """The display name of the person who wrote an entry; `None` for nobody we know."""
    if created_by is None:
        return None
    found = (await session.execute(select(User.display_name, User.username).where(User.id == created_by))).first()
    return (found.display_name or found.username or None) if found else None
