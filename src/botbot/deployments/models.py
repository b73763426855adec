"""A deployment: one attempt to bring a personality to a guild, and what became of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from botbot.db.base import Base, Json, Moment
from botbot.jobs.models import PROGRESS
from botbot.kit import clock, ids

AWAITING = "awaiting_install"
LIVE = ("queued", "running", "active", "paused", "rolling_back", "needs_attention")
_LIVE_SQL = f"status in ({', '.join(repr(s) for s in LIVE)}) and replaced_by is null"


class PersonalityDeployment(Base):
    """`status` is one of CONTRACT's ten. `replaced_by` names the deployment that took its place in the server; such
    a row is paused and holds no place. The partial unique index decides who wins a race for one server.

    `previous_version` is what it spoke before the last update; `noticed` which failure its owner has dismissed, as
    `rules.news_key` writes it."""

    __tablename__ = "personality_deployments"
    __table_args__ = (
        UniqueConstraint("user_id", "idempotency_key"),
        Index("ix_personality_deployments_mine", "user_id", "created_at"),
        Index("ix_personality_deployments_guild", "discord_guild_id", "created_at"),
        Index(
            "uq_personality_deployments_live",
            "discord_guild_id",
            unique=True,
            sqlite_where=text(_LIVE_SQL),
            postgresql_where=text(_LIVE_SQL),
        ),
        Index(
            "ix_personality_deployments_news",
            "user_id",
            sqlite_where=text("failure is not null"),
            postgresql_where=text("failure is not null"),
        ),
        {"info": {"wakes": PROGRESS}},
    )

    id: Mapped[str] = mapped_column(String, primary_key=True, default=ids.new_id)
    template_id: Mapped[str] = mapped_column(ForeignKey("personality_templates.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    agent_id: Mapped[str | None] = mapped_column(ForeignKey("agents.id"))
    saga_id: Mapped[str | None] = mapped_column(ForeignKey("sagas.id"))
    discord_guild_id: Mapped[int] = mapped_column(BigInteger)
    guild_name: Mapped[str] = mapped_column(String, default="")
    status: Mapped[str] = mapped_column(String)
    customizations: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    channel_ids: Mapped[list[str]] = mapped_column(Json, default=list)
    version: Mapped[int] = mapped_column(Integer)
    previous_version: Mapped[int | None] = mapped_column(Integer)
    install_permissions: Mapped[int] = mapped_column(BigInteger, default=0)
    wants_replace: Mapped[bool] = mapped_column(default=False)
    failure: Mapped[dict[str, Any] | None] = mapped_column(Json)
    previous_nick: Mapped[str | None] = mapped_column(String)
    noticed: Mapped[str | None] = mapped_column(String)
    greeting: Mapped[dict[str, Any] | None] = mapped_column(Json)
    replaced_by: Mapped[str | None] = mapped_column(String)
    idempotency_key: Mapped[str | None] = mapped_column(String)
    request_hash: Mapped[str | None] = mapped_column(String)
    deployed_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(Moment, default=clock.now, onupdate=clock.now)
