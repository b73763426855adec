"""Reads of the catalogue: prebuilt Core statements, one per shape of question.

Building a statement costs more than running it, so statements are made once per shape (how many words, tags, … and
which order) and only their parameters change."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from botbot.catalog.models import PersonalityTag, PersonalityTemplate, PersonalityVersion
from botbot.catalog.rules import Filters, fold, slugify
from botbot.errors import NotFound, ValidationFailed

P = PersonalityTemplate
CARD_COLUMNS = (
    P.id, P.slug, P.name, P.description, P.opening_line, P.avatar_path, P.category, P.category_slug, P.tags, P.traits,
    P.language, P.content_rating, P.deploy_count, P.avg_rating, P.rating_count, P.created_at, P.updated_at, P.hue,
    P.is_featured, P.sample_messages, P.rating_score, P.name_folded, P.created_by,
)  # fmt: skip


class Shape(NamedTuple):
    """What a statement depends on; everything else is a parameter."""

    order: str
    words: int
    categories: int
    tags: int
    has_min_rating: bool
    after_cursor: bool


class Page(NamedTuple):
    rows: Sequence[Any]
    next_cursor: str | None


def on_shelf() -> ColumnElement[bool]:
    """What visitors may see. SQLite uses the partial index only when it is written as `= 1`."""
    return and_(P.is_public == true(), P.archived_at.is_(None))


async def list_cards(connection: AsyncConnection, filters: Filters) -> Page:
    """One page of cards in the filter's order, with the cursor of the next page (`None` at the end).

    Raises `ValidationFailed` for a cursor that is not ours or belongs to other filters."""
    shape = _shape(filters)
    parameters = _parameters(filters) | {"limit": filters.limit + 1}
    if filters.cursor is None:
        parameters["offset"] = (filters.page - 1) * filters.limit
    else:
        parameters |= _read_cursor(filters)
    rows = (await connection.execute(_list_statement(shape), parameters)).all()
    kept = rows[: filters.limit]
    more = len(rows) > filters.limit
    return Page(kept, _write_cursor(filters, kept[-1]) if more and kept else None)


async def count_cards(connection: AsyncConnection, filters: Filters) -> int:
    shape = _shape(filters)._replace(order="", after_cursor=False)
    return int((await connection.execute(_count_statement(shape), _parameters(filters))).scalar_one())


def _shape(filters: Filters) -> Shape:
    return Shape(
        order=filters.order,
        words=len(filters.words),
        categories=len(filters.categories),
        tags=len(filters.tags),
        has_min_rating=filters.min_rating is not None,
        after_cursor=filters.cursor is not None,
    )


def _parameters(filters: Filters) -> dict[str, Any]:
    words = filters.words
    values: dict[str, Any] = {f"word_{n}": word for n, word in enumerate(words)}
    values |= {f"category_{n}": slugify(name) for n, name in enumerate(filters.categories)}
    values |= {f"tag_{n}": fold(tag) for n, tag in enumerate(filters.tags)}
    if words:
        values["whole"] = " ".join(words)
    if filters.min_rating is not None:
        values["min_rating"] = filters.min_rating
    return values


@lru_cache(maxsize=512)
def _count_statement(shape: Shape) -> Select[Any]:
    return select(func.count()).select_from(P).where(*_conditions(shape))


@lru_cache(maxsize=512)
def _list_statement(shape: Shape) -> Select[Any]:
    keys = _order_keys(shape)
    statement = select(*CARD_COLUMNS, keys[0][0].label("sort_key")).where(*_conditions(shape))
    statement = statement.where(_after(keys)) if shape.after_cursor else statement.offset(bindparam("offset"))
    ordering = [key.desc() if down else key.asc() for key, down, _ in keys]
    return statement.order_by(*ordering).limit(bindparam("limit"))


def _conditions(shape: Shape) -> list[ColumnElement[bool]]:
    conditions = [on_shelf()]
    conditions += [_contains(P.search_text, bindparam(f"word_{n}")) for n in range(shape.words)]
    if shape.categories:
        conditions.append(P.category_slug.in_([bindparam(f"category_{n}") for n in range(shape.categories)]))
    for n in range(shape.tags):
        has_tag = select(PersonalityTag.personality_id).where(PersonalityTag.tag == bindparam(f"tag_{n}"))
        conditions.append(P.id.in_(has_tag))
    if shape.has_min_rating:
        conditions.append(P.avg_rating >= bindparam("min_rating"))
    return conditions


def _contains(text: Any, part: Any) -> ColumnElement[bool]:
    """A literal substring: `replace` and `length` mean the same on both databases, and LIKE's signs mean nothing."""
    return func.length(func.replace(text, part, "")) != func.length(text)


OrderKey = tuple[Any, bool, str]
"""An expression, whether it runs downwards, and the cursor parameter it is compared with."""


