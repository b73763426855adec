"""Which processes are at work. Nothing personal: a process is known by a random name that it gives itself."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from botbot.db.base import Base, Moment
from botbot.kit import clock


class Presence(Base):
    """One part (`worker` or `bot`) of one process, and since when it has been in this state. A process that is gone
    stops saying so: `seen_at` stays behind."""

    __tablename__ = "presences"

    process: Mapped[str] = mapped_column(String, primary_key=True)
    part: Mapped[str] = mapped_column(String, primary_key=True)
    state: Mapped[str] = mapped_column(String)
    since: Mapped[datetime] = mapped_column(Moment, default=clock.now)
    seen_at: Mapped[datetime] = mapped_column(Moment, default=clock.now, index=True)
