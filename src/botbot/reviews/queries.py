"""Reads of ratings: the histogram, reviews in order, and one's own."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, exists, false, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.models import User
from botbot.catalog.models import PersonalityUse
from botbot.catalog.schemas import NewestReview, Ratings
from botbot.errors import NotFound
from botbot.reviews.models import PersonalityRating as R
from botbot.reviews.models import ReviewVote
from botbot.reviews.schemas import Review, ReviewSort

NEWEST = 10


class ReviewPage(NamedTuple):
    reviews: list[Review]
    total: int


async def ratings_of(session: AsyncSession, personality_id: str) -> Ratings:
    """The histogram over every rating, and the newest ten that have words."""
    newest = await _rows(session, personality_id, "newest", 0, NEWEST, None)
    return Ratings(
        histogram=await histogram_of(session, personality_id),
        newest=[NewestReview(each.id, each.rating, each.review, _who(each), each.created_at, bool(each.used_it))
                for each in newest],
    )  # fmt: skip


async def histogram_of(session: AsyncSession, personality_id: str) -> dict[str, int]:
    """How many gave each number of stars, "1" to "5"."""
    counted = await session.execute(
        select(R.rating, func.count()).where(R.template_id == personality_id).group_by(R.rating)
    )
    return {str(star): 0 for star in range(1, 6)} | {str(star): n for star, n in counted}


async def list_reviews(
    session: AsyncSession, personality_id: str, sort: ReviewSort, page: int, limit: int, viewer_id: str | None
) -> ReviewPage:
    """One page of the ratings that have words, and how many there are."""
    rows = await _rows(session, personality_id, sort, (page - 1) * limit, limit, viewer_id)
    total = await session.scalar(
        select(func.count()).where(R.template_id == personality_id, R.review.is_not(None)).select_from(R)
    )
    return ReviewPage([_review(each, viewer_id) for each in rows], total or 0)


async def find_rating(session: AsyncSession, personality_id: str, user_id: str) -> R | None:
    found: R | None = await session.scalar(select(R).where(R.template_id == personality_id, R.user_id == user_id))
    return found


async def get_review(session: AsyncSession, personality_id: str, review_id: str, *, lock: bool = False) -> R:
    """A rating with words of that personality; raises `NotFound`. `lock` keeps it as it is until the commit."""
    statement = select(R).where(R.id == review_id, R.template_id == personality_id, R.review.is_not(None))
    found = await session.scalar(statement.with_for_update() if lock else statement)
    if found is None:
        raise NotFound("That review is gone.")
    return found


async def name_of(session: AsyncSession, user_id: str) -> str:
    found = await session.get(User, user_id)
    return (found.display_name or found.username or "Somebody") if found else "Somebody"


async def _rows(
    session: AsyncSession, personality_id: str, sort: ReviewSort, offset: int, limit: int, viewer_id: str | None
) -> Sequence[Any]:
    statement = _select(viewer_id).where(R.template_id == personality_id, R.review.is_not(None))
    first = [R.helpful_count.desc()] if sort == "helpful" else []
    ordered = statement.order_by(*first, R.created_at.desc(), R.id.desc())
    rows: Sequence[Any] = (await session.execute(ordered.offset(offset).limit(limit))).all()
    return rows


def _select(viewer_id: str | None) -> Any:
    return select(
        R.id, R.rating, R.review, R.helpful_count, R.created_at, R.updated_at, R.user_id, User.username,
        User.display_name, _used_it().label("used_it"), _found_helpful(viewer_id).label("found_helpful"),
    ).join(User, User.id == R.user_id)  # fmt: skip


def _used_it() -> ColumnElement[bool]:
    return exists().where(
        PersonalityUse.personality_id == R.template_id, PersonalityUse.discord_user_id == User.discord_id
    )


def _found_helpful(viewer_id: str | None) -> ColumnElement[bool]:
    if viewer_id is None:
        return false()
    return exists().where(ReviewVote.rating_id == R.id, ReviewVote.user_id == viewer_id)


def _review(row: Any, viewer_id: str | None) -> Review:
    return Review(
        id=row.id,
        rating=row.rating,
        review=row.review,
        username=_who(row),
        used_it=bool(row.used_it),
        helpful_count=row.helpful_count,
        created_at=row.created_at,
        updated_at=row.updated_at,
        is_mine=row.user_id == viewer_id,
        found_helpful=bool(row.found_helpful),
    )


def _who(row: Any) -> str:
    return row.display_name or row.username or "Somebody"
