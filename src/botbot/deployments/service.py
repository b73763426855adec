"""Writes of deployments: one verb per function, inside the caller's transaction and with no call to anybody.

Who may do it was asked at Discord before (`flow.py`). A race for one server is decided by the unique index."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
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
from botbot.errors import AlreadyDeployed, BotBotError, DeploymentBusy, ValidationFailed
from botbot.jobs.models import Saga, SagaStep
from botbot.jobs.sagas import plan_saga, without_count
from botbot.kit import clock

D = PersonalityDeployment
CHANGEABLE = ("customizations", "channel_ids", "version")
REPLACEABLE = {"active", "paused", "needs_attention"}
OVER = {"removed", "rolled_back", "expired"}


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
        await enqueue(session, viewer, row, rules.moving_in(row.customizations))
    audit.record(
        session,
        viewer.user_id,
        "deployment.request",
        ("deployment", row.id),
        guild=str(guild_id),
        personality=personality.id,
    )
    return row


async def enqueue(session: AsyncSession, viewer: Viewer, row: D, steps: tuple[str, ...]) -> None:
    """Take the server's place (from the one before, if replacing) and plan the saga that moves in.

    `stoodInFor` is who had this one's place until now: if it can't move in, that stays so."""
    payload = {"askedBy": _rights_of(viewer), "stoodInFor": row.replaced_by}
    room, wait = await _make_room(session, viewer, row)
    row.status, row.failure, row.replaced_by = "queued", None, None
    try:
        await session.flush()
    except IntegrityError as error:
        raise AlreadyDeployed from error
    await _plan(session, row, "deploy", steps, {**payload, **room}, wait)


async def _plan(
    session: AsyncSession, row: D, kind: str, steps: tuple[str, ...], payload: dict[str, Any], wait: timedelta
) -> None:
    """The saga that a worker takes up once the last call of the one before can't arrive any more."""
    saga = await plan_saga(session, kind, row.id, steps, payload)
    saga.run_at += wait
    row.saga_id = saga.id
    await session.flush()


def _rights_of(viewer: Viewer) -> str | None:
    """Whose rights in the server are looked at again before anything happens; an admin of ours needs none there."""
    return None if viewer.is_admin else str(viewer.discord_id)


async def _check_place(session: AsyncSession, row: D) -> D | None:
    """Who lives there now. Raises `AlreadyDeployed` unless that one may be, and shall be, replaced."""
    live = await queries.find_live(session, row.discord_guild_id)
    if live is None or live.id == row.id:
        return None
    if not row.wants_replace or live.status not in REPLACEABLE:
        raise AlreadyDeployed(deploymentId=live.id)
    return live


async def _make_room(session: AsyncSession, viewer: Viewer, row: D) -> tuple[dict[str, Any], timedelta]:
    """Pause whoever lives there, in favour of `row`; its profile stays until the newcomer puts on its own.

    Answers what the saga has to know of it, and how long a call for it may still be on its way."""
    live = await _check_place(session, row)
    if live is None:
        return {"replaced": None}, timedelta(0)
    wait = await _stop_saga(session, live)
    was = live.status
    _note(session, viewer, live, "pause", {"status": "paused", "replaced_by": row.id})
    live.status, live.replaced_by = "paused", row.id
    row.previous_nick = live.previous_nick
    if live.agent_id:
        await agents.set_status(session, live.agent_id, "paused")
    await session.flush()
    return {"replaced": live.id, "replacedWas": was}, wait


async def _stop_saga(session: AsyncSession, row: D) -> timedelta:
    """End what its saga still waits for (a picture, say, or the undo of a change). Answers how long a worker may
    still be at it."""
    if row.saga_id is None:
        return timedelta(0)
    ended = await session.execute(
        update(Saga)
        .where(Saga.id == row.saga_id, Saga.status.in_(("running", "undoing")))
        .values(status="done", fence=Saga.fence + 1)
        .returning(Saga.lease_until)
    )
    if (leased := ended.first()) is None:
        return timedelta(0)  # One that is stuck keeps its steps: they say what it left behind.
    wait = await _call_may_last(session, row.saga_id, leased.lease_until)
    await session.execute(
        update(SagaStep)
        .where(SagaStep.saga_id == row.saga_id, SagaStep.status.in_(("waiting", "running", "pending", "undoing")))
        .values(status="skipped")
    )
    return wait


