"""The orders of the catalogue, as expressions to sort by and to continue behind.

Words without a sort go by the match, in one of four modes. `RANKED` gives every row its exact rank. Among many matches
(more than `FEW`) the best stand in front, exactly ranked, and the rest follows by deployments: in front stand the
matching names (`NAMES`); when even those are too many, names that start so (`STARTS`), or the very name (`EXACT`).
A cursor says its mode, so whoever is on their way goes on in the same order while others are being added.

Each row's place is decided by itself alone, never by its neighbours: that is what makes a cursor exact."""

from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, bindparam, case, literal, not_, or_

from botbot.catalog.matching import in_name, match_rank, name_ranks
from botbot.catalog.statements import P

OrderKey = tuple[Any, bool, str]
"""An expression, whether it runs downwards, and the cursor parameter it is compared with."""
COLUMNS: dict[str, tuple[Any, bool]] = {
    "popular": (P.deploy_count, True),
    "newest": (P.created_at, True),
    "rating": (P.rating_score, True),
    "name": (P.name_folded, False),
}
RANKED, NAMES, STARTS, EXACT = 0, 10, 20, 30
"""The modes; a match's sort key is the mode plus the rank."""
REST = 4
"""The rank of everything behind the front."""
WHOLE: ColumnElement[bool] = P.name_folded == bindparam("whole")
STARTS_SO: ColumnElement[bool] = and_(P.name_folded >= bindparam("whole"), P.name_folded < bindparam("beyond"))
"""As an index answers it: from the word to the word followed by the last character there is."""
LAST = "\U0010ffff"


def column_keys(order: str) -> list[OrderKey]:
    column, down = COLUMNS[order]
    return [(column, down, "after_key"), (P.id, False, "after_id")]


def match_keys(mode: int, words: int, *, front: bool = True) -> list[OrderKey]:
    """For `RANKED` everything is front."""
    rank = _rank(mode, words) if front else literal(mode + REST, Integer())
    return [(rank, False, "after_key"), (P.deploy_count, True, "after_count"), (P.id, False, "after_id")]


def _rank(mode: int, words: int) -> ColumnElement[int]:
    if mode == RANKED:
        return match_rank(words)
    if mode == NAMES:
        return case(*((condition, mode + rank) for condition, rank in name_ranks(words)))
    return case((WHOLE, mode), else_=mode + 1)


def front_condition(mode: int) -> ColumnElement[bool]:
    return STARTS_SO if mode == STARTS else WHOLE


def rest_condition(mode: int, words: int) -> ColumnElement[bool]:
    return not_(in_name(words) if mode == NAMES else front_condition(mode))


def behind(keys: list[OrderKey]) -> ColumnElement[bool]:
    """Strictly behind the cursor's row in the same order."""
    expression, down, name = keys[0]
    parameter = bindparam(name, type_=expression.type)
    beyond: ColumnElement[bool] = expression < parameter if down else expression > parameter
    if len(keys) == 1:
        return beyond
    # The bound, which the rest implies, is what an index can start from.
    bound = expression <= parameter if down else expression >= parameter
    return and_(bound, or_(beyond, and_(expression == parameter, behind(keys[1:]))))


def sorting(keys: list[OrderKey]) -> list[Any]:
    return [key.desc() if down else key.asc() for key, down, _ in keys]
