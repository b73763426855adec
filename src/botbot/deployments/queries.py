"""Reads of deployments, scoped to who asks: its creator, whoever manages the server now, and staff."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, false, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.rules import Viewer
from botbot.catalog.models import PersonalityTemplate
from botbot.deployments.models import LIVE, PersonalityDeployment
from botbot.errors import NotFound
from botbot.jobs.models import SagaStep

D = PersonalityDeployment


@dataclass(frozen=True)
class Found:
    """A deployment with what its readers are shown beside it."""

    row: D
    personality: PersonalityTemplate
    steps: Sequence[SagaStep]

    @property
    def name(self) -> str:
        """What it is called in the server."""
        return str(self.row.customizations.get("name") or self.personality.name)


def _visible(viewer: Viewer, guild_ids: Iterable[int]) -> ColumnElement[bool]:
    """Moderators and admins see every deployment."""
    managed = list(guild_ids)
    if viewer.is_staff:
        return true()
    return or_(D.user_id == viewer.user_id, D.discord_guild_id.in_(managed) if managed else false())


async def get_deployment(session: AsyncSession, deployment_id: str) -> Found:
    """Without asking who may see it. Raises `NotFound`."""
    row = (
        await session.execute(
            select(D, PersonalityTemplate)
            .join(PersonalityTemplate, PersonalityTemplate.id == D.template_id)
            .where(D.id == deployment_id)
        )
    ).first()
    if row is None:
        raise NotFound("There is no such deployment, or it isn't yours to see.")
    return Found(row[0], row[1], await _steps(session, row[0].saga_id))


async def list_deployments(
    session: AsyncSession, viewer: Viewer, guild_ids: Iterable[int], *, page: int, limit: int
) -> tuple[list[Found], int]:
    """Mine and my servers', newest first; and how many there are."""
    visible = _visible(viewer, guild_ids)
    total = await session.scalar(select(func.count()).select_from(D).where(visible)) or 0
    rows = (
        await session.execute(
            select(D, PersonalityTemplate)
            .join(PersonalityTemplate, PersonalityTemplate.id == D.template_id)
            .where(visible)
            .order_by(D.created_at.desc(), D.id.desc())
            .offset((page - 1) * limit)
            .limit(limit)
        )
    ).all()
    steps = await _steps_of(session, [row[0].saga_id for row in rows if row[0].saga_id])
    return [Found(row[0], row[1], steps.get(row[0].saga_id or "", [])) for row in rows], total


async def _steps(session: AsyncSession, saga_id: str | None) -> Sequence[SagaStep]:
    return (await _steps_of(session, [saga_id])).get(saga_id, []) if saga_id else []


async def _steps_of(session: AsyncSession, saga_ids: list[str]) -> dict[str, list[SagaStep]]:
    found: dict[str, list[SagaStep]] = {}
    statement = select(SagaStep).where(SagaStep.saga_id.in_(saga_ids)).order_by(SagaStep.saga_id, SagaStep.position)
    for step in await session.scalars(statement):
        found.setdefault(step.saga_id, []).append(step)
    return found


async def find_live(session: AsyncSession, guild_id: int) -> D | None:
    """The deployment that holds the server's place."""
    found: D | None = await session.scalar(
        select(D).where(D.discord_guild_id == guild_id, D.status.in_(LIVE), D.replaced_by.is_(None))
    )
    return found


async def live_in(session: AsyncSession, guild_ids: Sequence[int]) -> dict[int, Found]:
    """Who lives in each of these servers."""
    rows = await session.execute(
        select(D, PersonalityTemplate)
        .join(PersonalityTemplate, PersonalityTemplate.id == D.template_id)
        .where(D.discord_guild_id.in_(guild_ids), D.status.in_(LIVE), D.replaced_by.is_(None))
    )
    return {row[0].discord_guild_id: Found(row[0], row[1], []) for row in rows}


async def find_by_key(session: AsyncSession, user_id: str, key: str) -> D | None:
    found: D | None = await session.scalar(select(D).where(D.user_id == user_id, D.idempotency_key == key))
    return found
