"""The one clock. Moments are aware UTC; tests may move it, code never reads the time elsewhere."""

from datetime import UTC, datetime, timedelta

_offset = timedelta(0)


def now() -> datetime:
    return datetime.now(UTC) + _offset


def move(by: timedelta) -> None:
    """Shift the clock for this process; a test's tool."""
    global _offset
    _offset += by


def reset() -> None:
    global _offset
    _offset = timedelta(0)


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and a Z, as the API answers it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
