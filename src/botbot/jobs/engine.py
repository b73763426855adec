"""Runs sagas: claim, intent, call, outcome, step by step; backwards when a step fails for good.

- A failure that may pass puts the step to `waiting` with `retry_at` and frees the worker.
- An optional step (a picture, a greeting) never fails the saga: while it waits the others go on, and when it is
  refused it is `skipped`.
- Undos don't wait for each other: where one fails, the earlier steps are undone all the same, and it is repeated on
  its own. When one has failed `UNDO_ATTEMPTS` times and no other is still to come, the saga is `stuck` and says what
  is left behind, for a person to see.
- A kind that never turns round (moving out) goes on to its other steps where one fails for good, and is `stuck` with
  what it could not do.
- Answers that Discord holds against us (401, 403, 429) are counted over the whole saga, forwards and back: after
  `FORWARD_REFUSALS` it turns round, after `MOST_REFUSALS` only what asks Discord nothing is still undone."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.db import Database
from botbot.errors import ApiError, BotBotError, DiscordBusy, DiscordRefused, PeerError, StorageUnavailable
from botbot.jobs import metrics, sagas
from botbot.jobs.models import SagaStep
from botbot.jobs.sagas import Claim, LeaseLost
from botbot.jobs.signal import Signal
from botbot.kit import clock
from botbot.watching import tracing, trails

log = logging.getLogger("botbot.sagas")

STEP_TIMEOUT_SECONDS = 12.0
ATTEMPTS = 6
OPTIONAL_ATTEMPTS = 12
UNDO_ATTEMPTS = 8
CONCURRENT = 16
FORWARD_REFUSALS = 3
MOST_REFUSALS = 5
PREPARING = timedelta(minutes=3)
"""How long a step may fail to find out what its undo would need, from its first try."""
PATIENCE = timedelta(hours=6)
"""How long a required step may wait for Discord's limits, from its first try."""
PERHAPS = "perhaps"
"""Marks the note of a step whose call may have had its effect although it failed."""


class Step(Protocol):
    """One thing done, and how to take it back. None of the three may hold a transaction over a call."""

    name: str
    optional: bool
    asks: bool
    """Whether its undo asks a peer; where not, it is undone even when we were refused too often."""

    async def prepare(self, claim: Claim) -> dict[str, Any]:
        """What the undo will need, read before anything changes; noted with the intent, and only once."""

    async def run(self, claim: Claim, noted: dict[str, Any], attempt: int) -> dict[str, Any]:
        """Do it, or find it done. `attempt` counts from 1. The answer is added to the note."""

    async def note(self, session: AsyncSession, claim: Claim, noted: dict[str, Any]) -> None:
        """Rows of ours that become true with the step, in the transaction that marks it done."""

    async def undo(self, claim: Claim, noted: dict[str, Any]) -> None:
        """Take back what perhaps happened. Gone already counts as done."""

    async def note_undo(self, session: AsyncSession, claim: Claim, noted: dict[str, Any]) -> None:
        """Rows of ours that become true with the undo."""


class SagaKind(Protocol):
    """A saga's steps, and what its subject's row shows at each turn."""

    steps: Sequence[Step]
    turns_round: bool

    async def on_running(self, session: AsyncSession, claim: Claim) -> None: ...
    async def on_undoing(self, session: AsyncSession, claim: Claim, error: dict[str, Any]) -> None: ...
    async def on_undone(self, session: AsyncSession, claim: Claim) -> None: ...
    async def on_stuck(self, session: AsyncSession, claim: Claim, left: list[SagaStep]) -> None: ...
    async def on_done(self, session: AsyncSession, claim: Claim) -> None: ...


