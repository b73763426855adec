"""What a live deployment leaves behind, and the recent talk it remembers (encrypted, and deleted after the
retention period)."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from botbot.db.base import Base, Json, Moment
from botbot.kit import clock, ids


class Agent(Base):
    """A personality at home in a guild. `status` is `active` or `paused`; only one agent of a guild is active.
    `language` is what it shall speak there; without one it speaks its own."""

    __tablename__ = "agents"
    __table_args__ = (
        Index(
            "uq_agents_active_guild",
            "discord_guild_id",
            unique=True,
            sqlite_where=text("status = 'active'"),
            postgresql_where=text("status = 'active'"),
        ),
    )

    id: Mapped[str] = mapped_column(String, primary_key=True, default=ids.new_id)
    template_id: Mapped[str] = mapped_column(ForeignKey("personality_templates.id"))
    version: Mapped[int] = mapped_column(Integer)
    discord_guild_id: Mapped[int] = mapped_column(BigInteger, index=True)
    name: Mapped[str] = mapped_column(String)
    traits: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    language: Mapped[str | None] = mapped_column(String)
    channel_ids: Mapped[list[str]] = mapped_column(Json, default=list)
    status: Mapped[str] = mapped_column(String, default="active")
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(Moment, default=clock.now, onupdate=clock.now)


class ChannelMessage(Base):
    """One turn of a conversation in one channel. `content` is ciphertext."""

    __tablename__ = "channel_messages"
    __table_args__ = (Index("ix_channel_messages_recent", "agent_id", "discord_channel_id", "created_at"),)

    id: Mapped[str] = mapped_column(String, primary_key=True, default=ids.new_id)
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"))
    discord_channel_id: Mapped[int] = mapped_column(BigInteger)
    discord_user_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    role: Mapped[str] = mapped_column(String)
    content: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now, index=True)


class HandledMessage(Base):
    """A Discord message somebody already answers: the gateway promises 0 to N deliveries of each."""

    __tablename__ = "handled_messages"

    message_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now, index=True)


class Forgotten(Base):
    """Somebody asked a moment ago that what they said be forgotten, so an answer that is on its way to them is not
    kept. `id` is a keyed hash of whom and where (`service.mark_forgotten`)."""

    __tablename__ = "forgotten"

    id: Mapped[str] = mapped_column(String, primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
