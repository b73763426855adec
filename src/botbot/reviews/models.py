"""One rating per person and personality, who found its words helpful, and what people reported."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from botbot.catalog.models import SHOWN
from botbot.db.base import Base, Moment
from botbot.kit import clock, ids


class PersonalityRating(Base):
    """`state` is about the words: `shown`, `waiting` for a moderator, or `hidden` by one. With `removed` the stars
    don't count either."""

    __tablename__ = "personality_ratings"
    __table_args__ = (
        UniqueConstraint("template_id", "user_id"),
        CheckConstraint("rating between 1 and 5", name="rating_range"),
        Index("ix_personality_ratings_newest", "template_id", "created_at"),
        Index("ix_personality_ratings_helpful", "template_id", "helpful_count"),
        SHOWN,
    )

    id: Mapped[str] = mapped_column(String, primary_key=True, default=ids.new_id)
    template_id: Mapped[str] = mapped_column(ForeignKey("personality_templates.id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    rating: Mapped[int] = mapped_column(Integer)
    review: Mapped[str | None] = mapped_column(Text)
    helpful_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    state: Mapped[str] = mapped_column(String, default="shown", server_default="shown")
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(Moment, default=clock.now, onupdate=clock.now)


class ReviewCensure(Base):
    """What moderators hold of this person's words about this personality: they hid or removed them (`state`: `hidden`
    or `removed`), or there is nothing against them (empty). Outlives the review, so that taking it back and posting it
    again leads nowhere."""

    __tablename__ = "review_censures"
    __table_args__ = (UniqueConstraint("template_id", "user_id"),)

    id: Mapped[str] = mapped_column(String, primary_key=True, default=ids.new_id)
    template_id: Mapped[str] = mapped_column(ForeignKey("personality_templates.id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(String, default="")
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)


class ReviewVote(Base):
    """One person's "helpful" on somebody else's review; `helpful_count` is kept true beside it."""

    __tablename__ = "review_votes"

    rating_id: Mapped[str] = mapped_column(ForeignKey("personality_ratings.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)


class Report(Base):
    """Somebody says that a personality or a review should not stand as it does; once per person and subject.
    `subject_type` is `personality` or `review`, `state` `open` until a moderator handled it. With the `source` `screen`
    nobody said so but the house's own rules (`reviews.screening`), and `reason` is what they saw."""

    __tablename__ = "reports"
    __table_args__ = (
        UniqueConstraint("subject_type", "subject_id", "reporter_id"),
        Index("ix_reports_state", "state", "created_at"),
        Index("ix_reports_subject", "subject_type", "subject_id"),
    )

    id: Mapped[str] = mapped_column(String, primary_key=True, default=ids.new_id)
    subject_type: Mapped[str] = mapped_column(String)
    subject_id: Mapped[str] = mapped_column(String)
    reporter_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    reason: Mapped[str] = mapped_column(String)
    words: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String, default="open")
    source: Mapped[str] = mapped_column(String, default="person", server_default="person")
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)
    handled_at: Mapped[datetime | None] = mapped_column(Moment)
    handled_by: Mapped[str | None] = mapped_column(String)
