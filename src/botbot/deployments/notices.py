"""What went wrong while its owner was elsewhere: a deployment that was undone, got stuck, or lost its server. It stands
on every page of theirs until they dismiss it, or until another attempt of the same deployment begins."""

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, bindparam, case, func, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.rules import Viewer
from botbot.catalog.models import PersonalityTemplate
from botbot.deployments.models import PersonalityDeployment
from botbot.deployments.rules import NEWS
from botbot.errors import BotBotError
from botbot.house import House

D = PersonalityDeployment
MOST = 3


class News(msgspec.Struct, frozen=True):
    """One notice. `key` names the failure it tells of, so that dismissing it never hides a later one."""

    deployment_id: str
    status: str
    name: str
    guild_name: str
    message: str
    key: str

    @property
    def url(self) -> str:
        return f"/deployments/{self.deployment_id}"


def _key() -> ColumnElement[str]:
    """`rules.news_key` as the database says it."""
    kind = case((D.status == "needs_attention", ":stuck"), (D.status == "removed", ":gone"), else_=":undone")
    return func.coalesce(D.saga_id, "") + kind


_NEWS = (
    select(D.id, D.status, D.customizations, D.guild_name, D.failure, _key().label("key"), PersonalityTemplate.name)
    .join(PersonalityTemplate, PersonalityTemplate.id == D.template_id)
    .where(
        D.user_id == bindparam("user"),
        D.failure.is_not(null()),
        D.status.in_(NEWS),
        or_(D.noticed.is_(None), D.noticed != _key()),
    )
    .order_by(D.updated_at.desc(), D.id.desc())
    .limit(MOST)
)
"""One index holds the few deployments of a person that failed (`ix_personality_deployments_news`)."""


async def list_news(house: House, viewer: Viewer) -> list[News]:
    """The newest notices; none when the database can't say, because no page may fail for them."""
    try:
        async with house.db.reading() as connection:
            rows = (await connection.execute(_NEWS, {"user": viewer.user_id})).all()
    except BotBotError:
        return []
    return [_news(row) for row in rows]


def _news(row: Any) -> News:
    name = (row.customizations or {}).get("name") or row.name
    return News(row.id, row.status, name, row.guild_name or "your server", row.failure.get("message", ""), row.key)


async def dismiss(session: AsyncSession, viewer: Viewer, deployment_id: str, key: str) -> None:
    """Only one's own, and only the failure that was shown: a later one is news again."""
    mine = (D.id == deployment_id, D.user_id == viewer.user_id, _key() == key)
    await session.execute(update(D).where(*mine).values(noticed=key, updated_at=D.updated_at))
