"""The shape of the overview's figures: one table serves the page, its picture, the CSV and the JSON."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple

import msgspec

from botbot.kit import clock

PERIODS = (7, 30, 90)
Number = int | float | None


class Period(NamedTuple):
    """Whole days in UTC, both ends included; the last one is today."""

    since: date
    until: date

    @property
    def days(self) -> list[str]:
        length = (self.until - self.since).days + 1
        return [(self.since + timedelta(days=n)).isoformat() for n in range(length)]

    @property
    def before(self) -> "Period":
        """As many days right before."""
        length = self.until - self.since + timedelta(days=1)
        return Period(self.since - length, self.until - length)


def last_days(days: int) -> Period:
    today = clock.now().date()
    return Period(today - timedelta(days=days - 1), today)


class Table(msgspec.Struct, rename="camel"):
    """Labelled rows of numbers; `null` where there is nothing to say. `kind` is how it is drawn, `label` what the rows
    are, `total` what it comes to, in words."""

    name: str
    title: str
    label: str
    columns: list[str]
    rows: list[tuple[str, list[Number]]]
    kind: Literal["line", "bars", "ranks"] = "bars"
    total: str = ""

    @property
    def has_any(self) -> bool:
        return any(value for _, values in self.rows for value in values)


def by_day(period: Period, found: Mapping[str, Sequence[Number]], width: int) -> list[tuple[str, list[Number]]]:
    """A row for each day of the period, with noughts where nothing happened."""
    return [(day, list(found.get(day, [0] * width))) for day in period.days]
