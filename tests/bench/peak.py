"""`./dev bench load [--seconds 60] [--times 3]`

How the house bears more than it can do: a web process, a worker and a bot on PostgreSQL, the stand-in Discord and
model, and this generator. First as much as it likes to take, which gives the peak; then three times as much a second,
whether or not answers come. Most browse; others search, open a personality, rate it, talk to it, and some move one into
a server. What was acknowledged is looked for in the database afterwards."""

import argparse
import asyncio
import contextlib
import json
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import asyncpg
from tests.bench.server import BOTBOT, free_port, ready, serving, start
from tests.support.crowd import fill
from tests.support.postgres import Postgres

from botbot.accounts.service import create_api_token
from botbot.db import Database
from botbot.db.engine import driver_url
from botbot.db.migrate import migrate
from botbot.sandbox import cast as people

LIST = "/api/marketplace/personalities"
ENTRIES, PEOPLE = 10_000, 300
FIRST_PERSON = 600_000_000_000_000_000
CONNECTIONS, MOST_CONNECTIONS = 64, 2000
WARM_SECONDS, PEAK_SECONDS, CALM_SECONDS, CALM_PER_SECOND = 4.0, 12.0, 6.0, 40
PATIENCE_SECONDS = 10.0
GOAL = 0.85
MIX = {"browse": 45, "page": 15, "search": 17, "detail": 15, "rate": 5, "talk": 2, "deploy": 1}
"""Of a hundred requests."""
OPEN = {
    "BOTBOT_PREVIEW_PER_MINUTE": "1000000",
    "BOTBOT_PREVIEW_PER_DAY": "10000000",
    "BOTBOT_LOG": "json",
    "BOTBOT_SECRET_KEY": "a-key-of-the-bench-alone",
}
WORDS = ("chess", "story", "night", "tea", "game", "wise", "cosy", "pirate", "garden", "robot", "history", "music")


@dataclass
class World:
    """What may be asked about."""

    ids: list[str]
    tokens: list[str]
    ada: str
    dice: random.Random = field(default_factory=lambda: random.Random(7))

    def next(self) -> tuple[str, bytes, str]:
        """(kind, request, what must be there afterwards if it is acknowledged)."""
        kind = self.dice.choices(list(MIX), weights=list(MIX.values()))[0]
        one = self.dice.choice(self.ids)
        if kind == "rate":
            n = self.dice.randrange(len(self.tokens))
            body = {"rating": self.dice.randrange(1, 6)}
            return kind, ask(f"{LIST}/{one}/rate", body=body, token=self.tokens[n]), f"{FIRST_PERSON + n} {one}"
        return kind, self._request(kind, one), ""

    def _request(self, kind: str, one: str) -> bytes:
        match kind:
            case "browse":
                return ask(f"{LIST}?page={self.dice.randrange(1, 300)}")
            case "page":
                return ask(f"/?page={self.dice.randrange(1, 300)}", accept="text/html")
            case "search":
                return ask(f"{LIST}?search={self.dice.choice(WORDS)}&page={self.dice.randrange(1, 4)}")
            case "detail":
                return ask(f"{LIST}/{one}")
            case "talk":
                return ask(f"/api/marketplace/preview/{one}/chat", body={"message": "Tell me about storms"})
            case _:
                body = {"discordGuildId": str(people.TEA_HOUSE), "replace": True}
                return ask(f"{LIST}/{one}/deploy", body=body, token=self.ada)


def ask(path: str, *, accept: str = "application/json", body: Any = None, token: str = "") -> bytes:
    content = json.dumps(body).encode() if body is not None else b""
    lines = [f"{'POST' if content else 'GET'} {path} HTTP/1.1", "Host: 127.0.0.1", f"Accept: {accept}"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if content:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


@dataclass
class Answer:
    kind: str
    status: int
    seconds: float
    has_retry_after: bool
    body: bytes
    mark: str

    @property
    def is_good(self) -> bool:
        """Answered as asked. That somebody lives in that server already is an answer too."""
        return self.status // 100 == 2 or (self.kind == "deploy" and self.status == 409)


class Line(asyncio.Protocol):
    """One connection; one question at a time."""

    def __init__(self) -> None:
        self._seen = bytearray()
        self._waiting: asyncio.Future[tuple[int, bool, bytes]] | None = None
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.is_open = True

    def ask(self, request: bytes) -> "asyncio.Future[tuple[int, bool, bytes]]":
        self._seen.clear()
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._waiting

    def data_received(self, data: bytes) -> None:
        self._seen += data
        head, found, body = bytes(self._seen).partition(b"\r\n\r\n") if b"\r\n\r\n" in self._seen else (b"", b"", b"")
        if not found or self._waiting is None or self._waiting.done():
            return
        names = head.lower()
        length = names.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
        if len(body) >= int(length or 0):
            if b"\r\nconnection: close" in names:
                self.is_open = False
            self._waiting.set_result((int(head[9:12]), b"\r\nretry-after:" in names, body))

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError("closed"))

    def close(self) -> None:
        self.is_open = False
        self._transport.close()


