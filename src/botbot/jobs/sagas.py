"""A saga as rows: how one is planned, claimed, and noted.

Any such design is at-least-once inside a step: the process may die after the call and before the note. So the intent
is noted first (`running`, with what the undo will need), each step is safe to repeat, and an undo expects that the
step perhaps happened. Every note repeats the claim's fence; a worker whose lease ran out writes nothing more."""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

from sqlalchemy import CursorResult, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.db import wake_on_commit
from botbot.jobs.models import Saga, SagaStep
from botbot.kit import clock, ids
from botbot.watching import trails

TOPIC = "sagas"
LEASE = timedelta(seconds=15)
"""Longer than the longest step, short enough that a dead worker's saga goes on within 30 s."""
REFUSALS = "refusals"
"""Where a saga's payload counts the answers that Discord holds against us."""


@cache
def _owner(pid: int) -> str:
    return f"{socket.gethostname()}:{pid}:{ids.new_secret()[:8]}"


def owner() -> str:
    """Names this process in the leases it holds; a forked one has a name of its own."""
    return _owner(os.getpid())


class LeaseLost(Exception):
    """Another worker took the saga over; whatever we know about it is stale."""


@dataclass
class Claim:
    """A saga in our hands: its row as it stood at the claim, and its steps in order."""

    saga_id: str
    kind: str
    subject_id: str
    status: str
    fence: int
    payload: dict[str, Any]
    error: dict[str, Any] | None
    created_at: datetime
    trail: str | None = None
    steps: list[SagaStep] = field(default_factory=list)

    @property
    def refusals(self) -> int:
        return int(self.payload.get(REFUSALS, 0))

    def result(self, name: str) -> dict[str, Any]:
        """What the step of that name noted; empty when it hasn't."""
        return next((step.result for step in self.steps if step.name == name), {})


def without_count(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload for another try, to which nothing is held against us yet."""
    return {name: value for name, value in payload.items() if name != REFUSALS}


async def plan_saga(
    session: AsyncSession, kind: str, subject_id: str, steps: Sequence[str], payload: dict[str, Any]
) -> Saga:
    """Write a saga's rows and wake a worker when the caller's transaction commits."""
    saga = Saga(kind=kind, subject_id=subject_id, payload=payload, trail=trails.to_row())
    session.add(saga)
    await session.flush()
    session.add_all(SagaStep(saga_id=saga.id, position=n, name=name) for n, name in enumerate(steps))
    await session.flush()
    wake_on_commit(session, TOPIC)
    return saga


async def claim_saga(session: AsyncSession) -> Claim | None:
    """Take the saga that is due longest; the database decides between workers. A lease far ahead is of a clock that was
    put back since, and counts as over."""
    now = clock.now()
    due = (
        select(Saga.id)
        .where(
            Saga.status.in_(("running", "undoing")),
            Saga.run_at <= now,
            or_(Saga.lease_until.is_(None), Saga.lease_until < now, Saga.lease_until > now + 2 * LEASE),
        )
        .order_by(Saga.run_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    saga = (
        await session.execute(
            update(Saga)
            .where(Saga.id == due.scalar_subquery())
            .values(owner=owner(), fence=Saga.fence + 1, lease_until=now + LEASE)
            .returning(
                Saga.id,
                Saga.kind,
                Saga.subject_id,
                Saga.status,
                Saga.fence,
                Saga.payload,
                Saga.error,
                Saga.created_at,
                Saga.trail,
            )
            .execution_options(synchronize_session=False)
        )
    ).first()
    if saga is None:
        return None
    claim = Claim(*saga)
    claim.steps = list(
        await session.scalars(select(SagaStep).where(SagaStep.saga_id == claim.saga_id).order_by(SagaStep.position))
    )
    return claim


async def next_due(session: AsyncSession) -> datetime | None:
    """When the next unfinished saga may be claimed."""
    free_at = func.coalesce(Saga.lease_until, Saga.run_at)
    statement = select(Saga.run_at, Saga.lease_until).where(Saga.status.in_(("running", "undoing")))
    rows = (await session.execute(statement.order_by(free_at).limit(50))).all()
    return min((max(run_at, lease or run_at) for run_at, lease in rows), default=None)


async def note_saga(session: AsyncSession, claim: Claim, *, release: bool = False, **values: Any) -> None:
    """Write to the saga's row under our fence and renew (or give back) the lease. Raises `LeaseLost`."""
    lease = None if release else clock.now() + LEASE
    noted = await session.execute(
        update(Saga)
        .where(Saga.id == claim.saga_id, Saga.fence == claim.fence)
        .values(lease_until=lease, updated_at=clock.now(), payload=claim.payload, **values)
    )
    if cast(CursorResult[Any], noted).rowcount != 1:
        raise LeaseLost(claim.saga_id)


async def note_step(session: AsyncSession, claim: Claim, step: SagaStep, **values: Any) -> None:
    """Write to one step under our fence, and keep our copy the same."""
    await note_saga(session, claim)
    values.setdefault("at", clock.now())
    await session.execute(
        update(SagaStep).where(SagaStep.saga_id == step.saga_id, SagaStep.position == step.position).values(**values)
    )
    for name, value in values.items():
        setattr(step, name, value)


async def give_way(session: AsyncSession, claim: Claim) -> None:
    """Our call is over and somebody turned the saga round meanwhile: the undo need not wait until our lease is."""
    turned = (Saga.id == claim.saga_id, Saga.fence == claim.fence + 1, Saga.status == "undoing")
    waits_for_us = (Saga.owner == owner(), Saga.lease_until.is_(None), Saga.run_at > clock.now())
    await session.execute(update(Saga).where(*turned, *waits_for_us).values(run_at=clock.now()))


async def release_dead_leases(session: AsyncSession) -> int:
    """Free what an earlier process of this machine held when it died, so that a restart goes on at once."""
    rows = (
        await session.execute(
            select(Saga.id, Saga.owner).where(Saga.status.in_(("running", "undoing")), Saga.lease_until.is_not(None))
        )
    ).all()
    dead = [saga_id for saga_id, holder in rows if _is_dead(holder)]
    if dead:
        await session.execute(update(Saga).where(Saga.id.in_(dead)).values(lease_until=None))
    return len(dead)


def _is_dead(holder: str | None) -> bool:
    host, _, rest = (holder or "").partition(":")
    pid = rest.partition(":")[0]
    if host != socket.gethostname() or not pid.isdigit() or holder == owner():
        return False
    if int(pid) == os.getpid():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
