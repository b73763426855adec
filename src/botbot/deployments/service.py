"""Writes of deployments: one verb per function, inside the caller's transaction and with no call to anybody.

Who may do it was asked at Discord before (`flow.py`). A race for one server is decided by the unique index."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.rules import Viewer
from botbot.agents import service as agents
from botbot.agents.models import Agent
from botbot.audit import service as audit
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.queries import get_version
from botbot.deployments import queries, rules
from botbot.deployments.models import AWAITING, PersonalityDeployment
from botbot.errors import AlreadyDeployed, DeploymentBusy, ValidationFailed
from botbot.jobs.models import Saga, SagaStep
from botbot.jobs.sagas import plan_saga
from botbot.kit import clock

D = PersonalityDeployment
CHANGEABLE = ("customizations", "channel_ids", "version")
REPLACEABLE = {"active", "paused", "needs_attention"}


async def open_deployment(
    session: AsyncSession,
    viewer: Viewer,
    personality: PersonalityTemplate,
    *,
    guild_id: int,
    guild_name: str,
    channel_ids: list[str],
    customizations: dict[str, Any],
    replace: bool,
    ready: bool,
    install_permissions: int,
    key: str | None,
    request_hash: str,
) -> D:
    """Write the deployment: queued with its saga when the bot is `ready` there, else awaiting the install.

    Raises `AlreadyDeployed` (409) while another one holds the server's place and `replace` isn't asked."""
    row = D(
        template_id=personality.id,
        user_id=viewer.user_id,
        discord_guild_id=guild_id,
        guild_name=guild_name,
        status=AWAITING,
        customizations=customizations,
        channel_ids=channel_ids,
        version=personality.version,
        wants_replace=replace,
        install_permissions=install_permissions,
        idempotency_key=key,
        request_hash=request_hash,
    )
    if not ready:
        await _check_place(session, row)
    session.add(row)
    await session.flush()
    if ready:
        await enqueue(session, row, rules.DEPLOY)
    audit.record(
        session,
        viewer.user_id,
        "deployment.request",
        ("deployment", row.id),
        guild=str(guild_id),
        personality=personality.id,
    )
    return row


async def enqueue(session: AsyncSession, row: D, steps: tuple[str, ...]) -> None:
    """Take the server's place (from the one before, if replacing) and plan the saga that moves in."""
    replaced = await _make_room(session, row)
    row.status, row.failure, row.replaced_by = "queued", None, None
    try:
        await session.flush()
    except IntegrityError as error:
        raise AlreadyDeployed from error
    payload = {"replaced": replaced.id if replaced else None}
    saga = await plan_saga(session, "deploy", row.id, steps, payload)
    row.saga_id = saga.id
    await session.flush()


async def _check_place(session: AsyncSession, row: D) -> D | None:
    """Who lives there now. Raises `AlreadyDeployed` unless that one may be, and shall be, replaced."""
    live = await queries.find_live(session, row.discord_guild_id)
    if live is None or live.id == row.id:
        return None
    if not row.wants_replace or live.status not in REPLACEABLE:
        raise AlreadyDeployed(deploymentId=live.id)
    return live


async def _make_room(session: AsyncSession, row: D) -> D | None:
    """Pause whoever lives there, in favour of `row`; its profile stays until the newcomer puts on its own."""
    live = await _check_place(session, row)
    if live is None:
        return None
    await _stop_optional_steps(session, live)
    live.status, live.replaced_by = "paused", row.id
    row.previous_nick = live.previous_nick
    if live.agent_id:
        await agents.set_status(session, live.agent_id, "paused")
    await session.flush()
    return live


async def _stop_optional_steps(session: AsyncSession, row: D) -> timedelta:
    """End what its saga still waits for (a picture, say). Answers how long a worker may still be at it."""
    if row.saga_id is None:
        return timedelta(0)
    lease = await session.scalar(
        update(Saga)
        .where(Saga.id == row.saga_id, Saga.status == "running")
        .values(status="done", fence=Saga.fence + 1)
        .returning(Saga.lease_until)
    )
    await session.execute(
        update(SagaStep)
        .where(SagaStep.saga_id == row.saga_id, SagaStep.status.in_(("waiting", "running", "pending")))
        .values(status="skipped")
    )
    return max(timedelta(0), lease - clock.now()) if lease else timedelta(0)


async def pause(session: AsyncSession, viewer: Viewer, row: D) -> None:
    _require(row, "pause")
    row.status = "paused"
    if row.agent_id:
        await agents.set_status(session, row.agent_id, "paused")
    audit.record(session, viewer.user_id, "deployment.pause", ("deployment", row.id))