def _order_keys(shape: Shape) -> list[OrderKey]:
    by_id: OrderKey = (P.id, False, "after_id")
    if shape.order == "match":
        return [(_match_rank(shape.words), False, "after_key"), (P.deploy_count, True, "after_count"), by_id]
    columns: dict[str, tuple[Any, bool]] = {
        "popular": (P.deploy_count, True),
        "newest": (P.created_at, True),
        "rating": (P.rating_score, True),
        "name": (P.name_folded, False),
    }
    column, down = columns[shape.order]
    return [(column, down, "after_key"), by_id]


def _match_rank(words: int) -> ColumnElement[int]:
    """0 exact name, 1 start of name, 2 start of a word in it, 3 elsewhere in it, 4 tag, 5 description."""
    whole: Any = bindparam("whole")
    spaced = literal(" ") + func.replace(P.name_folded, "-", " ")
    each: list[Any] = [bindparam(f"word_{n}") for n in range(words)]
    in_tag = select(PersonalityTag.tag).where(PersonalityTag.personality_id == P.id)
    return case(
        (P.name_folded == whole, 0),
        (func.substr(P.name_folded, 1, func.length(whole)) == whole, 1),
        (and_(*(_contains(spaced, literal(" ") + word) for word in each)), 2),
        (and_(*(_contains(P.name_folded, word) for word in each)), 3),
        (and_(*(in_tag.where(_contains(PersonalityTag.tag, word)).exists() for word in each)), 4),
        else_=5,
    )


def _after(keys: list[OrderKey]) -> ColumnElement[bool]:
    """Strictly behind the cursor's row in the same order."""
    expression, down, name = keys[0]
    parameter = bindparam(name, type_=expression.type)
    beyond: ColumnElement[bool] = expression < parameter if down else expression > parameter
    if len(keys) == 1:
        return beyond
    return or_(beyond, and_(expression == parameter, _after(keys[1:])))


def _write_cursor(filters: Filters, row: Any) -> str:
    key = row.sort_key.isoformat() if isinstance(row.sort_key, datetime) else row.sort_key
    packed = msgspec.json.encode([filters.fingerprint(), key, row.deploy_count, row.id])
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _read_cursor(filters: Filters) -> dict[str, Any]:
    cursor = filters.cursor or ""
    try:
        packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        fingerprint, key, count, row_id = msgspec.json.decode(packed, type=tuple[str, int | float | str, int, str])
        after_key = _cursor_key(filters.order, key)
        if not -BIGGEST <= count <= BIGGEST or "\x00" in row_id:
            raise ValueError("not a row of ours")
    except (ValueError, OverflowError) as error:
        raise ValidationFailed(fields={"cursor": "is not one of ours"}) from error
    if fingerprint != filters.fingerprint():
        raise ValidationFailed(fields={"cursor": "belongs to other filters; start again without it"})
    values = {"after_key": after_key, "after_id": row_id}
    return values | {"after_count": count} if filters.order == "match" else values


BIGGEST = 2**63 - 1


def _cursor_key(order: str, key: int | float | str) -> Any:
    """The sort key of a cursor in the type its column has. Raises `ValueError` for one of another order."""
    if order == "newest" and isinstance(key, str):
        moment = datetime.fromisoformat(key)
        if moment.tzinfo is None:
            raise ValueError("a moment without a zone")
        return moment.astimezone(UTC)
    if order == "name" and isinstance(key, str) and "\x00" not in key:
        return key
    if order == "rating" and isinstance(key, (int, float)):
        return float(key)
    if order in {"popular", "match"} and isinstance(key, int) and -BIGGEST <= key <= BIGGEST:
        return key
    raise ValueError("a key of another order")


_CATEGORIES = select(P.category, P.category_slug, func.count()).where(on_shelf()).group_by(P.category, P.category_slug)


async def list_categories(connection: AsyncConnection) -> list[tuple[str, str, int]]:
    """(name, slug, how many on the shelf), by name."""
    found = [(row[0], row[1], row[2]) for row in await connection.execute(_CATEGORIES)]
    return sorted(found, key=lambda each: fold(each[0]))


async def get_personality(session: AsyncSession, id_or_slug: str, *, on_shelf_only: bool = True) -> P:
    """The entry with everything; raises `NotFound` also for private and archived ones."""
    statement = select(P).where(or_(P.id == id_or_slug, P.slug == id_or_slug))
    if on_shelf_only:
        statement = statement.where(on_shelf())
    found = await session.scalar(statement)
    if found is None:
        raise NotFound("There is no personality at this address. It may have left the marketplace.")
    return found


async def get_version(session: AsyncSession, personality_id: str, version: int) -> PersonalityVersion:
    found = await session.get(PersonalityVersion, (personality_id, version))
    if found is None:
        raise NotFound("That version does not exist.")
    return found
