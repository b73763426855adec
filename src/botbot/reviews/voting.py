"""Who found a review helpful. Votes and `helpful_count` change together, under the review's own lock."""

from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.rules import Viewer
from botbot.catalog.queries import get_personality
from botbot.errors import PermissionDenied
from botbot.kit import clock
from botbot.reviews.models import PersonalityRating as R
from botbot.reviews.models import ReviewVote
from botbot.reviews.queries import get_review
from botbot.reviews.schemas import HelpfulOut


async def find_helpful(session: AsyncSession, viewer: Viewer, id_or_slug: str, review_id: str) -> HelpfulOut:
    """Note the viewer's vote; once is enough. Raises `PermissionDenied` for one's own review."""
    review = await _review(session, id_or_slug, review_id)
    if review.user_id == viewer.user_id:
        raise PermissionDenied("It is your own review. Others may say that it helped them.")
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    added = await session.scalar(
        insert(ReviewVote)
        .values(rating_id=review.id, user_id=viewer.user_id, created_at=clock.now())
        .on_conflict_do_nothing()
        .returning(ReviewVote.rating_id)
    )
    return HelpfulOut(await _move(session, review.id, 1 if added is not None else 0), True)


async def withdraw_helpful(session: AsyncSession, viewer: Viewer, id_or_slug: str, review_id: str) -> HelpfulOut:
    """Take the viewer's vote away; nothing happens when there is none."""
    review = await _review(session, id_or_slug, review_id)
    gone = await session.scalar(
        delete(ReviewVote)
        .where(ReviewVote.rating_id == review.id, ReviewVote.user_id == viewer.user_id)
        .returning(ReviewVote.rating_id)
    )
    return HelpfulOut(await _move(session, review.id, -1 if gone is not None else 0), False)


async def withdraw_from(session: AsyncSession, review_id: str) -> None:
    """Take away every vote that a review got: it says something else now."""
    await session.execute(select(R.id).where(R.id == review_id).with_for_update())
    await session.execute(delete(ReviewVote).where(ReviewVote.rating_id == review_id))
    emptied = update(R).where(R.id == review_id).values(helpful_count=0, updated_at=R.updated_at)
    await session.execute(emptied.execution_options(synchronize_session=False))


async def withdraw_all(session: AsyncSession, user_id: str) -> None:
    """Take away every vote of somebody who leaves. The reviews are locked in one order, so two can leave at once."""
    voted = select(ReviewVote.rating_id).where(ReviewVote.user_id == user_id)
    await session.execute(select(R.id).where(R.id.in_(voted)).order_by(R.id).with_for_update())
    gone = delete(ReviewVote).where(ReviewVote.user_id == user_id).returning(ReviewVote.rating_id)
    for review_id in sorted(await session.scalars(gone)):
        await _move(session, review_id, -1)


async def _review(session: AsyncSession, id_or_slug: str, review_id: str) -> R:
    personality = await get_personality(session, id_or_slug)
    return await get_review(session, personality.id, review_id, lock=True)


async def _move(session: AsyncSession, review_id: str, by: int) -> int:
    """The count after moving it. When the review was written stays as it is: a vote is no edit of it."""
    changed: dict[str, Any] = {"helpful_count": R.helpful_count + by, "updated_at": R.updated_at}
    if by == 0:
        return int(await session.scalar(select(R.helpful_count).where(R.id == review_id)) or 0)
    return int(
        await session.scalar(
            update(R)
            .where(R.id == review_id)
            .values(changed)
            .returning(R.helpful_count)
            .execution_options(synchronize_session=False)
        )
        or 0
    )