async def resume(session: AsyncSession, viewer: Viewer, row: D, *, replace: bool) -> None:
    """Speak again. One that was replaced moves back in only with `replace`, and puts its profile on again."""
    _require(row, "resume")
    audit.record(session, viewer.user_id, "deployment.resume", ("deployment", row.id))
    if row.replaced_by is not None:
        row.wants_replace = replace
        await enqueue(session, row, rules.REVIVE)
        return
    row.status = "active"
    if row.agent_id:
        await agents.set_status(session, row.agent_id, "active")


async def retry(session: AsyncSession, viewer: Viewer, row: D) -> None:
    """Begin again after a failure, or go on with an undo that got stuck."""
    _require(row, "retry")
    audit.record(session, viewer.user_id, "deployment.retry", ("deployment", row.id))
    if row.status != "needs_attention":
        row.agent_id = None
        await enqueue(session, row, rules.DEPLOY)
    elif await session.scalar(select(Saga.kind).where(Saga.id == row.saga_id)) == "remove":
        await _move_out(session, row)
    else:
        await _undo_again(session, row)


async def _undo_again(session: AsyncSession, row: D) -> None:
    await session.execute(
        update(Saga).where(Saga.id == row.saga_id).values(status="undoing", run_at=clock.now(), fence=Saga.fence + 1)
    )
    await session.execute(update(SagaStep).where(SagaStep.saga_id == row.saga_id).values(undo_attempts=0))
    row.status = "rolling_back"


async def remove(session: AsyncSession, viewer: Viewer, row: D) -> None:
    """Move out: stop talking and give the bot its own profile back. One still moving in turns round instead."""
    audit.record(session, viewer.user_id, "deployment.remove", ("deployment", row.id))
    if row.status in {"removed", "rolled_back", "expired"}:
        return
    if row.status == AWAITING:
        row.status = "removed"
    elif row.status in {"queued", "running"}:
        await _turn_round(session, row)
    elif row.status == "rolling_back":
        raise DeploymentBusy(status=row.status)
    else:
        await _move_out(session, row)


async def _turn_round(session: AsyncSession, row: D) -> None:
    """A worker in the middle of a step notices by the fence; the undo waits until its lease is over."""
    lease = await session.scalar(select(Saga.lease_until).where(Saga.id == row.saga_id))
    await session.execute(
        update(Saga)
        .where(Saga.id == row.saga_id)
        .values(status="undoing", fence=Saga.fence + 1, run_at=max(clock.now(), lease or clock.now()))
    )
    row.status = "rolling_back"


async def _move_out(session: AsyncSession, row: D) -> None:
    wait = await _stop_optional_steps(session, row)
    was_replaced = row.replaced_by is not None
    if row.agent_id:
        await agents.set_status(session, row.agent_id, "paused")
    steps = rules.REMOVE[:1] if was_replaced else rules.REMOVE
    row.status = "rolling_back"
    saga = await plan_saga(session, "remove", row.id, steps, {})
    row.saga_id = saga.id
    if wait:
        saga.run_at = clock.now() + wait
    await session.flush()


async def change(
    session: AsyncSession,
    viewer: Viewer,
    row: D,
    *,
    customizations: dict[str, Any] | None,
    channel_ids: list[str] | None,
    version: int | None,
) -> None:
    """Change name, traits, channels or the pinned version, and let the server see it."""
    _require(row, "customise")
    before = {name: getattr(row, name) for name in CHANGEABLE}
    if version is not None:
        await _check_version(session, row.template_id, version)
        row.version = version
    if customizations is not None:
        row.customizations = {**row.customizations, **customizations}
    if channel_ids is not None:
        row.channel_ids = channel_ids
    await _stop_optional_steps(session, row)
    payload = {"replaced": None, "before": before, "wornName": await _worn_name(session, row)}
    saga = await plan_saga(session, "deploy", row.id, rules.UPDATE, payload)
    row.saga_id = saga.id
    audit.record(session, viewer.user_id, "deployment.change", ("deployment", row.id))
    await session.flush()


async def _worn_name(session: AsyncSession, row: D) -> str | None:
    return await session.scalar(select(Agent.name).where(Agent.id == row.agent_id))


async def _check_version(session: AsyncSession, personality_id: str, version: int) -> None:
    try:
        await get_version(session, personality_id, version)
    except Exception as error:
        raise ValidationFailed(fields={"version": "is no version of this personality"}) from error


def _require(row: D, action: str) -> None:
    if not rules.may(row.status, action):
        raise DeploymentBusy(status=row.status)


async def expire_uninstalled(session: AsyncSession) -> int:
    """Close deployments whose install never came; answers how many."""
    expired = await session.scalars(
        update(D)
        .where(D.status == AWAITING, D.created_at < clock.now() - rules.INSTALL_WITHIN)
        .values(status="expired", updated_at=clock.now())
        .returning(D.id)
    )
    return len(list(expired))
