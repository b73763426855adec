"""Reads of the trail, newest first, a page at a time by cursor."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from botbot.audit.models import AuditEntry as E
from botbot.errors import ValidationFailed

Reader = AsyncSession | AsyncConnection
_COLUMNS = (E.id, E.at, E.actor_id, E.action, E.subject_type, E.subject_id, E.details, E.before, E.after)


class Wanted(NamedTuple):
    """What narrows the trail; an empty value asks for nothing. `actors` are users' ids, `None` anybody; `action` is how
    it begins; `since` belongs to the time, `until` doesn't."""

    actors: tuple[str, ...] | None = None
    action: str = ""
    subject_type: str = ""
    subject_id: str = ""
    since: datetime | None = None
    until: datetime | None = None


async def list_entries(reader: Reader, wanted: Wanted, limit: int, cursor: str = "") -> tuple[Sequence[Any], str]:
    """The rows after `cursor`, and the cursor of what follows (empty at the end). Raises `ValidationFailed` for a
    cursor that isn't ours."""
    conditions = _conditions(wanted)
    if cursor:
        at, last = _read_cursor(cursor)
        conditions.append(or_(E.at < at, and_(E.at == at, E.id < last)))
    statement = select(*_COLUMNS).where(*conditions).order_by(E.at.desc(), E.id.desc()).limit(limit + 1)
    rows = (await reader.execute(statement)).all()
    return rows[:limit], _cursor(rows[limit - 1]) if len(rows) > limit else ""


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.actors is not None:
        found.append(E.actor_id.in_(wanted.actors))
    if wanted.action:
        found.append(E.action.startswith(wanted.action, autoescape=True))
    if wanted.subject_type:
        found.append(E.subject_type == wanted.subject_type)
    if wanted.subject_id:
        found.append(E.subject_id == wanted.subject_id)
    if wanted.since is not None:
        found.append(E.at >= wanted.since)
    if wanted.until is not None:
        found.append(E.at < wanted.until)
    return found


def _cursor(row: Any) -> str:
    return base64.urlsafe_b64encode(f"{row.at.isoformat()} {row.id}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        moment, _, last = text.partition(" ")
        at = datetime.fromisoformat(moment)
        if at.utcoffset() is None or not 2000 <= at.year < 2200 or not last or "\x00" in last:
            raise ValueError(moment)
    except (ValueError, binascii.Error, OverflowError) as error:
        raise ValidationFailed(fields={"cursor": "must be one that this list has given"}) from error
    return at, last
