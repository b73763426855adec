"""Rating, and taking it back. The personality's sums move in the same transaction, by difference."""

import unicodedata

from msgspec import UNSET
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.models import User
from botbot.accounts.rules import Viewer
from botbot.accounts.service import use_state
from botbot.audit import service as audit
from botbot.catalog import service as catalog
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.queries import get_personality
from botbot.catalog.rules import fold
from botbot.errors import Conflict, NotFound, PermissionDenied
from botbot.kit import clock, ids
from botbot.reviews import screening, voting
from botbot.reviews.models import PersonalityRating, ReviewCensure, ReviewVote
from botbot.reviews.queries import find_rating
from botbot.reviews.rules import CENSURED, COUNTED, MOST_VOTERS, UNDO_FOR, state_after
from botbot.reviews.schemas import RatingIn, RatingOut, TakenBack
from botbot.reviews.screening import CLEAN, Screened


async def rate_personality(
    session: AsyncSession, viewer: Viewer, id_or_slug: str, data: RatingIn, screened: Screened = CLEAN
) -> RatingOut:
    """Store the viewer's one rating, replacing an earlier one. Authors can't rate their own.

    The same again changes nothing. Other words lose the votes that the earlier ones got, and wait for a moderator when
    the screening says so (`screening.screen`, asked before the transaction)."""
    personality = await get_personality(session, id_or_slug)
    if personality.created_by == viewer.user_id:
        raise PermissionDenied("You wrote this personality, so its stars are for others to give.")
    await _lock(session, personality.id)
    mine = await find_rating(session, personality.id, viewer.user_id)
    words = _tidy(data.review)
    if mine is not None and (mine.rating, mine.review) == (data.rating, words):
        return _out(mine, *await _numbers(session, personality.id))
    changed = mine is None or fold(mine.review or "") != fold(words or "")
    if mine is not None and changed:
        await voting.withdraw_from(session, mine.id)
    before, counted = (mine.state, _counted(mine)) if mine else (None, (0, 0))
    mine = mine or PersonalityRating(id=ids.new_id(), template_id=personality.id, user_id=viewer.user_id)
    mine.rating, mine.review, mine.updated_at = data.rating, words, clock.now()
    censure = await _censured(session, personality.id, viewer.user_id) or (before if before in CENSURED else None)
    mine.state = state_after(before, words is not None, changed, screened.waits, censure)
    session.add(mine)
    stars, people = (now - was for now, was in zip(_counted(mine), counted, strict=True))
    average, count = await catalog.add_to_ratings(session, personality.id, stars=stars, people=people)
    flags = (*screened.flags, screening.AGAIN) if censure and mine.state == "waiting" else screened.flags
    if before is not None or flags:
        await screening.keep_flags(session, "review", mine.id, flags)
    audit.record(session, viewer.user_id, "review.rate", ("personality", personality.id), rating=data.rating)
    return _out(mine, average, count)


def _counted(rating: PersonalityRating) -> tuple[int, int]:
    """(stars, people) as they are in the personality's sums."""
    return (rating.rating, 1) if rating.state in COUNTED else (0, 0)


def _out(mine: PersonalityRating, average: float | None, count: int) -> RatingOut:
    state = mine.state if mine.review and mine.state != "shown" else UNSET
    return RatingOut(mine.rating, mine.review, average, count, state)


async def set_state(session: AsyncSession, review_id: str, state: str) -> PersonalityRating:
    """What a moderator decides about a review; the sums follow. Raises `NotFound` when its author took it back."""
    found = await session.scalar(select(PersonalityRating).where(PersonalityRating.id == review_id))
    if found is None:
        raise NotFound("That review is gone: its author took it back.")
    await _lock(session, found.template_id)
    await session.refresh(found, with_for_update=True)
    before = _counted(found)
    standing = update(PersonalityRating).where(PersonalityRating.id == review_id)
    await session.execute(standing.values(state=state, updated_at=PersonalityRating.updated_at))
    await session.refresh(found)  # By statement, because its author has not edited it: `updated_at` stays.
    await restore_censure(session, (await _censure_for(session, found)).id, state if state in CENSURED else "")
    stars, people = (now - was for now, was in zip(_counted(found), before, strict=True))
    if (stars, people) != (0, 0):
        await catalog.add_to_ratings(session, found.template_id, stars=stars, people=people)
    return found


async def censure_of(session: AsyncSession, review_id: str) -> tuple[str, str]:
    """(its id, its state) as it stands: what `restore_censure` needs to bring it back. Raises `NotFound`."""
    found = await session.scalar(select(PersonalityRating).where(PersonalityRating.id == review_id))
    if found is None:
        raise NotFound("That review is gone: its author took it back.")
    await _lock(session, found.template_id)
    kept = await _censure_for(session, found)
    return kept.id, kept.state


async def restore_censure(session: AsyncSession, censure_id: str, state: str) -> None:
    """Also when the review is gone; nothing where its author is."""
    await session.execute(update(ReviewCensure).where(ReviewCensure.id == censure_id).values(state=state))


async def _censure_for(session: AsyncSession, review: PersonalityRating) -> ReviewCensure:
    mine = (ReviewCensure.template_id == review.template_id, ReviewCensure.user_id == review.user_id)
    kept = await session.scalar(select(ReviewCensure).where(*mine).execution_options(populate_existing=True))
    if kept is None:
        kept = ReviewCensure(id=ids.new_id(), template_id=review.template_id, user_id=review.user_id, state="")
        session.add(kept)
        await session.flush()
    return kept