def _is_cancelled() -> bool:
    """Whether this task was told to end, even where a library between turned the cancellation into a failure."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class SagaRunner:
    """One worker. Several may run over one database, in any number of processes."""

    def __init__(self, database: Database, signal: Signal, kinds: Mapping[str, SagaKind]) -> None:
        self._database = database
        self._kinds = kinds
        self._woken = signal.subscribe(sagas.TOPIC)
        self._slots = asyncio.Semaphore(CONCURRENT)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run_forever(self) -> None:
        """Claim and run until cancelled. A storage failure is waited out."""
        await self._patiently(self._release_dead)
        while not _is_cancelled():
            pause = await self._patiently(self._claim_all)
            await self._woken.wait(pause if pause is not None else 2.0)

    async def drain(self) -> None:
        """Run what is due now and whatever that makes due at once; a test's tool."""
        while await self._claim_all() < 0.05 or self._tasks:
            await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        """Let running steps end (they are bounded); whatever is cut off resumes at the next start."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=3)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _patiently(self, work: Any) -> Any:
        try:
            return await work()
        except StorageUnavailable:
            return None
        except Exception:
            log.exception("the worker met the unexpected and goes on")
            return None

    async def _release_dead(self) -> None:
        async with self._database.write() as session:
            await sagas.release_dead_leases(session)

    async def _claim_all(self) -> float:
        """Start every due saga; answer how many seconds may pass before the next look."""
        while True:
            await self._slots.acquire()
            try:
                async with self._database.write() as session:
                    claim = await sagas.claim_saga(session)
            except BaseException:
                self._slots.release()
                raise
            if claim is None:
                self._slots.release()
                return await self._until_due()
            task = asyncio.create_task(self._run_one(claim), name=f"saga {claim.saga_id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _until_due(self) -> float:
        async with self._database.read() as session:
            due = await sagas.next_due(session)
        return 2.0 if due is None else min(2.0, max(0.02, (due - clock.now()).total_seconds()))

    async def _run_one(self, claim: Claim) -> None:
        try:
            with trails.follow(claim.trail, f"saga {claim.kind}", saga=claim.saga_id, subject=claim.subject_id):
                await _Run(self._database, claim, self._kinds[claim.kind]).go()
        except LeaseLost:
            log.info("saga %s went on elsewhere", claim.saga_id)
            await self._patiently(lambda: self._give_way(claim))
        except StorageUnavailable:
            log.warning("saga %s waits for the database", claim.saga_id)
        except Exception:
            log.exception("saga %s met the unexpected; it is taken up again when its lease is over", claim.saga_id)
        finally:
            self._slots.release()
            self._woken.wake()

    async def _give_way(self, claim: Claim) -> None:
        async with self._database.write() as session:
            await sagas.give_way(session, claim)


class _Run:
    """One claim's journey, until the saga ends, waits, or is lost."""

    def __init__(self, database: Database, claim: Claim, kind: SagaKind) -> None:
        self._database = database
        self._claim = claim
        self._kind = kind
        self._steps = {step.name: step for step in kind.steps}

    async def go(self) -> None:
        if self._claim.status == "running":
            await self._forward()
        if self._claim.status == "undoing":
            await self._backward()

    async def _forward(self) -> None:
        async with self._database.write() as session:
            await sagas.note_saga(session, self._claim)
            await self._kind.on_running(session, self._claim)
        while (row := self._next_step()) is not None:
            error = await self._attempt(row)
            if error is not None and await self._fail(row, error):
                return
        await self._finish_or_wait()

    def _next_step(self) -> SagaStep | None:
        """The first step that can go on now; `None` also when a required one has to wait first."""
        for row in self._claim.steps:
            if row.status in {"pending", "running"} or (row.status == "waiting" and _is_due(row)):
                return row
            if row.status == "waiting" and self._kind.turns_round and not self._steps[row.name].optional:
                return None
        return None

    async def _attempt(self, row: SagaStep) -> BotBotError | None:
        """Intent, call, outcome. Answers the failure, if there was one."""
        step, result = self._steps[row.name], dict[str, Any]()
        began_at = row.began_at = row.began_at or clock.now()

        async def call() -> None:
            noted = _again(row) if row.attempts else await step.prepare(self._claim)
            begun = {"status": "running", "attempts": row.attempts + 1, "began_at": began_at}
            await self._note(row, result=noted, retry_at=None, **begun)
            result.update({**noted, **await step.run(self._claim, noted, row.attempts)})

        async def outcome() -> None:
            async with self._database.write() as session:
                await sagas.note_step(session, self._claim, row, status="done", result=result, error=None)
                await step.note(session, self._claim, result)

        return await self._try(row, "forward", call, outcome)

    async def _take_back(self, row: SagaStep) -> BotBotError | None:
        step = self._steps[row.name]
        await self._note(row, status="undoing", undo_attempts=row.undo_attempts + 1, retry_at=None)

        async def outcome() -> None:
            async with self._database.write() as session:
                await sagas.note_step(session, self._claim, row, status="undone", error=None)
                await step.note_undo(session, self._claim, row.result)

        return await self._try(row, "back", lambda: step.undo(self._claim, row.result), outcome)

    async def _try(
        self, row: SagaStep, direction: str, call: Callable[[], Awaitable[None]], outcome: Callable[[], Awaitable[None]]
    ) -> BotBotError | None:
        """A step's call, which has so long, and its outcome. Answers how it failed; what concerns the whole saga is
        raised."""
        began = time.perf_counter()
        try:
            with tracing.span(f"step {row.name}", direction=direction):
                async with asyncio.timeout(STEP_TIMEOUT_SECONDS):
                    await call()
                await outcome()
        except TimeoutError:
            return PeerError("It took too long.")
        except (LeaseLost, StorageUnavailable):
            raise
        except BotBotError as error:
            return error
        except Exception:
            log.exception("saga %s: step %s (%s) met the unexpected", self._claim.saga_id, row.name, direction)
            return BotBotError()
        finally:
            attempt = row.attempts if direction == "forward" else row.undo_attempts
            metrics.step_tried(row.name, direction, attempt, time.perf_counter() - began)
        return None

    async def _fail(self, row: SagaStep, error: BotBotError) -> bool:
        """Decide what a failure means; true when this run is over for now."""
        step, plain = self._steps[row.name], msgspec.to_builtins(error.to_api_error())
        self._count(error)
        noted = {"error": plain, "began_at": row.began_at, "result": _with_doubt(row, error)}
        if _may_pass(error) and self._has_patience(row, step.optional, error):
            await self._note(row, status="waiting", retry_at=_retry_at(row, error), **noted)
            return False
        if step.optional or not self._kind.turns_round:
            await self._note(row, status="skipped" if step.optional else "failed", **noted)
            return False
        async with self._database.write() as session:
            await sagas.note_step(session, self._claim, row, status="failed", error=plain)
            await sagas.note_saga(session, self._claim, status="undoing", error=plain, run_at=clock.now())
            await self._kind.on_undoing(session, self._claim, plain)
        self._claim.status, self._claim.error = "undoing", plain
        return True

    def _count(self, error: BotBotError) -> None:
        """Remember, with the next note, an answer that Discord holds against us."""
        if isinstance(error, PeerError) and error.is_invalid:
            self._claim.payload = {**self._claim.payload, sagas.REFUSALS: self._claim.refusals + 1}

    def _has_patience(self, row: SagaStep, optional: bool, error: BotBotError) -> bool:
        if self._claim.refusals >= FORWARD_REFUSALS:
            return False
        age = _age(row)
        if not row.attempts and not isinstance(error, DiscordBusy):
            return age < PREPARING  # Nothing has happened yet, so attempts are not counted yet either.
        if optional:
            return row.attempts < OPTIONAL_ATTEMPTS
        if isinstance(error, DiscordBusy):
            return age < PATIENCE
        return row.attempts < ATTEMPTS

    async def _finish_or_wait(self) -> None:
        waiting = [row.retry_at for row in self._claim.steps if row.status == "waiting" and row.retry_at]
        if waiting:
            return await self._release_until(min(waiting))
        left = [] if self._kind.turns_round else [row for row in self._claim.steps if was_not_done(row)]
        if any(not self._steps[row.name].optional for row in left):
            self._claim.error = left[0].error
            return await self._end_stuck(left)
        async with self._database.write() as session:
            await sagas.note_saga(session, self._claim, release=True, status="done")
            await self._kind.on_done(session, self._claim)
        metrics.saga_ended(self._claim.kind, "done")
        return None

    async def _backward(self) -> None:
        """Every undo once that is due; a failed one keeps no other from its turn."""
        for row in reversed(self._claim.steps):
            if may_have_happened(row) and not self._has_given_up(row) and not _rests(row):
                error = await self._take_back(row)
                if error is not None:
                    await self._undo_later(row, error)
        left = [row for row in self._claim.steps if may_have_happened(row)]
        again = [row.retry_at or clock.now() for row in left if not self._has_given_up(row)]
        if again:
            return await self._release_until(min(again))
        return await (self._end_stuck(left) if left else self._end_undone())

    def _has_given_up(self, row: SagaStep) -> bool:
        refused = self._claim.refusals >= MOST_REFUSALS and self._steps[row.name].asks
        return refused or (row.status == "undoing" and row.undo_attempts >= UNDO_ATTEMPTS)

    async def _undo_later(self, row: SagaStep, error: BotBotError) -> None:
        self._count(error)
        plain = msgspec.to_builtins(error.to_api_error())
        await self._note(row, status="undoing", error=plain, retry_at=_undo_at(row, error))

    async def _release_until(self, run_at: datetime) -> None:
        async with self._database.write() as session:
            await sagas.note_saga(session, self._claim, release=True, run_at=run_at)

    async def _end_undone(self) -> None:
        async with self._database.write() as session:
            await sagas.note_saga(session, self._claim, release=True, status="undone")
            await self._kind.on_undone(session, self._claim)
        metrics.saga_ended(self._claim.kind, "undone")

    async def _end_stuck(self, left: list[SagaStep]) -> None:
        """`left`: the steps whose traces stay behind."""
        async with self._database.write() as session:
            await sagas.note_saga(session, self._claim, release=True, status="stuck", error=self._claim.error)
            await self._kind.on_stuck(session, self._claim, left)
        metrics.saga_ended(self._claim.kind, "stuck")

    async def _note(self, row: SagaStep, **values: Any) -> None:
        async with self._database.write() as session:
            await sagas.note_step(session, self._claim, row, **values)


