"""When a person leaves for good: what they brought to servers moves out, and its rows forget who that was."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.models import NOBODY
from botbot.accounts.rules import Viewer
from botbot.agents.models import Agent
from botbot.deployments import service
from botbot.deployments.models import PersonalityDeployment
from botbot.jobs.models import Saga, SagaStep

D = PersonalityDeployment
OVER = ("removed", "rolled_back", "expired")
UNDER_WAY = ("running", "undoing")
ASKED_BY = "askedBy"


async def hand_over(session: AsyncSession, user_id: str) -> list[str]:
    """Let all that somebody deployed belong to nobody; answers the ids."""
    mine = select(D.id).where(D.user_id == user_id).order_by(D.id).with_for_update()
    ids = list(await session.scalars(mine))
    gone = {"user_id": NOBODY, "idempotency_key": None, "request_hash": None, "updated_at": D.updated_at}
    await session.execute(update(D).where(D.id.in_(ids)).values(gone))
    return ids


async def move_out(session: AsyncSession, actor: Viewer, ids: Sequence[str]) -> int:
    """Begin to take out what still lives, and forget what is out; answers how many aren't out yet.

    One that is just undoing something is left to it; whoever calls this looks again."""
    rows = list(await session.scalars(select(D).where(D.id.in_(ids)).order_by(D.id).with_for_update()))
    for row in rows:
        if row.status not in {*OVER, "rolling_back"}:
            await service.remove(session, actor, row)
    await session.flush()
    await _forget_who_asked(session, [row.id for row in rows if row.status not in OVER])
    await forget(session, [row for row in rows if row.status in OVER])
    return sum(row.status not in OVER for row in rows)


async def forget(session: AsyncSession, rows: Sequence[D]) -> None:
    """Drop what a deployment that is over says in somebody's words: names, traits, greeting, the server's name."""
    ids, agent_ids = [row.id for row in rows], [row.agent_id for row in rows if row.agent_id]
    emptied: dict[str, Any] = {
        "customizations": {},
        "channel_ids": [],
        "guild_name": "",
        "greeting": None,
        "failure": None,
    }
    emptied |= {"idempotency_key": None, "request_hash": None, "noticed": None, "updated_at": D.updated_at}
    await session.execute(update(D).where(D.id.in_(ids)).values(emptied))
    quiet: dict[str, Any] = {
        "name": "",
        "traits": {},
        "language": None,
        "channel_ids": [],
        "updated_at": Agent.updated_at,
    }
    await session.execute(update(Agent).where(Agent.id.in_(agent_ids), Agent.status == "gone").values(quiet))
    over = select(Saga.id).where(Saga.subject_id.in_(ids), Saga.status.not_in(UNDER_WAY))
    steps = update(SagaStep).where(SagaStep.saga_id.in_(over)).values(result={}, error=None)
    await session.execute(steps.execution_options(synchronize_session=False))
    sagas = update(Saga).where(Saga.subject_id.in_(ids), Saga.status.not_in(UNDER_WAY))
    await session.execute(sagas.values(payload={}, error=None, updated_at=Saga.updated_at))


async def forget_asker(session: AsyncSession, discord_id: int) -> None:
    """Whoever changed somebody else's deployment stands in the saga of that change."""
    theirs = Saga.payload[ASKED_BY].as_string() == str(discord_id)
    await _drop_asker(session, select(Saga.id, Saga.payload).where(theirs))


async def _forget_who_asked(session: AsyncSession, ids: Sequence[str]) -> None:
    """A worker in the middle of a step writes its payload back; then the next look drops it again."""
    await _drop_asker(session, select(Saga.id, Saga.payload).where(Saga.subject_id.in_(ids)))


async def _drop_asker(session: AsyncSession, asked: Select[tuple[str, dict[str, Any]]]) -> None:
    for saga_id, payload in (await session.execute(asked)).all():
        if ASKED_BY in payload:
            rest = {name: value for name, value in payload.items() if name != ASKED_BY} | {ASKED_BY: None}
            await session.execute(update(Saga).where(Saga.id == saga_id).values(payload=rest))
