"""The audit trail's one table."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from botbot.db.base import Base, Json, Moment
from botbot.kit import clock, ids


class AuditEntry(Base):
    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_subject", "subject_type", "subject_id"),)

    id: Mapped[str] = mapped_column(String, primary_key=True, default=ids.new_id)
    at: Mapped[datetime] = mapped_column(Moment, default=clock.now)
    actor_id: Mapped[str | None] = mapped_column(String)
    action: Mapped[str] = mapped_column(String)
    subject_type: Mapped[str] = mapped_column(String)
    subject_id: Mapped[str] = mapped_column(String)
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
