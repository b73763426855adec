"""What crosses the wire about ratings, reviews and reports."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from botbot.catalog.rules import MAX

ReviewSort = Literal["helpful", "newest"]
Reason = Literal["spam", "hateful", "sexual", "harmful", "impersonation", "private_data", "rights", "other"]


class RatingIn(msgspec.Struct, rename="camel"):
    rating: Annotated[int, Meta(ge=1, le=5)]
    review: Annotated[str, Meta(max_length=MAX["review"])] | None = None


class RatingOut(msgspec.Struct, rename="camel"):
    """Mine, and what the personality's numbers became with it. `reviewState` is there when the words don't show:
    `waiting` for a moderator, `hidden` or `removed` by one."""

    rating: int
    review: str | None
    avg_rating: float | None
    rating_count: int
    review_state: str | msgspec.UnsetType = msgspec.UNSET


class Review(msgspec.Struct, rename="camel"):
    """A rating with words. `is_mine` and `found_helpful` are about who asks, and false for visitors."""

    id: str
    rating: int
    review: str
    username: str
    used_it: bool
    helpful_count: int
    created_at: datetime
    updated_at: datetime
    is_mine: bool = False
    found_helpful: bool = False

    @property
    def is_edited(self) -> bool:
        return (self.updated_at - self.created_at).total_seconds() > 60


class ReviewPagination(msgspec.Struct, rename="camel"):
    page: int
    limit: int
    total_count: int
    total_pages: int
    has_next_page: bool
    has_previous_page: bool


class ReviewList(msgspec.Struct, rename="camel"):
    reviews: list[Review]
    pagination: ReviewPagination


class HelpfulOut(msgspec.Struct, rename="camel"):
    helpful_count: int
    found_helpful: bool


class ReportIn(msgspec.Struct, rename="camel"):
    """`words` says more, in at most 500 characters."""

    reason: Reason
    words: Annotated[str, Meta(max_length=500)] = ""


class ReportOut(msgspec.Struct, rename="camel"):
    """`state` is `open` until a moderator has handled it."""

    state: str


class TakenBack(msgspec.Struct, rename="camel"):
    """A rating that was just taken back, as its author's browser keeps it, sealed, to undo that once. We keep nothing
    but the `nonce` of what was undone, until it is too late to repeat it."""

    nonce: str
    personality_id: str
    user_id: str
    id: str
    rating: int
    review: str | None
    voters: list[str]
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    state: str = "shown"
