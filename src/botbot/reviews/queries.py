"""Reads of ratings: the histogram, the newest reviews, and one's own."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.models import User
from botbot.catalog.models import PersonalityUse
from botbot.catalog.schemas import NewestReview, Ratings
from botbot.reviews.models import PersonalityRating as R

NEWEST = 10


async def ratings_of(session: AsyncSession, personality_id: str) -> Ratings:
    """The histogram over every rating, and the newest ten that have words."""
    counted = await session.execute(
        select(R.rating, func.count()).where(R.template_id == personality_id).group_by(R.rating)
    )
    histogram = {str(star): 0 for star in range(1, 6)} | {str(star): n for star, n in counted}
    return Ratings(histogram=histogram, newest=await _newest(session, personality_id))


async def _newest(session: AsyncSession, personality_id: str) -> list[NewestReview]:
    used_it = (
        select(PersonalityUse.personality_id)
        .where(PersonalityUse.personality_id == R.template_id, PersonalityUse.discord_user_id == User.discord_id)
        .correlate(R, User)
        .exists()
    )
    rows = await session.execute(
        select(R.id, R.rating, R.review, User.username, User.display_name, R.created_at, used_it)
        .join(User, User.id == R.user_id)
        .where(R.template_id == personality_id, R.review.is_not(None))
        .order_by(R.created_at.desc(), R.id.desc())
        .limit(NEWEST)
    )
    return [NewestReview(row[0], row[1], row[2], row[4] or row[3] or "Somebody", row[5], bool(row[6])) for row in rows]


async def find_rating(session: AsyncSession, personality_id: str, user_id: str) -> R | None:
    found: R | None = await session.scalar(select(R).where(R.template_id == personality_id, R.user_id == user_id))
    return found
