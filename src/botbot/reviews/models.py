"""One rating per person and personality."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from botbot.db.base import Base, Moment
from botbot.kit import clock, ids


class PersonalityRating(Base):
    __tablename__ = "personality_ratings"
    __table_args__ = (
        UniqueConstraint("template_id", "user_id"),
        CheckConstraint("rating between 1 and 5", name="rating_range"),
        Index("ix_personality_ratings_newest", "template_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(String, primary_key=True, default=ids.new_id)
    template_id: Mapped[str] = mapped_column(ForeignKey("personality_templates.id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    rating: Mapped[int] = mapped_column(Integer)
    review: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(Moment, default=clock.now, onupdate=clock.now)
