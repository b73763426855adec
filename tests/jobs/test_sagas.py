"""The engine of sagas, with small sagas of its own: claims, fences, waits, undos."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from botbot.db import Database
from botbot.errors import BotBotError, DiscordBusy, DiscordRefused, DiscordUnavailable, PeerError
from botbot.jobs import sagas
from botbot.jobs.engine import (
    ATTEMPTS,
    FORWARD_REFUSALS,
    MOST_REFUSALS,
    OPTIONAL_ATTEMPTS,
    UNDO_ATTEMPTS,
    SagaRunner,
    Step,
)
from botbot.jobs.models import Saga, SagaStep
from botbot.jobs.sagas import LEASE, Claim, LeaseLost
from botbot.jobs.signal import Signal
from botbot.kit import clock

Run = Callable[..., Awaitable[None]]


class Pebble:
    """A step that writes down what happens to it. The troubles are raised one by one, in order."""

    def __init__(self, name: str, diary: list[str], *, optional: bool = False) -> None:
        self.name = name
        self.optional = optional
        self.asks = True
        self.diary = diary
        self.prepare_trouble: list[Exception] = []
        self.trouble: list[Exception] = []
        self.undo_trouble: list[Exception] = []
        self.note_trouble: list[Exception] = []
        self.hold: asyncio.Event | None = None
        self.entered = asyncio.Event()

    async def prepare(self, claim: Claim) -> dict[str, Any]:
        if self.prepare_trouble:
            raise self.prepare_trouble.pop(0)
        return {"before": f"{self.name} was grey"}

    async def run(self, claim: Claim, noted: dict[str, Any], attempt: int) -> dict[str, Any]:
        self.diary.append(f"{self.name} {attempt}")
        self.entered.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.trouble:
            raise self.trouble.pop(0)
        return {"after": f"{self.name} is blue"}

    async def note(self, session: Any, claim: Claim, noted: dict[str, Any]) -> None:
        assert noted["before"].startswith(self.name)
        if self.note_trouble:
            raise self.note_trouble.pop(0)
        self.diary.append(f"{self.name} noted")

    async def undo(self, claim: Claim, noted: dict[str, Any]) -> None:
        assert noted["before"] == f"{self.name} was grey"
        self.diary.append(f"undo {self.name}")
        if self.undo_trouble:
            raise self.undo_trouble.pop(0)

    async def note_undo(self, session: Any, claim: Claim, noted: dict[str, Any]) -> None:
        self.diary.append(f"{self.name} undone")


@dataclass
class Path:
    """A saga of three pebbles, the middle one optional."""

    diary: list[str] = field(default_factory=list)
    steps: Sequence[Step] = ()
    ends: list[str] = field(default_factory=list)
    leftover: list[str] = field(default_factory=list)
    turns_round: bool = True

    def __post_init__(self) -> None:
        self.first = Pebble("first", self.diary)
        self.maybe = Pebble("maybe", self.diary, optional=True)
        self.last = Pebble("last", self.diary)
        self.steps = [self.first, self.maybe, self.last]

    async def on_running(self, session: Any, claim: Claim) -> None:
        return None

    async def on_undoing(self, session: Any, claim: Claim, error: dict[str, Any]) -> None:
        self.ends.append(f"undoing: {error['error']}")

    async def on_undone(self, session: Any, claim: Claim) -> None:
        self.ends.append("undone")

    async def on_stuck(self, session: Any, claim: Claim, left: list[SagaStep]) -> None:
        self.ends.append("stuck")
        self.leftover = [row.name for row in left]

    async def on_done(self, session: Any, claim: Claim) -> None:
        self.ends.append("done")

    @property
    def tried(self) -> list[str]:
        return [line for line in self.diary if "noted" not in line and "undone" not in line]


@pytest.fixture
def path() -> Path:
    return Path()


@pytest.fixture
async def runner(database: Database, path: Path) -> AsyncIterator[SagaRunner]:
    made = SagaRunner(database, Signal(database), {"path": path})
    yield made
    await made.stop()


@pytest.fixture
def walk(runner: SagaRunner, tick: Callable[..., None]) -> Run:
    """Run what is due; `await walk(rounds)` repeats that, an hour later each time."""

    async def go(rounds: int = 1, minutes: float = 60) -> None:
        for n in range(rounds):
            if n:
                tick(minutes=minutes)
            await runner.drain()

    return go


async def plan(database: Database, subject: str = "garden") -> str:
    async with database.write() as session:
        saga = await sagas.plan_saga(session, "path", subject, ["first", "maybe", "last"], {"colour": "blue"})
        return saga.id


async def claim(database: Database) -> Claim | None:
    async with database.write() as session:
        return await sagas.claim_saga(session)


async def seen(database: Database, saga_id: str) -> tuple[str, dict[str, str]]:
    """(the saga's status, each step's)"""
    async with database.read() as session:
        status = await session.scalar(select(Saga.status).where(Saga.id == saga_id))
        steps = await session.execute(
            select(SagaStep.name, SagaStep.status).where(SagaStep.saga_id == saga_id).order_by(SagaStep.position)
        )
        return str(status), {row.name: row.status for row in steps}


async def row(database: Database, saga_id: str) -> Saga:
    async with database.read() as session:
        found = await session.get(Saga, saga_id)
    assert found is not None
    return found


# Forwards


async def test_step_by_step_with_a_note_after_each(database: Database, path: Path, walk: Run) -> None:
    saga_id = await plan(database)
    await walk()
    assert path.diary == ["first 1", "first noted", "maybe 1", "maybe noted", "last 1", "last noted"]
    assert path.ends == ["done"]
    assert await seen(database, saga_id) == ("done", dict.fromkeys(("first", "maybe", "last"), "done"))
    async with database.read() as session:
        step = await session.get(SagaStep, (saga_id, 0))
    assert step is not None
    assert step.result == {"before": "first was grey", "after": "first is blue"}


async def test_what_may_pass_is_tried_again_later_and_later(
    database: Database, path: Path, runner: SagaRunner, tick: Callable[..., None]
) -> None:
    """1, 2, 4 seconds; and not a moment earlier."""
    path.first.trouble = [DiscordUnavailable()] * 3
    saga_id = await plan(database)
    for wait in (1, 2, 4):
        await runner.drain()
        assert await seen(database, saga_id) == ("running", {"first": "waiting", "maybe": "pending", "last": "pending"})
        tick(seconds=wait - 0.4)
        tried = len(path.diary)
        await runner.drain()
        assert len(path.diary) == tried
        tick(seconds=0.5)
    await runner.drain()
    assert path.ends == ["done"]
    assert path.tried[:4] == ["first 1", "first 2", "first 3", "first 4"]


async def test_after_six_attempts_it_turns_round(database: Database, path: Path, walk: Run) -> None:
    path.last.trouble = [DiscordUnavailable()] * 99
    saga_id = await plan(database)
    await walk(ATTEMPTS + 2)
    assert sum(line.startswith("last ") and line[5:].isdigit() for line in path.diary) == ATTEMPTS
    assert path.ends == ["undoing: discord_unavailable", "undone"]
    assert (await seen(database, saga_id))[0] == "undone"


async def test_what_the_peer_asks_for_is_waited(
    database: Database, path: Path, runner: SagaRunner, tick: Callable[..., None]
) -> None:
    path.first.trouble = [DiscordBusy(retry_after=1337)]
    saga_id = await plan(database)
    await runner.drain()
    wait = (await row(database, saga_id)).run_at - clock.now()
    assert timedelta(seconds=1335) < wait <= timedelta(seconds=1337)
    tick(seconds=1330)
    await runner.drain()
    assert path.tried == ["first 1"]
    tick(seconds=8)
    await runner.drain()
    assert path.ends == ["done"]


async def test_whoever_waits_blocks_nobody(database: Database, path: Path, walk: Run) -> None:
    path.first.trouble = [DiscordBusy(retry_after=1337)]
    waiting, other = await plan(database), await plan(database, "meadow")
    await walk()
    states = {(await seen(database, each))[0] for each in (waiting, other)}
    assert states == {"running", "done"}
    assert (await row(database, waiting)).lease_until is None


async def test_a_limit_may_last_for_hours_but_not_for_ever(database: Database, path: Path, walk: Run) -> None:
    """More often than a failure may come, for it is none; until patience is at its end."""
    path.first.trouble = [DiscordBusy(retry_after=1200)] * 99
    saga_id = await plan(database)
    await walk(ATTEMPTS + 4, minutes=21)
    assert (await seen(database, saga_id))[0] == "running"
    await walk(20, minutes=21)
    assert path.ends == ["undoing: discord_unavailable", "undone"]


# Optional steps


async def test_an_optional_step_that_is_refused_is_skipped(database: Database, path: Path, walk: Run) -> None:
    path.maybe.trouble = [DiscordRefused()]
    saga_id = await plan(database)
    await walk()
    assert await seen(database, saga_id) == ("done", {"first": "done", "maybe": "skipped", "last": "done"})


async def test_while_an_optional_step_waits_the_others_go_on(database: Database, path: Path, walk: Run) -> None:
    path.maybe.trouble = [DiscordBusy(retry_after=600)]
    saga_id = await plan(database)
    await walk()
    assert await seen(database, saga_id) == ("running", {"first": "done", "maybe": "waiting", "last": "done"})
    await walk(2)
    assert (await seen(database, saga_id))[1]["maybe"] == "done"
    assert path.tried == ["first 1", "maybe 1", "last 1", "maybe 2"]
    assert path.ends == ["done"]


async def test_an_optional_step_is_given_up_at_last(database: Database, path: Path, walk: Run) -> None:
    path.maybe.trouble = [DiscordUnavailable()] * 99
    saga_id = await plan(database)
    await walk(OPTIONAL_ATTEMPTS + 3)
    assert await seen(database, saga_id) == ("done", {"first": "done", "maybe": "skipped", "last": "done"})
    assert len([line for line in path.tried if line.startswith("maybe")]) == OPTIONAL_ATTEMPTS


# Backwards


async def test_undos_run_in_reverse_and_only_where_something_may_have_happened(
    database: Database, path: Path, walk: Run
) -> None:
    path.last.trouble = [DiscordRefused(code="50013")]
    saga_id = await plan(database)
    await walk()
    assert path.tried == ["first 1", "maybe 1", "last 1", "undo last", "undo maybe", "undo first"]
    assert path.ends == ["undoing: discord_refused", "undone"]
    assert await seen(database, saga_id) == ("undone", dict.fromkeys(("first", "maybe", "last"), "undone"))


async def test_steps_that_never_began_are_not_undone(database: Database, path: Path, walk: Run) -> None:
    path.first.trouble = [DiscordRefused()]
    saga_id = await plan(database)
    await walk()
    assert path.tried == ["first 1", "undo first"]
    assert (await seen(database, saga_id))[1] == {"first": "undone", "maybe": "pending", "last": "pending"}


@pytest.mark.parametrize("unexpected", [ZeroDivisionError(), KeyError("x"), AssertionError()])
async def test_the_unexpected_turns_round_too_and_says_nothing_of_itself(
    database: Database, path: Path, walk: Run, unexpected: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    path.last.trouble = [unexpected]
    saga_id = await plan(database)
    await walk()
    assert path.ends == ["undoing: internal_error", "undone"]
    error = (await row(database, saga_id)).error
    assert error is not None
    assert error["message"] == BotBotError.default_message
    assert "met the unexpected" in caplog.text


async def test_an_undo_that_fails_is_repeated(database: Database, path: Path, walk: Run) -> None:
    path.last.trouble = [DiscordRefused()]
    path.maybe.undo_trouble = [DiscordUnavailable(), ZeroDivisionError()]
    await plan(database)
    await walk(3)
    assert path.tried[3:] == ["undo last", "undo maybe", "undo first", "undo maybe", "undo maybe"]
    assert path.ends[-1] == "undone"


async def test_each_undo_keeps_its_own_rhythm(
    database: Database, path: Path, runner: SagaRunner, tick: Callable[..., None]
) -> None:
    """One waits for what Discord asked, the other for a second; nobody's attempts are spent on the other's time."""
    path.last.trouble = [DiscordRefused()]
    path.maybe.undo_trouble = [DiscordBusy(retry_after=100)]
    path.first.undo_trouble = [DiscordUnavailable()]
    saga_id = await plan(database)
    await runner.drain()
    tick(seconds=1.1)
    await runner.drain()
    assert path.tried[3:] == ["undo last", "undo maybe", "undo first", "undo first"]
    assert (await seen(database, saga_id))[1] == {"first": "undone", "maybe": "undoing", "last": "undone"}
    assert path.ends == ["undoing: discord_refused"]
    tick(seconds=100)
    await runner.drain()
    assert path.ends[-1] == "undone"


async def test_what_asks_nobody_is_undone_even_when_we_were_refused_too_often(
    database: Database, path: Path, walk: Run
) -> None:
    path.last.trouble = [invalid(DiscordBusy(retry_after=1)) for _ in range(99)]
    path.last.undo_trouble = [invalid(DiscordRefused()) for _ in range(99)]
    path.maybe.undo_trouble = [invalid(DiscordRefused()) for _ in range(99)]
    path.first.asks = False
    saga_id = await plan(database)
    await walk(12)
    assert path.tried[-3:] == ["undo last", "undo maybe", "undo first"]
    assert path.leftover == ["maybe", "last"]
    assert (await seen(database, saga_id))[1]["first"] == "undone"


@pytest.mark.parametrize(
    ("trouble", "undone"),
    [([DiscordRefused()], []), ([DiscordUnavailable(maybe_happened=True), DiscordRefused()], ["undo maybe"])],
    ids=["a clear no", "a lost answer first"],
)
async def test_what_was_skipped_is_undone_only_where_it_may_have_happened(
    database: Database, path: Path, walk: Run, trouble: list[Exception], undone: list[str]
) -> None:
    path.maybe.trouble = list(trouble)
    path.last.trouble = [DiscordUnavailable()] * ATTEMPTS
    await plan(database)
    await walk(ATTEMPTS + 2)
    assert [line for line in path.tried if line == "undo maybe"] == undone
    assert path.ends[-1] == "undone"


# One that never turns round


async def test_one_that_never_turns_round_does_what_it_can(database: Database, path: Path, walk: Run) -> None:
    path.turns_round = False
    path.first.trouble = [DiscordRefused()]
    saga_id = await plan(database)
    await walk()
    assert path.tried == ["first 1", "maybe 1", "last 1"]
    assert path.ends == ["stuck"]
    assert path.leftover == ["first"]
    assert await seen(database, saga_id) == ("stuck", {"first": "failed", "maybe": "done", "last": "done"})
    error = (await row(database, saga_id)).error
    assert error is not None
    assert error["error"] == "discord_refused"


async def test_one_that_never_turns_round_waits_for_nobody(database: Database, path: Path, walk: Run) -> None:
    path.turns_round = False
    path.first.trouble = [DiscordBusy(retry_after=600)]
    saga_id = await plan(database)
    await walk()
    assert await seen(database, saga_id) == ("running", {"first": "waiting", "maybe": "done", "last": "done"})
    await walk(2)
    assert path.ends == ["done"]


# Patience


async def test_patience_begins_with_the_step_and_not_with_the_saga(
    database: Database, path: Path, walk: Run, tick: Callable[..., None]
) -> None:
    """A saga that lay waiting for hours has not failed at anything yet."""
    path.first.prepare_trouble = [DiscordUnavailable()] * 3
    path.last.trouble = [DiscordBusy(retry_after=600)] * 3
    saga_id = await plan(database)
    tick(hours=9)
    await walk(4, minutes=0.4)
    assert (await seen(database, saga_id))[1]["first"] == "done"
    await walk(5, minutes=11)
    assert path.ends == ["done"]


async def test_a_step_that_never_learns_what_its_undo_needs_turns_it_round(
    database: Database, path: Path, walk: Run
) -> None:
    path.first.prepare_trouble = [DiscordUnavailable()] * 99
    saga_id = await plan(database)
    await walk(6, minutes=0.9)
    assert path.ends == ["undoing: discord_unavailable", "undone"]
    assert path.tried == [], "nothing happened, so there is nothing to undo"
    assert (await seen(database, saga_id))[0] == "undone"


async def test_an_undo_that_never_works_is_stuck_and_says_what_is_left(
    database: Database, path: Path, walk: Run
) -> None:
    path.last.trouble = [DiscordRefused()]
    path.maybe.undo_trouble = [PeerError(permanent=True)] * 99
    saga_id = await plan(database)
    await walk(UNDO_ATTEMPTS + 3)
    assert path.tried.count("undo maybe") == UNDO_ATTEMPTS
    assert path.ends[-1] == "stuck"
    assert path.leftover == ["maybe"]
    assert path.tried.count("undo first") == 1
    assert (await seen(database, saga_id))[0] == "stuck"
    assert await claim(database) is None


def invalid(error: PeerError) -> PeerError:
    """As Discord counts 401, 403 and 429."""
    error.is_invalid = True
    return error


async def test_three_answers_that_discord_counts_turn_it_round(database: Database, path: Path, walk: Run) -> None:
    path.last.trouble = [invalid(DiscordBusy(retry_after=1)) for _ in range(99)]
    await plan(database)
    await walk(9)
    assert sum(line.startswith("last ") and line[5:].isdigit() for line in path.diary) == FORWARD_REFUSALS
    assert path.ends == ["undoing: discord_unavailable", "undone"]


async def test_no_sixth_answer_that_discord_counts(database: Database, path: Path, walk: Run) -> None:
    """Forwards and back together: three limits, then two refused undos, and a person has to look."""
    path.last.trouble = [invalid(DiscordBusy(retry_after=1)) for _ in range(99)]
    path.first.undo_trouble = [invalid(DiscordRefused()) for _ in range(99)]
    saga_id = await plan(database)
    await walk(12)
    assert path.tried.count("undo first") == MOST_REFUSALS - FORWARD_REFUSALS
    assert path.ends[-1] == "stuck"
    found = await row(database, saga_id)
    assert found.payload == {"colour": "blue", sagas.REFUSALS: MOST_REFUSALS}
    assert sagas.without_count(found.payload) == {"colour": "blue"}


async def test_waits_of_our_own_are_not_counted(database: Database, path: Path, walk: Run) -> None:
    """Obeying a known limit asks nothing, so it may go on for hours."""
    path.last.trouble = [DiscordBusy(retry_after=60)] * 8
    await plan(database)
    await walk(10, minutes=2)
    assert path.ends == ["done"]


async def test_a_note_that_fails_turns_it_round_and_does_not_go_on_for_ever(
    database: Database, path: Path, walk: Run
) -> None:
    """Rows of ours that can't become true end like a refusal: once the lease is over would be too late, for ever."""
    path.last.note_trouble = [ZeroDivisionError()]
    saga_id = await plan(database)
    await walk()
    assert path.ends == ["undoing: internal_error", "undone"]
    assert (await seen(database, saga_id))[0] == "undone"


