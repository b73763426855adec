"""Rating, and taking it back. The personality's sums move in the same transaction, by difference."""

import unicodedata

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.rules import Viewer
from botbot.audit import service as audit
from botbot.catalog import service as catalog
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.queries import get_personality
from botbot.errors import PermissionDenied
from botbot.kit import clock
from botbot.reviews.models import PersonalityRating
from botbot.reviews.schemas import RatingIn, RatingOut


async def rate_personality(session: AsyncSession, viewer: Viewer, id_or_slug: str, data: RatingIn) -> RatingOut:
    """Store the viewer's one rating, replacing an earlier one. Authors can't rate their own."""
    personality = await get_personality(session, id_or_slug)
    if personality.created_by == viewer.user_id:
        raise PermissionDenied("You wrote this personality, so its stars are for others to give.")
    await _lock(session, personality)
    mine = await session.scalar(
        select(PersonalityRating).where(
            PersonalityRating.template_id == personality.id, PersonalityRating.user_id == viewer.user_id
        )
    )
    stars, people = data.rating - (mine.rating if mine else 0), 0 if mine else 1
    mine = mine or PersonalityRating(template_id=personality.id, user_id=viewer.user_id)
    mine.rating, mine.review, mine.updated_at = data.rating, _tidy(data.review), clock.now()
    session.add(mine)
    average, count = await catalog.add_to_ratings(session, personality.id, stars=stars, people=people)
    audit.record(session, viewer.user_id, "review.rate", ("personality", personality.id), rating=data.rating)
    return RatingOut(rating=mine.rating, review=mine.review, avg_rating=average, rating_count=count)


async def take_rating_back(session: AsyncSession, viewer: Viewer, id_or_slug: str) -> None:
    """Remove the viewer's rating; nothing happens when there is none."""
    personality = await get_personality(session, id_or_slug)
    await _lock(session, personality)
    stars = await session.scalar(
        delete(PersonalityRating)
        .where(PersonalityRating.template_id == personality.id, PersonalityRating.user_id == viewer.user_id)
        .returning(PersonalityRating.rating)
    )
    if stars is not None:
        await catalog.add_to_ratings(session, personality.id, stars=-stars, people=-1)
        audit.record(session, viewer.user_id, "review.take_back", ("personality", personality.id))


async def _lock(session: AsyncSession, personality: PersonalityTemplate) -> None:
    """Raters of one personality take turns; SQLite's transactions do so anyway."""
    await session.execute(
        select(PersonalityTemplate.id).where(PersonalityTemplate.id == personality.id).with_for_update()
    )


def _tidy(review: str | None) -> str | None:
    text = unicodedata.normalize("NFC", review or "").strip()
    return text or None
