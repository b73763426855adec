"""The whole catalogue as staff see it: hidden, waiting and archived entries too. Nobody asks it a thousand times a
second, so it is plain SQL over rows; the shelf that visitors see is read by `listing`."""

import base64
from collections.abc import Sequence
from typing import Any, Literal, get_args

import msgspec
from sqlalchemy import ColumnElement, and_, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.catalog.models import PersonalityTag, PersonalityVersion
from botbot.catalog.models import PersonalityTemplate as P
from botbot.catalog.rules import Filters, fold, slugify
from botbot.catalog.statements import bytewise, contains
from botbot.errors import ValidationFailed

State = Literal["all", "public", "hidden", "scheduled", "featured", "archived"]
STATES: tuple[State, ...] = get_args(State)
ORDERS: dict[str, tuple[Any, ...]] = {
    "changed": (P.updated_at.desc(), P.id.desc()),
    "popular": (P.deploy_count.desc(), P.id.desc()),
    "newest": (P.created_at.desc(), P.id.desc()),
    "rating": (P.rating_score.desc(), P.id.desc()),
    "version": (P.version.desc(), P.id.desc()),
    "name": (bytewise(P.name_folded), P.id),
    "category": (bytewise(P.category_slug), bytewise(P.name_folded), P.id),
    "-changed": (P.updated_at, P.id),
    "-popular": (P.deploy_count, P.id),
    "-newest": (P.created_at, P.id),
    "-rating": (P.rating_score, P.id),
    "-version": (P.version, P.id),
    "-name": (bytewise(P.name_folded).desc(), P.id.desc()),
    "-category": (bytewise(P.category_slug).desc(), bytewise(P.name_folded), P.id),
}
"""By what each is sorted; with a `-` the other way round."""


async def list_entries(
    session: AsyncSession, filters: Filters, *, state: State = "all", order: str = "changed"
) -> tuple[Sequence[P], int]:
    """One page of rows, and how many there are in all; the last change first unless another order is asked."""
    wanted = _conditions(filters, state)
    total = await session.scalar(select(func.count()).select_from(P).where(*wanted))
    skipped = (filters.page - 1) * filters.limit
    rows = select(P).where(*wanted).order_by(*ORDERS[order]).limit(filters.limit).offset(skipped)
    return (await session.scalars(rows)).all(), total or 0


def _conditions(filters: Filters, state: State) -> list[ColumnElement[bool]]:
    found = [_stands(state), *(contains(P.search_text, word) for word in filters.words)]
    if filters.categories:
        found.append(P.category_slug.in_([slugify(each) for each in filters.categories]))
    if filters.languages:
        found.append(P.language.in_(filters.languages))
    if filters.content_ratings:
        found.append(P.content_rating.in_(filters.content_ratings))
    if filters.min_rating is not None:
        found.append(P.avg_rating >= filters.min_rating)
    found += [_is_tagged(tag) for tag in filters.tags]
    return found + [~_is_tagged(tag) for tag in filters.without_tags]


def _is_tagged(tag: str) -> ColumnElement[bool]:
    of_it = (PersonalityTag.personality_id == P.id, PersonalityTag.tag == fold(tag))
    found: ColumnElement[bool] = select(PersonalityTag.tag).where(*of_it).exists()
    return found


def _stands(state: State) -> ColumnElement[bool]:
    here = P.archived_at.is_(None)
    return {
        "all": true(),
        "public": and_(here, P.is_public == true()),
        "hidden": and_(here, P.is_public != true()),
        "scheduled": and_(here, P.is_public != true(), P.publish_at.is_not(None)),
        "featured": and_(here, P.is_featured == true()),
        "archived": P.archived_at.is_not(None),
    }[state]


async def list_versions(session: AsyncSession, personality_id: str) -> Sequence[PersonalityVersion]:
    """Every version, the newest first."""
    of_it = PersonalityVersion.personality_id == personality_id
    return (
        await session.scalars(select(PersonalityVersion).where(of_it).order_by(PersonalityVersion.version.desc()))
    ).all()


async def category_names(session: AsyncSession) -> list[str]:
    """Of every entry, by name: what an editor may choose from."""
    return sorted(set(await session.scalars(select(P.category).distinct())), key=fold)


async def count_states(session: AsyncSession) -> dict[str, int]:
    """How many entries stand in each state."""
    counts = select(*(func.count().filter(_stands(state)).label(state) for state in STATES)).select_from(P)
    return dict((await session.execute(counts)).one()._mapping)


def write_cursor(filters: Filters, state: State, order: str) -> str:
    """The next page of this very question."""
    packed = msgspec.json.encode([_fingerprint(filters, state, order), filters.page + 1])
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_cursor(filters: Filters, state: State, order: str) -> int:
    """The page that a cursor stands for. Raises `ValidationFailed`."""
    given = filters.cursor or ""
    try:
        packed = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))
        fingerprint, page = msgspec.json.decode(packed, type=tuple[str, int])
    except ValueError as error:
        raise ValidationFailed(fields={"cursor": "is not one of ours"}) from error
    if fingerprint != _fingerprint(filters, state, order) or not 1 <= page <= 1_000_000:
        raise ValidationFailed(fields={"cursor": "belongs to other filters; start again without it"})
    return page


def _fingerprint(filters: Filters, state: State, order: str) -> str:
    return f"{filters.fingerprint()}:{state}:{order}:{filters.limit}"


def needs_publishing(now: Any) -> ColumnElement[bool]:
    """Hidden entries whose moment has come."""
    return and_(_stands("scheduled"), P.publish_at <= now)
