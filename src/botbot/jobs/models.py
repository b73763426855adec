"""Sagas, their steps, the outbox, and budgets. The rows are the truth and the progress bar; see `jobs/engine.py`."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from botbot.db.base import Base, Json, Moment
from botbot.kit import clock, ids

PROGRESS = "progress"
"""The topic that changes of steps, and of what they are steps for, wake."""
UNFINISHED = "status in ('running', 'undoing')"
STUCK = "status = 'stuck'"


class Saga(Base):
    """A long piece of work as steps with undos. `status`: running → done, or undoing → undone, or stuck.

    `fence` grows with each claim; every note about the saga repeats it, so a worker that lost its lease can't write."""

    __tablename__ = "sagas"
    __table_args__ = (
        Index("ix_sagas_due", "run_at", sqlite_where=text(UNFINISHED), postgresql_where=text(UNFINISHED)),
        Index("ix_sagas_subject", "subject_id"),
        Index("ix_sagas_stuck", "kind", sqlite_where=text(STUCK), postgresql_where=text(STUCK)),
    )

    id: Mapped[str] = mapped_column(String, primary_key=True, default=ids.new_id)
    kind: Mapped[str] = mapped_column(String)
    subject_id: Mapped[str] = mapped_column(String)
    status: Mapped[str] = mapped_column(String, default="running")
    payload: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    error: Mapped[dict[str, Any] | None] = mapped_column(Json)
    owner: Mapped[str | None] = mapped_column(String)
    fence: Mapped[int] = mapped_column(Integer, default=0)
    lease_until: Mapped[datetime | None] = mapped_column(Moment)
    run_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)
    trail: Mapped[str | None] = mapped_column(String)
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(Moment, default=clock.now, onupdate=clock.now)


class SagaStep(Base):
    """One step. `status`: pending, running (intent noted, the call may have happened), waiting (for `retry_at`),
    done, failed, skipped, undoing (until `retry_at`, where the undo failed), undone. `result` is what the undo needs;
    `began_at` the moment it was first tried, of which its patience is measured."""

    __tablename__ = "saga_steps"
    __table_args__ = {"info": {"wakes": PROGRESS}}  # noqa: RUF012  # as SQLAlchemy wants it

    saga_id: Mapped[str] = mapped_column(ForeignKey("sagas.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String)
    status: Mapped[str] = mapped_column(String, default="pending")
    result: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    undo_attempts: Mapped[int] = mapped_column(Integer, default=0)
    error: Mapped[dict[str, Any] | None] = mapped_column(Json)
    retry_at: Mapped[datetime | None] = mapped_column(Moment)
    began_at: Mapped[datetime | None] = mapped_column(Moment)
    at: Mapped[datetime | None] = mapped_column(Moment)


class OutboxEntry(Base):
    """News for another process, written in the transaction it tells about. `topic` is who it is for."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_waiting",
            "topic",
            "id",
            sqlite_where=text("handled_at is null"),
            postgresql_where=text("handled_at is null"),
        ),
    )

    id: Mapped[str] = mapped_column(String, primary_key=True, default=ids.new_id)
    topic: Mapped[str] = mapped_column(String)
    payload: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    trail: Mapped[str | None] = mapped_column(String)
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)
    handled_at: Mapped[datetime | None] = mapped_column(Moment)


class Budget(Base):
    """How much of one allowance is spent. `key` names the allowance and its period, such as `preview/2026-01-31`."""

    __tablename__ = "budgets"

    key: Mapped[str] = mapped_column(String, primary_key=True)
    used: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now, index=True)