async def _call_may_last(session: AsyncSession, saga_id: str | None, lease: datetime | None) -> timedelta:
    """How long a call of that saga may still be on its way, after its fence was moved: until the lease is over when
    a step's intent is noted, else not at all, because the next intent can't be noted any more."""
    in_a_step = select(SagaStep.position).where(
        SagaStep.saga_id == saga_id, SagaStep.status.in_(("running", "undoing"))
    )
    if lease is None or await session.scalar(in_a_step.limit(1)) is None:
        return timedelta(0)
    return max(timedelta(0), lease - clock.now())


async def pause(session: AsyncSession, viewer: Viewer, row: D) -> None:
    _require(row, "pause")
    _note(session, viewer, row, "pause", {"status": "paused"})
    row.status = "paused"
    if row.agent_id:
        await agents.set_status(session, row.agent_id, "paused")


async def resume(session: AsyncSession, viewer: Viewer, row: D, *, replace: bool) -> None:
    """Speak again. One that was replaced moves back in only with `replace`, and puts its profile on again."""
    _require(row, "resume")
    becomes: dict[str, Any] = (
        {"status": "active"} if row.replaced_by is None else {"status": "queued", "replaced_by": None}
    )
    _note(session, viewer, row, "resume", becomes)
    if row.replaced_by is not None:
        row.wants_replace = replace
        await enqueue(session, viewer, row, rules.REVIVE)
        return
    row.status = "active"
    if row.agent_id:
        await agents.set_status(session, row.agent_id, "active")


async def retry(session: AsyncSession, viewer: Viewer, row: D) -> None:
    """Begin again after a failure, or go on with an undo that got stuck."""
    _require(row, "retry")
    becomes = "rolling_back" if row.status == "needs_attention" else "queued"
    _note(session, viewer, row, "retry", {"status": becomes})
    if row.status != "needs_attention":
        row.agent_id = None
        await enqueue(session, viewer, row, rules.moving_in(row.customizations))
    elif await session.scalar(select(Saga.kind).where(Saga.id == row.saga_id)) == "remove":
        await _move_out(session, row)
    else:
        await _undo_again(session, row)


async def _undo_again(session: AsyncSession, row: D) -> None:
    saga = await session.get_one(Saga, row.saga_id)
    again = {"status": "undoing", "run_at": clock.now(), "fence": Saga.fence + 1}
    changed = update(Saga).where(Saga.id == row.saga_id).values(payload=without_count(saga.payload), **again)
    await session.execute(changed)
    await session.execute(
        update(SagaStep).where(SagaStep.saga_id == row.saga_id).values(undo_attempts=0, retry_at=None)
    )
    row.status = "rolling_back"


async def remove(session: AsyncSession, viewer: Viewer, row: D) -> None:
    """Move out: stop talking and give the bot its own profile back. One still moving in turns round instead."""
    becomes = row.status if row.status in OVER else "removed" if row.status == AWAITING else "rolling_back"
    _note(session, viewer, row, "remove", {"status": becomes})
    if row.status in OVER:
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
    """A worker in the middle of a step notices by the fence; the undo waits until its call is over."""
    turned = update(Saga).where(Saga.id == row.saga_id).values(status="undoing", fence=Saga.fence + 1)
    lease = await session.scalar(turned.returning(Saga.lease_until))
    wait = await _call_may_last(session, row.saga_id, lease)
    await session.execute(
        update(Saga).where(Saga.id == row.saga_id).values(run_at=clock.now() + wait, lease_until=None)
    )
    row.status = "rolling_back"


