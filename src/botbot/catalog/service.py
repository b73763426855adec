"""Writes of the catalogue: every change of what an entry says becomes a version of it."""

from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.catalog import pictures, rules
from botbot.catalog.entries import Entry
from botbot.catalog.entry_content import content_digest, entry_in
from botbot.catalog.models import (
    PersonalityGuild,
    PersonalityTag,
    PersonalityTalk,
    PersonalityTemplate,
    PersonalityUse,
    PersonalityVersion,
)
from botbot.catalog.schemas import CURATOR
from botbot.kit import clock

SNAPSHOT = (
    "name", "description", "persona", "system_prompt", "opening_line", "traits", "language", "content_rating",
    "sample_conversations", "sample_replies", "model_options",
)  # fmt: skip
"""What an agent needs of a version."""
KEPT = (
    *SNAPSHOT,
    "category",
    "tags",
    "sample_messages",
    "compatibility",
    "requirements",
    "licence",
    "source",
    "credit",
)
"""What is kept of a version, to compare and to go back to. `extensions` are not: nobody edits them here."""
EDITED = "edited"
"""In place of a curated file's hash: somebody here has changed the entry, and the file has no say any more."""


async def seed_entry(session: AsyncSession, entry: Entry) -> str:
    """Load one curated entry; answers `created`, `updated` (what it says changed: a new version) or `unchanged`, as one
    is that was edited here."""
    content = entry.content()
    # Entries that say nothing of the model hash as they did before they could.
    digest = rules.content_hash({name: value for name, value in content.items() if name != "model_options" or value})
    found = await session.scalar(select(PersonalityTemplate).where(PersonalityTemplate.slug == entry.slug))
    # Rows of the time before there was an editor have the file's hash as their own.
    if found is not None and (found.seed_hash or found.content_hash) in {digest, EDITED}:
        if not found.seed_hash:
            found.seed_hash, found.content_hash = digest, content_digest(entry_in(found))
        found.avatar_path = pictures.path(found.avatar, found.hue, found.slug)
        return "unchanged"
    personality = found or PersonalityTemplate(slug=entry.slug, version=0, created_by=CURATOR)
    for name, value in content.items():
        setattr(personality, name, value)
    personality.seed_hash = digest
    await save_new_version(session, personality, entry.changelog)
    return "updated" if found else "created"


async def save_new_version(
    session: AsyncSession, personality: PersonalityTemplate, changelog: str, *, actor_id: str | None = None
) -> None:
    """Derive what is derived, number the version, and keep its snapshot."""
    personality.version += 1
    personality.name_folded = rules.fold(personality.name)
    personality.category_slug = rules.slugify(personality.category)
    personality.search_text = rules.search_text(personality.name, personality.description, personality.tags)
    personality.avatar_path = pictures.path(personality.avatar, personality.hue, personality.slug)
    personality.updated_at = clock.now()
    personality.created_at = personality.created_at or personality.updated_at
    session.add(personality)
    await session.flush()  # Columns that nobody named have their defaults from here on.
    personality.content_hash = content_digest(entry_in(personality))
    await _keep_tags(session, personality)
    snapshot: dict[str, Any] = {name: getattr(personality, name) for name in KEPT}
    session.add(
        PersonalityVersion(
            personality_id=personality.id,
            version=personality.version,
            snapshot=snapshot,
            changelog=changelog,
            actor_id=actor_id,
        )
    )
    await session.flush()


async def _keep_tags(session: AsyncSession, personality: PersonalityTemplate) -> None:
    if personality.version > 1:
        await session.execute(delete(PersonalityTag).where(PersonalityTag.personality_id == personality.id))
    tags = sorted({rules.fold(tag) for tag in personality.tags})
    session.add_all(PersonalityTag(personality_id=personality.id, tag=tag) for tag in tags)


async def count_deployment(session: AsyncSession, personality_id: str, discord_guild_id: int) -> None:
    """Count a server the first time the personality becomes active in it; never again, and never back."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    added = await session.scalar(
        insert(PersonalityGuild)
        .values(personality_id=personality_id, discord_guild_id=discord_guild_id, created_at=clock.now())
        .on_conflict_do_nothing()
        .returning(PersonalityGuild.personality_id)
    )
    if added is not None:
        await session.execute(
            update(PersonalityTemplate)
            .where(PersonalityTemplate.id == personality_id)
            .values(deploy_count=PersonalityTemplate.deploy_count + 1)
        )


async def note_use(session: AsyncSession, personality_id: str, discord_user_id: int) -> None:
    """Remember that this person used the personality; once is enough."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    await session.execute(
        insert(PersonalityUse)
        .values(personality_id=personality_id, discord_user_id=discord_user_id)
        .on_conflict_do_nothing()
    )


async def note_talk(session: AsyncSession, personality_id: str, discord_guild_id: int) -> None:
    """Remember that it answered in this server today (UTC); once a day is enough. "Trending" counts it."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    day = clock.now().date().isoformat()
    await session.execute(
        insert(PersonalityTalk)
        .values(personality_id=personality_id, discord_guild_id=discord_guild_id, day=day)
        .on_conflict_do_nothing()
    )


async def add_to_ratings(
    session: AsyncSession, personality_id: str, *, stars: int, people: int
) -> tuple[float | None, int]:
    """Move the kept sums by so many stars and people; answers the new (average, count).

    The sums move in the database, so racing raters can't overwrite each other; the derived columns follow from them
    in the same transaction, under the row's lock."""
    sums = (
        await session.execute(
            update(PersonalityTemplate)
            .where(PersonalityTemplate.id == personality_id)
            .values(
                rating_sum=PersonalityTemplate.rating_sum + stars,
                rating_count=PersonalityTemplate.rating_count + people,
            )
            .returning(PersonalityTemplate.rating_sum, PersonalityTemplate.rating_count)
        )
    ).one()
    average, score = rules.average(*sums), rules.score(*sums)
    await session.execute(
        update(PersonalityTemplate)
        .where(PersonalityTemplate.id == personality_id)
        .values(avg_rating=average, rating_score=score)
    )
    return average, sums[1]
