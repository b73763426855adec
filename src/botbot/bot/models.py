"""What the gateway processes remember together: when each of them said who it is."""

from datetime import datetime

from sqlalchemy import Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from botbot.db.base import Base, Moment
from botbot.kit import clock, ids


class GatewayStart(Base):
    """One IDENTIFY, noted before it is sent. `lane` is `shard_id % max_concurrency`, for which Discord counts its five
    seconds; `turn` numbers the lane's, so that of two processes only one has each."""

    __tablename__ = "gateway_starts"
    __table_args__ = (UniqueConstraint("lane", "turn"),)

    id: Mapped[str] = mapped_column(String, primary_key=True, default=ids.new_id)
    lane: Mapped[int] = mapped_column(Integer)
    turn: Mapped[int] = mapped_column(Integer)
    shard_id: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(Moment, default=clock.now, index=True)