def _is_due(row: SagaStep) -> bool:
    return row.retry_at is None or row.retry_at <= clock.now()


def _rests(row: SagaStep) -> bool:
    """Whether its undo failed a moment ago and waits for the next try."""
    return row.status == "undoing" and not _is_due(row)


def was_not_done(row: SagaStep) -> bool:
    """Whether a step was given up by a kind that never turns round."""
    return row.status in {"failed", "skipped"}


def may_have_happened(row: SagaStep) -> bool:
    """Whether there is something to undo. What was skipped left nothing, unless an answer to it was lost."""
    if row.status == "skipped":
        return PERHAPS in row.result
    return row.attempts > 0 and row.status in {"running", "waiting", "done", "failed", "undoing"}


def _with_doubt(row: SagaStep, error: BotBotError) -> dict[str, Any]:
    """The step's note, which remembers that its call may have had its effect: only a clear no says that it hadn't."""
    is_lost = row.attempts > 0 and not isinstance(error, DiscordBusy | DiscordRefused)
    return {**row.result, PERHAPS: True} if is_lost else row.result


def _again(row: SagaStep) -> dict[str, Any]:
    """What a step noted, when it is tried once more. Nobody heard how the try ended that is still `running`."""
    return {**row.result, PERHAPS: True} if row.status == "running" else row.result


def _age(row: SagaStep) -> timedelta:
    """How long ago the step was tried first."""
    return clock.now() - (row.began_at or clock.now())


def _retry_at(row: SagaStep, error: BotBotError) -> datetime:
    """What the peer asked for, else 1, 2, 4 … 60 seconds; while preparing, a third of the time that it took."""
    asked = error.retry_after_seconds
    if asked is None:
        asked = min(60.0, 2 ** (row.attempts - 1) if row.attempts else _age(row).total_seconds() / 3)
    return clock.now() + timedelta(seconds=max(1.0, asked))


def _may_pass(error: BotBotError) -> bool:
    return isinstance(error, PeerError) and not error.permanent


def _undo_at(row: SagaStep, error: BotBotError) -> datetime:
    asked = error.retry_after_seconds or 0
    return clock.now() + timedelta(seconds=max(asked, min(60, 2 ** (row.undo_attempts - 1))))


def as_api_error(plain: dict[str, Any] | None) -> ApiError | None:
    """A failure as it was noted in a row."""
    return None if plain is None else msgspec.convert(plain, ApiError)
