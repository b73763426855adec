"""What a question to the catalogue looks like in SQL: its shape, its conditions and its parameters.

Building a statement costs more than running it, so statements are made once per shape (how many words, tags, … and
which order) and only their parameters change."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Boolean, ColumnElement, String, and_, bindparam, func, select, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from botbot.catalog.models import PersonalityTag, PersonalityTemplate
from botbot.catalog.rules import Filters, fold, slugify

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
    without_tags: int
    languages: int
    content_ratings: int
    has_min_rating: bool


def shape_of(filters: Filters) -> Shape:
    return Shape(
        order=filters.order,
        words=len(filters.words),
        categories=len(filters.categories),
        tags=len(filters.tags),
        without_tags=len(filters.without_tags),
        languages=len(filters.languages),
        content_ratings=len(filters.content_ratings),
        has_min_rating=filters.min_rating is not None,
    )


def parameters_of(filters: Filters) -> dict[str, Any]:
    """The values of `conditions(shape_of(filters))` and of the match's rank."""
    values = {
        **_numbered("word", filters.words),
        **_numbered("category", [slugify(name) for name in filters.categories]),
        **_numbered("tag", [fold(tag) for tag in filters.tags]),
        **_numbered("without", [fold(tag) for tag in filters.without_tags]),
        **_numbered("language", filters.languages),
        **_numbered("content_rating", filters.content_ratings),
    }
    if filters.words:
        values["whole"] = " ".join(filters.words)
    if filters.min_rating is not None:
        values["min_rating"] = filters.min_rating
    return values


def _numbered(name: str, values: Sequence[str]) -> dict[str, Any]:
    return {f"{name}_{number}": value for number, value in enumerate(values)}


def binds(name: str, count: int) -> list[Any]:
    return [bindparam(f"{name}_{number}") for number in range(count)]


def on_shelf() -> ColumnElement[bool]:
    """What visitors may see. SQLite uses the partial index only when it is written as `= 1`."""
    return and_(P.is_public == true(), P.archived_at.is_(None))


def conditions(shape: Shape, *, walking: bool = False) -> list[ColumnElement[bool]]:
    """Everything that a row must be, the words included; `walking` along an index that is chosen for its order."""
    return [on_shelf(), *word_conditions(shape), *filter_conditions(shape, walking=walking)]


def word_conditions(shape: Shape) -> list[ColumnElement[bool]]:
    return [contains(P.search_text, word) for word in binds("word", shape.words)]


def filter_conditions(shape: Shape, *, walking: bool = False) -> list[ColumnElement[bool]]:
    """What is asked besides words. A walk looks at each row in turn; it takes nothing from another index."""
    of: Any = aside if walking else lambda column: column
    found: list[ColumnElement[bool]] = []
    for column, name, count in (
        (P.category_slug, "category", shape.categories),
        (P.language, "language", shape.languages),
        (P.content_rating, "content_rating", shape.content_ratings),
    ):
        if count:
            found.append(of(column).in_(binds(name, count)))
    if shape.has_min_rating:
        found.append(of(P.avg_rating) >= bindparam("min_rating"))
    is_alone = not found and not shape.words  # Then a tag's own entries are the fewest to look at.
    tags = binds("tag", shape.tags)
    found += [P.id.in_(_tagged(tag)) if is_alone and not walking else _has_tag(tag) for tag in tags]
    return found + [~_has_tag(tag) for tag in binds("without", shape.without_tags)]


def _tagged(tag: Any) -> Any:
    return select(PersonalityTag.personality_id).where(PersonalityTag.tag == tag)


def _has_tag(tag: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = _tagged(tag).where(PersonalityTag.personality_id == P.id).exists()
    return found


class contains(FunctionElement[bool]):
    """`contains(text, part)`: a literal substring. LIKE's signs mean nothing, and no locale is asked."""

    type = Boolean()
    name = "contains"
    inherit_cache = True


@compiles(contains)
def _strpos(element: Any, compiler: Any, **how: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **how)}) > 0"


@compiles(contains, "sqlite")
def _instr(element: Any, compiler: Any, **how: Any) -> str:
    return f"instr({compiler.process(element.clauses, **how)}) > 0"


class bytewise(FunctionElement[str]):
    """A text to be sorted by its code points, whatever the server's locale is."""

    type = String()
    name = "bytewise"
    inherit_cache = True


@compiles(bytewise)
def _collated(element: Any, compiler: Any, **how: Any) -> str:
    return f'{compiler.process(element.clauses, **how)} collate "C"'


@compiles(bytewise, "sqlite")
def _as_it_is(element: Any, compiler: Any, **how: Any) -> str:
    return str(compiler.process(element.clauses, **how))


def starts(text: Any, part: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = func.substr(text, 1, func.length(part)) == part
    return found


class aside(FunctionElement[Any]):
    """A column by which no index is looked for: SQLite has no statistics, and PostgreSQL takes every index there is
    on the way, however little it leaves out."""

    name = "aside"
    inherit_cache = True

    def __init__(self, column: Any) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(aside)
def _unseen(element: Any, compiler: Any, **how: Any) -> str:
    column = compiler.process(element.clauses, **how)
    return f"coalesce({column}, {column})"


@compiles(aside, "sqlite")
def _unary_plus(element: Any, compiler: Any, **how: Any) -> str:
    return f"+{compiler.process(element.clauses, **how)}"
