"""More like this: other personalities with the same tags, the same category or the same words, found without a model.

Candidates come from two places, each of a fixed size, so that the cost does not grow with the catalogue:

- the most deployed of all, as far as they share a tag or the category;
- everything under a tag or in a category that is rare enough to be read whole. A frequent one needs no such help: the
  most deployed of it are among the most deployed of all.

The closest of them are then compared here, by points that can be said in words:

| in common | points |
| --- | --- |
| a tag | 4, less the more of the candidates have it: a rare tag says more than a frequent one |
| the category | 2 |
| words of name and description | up to 4, by how many of all their words both have |
| the language | 2, where there is something else in common |

Ties go to the more deployed one, then to the lower id, so that the same catalogue always gives the same answer."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, case, func, literal, or_, select, union, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.catalog.models import PersonalityTag
from botbot.catalog.rules import fold
from botbot.catalog.statements import CARD_COLUMNS, P, on_shelf

POPULAR, RARE, MOST_TAGS, COMPARED = 500, 40, 6, 60
TAG, CATEGORY, WORDS, LANGUAGE = 4.0, 2.0, 4.0, 2.0
_WORD = re.compile(r"\w{4,}")
"""Shorter words are mostly grammar."""


async def list_similar(connection: AsyncConnection, personality: Any, limit: int = 6) -> Sequence[Any]:
    """Rows with `CARD_COLUMNS`, the most similar first. `personality` is a row or an entry."""
    tags = sorted(_tags(personality))[:MOST_TAGS]
    values: dict[str, Any] = {f"tag_{place}": tag for place, tag in enumerate(tags)}
    values["category"] = personality.category_slug
    sources = await connection.execute(_rare(len(tags)), values)
    values |= {"near": _read_whole(sources.all()), "me": personality.id}
    found = (await connection.execute(_closest(len(tags)), values)).all()
    return rank(personality, found)[:limit]


def _read_whole(rows: Sequence[Any]) -> list[str]:
    """The ids from those sources that came to an end before the limit."""
    sizes = Counter(row.source for row in rows)
    return sorted({row.id for row in rows if sizes[row.source] <= RARE})


@lru_cache(maxsize=MOST_TAGS + 1)
def _rare(tags: int) -> Any:
    """For the category and each tag: (source, id), one more than what counts as rare."""
    sources = [select(P.id).where(P.category_slug == bindparam("category"))]
    sources += [
        select(PersonalityTag.personality_id.label("id")).where(PersonalityTag.tag == bindparam(f"tag_{place}"))
        for place in range(tags)
    ]
    parts = [each.limit(RARE + 1).subquery() for each in sources]
    return union_all(*(select(literal(place).label("source"), part.c.id) for place, part in enumerate(parts)))


@lru_cache(maxsize=MOST_TAGS + 1)
def _closest(tags: int) -> Select[Any]:
    """The candidates that share most, by tags (a rare one counts twice), then category, then deployments."""
    popular = select(P.id).where(on_shelf()).order_by(P.deploy_count.desc(), P.id).limit(POPULAR).subquery()
    near = select(P.id).where(P.id.in_(bindparam("near", expanding=True)))
    wanted: list[Any] = [bindparam(f"tag_{place}") for place in range(tags)]
    shared = (
        select(func.count())
        .where(PersonalityTag.personality_id == P.id, PersonalityTag.tag.in_(wanted))
        .scalar_subquery()
    )
    rare = case((P.id.in_(bindparam("near", expanding=True)), 1), else_=0)
    same = case((P.category_slug == bindparam("category"), 1), else_=0)
    return (
        select(*CARD_COLUMNS)
        .where(P.id.in_(union(select(popular.c.id), near)), on_shelf(), P.id != bindparam("me"))
        .where(or_(same == 1, shared > 0))
        .order_by((shared + rare).desc(), same.desc(), P.deploy_count.desc(), P.id)
        .limit(COMPARED)
    )


def rank(personality: Any, candidates: Iterable[Any]) -> list[Any]:
    """The candidates by how much they have in common with the personality, without those that have nothing."""
    rows = list(candidates)
    mine, words = _tags(personality), _words(personality)
    tags = [_tags(row) for row in rows]
    frequency = Counter(tag for each in tags for tag in each)

    def points(row: Any, theirs: set[str]) -> float:
        alike = sum(TAG / (1 + math.log(frequency[tag])) for tag in mine & theirs)
        alike += CATEGORY if row.category_slug == personality.category_slug else 0.0
        their_words = _words(row)
        alike += WORDS * len(words & their_words) / (len(words | their_words) or 1)
        return alike + LANGUAGE if alike and row.language == personality.language else alike

    scored = [(points(row, theirs), row) for row, theirs in zip(rows, tags, strict=True)]
    ordered = sorted(scored, key=lambda each: (-round(each[0], 6), -each[1].deploy_count, each[1].id))
    return [row for score, row in ordered if score > 0]


def _tags(row: Any) -> set[str]:
    return {fold(tag) for tag in row.tags}


def _words(row: Any) -> set[str]:
    return set(_WORD.findall(fold(f"{row.name} {row.description}")))
