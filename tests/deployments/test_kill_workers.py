"""kill -9 at every call to Discord, of everything that can go on with a personality in a server.

In each of many servers one call is held: before Discord acts (*unheard*), or after it has and before it says so
(*unanswered*); at *answered* the worker dies as the answer arrives. Then all workers are killed and others finish. The
stories, and how each has to end, are in `crowd`; the table of kills goes to `test-artifacts/kill-points.txt`."""

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.deployments import crowd
from tests.deployments.crowd import STORIES, Home, Story, Town
from tests.support.nursery import Nursery

from botbot.house import House
from botbot.sandbox.server import Sandbox
from botbot.settings import Settings

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
ARTIFACT = Path(__file__).resolve().parents[2] / "test-artifacts" / "kill-points.txt"
AT_ONCE = 16
"""As many sagas as a worker runs at a time: all of them are in the middle of a call when it dies."""
HOLD_SECONDS = 8.0
TERMINAL_SECONDS = 30.0
HELPERS = 2


@pytest.fixture(scope="module")
def table() -> Iterator[list[str]]:
    rows: list[str] = []
    yield rows
    ARTIFACT.parent.mkdir(exist_ok=True)
    ARTIFACT.write_text("\n".join(rows) + "\n")
    print("\n" + "\n".join(row for row in rows if row.startswith("#")), file=sys.__stdout__, flush=True)


@pytest.fixture
async def town(settings: Settings, sandbox: Sandbox) -> AsyncIterator[Town]:
    sandbox.discord.limits.is_enabled = False
    house = House.build(settings)
    try:
        yield await crowd.open_town(house, sandbox.discord)
    finally:
        await house.close()


@pytest.fixture
async def nursery(settings: Settings, sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Nursery]:
    own = {"DATABASE_URL": settings.effective_database_url, "BOTBOT_SECRET_KEY": settings.secret_key}
    told = {**sandbox.environment, **own, "BOTBOT_DATA_DIR": str(tmp_path), "BOTBOT_LOG": "text"}
    async with Nursery(told, tmp_path / "workers.log") as opened:
        yield opened


class Stage:
    """The town, and workers that come and go."""

    def __init__(self, town: Town, nursery: Nursery) -> None:
        self.town, self.nursery = town, nursery

    async def finish(self, seconds: float = 60.0) -> float:
        """New workers until nothing is left to do, then they are killed; how long that took."""
        workers = [await self.nursery.fork() for _ in range(HELPERS)]
        took = await self.wait_until_done(seconds)
        await self.nursery.kill(*workers)
        return took

    async def wait_until_done(self, seconds: float) -> float:
        began = time.monotonic()
        while left := await self.town.at_work():
            assert time.monotonic() - began < seconds, f"not done: {left}"
            await asyncio.sleep(0.05)
        return time.monotonic() - began

    async def kill_in(self, homes: Sequence[Home]) -> None:
        """Workers until each of these is held, then none any more."""
        victims = await self.start_victims(homes)
        await self.nursery.kill(*victims)
        await crowd.free_the_dead(self.town)

    async def start_victims(self, homes: Sequence[Home]) -> list[int]:
        victims = [await self.nursery.fork() for _ in batches(homes)]
        await held(homes)
        return victims

    async def prepare(self, stories: Sequence[Story]) -> list[Home]:
        async def work() -> None:
            await self.finish()

        homes = [Home(self.town, story, self.town.new_guild()) for story in stories]
        await crowd.prepare(homes, work, self.kill_in)
        return homes

    async def prepare_points(self, points: Sequence["Point"]) -> list[Home]:
        """Everything asked, and every home's call of that number spoilt."""
        homes = await self.prepare([story for story, _, _ in points])
        for home, (_, number, moment) in zip(homes, points, strict=True):
            await crowd.begin(home)
            hold(home, number, moment)
        return homes


Point = tuple[Story, int, str]


async def held(homes: Sequence[Home]) -> None:
    until = time.monotonic() + 30
    while waiting := [home for home in homes if home.fault and not home.fault.hits]:
        assert time.monotonic() < until, f"never held: {[str(home) for home in waiting]}"
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)  # the effects of the last ones


@pytest.fixture
def stage(town: Town, nursery: Nursery) -> Stage:
    return Stage(town, nursery)


async def undisturbed(stage: Stage) -> dict[str, list[Any]]:
    """Each story's calls when nobody disturbs."""
    homes = await stage.prepare(STORIES)
    for home in homes:
        await crowd.begin(home)
    began = time.monotonic()
    await stage.finish()
    assert await crowd.judge(homes, TERMINAL_SECONDS, began) == []
    return {home.story.name: home.calls() for home in homes}


async def list_points(stage: Stage, moments: Sequence[str]) -> list[Point]:
    """Every call of every story at every moment; for a read, before and after its (missing) effect are the same."""
    return [
        (story, number, moment)
        for story, calls in zip(STORIES, (await undisturbed(stage)).values(), strict=True)
        for number, call in enumerate(calls)
        for moment in moments
        if not (call.method == "GET" and moment == "unheard")
    ]


