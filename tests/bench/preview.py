"""`./dev bench preview [--streams 300] [--rounds 2] [--profile]`

Many people talk to a personality at once while others browse: the product's web process on a SQLite file, the
stand-in model in a second process, the people in this one. Each person's reply is WORDS words at 20 a second; as soon
as it has ended, the next is asked for, and they begin one after the other over the length of a reply, so that the
number of streams stays the same. Then people come and hang up after the first word, two thousand times."""

import argparse
import asyncio
import json
import os
import signal
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.inside import PROFILE, TASKS
from tests.bench.load import Path_, cpu_seconds, memory_mb
from tests.bench.server import Server, model, serving
from tests.bench.streams import FIRST_TOKEN, Heard, Told, listen, post, understand
from tests.support.crowd import fill

from botbot.db import Database
from botbot.db.migrate import migrate

ENTRIES = 10_000
WORDS = 300
WORDS_PER_SECOND = 20
SAID = " ".join(f"{number:04d}é🦊" for number in range(WORDS))
"""Numbered, so that an order that got lost shows, and with characters that are cut by chunks."""
BROWSES_PER_SECOND = 10
BROWSED = ("/", "/api/marketplace/personalities", "/?search=chess", "/api/marketplace/personalities?category=gaming")
DROPPED, AT_ONCE, WARM_UP = 2_000, 40, 400
SETTLE_SECONDS = 30.0
"""Longer than an idle connection to the model is kept."""
ALONE_SECONDS = 5.0
OPEN = {
    "BOTBOT_PREVIEW_PER_MINUTE": "1000000",
    "BOTBOT_PREVIEW_PER_DAY": "10000000",
    "BOTBOT_PREVIEW_STREAMS": "1000",
    "BOTBOT_PREVIEW_PER_PERSONALITY": "10000000",
}
"""Limits are measured elsewhere."""


@dataclass
class Chosen:
    streams: int
    rounds: int
    has_profile: bool


@dataclass
class Run:
    """What the talk gave. Times in ms."""

    told: list[Told] = field(default_factory=list)
    browsed: list[float] = field(default_factory=list)
    own_delay: float = 0.0
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    browsing_share: float = 0.0


@dataclass
class Held:
    """What the server holds at a moment."""

    descriptors: int
    tasks: list[str]
    memory_mb: float


async def main(chosen: Chosen) -> bool:
    """Whether every goal was met."""
    with tempfile.TemporaryDirectory() as kept:
        data, beside = Path(kept) / "data", Path(kept) / "sandbox"
        data.mkdir()
        beside.mkdir()
        url = f"sqlite:///{data / 'botbot.sqlite3'}"
        talk = await _filled(url)
        async with model(beside) as model_port:
            settings = {**OPEN, "OPENAI_BASE_URL": f"http://127.0.0.1:{model_port}/v1", "OPENAI_API_KEY": "sk-bench"}
            async with serving("web", data, url, settings=settings, inside=Path(kept)) as server:
                return await _measure(server, model_port, talk, Path(kept), chosen)


async def _measure(server: Server, model_port: int, talk: str, kept: Path, chosen: Chosen) -> bool:
    await _order(model_port, {"wordsPerSecond": WORDS_PER_SECOND, "say": SAID})
    run = await _talk(server, model_port, talk, chosen)
    met = _report_talk(run, chosen)
    if chosen.has_profile:
        os.kill(server.pid, signal.SIGUSR2)
        print((await _written(kept / PROFILE)).read_text())
    before, after = await _drop(server, talk, kept)
    return _report_drop(before, after) and met


async def _filled(url: str) -> str:
    """A migrated database with entries; the path of one's chat."""
    from sqlalchemy import select

    from botbot.catalog.models import PersonalityTemplate

    database = Database(url)
    await migrate(database)
    await fill(database, ENTRIES)
    async with database.reading() as connection:
        found = (await connection.execute(select(PersonalityTemplate.id).limit(1))).scalar_one()
    await database.dispose()
    return f"/api/marketplace/preview/{found}/chat"