# Claims, leases, fences


async def test_who_was_turned_round_gives_way_at_once(database: Database, path: Path, runner: SagaRunner) -> None:
    """The undo waits for the call on its way, and not a second longer."""
    path.first.hold = asyncio.Event()
    saga_id = await plan(database)
    working = asyncio.create_task(runner.drain())
    await path.first.entered.wait()
    async with database.write() as session:
        later = clock.now() + LEASE
        turned = {"status": "undoing", "fence": Saga.fence + 1, "run_at": later, "lease_until": None}
        await session.execute(update(Saga).where(Saga.id == saga_id).values(turned))
    path.first.hold.set()
    await working
    await runner.drain()
    assert (await seen(database, saga_id))[0] == "undone"
    assert path.tried == ["first 1", "undo first"]


async def test_nobody_gives_way_for_another_worker(database: Database) -> None:
    """A turned saga that somebody else held waits for that one's call."""
    saga_id = await plan(database)
    ours = await claim(database)
    assert ours is not None
    later = clock.now() + LEASE
    async with database.write() as session:
        turned = {"status": "undoing", "fence": Saga.fence + 1, "run_at": later, "lease_until": None, "owner": "x:1:y"}
        await session.execute(update(Saga).where(Saga.id == saga_id).values(turned))
        await sagas.give_way(session, ours)
    assert (await row(database, saga_id)).run_at == later


