"""A decision with all that it takes along, in one transaction: a takedown may also stop what is deployed."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.rules import Viewer
from botbot.admin.desk_schemas import DecisionIn
from botbot.deployments import service as deployments
from botbot.deployments.models import AWAITING, LIVE, PersonalityDeployment
from botbot.desk import service as desk
from botbot.desk.models import Decision
from botbot.desk.queries import subjects_of
from botbot.errors import ValidationFailed

D = PersonalityDeployment


async def decide(
    session: AsyncSession, viewer: Viewer, kind: str, subject_id: str, wish: DecisionIn
) -> tuple[Decision, int]:
    """The decision, and how many deployments it stopped. Their owners are told why."""
    if wish.stop_deployments and wish.verdict != "takedown":
        raise ValidationFailed(fields={"stopDeployments": "goes with a takedown only"})
    decision = await desk.decide(session, viewer, kind, subject_id, wish.verdict, wish.reason, wish.words)
    stopped = await _stop(session, viewer, decision) if wish.stop_deployments else 0
    return decision, stopped


async def _stop(session: AsyncSession, viewer: Viewer, decision: Decision) -> int:
    """Everything live, and everything that was about to move in. One that is on its way out already is left to that."""
    wanted = (D.template_id == decision.subject_id, D.status.in_((*LIVE, AWAITING)), D.status != "rolling_back")
    rows = list(await session.scalars(select(D).where(*wanted).order_by(D.id).with_for_update()))
    for row in rows:
        await deployments.remove(session, viewer, row)
    told = [(row.user_id, row.guild_name or "One of your servers", f"/deployments/{row.id}") for row in rows]
    name = await _name(session, decision)
    owners = [(user_id, f"{name} in {server}", link) for user_id, server, link in told]
    await desk.tell_owners(session, decision, owners)
    return len(rows)


async def _name(session: AsyncSession, decision: Decision) -> str:
    key = (decision.subject_type, decision.subject_id)
    return (await subjects_of(session, [key]))[key].title
