"""What crosses the wire about personalities. `systemPrompt` is in none of these."""

from datetime import datetime
from typing import Any

import msgspec

from botbot.kit import clock

NEW_FOR_DAYS = 14
CURATOR = "botbot"
"""Who wrote the curated entries, as `created_by` has it."""


class Card(msgspec.Struct, rename="camel"):
    """A personality in lists. The fields after `updated_at` are for our own pages and are not sent."""

    id: str
    slug: str
    name: str
    description: str
    opening_line: str
    avatar: str
    category: str
    tags: list[str]
    traits: dict[str, Any]
    language: str
    content_rating: str
    deploy_count: int
    avg_rating: float | None
    rating_count: int
    created_at: datetime
    updated_at: datetime


class CardView(Card, rename="camel"):
    """A card as our pages draw it."""

    hue: int = 0
    is_featured: bool = False
    second_line: str | None = None
    category_slug: str = ""
    is_ours: bool = False

    @property
    def url(self) -> str:
        return f"/personalities/{self.slug}"

    @property
    def is_new(self) -> bool:
        """Young, and not one of the curated entries, which all arrived together."""
        return not self.is_ours and (clock.now() - self.created_at).days < NEW_FOR_DAYS


class Compatibility(msgspec.Struct, rename="camel", frozen=True):
    permissions: list[str] = []
    intents: list[str] = []
    languages: list[str] = []
    min_context_tokens: int = 0


class NewestReview(msgspec.Struct, rename="camel"):
    id: str
    rating: int
    review: str | None
    username: str
    created_at: datetime
    used_it: bool


class Ratings(msgspec.Struct, rename="camel"):
    """`histogram` maps "1" … "5" to how many gave that."""

    histogram: dict[str, int]
    newest: list[NewestReview]


class Detail(Card, rename="camel"):
    persona: str
    sample_messages: list[str]
    sample_conversations: list[list[dict[str, str]]]
    compatibility: Compatibility
    version: int
    ratings: Ratings


class Pagination(msgspec.Struct, rename="camel"):
    """`totalIsEstimate` is there, and true, only beyond 10,000."""

    page: int | None
    limit: int
    total_count: int
    total_pages: int
    has_next_page: bool
    has_previous_page: bool
    next_cursor: str | None
    total_is_estimate: bool | msgspec.UnsetType = msgspec.UNSET


class PersonalityList(msgspec.Struct, rename="camel"):
    personalities: list[Card]
    pagination: Pagination
    suggestions: list[Card] = []


class CategoryOut(msgspec.Struct, rename="camel"):
    name: str
    slug: str
    count: int


def card_fields(row: Any) -> dict[str, Any]:
    """The shared fields from a row or an ORM object, both of which name them alike."""
    values = {name: getattr(row, name) for name in _CARD_FIELDS}
    return {**values, "avatar": row.avatar_path}


_CARD_FIELDS = tuple(name for name in Card.__struct_fields__ if name != "avatar")


def card_view(row: Any) -> CardView:
    samples = row.sample_messages
    return CardView(
        **card_fields(row),
        hue=row.hue // 10 * 10 % 360,
        is_featured=row.is_featured,
        second_line=samples[0] if samples else None,
        category_slug=row.category_slug,
        is_ours=row.created_by == CURATOR,
    )


def detail(row: Any, ratings: Ratings) -> Detail:
    """Of a row whose JSON is still `msgspec.Raw`: it is sent as it is stored, but for what has defaults."""
    return Detail(
        **card_fields(row),
        persona=row.persona,
        sample_messages=row.sample_messages,
        sample_conversations=row.sample_conversations,
        compatibility=msgspec.json.decode(row.compatibility, type=Compatibility, strict=False),
        version=row.version,
        ratings=ratings,
    )
