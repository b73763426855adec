"""The table, and the goals beside it."""

from dataclasses import dataclass

from tests.bench.load import Figures

GOALS_OF_EMPTY = {"list, page 1": 0.70, "detail": 0.70, "grid (HTML)": 0.25}
"""Cached answers, as a share of an empty handler's requests per second."""
GOALS_OF_BARE = {"list, page 1": 0.50, "detail": 0.50}
"""From the database, as a share of the bare driver's."""
SEARCH_P99_MS = 50.0
GROWTH = 3.0
"""How much longer a search may take at 1M than at 10k: those with 1 % and with 100 hits."""
GROWING = ("search, 1 %", "search, 100 hits")


@dataclass
class Row:
    name: str
    how: str
    engine: str
    size: str
    empty: Figures
    load: Figures
    alone: Figures | None = None
    bare: Figures | None = None
    statements: int = 0

    @property
    def of_empty(self) -> float:
        return self.load.per_second / self.empty.per_second

    @property
    def of_bare(self) -> float | None:
        return self.load.per_second / self.bare.per_second if self.bare else None

    @property
    def goal(self) -> str:
        """What was asked of this row and whether it is so; empty where nothing was."""
        if self.how == "cached" and self.name in GOALS_OF_EMPTY:
            wanted = GOALS_OF_EMPTY[self.name]
            return _verdict(self.of_empty >= wanted, f"≥ {wanted:.0%} of empty")
        if self.how == "cold" and self.name in GOALS_OF_BARE and self.of_bare is not None:
            wanted = GOALS_OF_BARE[self.name]
            return _verdict(self.of_bare >= wanted, f"≥ {wanted:.0%} of bare")
        if self.how == "cold" and self.name.startswith("search") and self.size == "1m" and self.engine == "postgres":
            assert self.alone is not None
            return _verdict(self.alone.p99_ms <= SEARCH_P99_MS, f"p99 ≤ {SEARCH_P99_MS:.0f} ms")
        return ""


def _verdict(is_met: bool, goal: str) -> str:
    return f"{'ok ' if is_met else 'NOT'} {goal}"


def head() -> None:
    print(
        f"{'':24}{'req/s':>8}{'p50 ms':>8}{'p99 ms':>8}{'CPU ms':>8}{'of empty':>9}{'alone p50':>11}{'p99':>7}"
        f"{'bare SQL/s':>12}{'of bare':>8}  goal"
    )


def line(row: Row) -> None:
    found, alone, bare = row.load, row.alone, row.bare
    name = f"{row.name:17}{row.how:7}"
    print(
        f"{name:24}{found.per_second:8.0f}{found.p50_ms:8.2f}{found.p99_ms:8.1f}{found.cpu_ms:8.3f}{row.of_empty:9.0%}"
        + (f"{alone.p50_ms:11.2f}{alone.p99_ms:7.1f}" if alone else " " * 18)
        + (
            f"{f'{row.statements} × ' if row.statements > 1 else ''}{bare.per_second:.0f}".rjust(12)
            if bare
            else " " * 12
        )
        + (f"{row.of_bare:8.0%}" if row.of_bare is not None else " " * 8)
        + f"  {row.goal}".rstrip(),
        flush=True,
    )


def end(rows: list[Row], megabytes: float) -> None:
    empty = max((row.empty for row in rows), key=lambda each: each.per_second)
    print(f"empty handler: {empty.per_second:.0f} req/s, {empty.cpu_ms:.3f} ms CPU; ", end="")
    print(f"memory after the load: {megabytes:.0f} MB")


def growth(engine: str, by_size: dict[str, list[Row]]) -> None:
    """How the time alone grows with the catalogue."""
    sizes = list(by_size)
    print(f"\n{engine}: p50 alone, cold, in ms{''.join(f'{size:>9}' for size in sizes)}{'growth':>9}")
    for first, *others in zip(*([row for row in rows if row.how == "cold"] for rows in by_size.values()), strict=True):
        times = [row.alone.p50_ms for row in (first, *others) if row.alone]
        factor = times[-1] / times[0]
        is_asked = first.name in GROWING and sizes[-1] == "1m" and sizes[0] == "10k"
        goal = _verdict(factor <= GROWTH, f"≤ {GROWTH:.0f} ×") if is_asked else ""
        print(f"{first.name:26}{''.join(f'{each:9.2f}' for each in times)}{factor:8.1f}×  {goal}".rstrip())