async def _order(model_port: int, orders: dict[str, Any]) -> None:
    heard = await listen(model_port, post("/_sandbox/model/faults", orders))
    if heard.reads[0][1][9:12] != b"200":
        raise SystemExit("the stand-in model takes no orders")


async def _talk(server: Server, model_port: int, path: str, chosen: Chosen) -> Run:
    run = Run(own_delay=await _own_delay(model_port))
    heard: list[Heard] = []
    request = post(path, {"message": "Count for me, please."})
    heard_first = await listen(server.port, request, leave_at=FIRST_TOKEN)  # connections, caches: once
    assert heard_first.reads
    run.browsing_share = await _browsing_alone(server)
    if chosen.has_profile:
        os.kill(server.pid, signal.SIGUSR2)
    before, began = cpu_seconds(server.pid), time.perf_counter()
    browsing = asyncio.create_task(_browse(server.port, run.browsed))

    async def person(number: int) -> None:
        await asyncio.sleep(number / chosen.streams * WORDS / WORDS_PER_SECOND)
        for _ in range(chosen.rounds):
            heard.append(await listen(server.port, request))

    await asyncio.gather(*(person(number) for number in range(chosen.streams)))
    browsing.cancel()
    run.seconds = time.perf_counter() - began
    run.cpu_seconds = cpu_seconds(server.pid) - before
    run.told = [understand(each) for each in heard]
    return run


async def _own_delay(model_port: int) -> float:
    """How long the model itself takes to its first word, in ms: the middle one of some questions put to it alone."""
    message = {"role": "user", "content": "Count for me, please."}
    request = post("/v1/chat/completions", {"model": "sandbox-model", "stream": True, "messages": [message]})
    delays = []
    for _ in range(9):
        heard = await listen(model_port, request, leave_at=b'"content":"0000')
        delays.append((heard.reads[-1][0] - heard.asked_at) * 1000)
    return sorted(delays)[4]


async def _browsing_alone(server: Server) -> float:
    """The share of a core that the browsing takes while nobody talks."""
    before, began = cpu_seconds(server.pid), time.perf_counter()
    browsing = asyncio.create_task(_browse(server.port, []))
    await asyncio.sleep(ALONE_SECONDS)
    browsing.cancel()
    return (cpu_seconds(server.pid) - before) / (time.perf_counter() - began)


async def _browse(port: int, latencies: list[float]) -> None:
    """At a steady pace, however long the answers take."""
    pending: set[asyncio.Task[None]] = set()

    async def look(path: str) -> None:
        began = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        request = next(Path_(path).requests()).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        writer.write(request)
        answer = await reader.read(-1)
        writer.close()
        latencies.append((time.perf_counter() - began) * 1000 if answer[9:12] == b"200" else float("inf"))

    number = 0
    while True:
        path = BROWSED[number % len(BROWSED)]
        number += 1
        mark = "&" if "?" in path else "?"
        task = asyncio.create_task(look(f"{path}{mark}_={number}"))  # never answered from what is kept
        pending.add(task)
        task.add_done_callback(pending.discard)
        await asyncio.sleep(1 / BROWSES_PER_SECOND)


async def _drop(server: Server, path: str, kept: Path) -> tuple[Held, Held]:
    """What the server holds before and after two thousand people hung up in the middle."""
    request = post(path, {"message": "Count for me, please."})

    async def leave(count: int) -> None:
        left = iter(range(count))

        async def person() -> None:
            for _ in left:
                await listen(server.port, request, leave_at=FIRST_TOKEN)

        await asyncio.gather(*(person() for _ in range(AT_ONCE)))

    await leave(WARM_UP)
    before = await _settled(server, kept)
    await leave(DROPPED)
    return before, await _settled(server, kept, before)


async def _settled(server: Server, kept: Path, before: Held | None = None) -> Held:
    """What is held once it no longer changes, or is what it was before."""
    until, previous = time.perf_counter() + SETTLE_SECONDS, (0, 0)
    while True:
        held = await _held(server, kept)
        now = (held.descriptors, len(held.tasks))
        is_back = before is not None and held.descriptors <= before.descriptors and held.tasks == before.tasks
        if is_back or (now == previous and before is None) or time.perf_counter() > until:
            return held
        previous = now
        await asyncio.sleep(1)