async def test_of_eight_workers_one_gets_it(database: Database, another: Callable[[], Database]) -> None:
    workers = [database, *(another() for _ in range(7))]
    for _ in range(5):
        saga_id = await plan(database)
        claims = await asyncio.gather(*(claim(each) for each in workers))
        assert [each.saga_id for each in claims if each is not None] == [saga_id]


async def test_eight_workers_share_many_and_run_each_once(
    database: Database, another: Callable[[], Database], path: Path
) -> None:
    ids = [await plan(database) for _ in range(24)]
    workers = [SagaRunner(each, Signal(each), {"path": path}) for each in (another() for _ in range(8))]
    running = [asyncio.create_task(each.run_forever()) for each in workers]
    async with asyncio.timeout(30):
        while len(path.ends) < len(ids):
            await asyncio.sleep(0.02)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    for worker in workers:
        await worker.stop()
    assert path.ends == ["done"] * len(ids)
    assert path.tried.count("first 1") == len(ids)
    assert len(path.tried) == 3 * len(ids)


async def test_a_held_saga_is_nobody_elses_until_its_lease_is_over(
    database: Database, tick: Callable[..., None]
) -> None:
    saga_id = await plan(database)
    first = await claim(database)
    assert first is not None
    assert await claim(database) is None
    tick(seconds=LEASE.total_seconds() + 1)
    second = await claim(database)
    assert second is not None
    assert (second.saga_id, second.fence) == (saga_id, first.fence + 1)