class Generator:
    """Asks, and keeps what came of it; `lost` counts what got no answer at all."""

    def __init__(self, port: int, world: World) -> None:
        self._port, self._world = port, world
        self._idle: list[Line] = []
        self._count = 0
        self.answers: list[Answer] = []
        self.lost: Counter[str] = Counter()

    async def flat_out(self, seconds: float) -> None:
        """As fast as answers come."""
        until = time.perf_counter() + seconds

        async def one() -> None:
            while time.perf_counter() < until:
                await self._ask_one()

        await asyncio.gather(*(one() for _ in range(CONNECTIONS)))

    async def at_rate(self, per_second: float, seconds: float) -> None:
        """So many a second, whatever comes back."""
        began, asked = time.perf_counter(), 0
        tasks: set[asyncio.Task[None]] = set()
        while (now := time.perf_counter()) < began + seconds:
            for _ in range(int((now - began) * per_second) - asked):
                asked += 1
                if len(tasks) >= MOST_CONNECTIONS:
                    self.lost["no line was free"] += 1
                    continue
                task = asyncio.create_task(self._ask_one())
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            await asyncio.sleep(0.005)
        if tasks:
            await asyncio.wait(set(tasks), timeout=PATIENCE_SECONDS + 5)

    async def _ask_one(self) -> None:
        kind, request, mark = self._world.next()
        began = time.perf_counter()
        line: Line | None = None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                line = await self._line()
                status, has_retry_after, body = await line.ask(request)
        except (TimeoutError, OSError) as error:
            self.lost[f"{kind}: {type(error).__name__}"] += 1
            if line is not None:
                line.close()
            return
        self.answers.append(Answer(kind, status, time.perf_counter() - began, has_retry_after, body, mark))
        self._idle.append(line)

    async def _line(self) -> Line:
        while self._idle:
            line = self._idle.pop()
            if line.is_open:
                return line
        _, made = await asyncio.get_running_loop().create_connection(Line, "127.0.0.1", self._port)
        return made

    def take(self) -> tuple[list[Answer], Counter[str]]:
        taken = self.answers, self.lost
        self.answers, self.lost = [], Counter()
        return taken

    def close(self) -> None:
        for line in self._idle:
            line.close()


async def main(seconds: float, times: float) -> bool:
    """Whether every goal was met."""
    cluster = Postgres()
    with tempfile.TemporaryDirectory() as kept, contextlib.ExitStack() as stack:
        stack.callback(cluster.stop)
        url = await cluster.copy()
        world = await _fill(url)
        async with _everybody(Path(kept), url) as port:
            return await _measure(Generator(port, world), url, seconds, times)


async def _fill(url: str) -> World:
    database = Database(url)
    await migrate(database)
    await fill(database, ENTRIES)
    async with database.write() as session:
        tokens = [await create_api_token(session, FIRST_PERSON + n, "bench") for n in range(PEOPLE)]
        ada = await create_api_token(session, people.ADA, "bench")
    await database.dispose()
    connection = await asyncpg.connect(driver_url(database.url))
    rows = await connection.fetch("select id from personality_templates where is_public order by id limit 400")
    await connection.close()
    return World([row["id"] for row in rows], tokens, ada)


@contextlib.asynccontextmanager
async def _everybody(data: Path, url: str) -> AsyncIterator[int]:
    """The sandbox, a worker, a bot and a web process; the port of the last."""
    sandbox_port = free_port()
    base = {**os.environ, "BOTBOT_DATA_DIR": str(data), "BOTBOT_SANDBOX_PORT": str(sandbox_port)}
    sandbox = start([str(BOTBOT), "sandbox"], base, data)
    try:
        await ready(sandbox_port, "/v1/models")
        address = f"http://127.0.0.1:{sandbox_port}"
        told = _environment(address)
        async with (
            serving("web", data, url, settings=told) as web,
            serving("worker", data, url, settings=told),
            serving("bot", data, url, settings=told),
        ):
            yield web.port
    finally:
        sandbox.terminate()
        await asyncio.to_thread(sandbox.wait, 15)


