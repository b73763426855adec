"""What an erasure leaves behind: a receipt that only whoever holds its address can read, and what is still to do."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from botbot.db.base import Base, Json, Moment
from botbot.kit import clock


class Erasure(Base):
    """`id` is the hash of the receipt's address. `counts` says how many rows of each table went.

    `sealed_token` is Discord's refresh token, encrypted, until Discord took it back: `revocation` is `none` (there was
    no token), `waiting`, `done` or `given_up`. `run_at` is when somebody looks again; null once all is done."""

    __tablename__ = "erasures"
    __table_args__ = (Index("ix_erasures_run_at", "run_at"),)

    id: Mapped[str] = mapped_column(String, primary_key=True)
    erased_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)
    counts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    deployment_ids: Mapped[list[str]] = mapped_column(Json, default=list)
    sealed_token: Mapped[str | None] = mapped_column(Text)
    revocation: Mapped[str] = mapped_column(String, default="none")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    problem: Mapped[str | None] = mapped_column(String)
    run_at: Mapped[datetime | None] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
