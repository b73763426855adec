"""What moderators decided, and the notices to those whom it concerns."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from botbot.db.base import Base, Json, Moment
from botbot.kit import clock, ids


class Decision(Base):
    """One verdict about a personality or a review. `state_before` is what undoing it brings back: states and ids, never
    anybody's words. `words` is what the moderator adds for those concerned."""

    __tablename__ = "desk_decisions"
    __table_args__ = (
        Index("ix_desk_decisions_subject", "subject_type", "subject_id", "decided_at"),
        Index("ix_desk_decisions_newest", "decided_at", "id"),
    )

    id: Mapped[str] = mapped_column(String, primary_key=True, default=ids.new_id)
    subject_type: Mapped[str] = mapped_column(String)
    subject_id: Mapped[str] = mapped_column(String)
    verdict: Mapped[str] = mapped_column(String)
    reason: Mapped[str] = mapped_column(String)
    words: Mapped[str] = mapped_column(Text, default="")
    state_before: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    decided_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)
    undone_at: Mapped[datetime | None] = mapped_column(Moment)


class Notice(Base):
    """Tells one person of one decision. `kind` says as what it reaches them: `author`, `reporter` or `owner` of a
    server; `about` is the name of what it is about, and `link` a path on this site."""

    __tablename__ = "desk_notices"
    __table_args__ = (Index("ix_desk_notices_user", "user_id", "created_at"),)

    id: Mapped[str] = mapped_column(String, primary_key=True, default=ids.new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    decision_id: Mapped[str] = mapped_column(ForeignKey("desk_decisions.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String)
    about: Mapped[str] = mapped_column(String)
    link: Mapped[str] = mapped_column(String, default="")
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)
    read_at: Mapped[datetime | None] = mapped_column(Moment)


class Screened(Base):
    """Up to which version the house's rules have read a personality's texts."""

    __tablename__ = "desk_screened"

    personality_id: Mapped[str] = mapped_column(
        ForeignKey("personality_templates.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(Moment, default=clock.now)