async def test_whose_lease_ran_out_writes_nothing(
    database: Database, another: Callable[[], Database], path: Path, tick: Callable[..., None]
) -> None:
    """The first worker hangs in a call; a second one takes over and finishes; the first comes back, and is ignored."""
    saga_id = await plan(database)
    slow_path = Path()
    slow_path.first.hold = asyncio.Event()
    slow_database = another()
    slow = SagaRunner(slow_database, Signal(slow_database), {"path": slow_path})
    stuck = asyncio.create_task(slow.drain())
    await slow_path.first.entered.wait()
    tick(seconds=LEASE.total_seconds() + 1)
    quick = SagaRunner(database, Signal(database), {"path": path})
    await quick.drain()
    assert path.ends == ["done"]
    assert path.tried[0] == "first 2"  # it knows that somebody has tried before
    before = await row(database, saga_id)
    slow_path.first.hold.set()
    await stuck
    assert slow_path.ends == []
    assert "first noted" not in slow_path.diary
    after = await row(database, saga_id)
    assert (after.status, after.fence, after.updated_at) == (before.status, before.fence, before.updated_at)
    await asyncio.gather(slow.stop(), quick.stop())


async def test_a_stale_claim_is_told_so(database: Database, tick: Callable[..., None]) -> None:
    await plan(database)
    first = await claim(database)
    tick(minutes=1)
    second = await claim(database)
    assert first is not None
    assert second is not None
    for write in (stale_saga, stale_step):
        with pytest.raises(LeaseLost):
            await write(database, first)
    assert {step.status for step in second.steps} == {"pending"}
    assert (await seen(database, first.saga_id))[1]["first"] == "pending"