def _environment(address: str) -> dict[str, str]:
    """What `botbot sandbox` prints, for that address."""
    from botbot.sandbox.server import Sandbox

    made = Sandbox(redirect_uris=[f"{address}/unused"], port=int(address.rpartition(":")[2]))
    return {**made.environment, **OPEN}


async def _measure(generator: Generator, url: str, seconds: float, times: float) -> bool:
    await generator.flat_out(WARM_SECONDS)
    kept = [answer for answer in generator.take()[0] if answer.is_good]
    await generator.at_rate(CALM_PER_SECOND, CALM_SECONDS)
    calm, _ = generator.take()
    await generator.flat_out(PEAK_SECONDS)
    peaked, lost = generator.take()
    peak = sum(answer.is_good for answer in peaked) / PEAK_SECONDS
    print(f"peak: {peak:.0f} good answers a second ({CONNECTIONS} connections), {_shares(peaked)}, lost: {dict(lost)}")
    began = time.perf_counter()
    await generator.at_rate(peak * times, seconds)
    stormy, lost = generator.take()
    good = sum(answer.is_good for answer in stormy) / (time.perf_counter() - began)
    print(f"{times:g} times that for {seconds:.0f} s: {good:.0f} good answers a second, {good / peak:.0%} of the peak")
    print(f"  {_shares(stormy)}; without any answer: {sum(lost.values())} {dict(lost) or ''}")
    await generator.at_rate(CALM_PER_SECOND, 10.0)
    generator.take()
    await generator.at_rate(CALM_PER_SECOND, CALM_SECONDS)
    after, _ = generator.take()
    generator.close()
    print(f"p99 of {CALM_PER_SECOND} a second, before: {_p99(calm):.0f} ms; ten seconds after: {_p99(after):.0f} ms")
    missing = await _missing([*kept, *calm, *peaked, *stormy, *after], url)
    print(f"acknowledged and not in the database, or not at rest: {missing}")
    refused = [answer for answer in stormy if not answer.is_good]
    honest = all(answer.status in {429, 503} and answer.has_retry_after for answer in refused)
    print(f"all others 429 or 503 with Retry-After: {'yes' if honest else 'no'}")
    return good >= GOAL * peak and honest and not missing and not lost


def _shares(answers: list[Answer]) -> str:
    counts = Counter(_told(answer) for answer in answers)
    return ", ".join(f"{count} × {told}" for told, count in sorted(counts.items()))


def _told(answer: Answer) -> str:
    """The status, and the failure's name; a page has none."""
    if answer.status < 400:
        return str(answer.status)
    with contextlib.suppress(ValueError):
        return f"{answer.status} {json.loads(answer.body)['error']}"
    return f"{answer.status} (page)"


def _p99(answers: list[Answer]) -> float:
    times = sorted(answer.seconds for answer in answers if answer.is_good and answer.kind not in {"talk", "deploy"})
    return times[len(times) * 99 // 100] * 1000


async def _missing(answers: list[Answer], url: str) -> int:
    """Ratings and deployments that were acknowledged and aren't there; deployments that don't come to rest."""
    rated = {answer.mark for answer in answers if answer.mark and answer.is_good}
    asked = {json.loads(each.body)["id"] for each in answers if each.kind == "deploy" and each.status == 202}
    connection = await asyncpg.connect(driver_url(Database(url).url))
    try:
        rows = await connection.fetch(
            "select u.discord_id, r.template_id from personality_ratings r join users u on u.id = r.user_id"
        )
        stored = {f"{row['discord_id']} {row['template_id']}" for row in rows}
        print(
            f"  acknowledged: {len(rated)} ratings by different people of different entries, {len(asked)} deployments"
        )
        return len(rated - stored) + await _unsettled(connection, asked)
    finally:
        await connection.close()


async def _unsettled(connection: Any, asked: set[str]) -> int:
    """How many of the accepted deployments are missing, or still under way after half a minute."""
    at_rest: set[str] = set()
    for _ in range(30):
        rows = await connection.fetch("select id, status from personality_deployments")
        at_rest = {row["id"] for row in rows if row["status"] not in {"queued", "running", "rolling_back"}}
        if asked <= at_rest:
            return 0
        await asyncio.sleep(1)
    return len(asked - at_rest)


def chosen_from(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--times", type=float, default=3)
    return parser.parse_args(arguments)