async def _move_out(session: AsyncSession, row: D) -> None:
    wait = await _stop_saga(session, row)
    was_replaced = row.replaced_by is not None
    if row.agent_id:
        await agents.set_status(session, row.agent_id, "paused")
    left = await _left_behind(session, row)
    steps = rules.moving_out(was_replaced=was_replaced, has_hello=bool(left.get("hello")))
    row.status = "rolling_back"
    await _plan(session, row, "remove", steps, left, wait)


async def _left_behind(session: AsyncSession, row: D) -> dict[str, Any]:
    """What an undo that got stuck could not take back: its greeting. The name from before comes back into the row."""
    saga = await session.get(Saga, row.saga_id)
    if saga is None or (row.status != "needs_attention" and saga.status != "stuck"):
        return {}
    if saga.kind == "remove":
        return without_count(saga.payload)
    tried = select(SagaStep.name, SagaStep.result).where(
        SagaStep.saga_id == saga.id, SagaStep.attempts > 0, SagaStep.status != "undone"
    )
    noted = {step.name: step.result for step in await session.execute(tried)}
    if row.replaced_by is None:  # Else the server's face is another one's, and so is what was there before.
        row.previous_nick = noted.get("set_profile", {}).get("previousNick", row.previous_nick)
    return {"hello": noted.get("say_hello")}


async def end(session: AsyncSession, row: D, why: BotBotError) -> None:
    """It is over, with nothing left to undo: nobody may change anything in that server any more."""
    await _stop_saga(session, row)
    row.status, row.replaced_by, row.failure = "removed", None, msgspec.to_builtins(why.to_api_error())


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
    if await session.scalar(select(Saga.status).where(Saga.id == row.saga_id)) == "undoing":
        raise DeploymentBusy("An earlier change is being taken back. Please try again in a moment.", status=row.status)
    before = {name: getattr(row, name) for name in CHANGEABLE}
    if version is not None:
        await _check_version(session, row.template_id, version)
        row.version = version
    if customizations is not None:
        row.customizations = {**row.customizations, **customizations}
    if channel_ids is not None:
        row.channel_ids = channel_ids
    after = {name: getattr(row, name) for name in CHANGEABLE}
    audit.record(session, viewer.user_id, "deployment.change", ("deployment", row.id), before=before, after=after)
    wait = await _stop_saga(session, row)
    payload = {"askedBy": _rights_of(viewer), "before": before, "wornName": await _worn_name(session, row)}
    steps = rules.UPDATE_UNSEEN if row.replaced_by else rules.UPDATE
    await _plan(session, row, "deploy", steps, payload, wait)


def _note(session: AsyncSession, viewer: Viewer, row: D, verb: str, becomes: dict[str, Any]) -> None:
    """Into the trail, before it happens: what of the row changes by it."""
    before = {name: getattr(row, name) for name in becomes}
    audit.record(session, viewer.user_id, f"deployment.{verb}", ("deployment", row.id), before=before, after=becomes)


async def _worn_name(session: AsyncSession, row: D) -> str | None:
    return await session.scalar(select(Agent.name).where(Agent.id == row.agent_id))


async def _check_version(session: AsyncSession, personality_id: str, version: int) -> None:
    try:
        await get_version(session, personality_id, version)
    except Exception as error:
        raise ValidationFailed(fields={"version": "is no version of this personality"}) from error


def _require(row: D, action: str) -> None:
    status = "expired" if rules.has_expired(row.status, row.created_at, clock.now()) else row.status
    if not rules.may(status, action):
        raise DeploymentBusy(status=status)


async def expire_uninstalled(session: AsyncSession) -> int:
    """Close deployments whose install never came; answers how many."""
    expired = await session.scalars(
        update(D)
        .where(D.status == AWAITING, D.created_at < clock.now() - rules.INSTALL_WITHIN)
        .values(status="expired", updated_at=clock.now())
        .returning(D.id)
    )
    return len(list(expired))