async def stale_saga(database: Database, stale: Claim) -> None:
    async with database.write() as session:
        await sagas.note_saga(session, stale, status="done")


async def stale_step(database: Database, stale: Claim) -> None:
    async with database.write() as session:
        await sagas.note_step(session, stale, stale.steps[0], status="done")


async def test_each_note_renews_the_lease(database: Database, tick: Callable[..., None]) -> None:
    saga_id = await plan(database)
    mine = await claim(database)
    assert mine is not None
    tick(seconds=10)
    async with database.write() as session:
        await sagas.note_saga(session, mine)
    tick(seconds=10)
    assert await claim(database) is None
    lease = (await row(database, saga_id)).lease_until
    assert lease is not None
    assert lease > clock.now()


@pytest.mark.parametrize("whose", ["dead", "living", "far away", "mine"])
async def test_the_leases_of_dead_processes_are_released(database: Database, whose: str) -> None:
    """A restart goes on at once; a process that lives, here or on another machine, keeps what it holds."""
    saga_id = await plan(database)
    await claim(database)
    owners = {
        "dead": f"{socket.gethostname()}:{dead_pid()}:abc",
        "living": f"{socket.gethostname()}:{os.getppid()}:abc",
        "far away": f"elsewhere.example:{dead_pid()}:abc",
        "mine": sagas.owner(),
    }
    async with database.write() as session:
        await session.execute(update(Saga).where(Saga.id == saga_id).values(owner=owners[whose]))
    async with database.write() as session:
        freed = await sagas.release_dead_leases(session)
    assert freed == (1 if whose == "dead" else 0)
    assert (await claim(database) is not None) is (whose == "dead")


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(30)
    return process.pid


