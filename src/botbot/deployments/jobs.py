"""The two sagas: moving in (also moving back in, and changing clothes), and moving out."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.agents import service as agents
from botbot.deployments import queries, steps
from botbot.deployments.leftovers import left_behind
from botbot.deployments.models import PersonalityDeployment
from botbot.house import House
from botbot.jobs.engine import SagaKind, Step
from botbot.jobs.models import SagaStep
from botbot.jobs.sagas import Claim
from botbot.kit import clock

D = PersonalityDeployment


class Deploy:
    """Forward to `active`, or back to `rolled_back` with the replaced personality, if any, at home again."""

    turns_round = True

    def __init__(self, house: House) -> None:
        kinds = (
            steps.CheckRights, steps.SetProfile, steps.SetAvatar, steps.CreateAgent, steps.SayHello,
            steps.RegisterAgent, steps.UpdateAgent,
        )  # fmt: skip
        self.steps: Sequence[Step] = [kind(house) for kind in kinds]

    async def on_running(self, session: AsyncSession, claim: Claim) -> None:
        await _set(session, claim, D.status == "queued", status="running")

    async def on_undoing(self, session: AsyncSession, claim: Claim, error: dict[str, Any]) -> None:
        await _set(session, claim, D.status.in_(("queued", "running")), status="rolling_back", failure=error)
        await _set(session, claim, D.status == "active", failure=error)

    async def on_undone(self, session: AsyncSession, claim: Claim) -> None:
        if before := claim.payload.get("before"):
            await _set(session, claim, None, **before)
            return
        found = await queries.get_deployment(session, claim.subject_id)
        if found.row.status != "rolling_back":
            return
        if found.row.agent_id and found.row.deployed_at:
            place_of = claim.payload.get("replaced") or claim.payload.get("stoodInFor")
            await _set(session, claim, None, status="paused", replaced_by=place_of)
        else:
            await _set(session, claim, None, status="rolled_back")
        await session.flush()
        if replaced := claim.payload.get("replaced"):
            await _bring_back(session, replaced, claim.subject_id, claim.payload.get("replacedWas", "active"))

    async def on_stuck(self, session: AsyncSession, claim: Claim, left: list[SagaStep]) -> None:
        failure = await _failure(session, claim, left)
        if before := claim.payload.get("before"):  # A change that can't be taken back whole: the row says what holds.
            await _set(session, claim, D.status.in_(("active", "paused")), **{**before, "failure": failure})
        await _set(session, claim, D.status == "rolling_back", status="needs_attention", failure=failure)

    async def on_done(self, session: AsyncSession, claim: Claim) -> None:
        return None


async def _bring_back(session: AsyncSession, deployment_id: str, from_whom: str, was: str) -> None:
    """The one that made room for `from_whom` lives there again, as it did; unless it moved out meanwhile."""
    made_room = (D.id == deployment_id, D.status == "paused", D.replaced_by == from_whom)
    agent_id = await session.scalar(
        update(D).where(*made_room).values(status=was, replaced_by=None, updated_at=clock.now()).returning(D.agent_id)
    )
    if agent_id and was == "active":
        await agents.set_status(session, agent_id, "active")


class Remove:
    """Forward to `removed`. It never turns round: where Discord refuses to change the profile back, the rest is done
    all the same, and a person has to look."""

    turns_round = False

    def __init__(self, house: House) -> None:
        kinds = (steps.StopAgent, steps.RestoreProfile, steps.RestoreAvatar, steps.TakeBackHello)
        self.steps: Sequence[Step] = [kind(house) for kind in kinds]

    async def on_running(self, session: AsyncSession, claim: Claim) -> None:
        return None

    async def on_undoing(self, session: AsyncSession, claim: Claim, error: dict[str, Any]) -> None:
        return None

    async def on_undone(self, session: AsyncSession, claim: Claim) -> None:
        """Begun by a release that still turned it round."""
        await _set(session, claim, None, status="needs_attention", failure=claim.error)

    async def on_stuck(self, session: AsyncSession, claim: Claim, left: list[SagaStep]) -> None:
        await _set(session, claim, None, status="needs_attention", failure=await _failure(session, claim, left))

    async def on_done(self, session: AsyncSession, claim: Claim) -> None:
        await _set(session, claim, None, status="removed", failure=None)


async def _failure(session: AsyncSession, claim: Claim, left: list[SagaStep]) -> dict[str, Any]:
    """Why it got stuck, and what that left behind: the steps' names, and each thing with its kind and id."""
    failure = claim.error or {"error": "deployment_stuck", "message": "Undoing it did not work.", "code": None}
    guild_id = await session.scalar(select(D.discord_guild_id).where(D.id == claim.subject_id))
    things = left_behind(claim.kind, left, guild_id or 0)
    told = {"leftover": [row.name for row in left], "leftBehind": msgspec.to_builtins(things)}
    return {**failure, "details": {**(failure.get("details") or {}), **told}}


async def _set(session: AsyncSession, claim: Claim, condition: Any, **values: Any) -> None:
    statement = update(D).where(D.id == claim.subject_id)
    if condition is not None:
        statement = statement.where(condition)
    await session.execute(statement.values(updated_at=clock.now(), **values))


def saga_kinds(house: House) -> Mapping[str, SagaKind]:
    return {"deploy": Deploy(house), "remove": Remove(house)}
