"""What crosses the wire about ratings."""

from typing import Annotated

import msgspec
from msgspec import Meta

from botbot.catalog.rules import MAX


class RatingIn(msgspec.Struct, rename="camel"):
    rating: Annotated[int, Meta(ge=1, le=5)]
    review: Annotated[str, Meta(max_length=MAX["review"])] | None = None


class RatingOut(msgspec.Struct, rename="camel"):
    """Mine, and what the personality's numbers became with it."""

    rating: int
    review: str | None
    avg_rating: float | None
    rating_count: int
