"""The audit trail's one table."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from botbot.db.base import Base, Json, Moment
from botbot.kit import clock, ids

KEEP_DAYS = 400
"""How long an entry stays. The trigger of migration 0007 holds the same number: a younger one can't be deleted."""
ERASED = "erased-"
"""How the pseudonym of somebody who left begins; the trigger knows it too."""


class AuditEntry(Base):
    """Append-only: triggers refuse every update but one that puts a pseudonym in a person's place, and every deletion
    before `KEEP_DAYS`."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_subject", "subject_type", "subject_id"),
        Index("ix_audit_log_at", "at", "id"),
        Index("ix_audit_log_actor", "actor_id", "at"),
    )

    id: Mapped[str] = mapped_column(String, primary_key=True, default=ids.new_id)
    at: Mapped[datetime] = mapped_column(Moment, default=clock.now)
    actor_id: Mapped[str | None] = mapped_column(String)
    action: Mapped[str] = mapped_column(String)
    subject_type: Mapped[str] = mapped_column(String)
    subject_id: Mapped[str] = mapped_column(String)
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    before: Mapped[dict[str, Any] | None] = mapped_column(Json)
    after: Mapped[dict[str, Any] | None] = mapped_column(Json)
