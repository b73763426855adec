"""`./dev bench [--sizes 10k,100k,1m] [--engines sqlite,postgres] [--only WORDS] [--seconds N] [--all]`
`./dev bench preview …`: talking instead of browsing, see `tests.bench.preview`.
`./dev bench load …`: three times more than it can do, see `tests.bench.peak`.

For each database and size: every path cached (one question again and again) and cold (another question each time),
beside the bare driver with the same SQL. Server, database and this load generator share the machine, so ratios and the
server's CPU per request tell more than requests per second. `alone` is one connection, without waiting in line."""

import argparse
import contextlib
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import uvloop
from tests.bench import peak, preview, report
from tests.bench.limits import Driver, Statement, driver, statements_of
from tests.bench.load import Figures, Path_, load, memory_mb
from tests.bench.report import Row
from tests.bench.server import Server, serving
from tests.support.crowd import COMMON, RARE, fill
from tests.support.postgres import NoPostgres, Postgres

from botbot.catalog.models import PersonalityTemplate
from botbot.db import Database
from botbot.db.migrate import migrate

LIST = "/api/marketplace/personalities"
SIZES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000}
ALONE_SECONDS = 1.0
ROUNDS = 3


@dataclass
class Chosen:
    sizes: list[str]
    engines: list[str]
    only: str
    seconds: float


def paths(count: int, slug: str, name: str) -> dict[str, str]:
    """What is measured, by the name in the table."""
    return {
        "list, page 1": LIST,
        "search, 1 %": f"{LIST}?search={COMMON}",
        "search, 100 hits": f"{LIST}?search={RARE}",
        "search, rare": f"{LIST}?search={name.replace(' ', '+')}",
        "deep page": f"{LIST}?page={max(2, count * 9 // 10 // 24)}",
        "three filters": f"{LIST}?category=gaming&tags=cosy&minRating=4",
        "detail": f"{LIST}/{slug}",
        "grid (HTML)": "/",
        "detail (HTML)": f"/personalities/{slug}",
    }


async def main(chosen: Chosen) -> None:
    with tempfile.TemporaryDirectory() as data:
        await start(Path(data))
    for engine in chosen.engines:
        by_size: dict[str, list[Row]] = {}
        for size in chosen.sizes:
            with contextlib.suppress(NoPostgres):
                async with filled(engine, SIZES[size]) as (url, data_dir):
                    by_size[size] = await measure(engine, size, url, data_dir, chosen)
        if len(by_size) > 1:
            report.growth(engine, by_size)
        if not by_size:
            print(f"\n{engine}: left out, there is none here")


async def start(data: Path) -> None:
    """How soon it is there and gone, with an empty directory."""
    async with serving("serve", data) as server:
        memory = memory_mb(server.pid)
    print(f"first start (migrated and seeded): ready after {server.ready_seconds:.2f} s, {memory:.0f} MB; ", end="")
    print(f"SIGTERM: exit code {server.exit_code} after {server.stop_seconds:.2f} s")


@contextlib.asynccontextmanager
async def filled(engine: str, count: int) -> AsyncIterator[tuple[str, Path]]:
    """A migrated database with `count` entries: its URL, and a directory for the server."""
    with tempfile.TemporaryDirectory() as kept, contextlib.ExitStack() as stack:
        data = Path(kept)
        url = f"sqlite:///{data / 'botbot.sqlite3'}"
        if engine == "postgres":
            cluster = Postgres()
            stack.callback(cluster.stop)
            url = await cluster.copy()
        began = time.perf_counter()
        database = Database(url)
        await migrate(database)
        await fill(database, count)
        await database.dispose()
        print(f"\n{engine}, {count:,} entries (filled in {time.perf_counter() - began:.0f} s)", flush=True)
        yield url, data


async def measure(engine: str, size: str, url: str, data: Path, chosen: Chosen) -> list[Row]:
    slug, name = await _somebody(url)
    wanted = {each: path for each, path in paths(SIZES[size], slug, name).items() if chosen.only in each}
    sql = await statements_of(url, data, wanted)
    rows: list[Row] = []
    report.head()
    async with serving("web", data, url) as server, driver(url) as limit:
        for each, path in wanted.items():
            found = await rounds(server, limit, path, sql[each], chosen.seconds)
            for how, is_cold in (("cached", False), ("cold", True)):
                row = Row(each, how, engine, size, found["empty"], found[how])
                row.alone = await load(server.port, server.pid, Path_(path, is_cold), ALONE_SECONDS, connections=1)
                row.bare, row.statements = (found.get("bare"), len(sql[each])) if is_cold else (None, 0)
                report.line(row)
                rows.append(row)
        report.end(rows, memory_mb(server.pid))
    return rows


async def rounds(
    server: Server, limit: Driver, path: str, statements: list[Statement], seconds: float
) -> dict[str, Figures]:
    """The best of a few rounds of each. They take turns, so that a busy moment of the machine hits all alike."""
    best: dict[str, Figures] = {}

    def note(name: str, found: Figures) -> None:
        if name not in best or best[name].per_second < found.per_second:
            best[name] = found

    for _ in range(ROUNDS):
        note("empty", await load(server.port, server.pid, Path_("/healthz"), seconds))
        note("cached", await load(server.port, server.pid, Path_(path), seconds))
        note("cold", await load(server.port, server.pid, Path_(path, is_cold=True), seconds))
        if statements:
            note("bare", await limit.measure(statements, seconds))
    return best


async def _somebody(url: str) -> tuple[str, str]:
    """(slug, name) of an entry from the middle of the catalogue."""
    from sqlalchemy import func, select

    database = Database(url)
    try:
        async with database.reading() as connection:
            half = (await connection.execute(select(func.count()).select_from(PersonalityTemplate))).scalar_one() // 2
            columns = select(PersonalityTemplate.slug, PersonalityTemplate.name)
            found = (await connection.execute(columns.order_by(PersonalityTemplate.id).offset(half).limit(1))).one()
            return str(found.slug), str(found.name)
    finally:
        await database.dispose()


def _chosen() -> Chosen:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--sizes", default="10k,100k")
    parser.add_argument("--engines", default="sqlite,postgres")
    parser.add_argument("--only", default="", help="paths whose name contains this")
    parser.add_argument("--seconds", type=float, default=0.8, help="of one round; three of each")
    parser.add_argument("--all", action="store_true", help="every size on every database")
    given = parser.parse_args()
    sizes = list(SIZES) if given.all else [each.strip().lower() for each in given.sizes.split(",")]
    if unknown := set(sizes) - set(SIZES):
        parser.error(f"unknown size {', '.join(unknown)}; there are {', '.join(SIZES)}")
    return Chosen(sizes, given.engines.split(","), given.only, given.seconds)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    if sys.argv[1:2] == ["preview"]:
        sys.exit(0 if uvloop.run(preview.main(preview.chosen_from(sys.argv[2:]))) else 1)
    if sys.argv[1:2] == ["load"]:
        asked = peak.chosen_from(sys.argv[2:])
        sys.exit(0 if uvloop.run(peak.main(asked.seconds, asked.times)) else 1)
    uvloop.run(main(_chosen()))
