"""Where a reader stands in an order, as an opaque text that is bound to the filters it was made with."""

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec

from botbot.catalog.ordering import EXACT, NAMES, RANKED, STARTS
from botbot.catalog.rules import Filters
from botbot.errors import ValidationFailed

BIGGEST = 2**63 - 1
MATCH_KEYS = {mode + rank for mode in (RANKED, NAMES, STARTS, EXACT) for rank in range(6)}


def write_cursor(filters: Filters, row: Any) -> str:
    """The place behind this row, which has `sort_key`, `deploy_count` and `id`."""
    key = row.sort_key.isoformat() if isinstance(row.sort_key, datetime) else row.sort_key
    packed = msgspec.json.encode([filters.fingerprint(), key, row.deploy_count, row.id])
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_cursor(filters: Filters) -> dict[str, Any]:
    """The parameters `after_key`, `after_count`, `after_id`.

    Raises `ValidationFailed` for a cursor that is not ours or belongs to other filters."""
    cursor = filters.cursor or ""
    try:
        packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        fingerprint, key, count, row_id = msgspec.json.decode(packed, type=tuple[str, int | float | str, int, str])
        after_key = _key(filters.order, key)
        if not -BIGGEST <= count <= BIGGEST or "\x00" in row_id:
            raise ValueError("not a row of ours")
    except (ValueError, OverflowError) as error:
        raise ValidationFailed(fields={"cursor": "is not one of ours"}) from error
    if fingerprint != filters.fingerprint():
        raise ValidationFailed(fields={"cursor": "belongs to other filters; start again without it"})
    return {"after_key": after_key, "after_count": count, "after_id": row_id}


def _key(order: str, key: int | float | str) -> Any:
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
    if order == "match" and isinstance(key, int) and key in MATCH_KEYS:
        return key
    if order == "popular" and isinstance(key, int) and -BIGGEST <= key <= BIGGEST:
        return key
    raise ValueError("a key of another order")
