"""Reads of ratings: the histogram, reviews in order, and one's own. What everybody asks for is prebuilt."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, exists, false, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from botbot.accounts.models import User
from botbot.catalog.models import PersonalityUse
from botbot.catalog.schemas import NewestReview, Ratings
from botbot.errors import NotFound
from botbot.reviews.models import PersonalityRating as R
from botbot.reviews.models import ReviewVote
from botbot.reviews.schemas import Review, ReviewSort

NEWEST = 10


Reader = AsyncSession | AsyncConnection


class ReviewPage(NamedTuple):
    reviews: list[Review]
    total: int


_OF = R.template_id == bindparam("personality_id")
_WITH_WORDS = R.review.is_not(None) & (R.state == "shown")
"""Words that a moderator has to look at first, or took away, are nobody's to read."""
_HISTOGRAM = select(R.rating, func.count().label("people")).where(_OF, R.state != "removed").group_by(R.rating)
_COUNT = select(func.count()).select_from(R).where(_OF, _WITH_WORDS)


async def ratings_of(reader: Reader, personality_id: str) -> Ratings:
    """The histogram over every rating, and the newest ten that have words."""
    newest = await _rows(reader, personality_id, "newest", 0, NEWEST, None)
    return Ratings(
        histogram=await histogram_of(reader, personality_id),
        newest=[NewestReview(each.id, each.rating, each.review, _who(each), each.created_at, bool(each.used_it))
                for each in newest],
    )  # fmt: skip


async def histogram_of(reader: Reader, personality_id: str) -> dict[str, int]:
    """How many gave each number of stars, "1" to "5"."""
    counted = await reader.execute(_HISTOGRAM, {"personality_id": personality_id})
    return no_stars() | {str(row.rating): row.people for row in counted}


def no_stars() -> dict[str, int]:
    """The histogram of what nobody has rated."""
    return dict.fromkeys("12345", 0)


async def list_reviews(
    reader: Reader, personality_id: str, sort: ReviewSort, page: int, limit: int, viewer_id: str | None
) -> ReviewPage:
    """One page of the ratings that have words, and how many there are."""
    rows = await _rows(reader, personality_id, sort, (page - 1) * limit, limit, viewer_id)
    total = await reader.scalar(_COUNT, {"personality_id": personality_id})
    return ReviewPage([_review(each, viewer_id) for each in rows], total or 0)


async def find_rating(session: AsyncSession, personality_id: str, user_id: str) -> R | None:
    found: R | None = await session.scalar(select(R).where(R.template_id == personality_id, R.user_id == user_id))
    return found


async def get_review(session: AsyncSession, personality_id: str, review_id: str, *, lock: bool = False) -> R:
    """A rating of that personality whose words show; raises `NotFound`. `lock` keeps it as it is until the commit."""
    statement = select(R).where(R.id == review_id, R.template_id == personality_id, _WITH_WORDS)
    found = await session.scalar(statement.with_for_update() if lock else statement)
    if found is None:
        raise NotFound("That review is gone.")
    return found


async def name_of(session: AsyncSession, user_id: str) -> str:
    found = await session.get(User, user_id)
    return (found.display_name or found.username or "Somebody") if found else "Somebody"


async def _rows(
    reader: Reader, personality_id: str, sort: ReviewSort, offset: int, limit: int, viewer_id: str | None
) -> Sequence[Any]:
    values: dict[str, Any] = {"personality_id": personality_id, "offset": offset, "limit": limit}
    if viewer_id is not None:
        values["viewer_id"] = viewer_id
    rows: Sequence[Any] = (await reader.execute(_reviews(sort, viewer_id is not None), values)).all()
    return rows


@cache
def _reviews(sort: ReviewSort, is_somebody: bool) -> Select[Any]:
    first = [R.helpful_count.desc()] if sort == "helpful" else []
    columns: Any = (
        R.id, R.rating, R.review, R.helpful_count, R.created_at, R.updated_at, R.user_id, User.username,
        User.display_name, _used_it().label("used_it"), _found_helpful(is_somebody).label("found_helpful"),
    )  # fmt: skip
    return (
        select(*columns)
        .join(User, User.id == R.user_id)
        .where(_OF, _WITH_WORDS)
        .order_by(*first, R.created_at.desc(), R.id.desc())
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
    )


def _used_it() -> ColumnElement[bool]:
    return exists().where(
        PersonalityUse.personality_id == R.template_id, PersonalityUse.discord_user_id == User.discord_id
    )


def _found_helpful(is_somebody: bool) -> ColumnElement[bool]:
    if not is_somebody:
        return false()
    return exists().where(ReviewVote.rating_id == R.id, ReviewVote.user_id == bindparam("viewer_id"))


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
