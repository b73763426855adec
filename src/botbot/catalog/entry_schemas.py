"""An entry as admins write and read it, and as our own format holds it. What each text may be: `entry_rules`."""

from datetime import datetime
from typing import Any

import msgspec

from botbot.catalog.schemas import Card, Ratings


class Turn(msgspec.Struct):
    """`role` is `user` or `assistant`."""

    role: str
    content: str


class ModelOptionsIn(msgspec.Struct, rename="camel", omit_defaults=True):
    """How the model is asked; what is left out is the server's business."""

    temperature: float | None = None
    max_tokens: int | None = None


class EntryIn(msgspec.Struct, rename="camel", kw_only=True):
    """What an entry says and where it stands. `id`, `createdAt` and `deployCount` are for entries that come from
    another marketplace; `version` is read and never taken.

    `avatar` is a path of ours or a `data:` picture; anything else is dropped with a warning. `avatarChoices` are those
    of `kit.avatars`; without any the face is drawn from the slug. `extensions` are kept as they came."""

    name: str
    description: str
    persona: str
    system_prompt: str
    category: str
    id: str | None = None
    slug: str | None = None
    opening_line: str = ""
    tags: list[str] = []
    traits: dict[str, Any] = {}
    language: str = "en"
    content_rating: str = "everyone"
    hue: int | None = None
    avatar: str | None = None
    avatar_choices: dict[str, str] | None = None
    sample_messages: list[str] = []
    sample_conversations: list[list[Turn]] = []
    sample_replies: dict[str, list[str]] = {}
    compatibility: dict[str, Any] = {}
    requirements: str | None = None
    model_options: ModelOptionsIn = msgspec.field(default_factory=ModelOptionsIn)
    licence: str = ""
    source: str = ""
    credit: str = ""
    extensions: dict[str, Any] = {}
    is_public: bool = True
    publish_at: datetime | None = None
    archived_at: datetime | None = None
    created_by: str | None = None
    created_at: datetime | None = None
    deploy_count: int | None = None
    version: int | None = None


class EntryOut(Card, rename="camel", kw_only=True):
    """Everything about an entry, for staff. `warnings` are about the write that this answers; `ratings` are there for
    one entry, not in lists."""

    persona: str
    system_prompt: str
    hue: int
    avatar_choices: dict[str, str]
    sample_messages: list[str]
    sample_conversations: list[list[dict[str, str]]]
    sample_replies: dict[str, list[str]]
    compatibility: dict[str, Any]
    requirements: str | None
    model_options: ModelOptionsIn
    licence: str
    source: str
    credit: str
    extensions: dict[str, Any]
    is_public: bool
    is_featured: bool
    publish_at: datetime | None
    archived_at: datetime | None
    created_by: str | None
    version: int
    ratings: Ratings | msgspec.UnsetType = msgspec.UNSET
    warnings: list[str] | msgspec.UnsetType = msgspec.UNSET
