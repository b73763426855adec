"""What the panel's addresses say: pages, days and words, checked before anything is asked of the database."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from botbot.errors import ValidationFailed

LONGEST = 100
DEEPEST = 10_000
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
Query = Mapping[str, str]


def words(query: Query, *names: str) -> dict[str, str]:
    """Those of the query, cut to what can be meant; one that isn't there is empty."""
    return {name: query.get(name, "").replace("\x00", "").strip()[:LONGEST] for name in names}


def page_number(query: Query) -> int:
    """1 for everything that is no page: a page never fails for its address."""
    text = query.get("page", "1")
    return min(int(text[:9]), DEEPEST) if text.isascii() and text.isdigit() and int(text[:9]) > 0 else 1


def moment(text: str, field: str, *, end_of_day: bool = False) -> datetime | None:
    """A day (`2026-03-01`) or a moment in ISO 8601; without an offset it is UTC. `end_of_day` makes a day the one
    after, so that it belongs to the time before. Raises `ValidationFailed`."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValidationFailed(fields={field: "must be a day such as 2026-03-01, or a moment in ISO 8601"}) from error
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if not EARLIEST <= at <= LATEST:
        raise ValidationFailed(fields={field: "must be a day of this century"})
    return at + timedelta(days=1) if end_of_day and len(text) == len("2026-03-01") else at


def check_paging(page: int, limit: int) -> None:
    """Raises `ValidationFailed`."""
    wrong = {}
    if not 1 <= page <= DEEPEST:
        wrong["page"] = f"must be between 1 and {DEEPEST:,}"
    if not 1 <= limit <= 100:
        wrong["limit"] = "must be between 1 and 100"
    if wrong:
        raise ValidationFailed(fields=wrong)


def address(path: str, asked: Mapping[str, object]) -> str:
    """The path with what is asked in its query; what is empty is left out."""
    query = urlencode({name: value for name, value in asked.items() if value not in {"", None}})
    return f"{path}?{query}" if query else path