async def test_a_plan_that_is_rolled_back_is_none(database: Database) -> None:
    with pytest.raises(RuntimeError):
        await _plan_and_fail(database)
    assert await claim(database) is None


async def _plan_and_fail(database: Database) -> None:
    async with database.write() as session:
        await sagas.plan_saga(session, "path", "garden", ["first"], {})
        raise RuntimeError


async def test_a_new_plan_wakes_a_sleeping_worker(database: Database, path: Path) -> None:
    signal = Signal(database)
    worker = SagaRunner(database, signal, {"path": path})
    tasks = [asyncio.create_task(signal.listen()), asyncio.create_task(worker.run_forever())]
    await asyncio.sleep(0.5)
    await plan(database)
    try:
        async with asyncio.timeout(1):
            while path.ends != ["done"]:
                await asyncio.sleep(0.01)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await worker.stop()


async def test_stopping_lets_a_running_step_end(database: Database, path: Path) -> None:
    saga_id = await plan(database)
    path.first.hold = asyncio.Event()
    worker = SagaRunner(database, Signal(database), {"path": path})
    task = asyncio.create_task(worker.run_forever())
    await path.first.entered.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    stopping = asyncio.create_task(worker.stop())
    await asyncio.sleep(0.05)
    path.first.hold.set()
    await stopping
    assert (await seen(database, saga_id))[1]["first"] == "done"