async def _censured(session: AsyncSession, personality_id: str, user_id: str) -> str | None:
    """What moderators hold of that person's words there: `hidden`, `removed`, or nothing."""
    mine = (ReviewCensure.template_id == personality_id, ReviewCensure.user_id == user_id)
    return await session.scalar(select(ReviewCensure.state).where(*mine)) or None


async def _numbers(session: AsyncSession, personality_id: str) -> tuple[float | None, int]:
    """The average and the count as they are, under the lock."""
    asked = select(PersonalityTemplate.avg_rating, PersonalityTemplate.rating_count)
    found = (await session.execute(asked.where(PersonalityTemplate.id == personality_id))).one()
    return found.avg_rating, found.rating_count


async def take_rating_back(session: AsyncSession, viewer: Viewer, id_or_slug: str) -> TakenBack | None:
    """Remove the viewer's rating; answers what `put_rating_back` needs, or `None` when there was nothing."""
    personality = await get_personality(session, id_or_slug)
    await _lock(session, personality.id)
    mine = await find_rating(session, personality.id, viewer.user_id)
    if mine is None:
        return None
    taken = await _taken_back(session, mine)
    await session.execute(delete(PersonalityRating).where(PersonalityRating.id == mine.id))
    stars, people = _counted(mine)
    await catalog.add_to_ratings(session, personality.id, stars=-stars, people=-people)
    audit.record(session, viewer.user_id, "review.take_back", ("personality", personality.id))
    return taken


async def _taken_back(session: AsyncSession, mine: PersonalityRating) -> TakenBack:
    voters = select(ReviewVote.user_id).where(ReviewVote.rating_id == mine.id).order_by(ReviewVote.user_id)
    return TakenBack(
        nonce=ids.new_secret(),
        personality_id=mine.template_id,
        user_id=mine.user_id,
        id=mine.id,
        rating=mine.rating,
        review=mine.review,
        voters=list(await session.scalars(voters.limit(MOST_VOTERS))),
        created_at=mine.created_at,
        updated_at=mine.updated_at,
        expires_at=clock.now() + UNDO_FOR,
        state=mine.state,
    )


async def put_rating_back(session: AsyncSession, viewer: Viewer, taken: TakenBack) -> None:
    """Undo `take_rating_back`: the rating as it was, with the votes of those who are still here.

    Works once: a form that is sent again would bring back votes that were withdrawn since. Raises `NotFound` when it
    is too late, was done before or was somebody else's, `Conflict` when the viewer has rated anew."""
    is_late = taken.user_id != viewer.user_id or taken.expires_at < clock.now()
    if is_late or not await use_state(session, taken.nonce):
        raise NotFound("That can't be undone any more.")
    personality = await get_personality(session, taken.personality_id)
    await _lock(session, personality.id)
    if await find_rating(session, personality.id, viewer.user_id):
        raise Conflict("You have rated it again in the meantime, so there is nothing to undo.")
    here = select(User.id).where(User.id.in_(taken.voters)).order_by(User.id).with_for_update(key_share=True, read=True)
    voters = list(await session.scalars(here))
    censure = await _censured(session, personality.id, viewer.user_id)
    state = state_after(None, taken.review is not None, True, False, censure) if censure else taken.state
    session.add(
        PersonalityRating(
            id=taken.id,
            template_id=personality.id,
            user_id=viewer.user_id,
            rating=taken.rating,
            review=taken.review,
            helpful_count=len(voters),
            state=state,
            created_at=taken.created_at,
            updated_at=taken.updated_at,
        )
    )
    await session.flush()
    session.add_all(ReviewVote(rating_id=taken.id, user_id=voter) for voter in voters)
    if state in COUNTED:
        await catalog.add_to_ratings(session, personality.id, stars=taken.rating, people=1)
    if censure and state == "waiting":
        await screening.keep_flags(session, "review", taken.id, (screening.AGAIN,))
    audit.record(session, viewer.user_id, "review.put_back", ("personality", personality.id))


async def forget_reviewer(session: AsyncSession, user_id: str) -> None:
    """Before a person is deleted: their ratings leave the averages and their votes leave the counts. The foreign keys
    would take the rows along, but not what was counted from them."""
    rated = select(PersonalityRating.template_id).where(PersonalityRating.user_id == user_id)
    for personality_id in list(await session.scalars(rated.order_by(PersonalityRating.template_id))):
        await _lock(session, personality_id)
        mine = (PersonalityRating.template_id == personality_id, PersonalityRating.user_id == user_id)
        gone = delete(PersonalityRating).where(*mine).returning(PersonalityRating.rating, PersonalityRating.state)
        for stars, state in (await session.execute(gone)).all():
            if state in COUNTED:
                await catalog.add_to_ratings(session, personality_id, stars=-stars, people=-1)
    await voting.withdraw_all(session, user_id)  # Last: everybody locks personalities before reviews.


async def _lock(session: AsyncSession, personality_id: str) -> None:
    """Raters of one personality take turns; SQLite's transactions do so anyway."""
    await session.execute(
        select(PersonalityTemplate.id).where(PersonalityTemplate.id == personality_id).with_for_update()
    )


def _tidy(review: str | None) -> str | None:
    text = unicodedata.normalize("NFC", review or "").strip()
    return text or None