def batches(found: Sequence[Any], size: int = AT_ONCE) -> Iterator[Sequence[Any]]:
    for at in range(0, len(found), size):
        yield found[at : at + size]


def hold(home: Home, number: int, moment: str) -> None:
    """`answered` is not held: its answer comes, and the test looks out for it."""
    how = {"delay": 0.001} if moment == "answered" else {"hang": HOLD_SECONDS, "after_effect": moment == "unanswered"}
    spoil(home, number, f"{moment} {number}", how)


def spoil(home: Home, number: int, note: str, how: dict[str, Any]) -> None:
    """Its call of that number, counted over all of them, also those that the story itself spoils."""
    home.note = note
    home.fault = home.town.fail(home.guild, skip=number, **how)
    waiting = home.town.discord._core.faults._waiting
    waiting.insert(0, waiting.pop())


async def judge(stage: Stage, homes: Sequence[Home], table: list[str], title: str, began: float) -> None:
    assert await crowd.judge(homes, TERMINAL_SECONDS, began) == []
    count, servers = await crowd.counted(stage.town)
    assert count == servers
    engine = "sqlite" if stage.town.house.db.is_sqlite else "postgres"
    table += [f"{engine} {title}: {home}" for home in homes]
    table.append(f"# {engine} {title}: {len(homes)} kills, everything done {time.monotonic() - began:.1f} s later")


async def test_killed_at_every_call_and_started_again(stage: Stage, table: list[str]) -> None:
    for points in batches(await list_points(stage, ("unheard", "unanswered"))):
        homes = await stage.prepare_points(points)
        await stage.kill_in(homes)
        began = time.monotonic()
        await stage.finish()
        await judge(stage, homes, table, "held", began)


async def test_killed_as_each_answer_arrives(stage: Stage, table: list[str]) -> None:
    """One worker for each; the next one finds what the one before it left, too."""
    homes = []
    for story, number, moment in await list_points(stage, ("answered",)):
        (home,) = await stage.prepare([story])
        await crowd.begin(home)
        hold(home, number, moment)
        victim = await stage.nursery.fork()
        await answered(home, number)
        await stage.nursery.kill(victim)
        homes.append(home)
    began = time.monotonic()
    await stage.finish()
    await judge(stage, homes, table, "answered", began)


async def answered(home: Home, number: int) -> None:
    until = time.monotonic() + TERMINAL_SECONDS
    while len(calls := home.calls()) <= number or calls[number].status is None:
        assert time.monotonic() < until, f"{home}: never answered"
        await asyncio.sleep(0.001)


async def test_another_worker_takes_over(stage: Stage, table: list[str]) -> None:
    """It was there before, so nobody tells it of a death: it finds the leases over."""
    homes = await stage.prepare_points(await list_points(stage, ("unanswered",)))
    victims = await stage.start_victims(homes)
    await stage.nursery.fork()
    await asyncio.sleep(0.3)  # it looks for the dead when it starts, and shall find none yet
    await stage.nursery.kill(*victims)
    began = time.monotonic()
    await stage.wait_until_done(TERMINAL_SECONDS)
    await judge(stage, homes, table, "taken over", began)


async def test_killed_at_random_moments(stage: Stage, table: list[str]) -> None:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    dice = random.Random(seed)
    homes = await stage.prepare([dice.choice(STORIES) for _ in range(AT_ONCE)])
    for home in homes:
        await crowd.begin(home)
    for _ in range(6):
        victim = await stage.nursery.fork()
        await asyncio.sleep(dice.uniform(0.05, 0.6))
        await stage.nursery.kill(victim)
    began = time.monotonic()
    await stage.finish()
    await judge(stage, homes, table, f"random (seed {seed})", began)


LOST: dict[str, dict[str, Any]] = {
    "502": {"status": 502},
    "reset": {"reset": True},
    "truncated": {"truncate": True},
    "page": {"status": 200, "body": "<!doctype html><title>Oh</title>", "content_type": "text/html"},
    "cut": {"hang": 0.2},
    "silence": {"hang": 30.0},
}


async def test_every_lost_answer_to_every_change(stage: Stage, table: list[str]) -> None:
    """It had its effect, and nobody said so; a silence lasts beyond our deadline."""
    changes = [(story, number) for story, number, moment in await list_points(stage, ("unheard",))]
    found = [(story, number, way) for way in LOST for story, number in changes]
    homes = await stage.prepare([story for story, _, _ in found])
    for home, (_, number, way) in zip(homes, found, strict=True):
        await crowd.begin(home)
        spoil(home, number, f"{way} {number}", {"after_effect": True, **LOST[way]})
    began = time.monotonic()
    await stage.finish()
    await judge(stage, homes, table, "lost answers", began)
