"""Reads of deployments, scoped to who asks: its creator, whoever manages the server now, and staff."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.rules import Viewer
from botbot.catalog.models import PersonalityTemplate, PersonalityVersion
from botbot.deployments.models import LIVE, PersonalityDeployment
from botbot.errors import NotFound
from botbot.jobs.models import SagaStep
from botbot.usage.models import UsageDay

D = PersonalityDeployment
V = PersonalityVersion


@dataclass(frozen=True)
class Found:
    """A deployment with what its readers are shown beside it."""

    row: D
    personality: PersonalityTemplate
    steps: Sequence[SagaStep]
    own_name: str | None = None
    """As the version it speaks calls it; a newer one may have another name."""

    @property
    def name(self) -> str:
        """What it is called in the server."""
        return str(self.row.customizations.get("name") or self.own_name or self.personality.name)

    @property
    def has_newer(self) -> bool:
        return self.personality.version > self.row.version

    @property
    def is_withdrawn(self) -> bool:
        """It has left the marketplace: it goes on where it lives, and moves in nowhere."""
        return self.personality.archived_at is not None or not self.personality.is_public


@dataclass(frozen=True)
class Talk:
    """What it did in one server: answers given, and tokens of the model spent on them."""

    answers: int = 0
    tokens: int = 0


def _select() -> Select[Any]:
    """A deployment, its personality as it is now, and what the version it speaks is called."""
    name = V.snapshot["name"].as_string()
    return (
        select(D, PersonalityTemplate, name)
        .join(PersonalityTemplate, PersonalityTemplate.id == D.template_id)
        .outerjoin(V, and_(V.personality_id == D.template_id, V.version == D.version))
    )


def _visible(viewer: Viewer, guild_ids: Iterable[int]) -> ColumnElement[bool]:
    """Moderators and admins see every deployment."""
    return true() if viewer.is_staff else _mine(viewer, guild_ids)


def _mine(viewer: Viewer, guild_ids: Iterable[int]) -> ColumnElement[bool]:
    managed = list(guild_ids)
    return or_(D.user_id == viewer.user_id, D.discord_guild_id.in_(managed) if managed else false())


async def get_deployment(session: AsyncSession, deployment_id: str) -> Found:
    """Without asking who may see it. Raises `NotFound`."""
    row = (await session.execute(_select().where(D.id == deployment_id))).first()
    if row is None:
        raise NotFound("There is no such deployment, or it isn't yours to see.")
    return Found(row[0], row[1], await _steps(session, row[0].saga_id), row[2])


async def list_deployments(
    session: AsyncSession, viewer: Viewer, guild_ids: Iterable[int], *, page: int, limit: int, only_mine: bool = False
) -> tuple[list[Found], int]:
    """Mine and my servers', newest first; and how many there are. Staff see everybody's, unless `only_mine`."""
    visible = _mine(viewer, guild_ids) if only_mine else _visible(viewer, guild_ids)
    total = await session.scalar(select(func.count()).select_from(D).where(visible)) or 0
    rows = (
        await session.execute(
            _select().where(visible).order_by(D.created_at.desc(), D.id.desc()).offset((page - 1) * limit).limit(limit)
        )
    ).all()
    steps = await _steps_of(session, [row[0].saga_id for row in rows if row[0].saga_id])
    return [Found(row[0], row[1], steps.get(row[0].saga_id or "", []), row[2]) for row in rows], total


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
        _select().where(D.discord_guild_id.in_(guild_ids), D.status.in_(LIVE), D.replaced_by.is_(None))
    )
    return {row[0].discord_guild_id: Found(row[0], row[1], [], row[2]) for row in rows}


async def find_by_key(session: AsyncSession, user_id: str, key: str) -> D | None:
    found: D | None = await session.scalar(select(D).where(D.user_id == user_id, D.idempotency_key == key))
    return found


async def talk_since(session: AsyncSession, found: Sequence[Found], since: date) -> dict[tuple[int, str], Talk]:
    """What each of these did in its server, by (server, personality); one question for all of them."""
    sums = (
        UsageDay.discord_guild_id,
        UsageDay.personality_id,
        func.sum(UsageDay.live + UsageDay.samples),
        func.sum(UsageDay.prompt_tokens + UsageDay.completion_tokens),
    )
    rows = await session.execute(
        select(*sums)
        .where(
            UsageDay.personality_id.in_({each.row.template_id for each in found}),
            UsageDay.discord_guild_id.in_({each.row.discord_guild_id for each in found}),
            UsageDay.day >= since.isoformat(),
        )
        .group_by(UsageDay.discord_guild_id, UsageDay.personality_id)
    )
    return {(row[0], row[1]): Talk(int(row[2]), int(row[3])) for row in rows}


async def versions_of(session: AsyncSession, personality_id: str, *, limit: int = 20) -> Sequence[V]:
    """Its newest versions, newest first."""
    found = select(V).where(V.personality_id == personality_id).order_by(V.version.desc()).limit(limit)
    return (await session.scalars(found)).all()


async def versions_named(session: AsyncSession, personality_id: str, numbers: Iterable[int]) -> dict[int, V]:
    found = await session.scalars(select(V).where(V.personality_id == personality_id, V.version.in_(set(numbers))))
    return {each.version: each for each in found}