async def _held(server: Server, kept: Path) -> Held:
    answer = kept / TASKS
    answer.unlink(missing_ok=True)
    os.kill(server.pid, signal.SIGUSR1)
    tasks = json.loads((await _written(answer)).read_text())
    descriptors = sum(1 for _ in Path(f"/proc/{server.pid}/fd").iterdir())
    return Held(descriptors, tasks, memory_mb(server.pid))


async def _written(answer: Path) -> Path:
    async with asyncio.timeout(10):
        while not answer.exists():
            await asyncio.sleep(0.02)
    return answer


def _report_talk(run: Run, chosen: Chosen) -> bool:
    asked = chosen.streams * chosen.rounds
    whole = sum(each.ends == ["done"] and each.last["source"] == "live" and each.text == SAID for each in run.told)
    firsts = [each.first_token * 1000 - run.own_delay for each in run.told]
    gaps = [gap * 1000 for each in run.told for gap in each.gaps]
    tokens = sum(len(each.text.split()) for each in run.told)
    talking = run.cpu_seconds - run.browsing_share * run.seconds
    cpu = talking * 1000 / (tokens / 1000) if tokens else float("inf")
    print(
        f"{chosen.streams} streams at {WORDS_PER_SECOND} tokens/s for {run.seconds:.0f} s, {tokens:,} tokens, "
        f"{len(run.browsed)} pages browsed; the model's own first token {run.own_delay:.0f} ms; "
        f"the server used {run.cpu_seconds / run.seconds:.0%} of a core (browsing alone {run.browsing_share:.0%})"
    )
    return all([
        _line("whole and in order", whole, asked, f"{whole} of {asked}", is_floor=True),
        _line("first token added, p99", _p99(firsts), 300, f"{_p99(firsts):.0f} ms (p50 {_middle(firsts):.0f})"),
        _line("gap between tokens, p99", _p99(gaps), 250, f"{_p99(gaps):.0f} ms (p50 {_middle(gaps):.0f})"),
        _line("browsing, p99", _p99(run.browsed), 300, f"{_p99(run.browsed):.0f} ms (p50 {_middle(run.browsed):.0f})"),
        _line("server CPU per 1,000 tokens", cpu, 120, f"{cpu:.0f} ms"),
    ])  # fmt: skip


def _report_drop(before: Held, after: Held) -> bool:
    print(f"{DROPPED:,} streams begun and dropped")
    files, memory = after.descriptors - before.descriptors, after.memory_mb - before.memory_mb
    more = len(after.tasks) - len(before.tasks)
    return all([
        _line("file descriptors", files, 5, f"{files:+d} ({before.descriptors} before)"),
        _line("tasks", more, 0, f"{more:+d} ({len(before.tasks)} before)"),
        _line("memory", memory, 10, f"{memory:+.1f} MB ({before.memory_mb:.0f} before)"),
    ])  # fmt: skip


def _line(name: str, found: float, goal: float, shown: str, *, is_floor: bool = False) -> bool:
    is_met = found >= goal if is_floor else found <= goal
    print(f"  {name:28}{shown:>26}   {'ok ' if is_met else 'NOT'} {'≥' if is_floor else '≤'} {goal}", flush=True)
    return is_met


def _p99(values: list[float]) -> float:
    return sorted(values)[len(values) * 99 // 100] if values else float("inf")


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2] if values else float("inf")


def chosen_from(arguments: list[str]) -> Chosen:
    parser = argparse.ArgumentParser(prog="./dev bench preview", description=__doc__)
    parser.add_argument("--streams", type=int, default=300, help="people who talk at once")
    parser.add_argument("--rounds", type=int, default=2, help="replies each of them hears")
    parser.add_argument("--profile", action="store_true", help="say where the server's time goes; costs some itself")
    given = parser.parse_args(arguments)
    return Chosen(given.streams, given.rounds, given.profile)
