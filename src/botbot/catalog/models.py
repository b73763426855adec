"""The catalogue's tables. A personality's newest text stands in its row; every version is kept beside it, because
an agent speaks the version it was deployed with."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Float, ForeignKey, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from botbot.db.base import Base, Folded, Json, Moment
from botbot.kit import clock, ids

ON_SHELF = "is_public = 1 and archived_at is null"
ON_SHELF_POSTGRES = "is_public and archived_at is null"


SHOWN = {"info": {"wakes": "catalogue"}}
"""For tables that readers of the marketplace see: a committed change makes every process forget its kept answers."""


def _shelf_index(name: str, *columns: Any) -> Index:
    """A partial index over what visitors may see, in one of the four orders."""
    return Index(name, *columns, sqlite_where=text(ON_SHELF), postgresql_where=text(ON_SHELF_POSTGRES))


class PersonalityTemplate(Base):
    """A catalogue entry. `avg_rating` (two decimals), `rating_score`, `rating_count` and `deploy_count` are kept
    true in the transaction that changes them; `search_text` and `name_folded` by `catalog.rules.fold`; `trend_score` by
    `catalog.trending`, every few minutes.

    `content_hash` is the digest of what it says (`catalog.editing.content_digest`). `seed_hash` is that of the curated
    file it was loaded from, or `edited` once somebody here has changed it: then the file has no say any more. `avatar`
    holds the drawing's choices, or `{"picture": id}` of an uploaded one. A hidden entry goes public at `publish_at`."""

    __tablename__ = "personality_templates"

    id: Mapped[str] = mapped_column(String, primary_key=True, default=ids.new_id)
    slug: Mapped[str] = mapped_column(String, unique=True)
    name: Mapped[str] = mapped_column(String)
    description: Mapped[str] = mapped_column(Text)
    opening_line: Mapped[str] = mapped_column(Text, default="")
    persona: Mapped[str] = mapped_column(Text)
    system_prompt: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(String)
    category_slug: Mapped[str] = mapped_column(String, index=True)
    tags: Mapped[list[str]] = mapped_column(Json, default=list)
    traits: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    language: Mapped[str] = mapped_column(String, default="en")
    content_rating: Mapped[str] = mapped_column(String, default="everyone")
    hue: Mapped[int] = mapped_column(Integer, default=0)
    avatar: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    avatar_path: Mapped[str] = mapped_column(String, default="")
    sample_messages: Mapped[list[str]] = mapped_column(Json, default=list)
    sample_conversations: Mapped[list[list[dict[str, str]]]] = mapped_column(Json, default=list)
    sample_replies: Mapped[dict[str, list[str]]] = mapped_column(Json, default=dict)
    compatibility: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    requirements: Mapped[str | None] = mapped_column(Text)
    model_options: Mapped[dict[str, Any]] = mapped_column(Json, default=dict, server_default="{}")
    licence: Mapped[str] = mapped_column(Text, default="", server_default="")
    source: Mapped[str] = mapped_column(Text, default="", server_default="")
    credit: Mapped[str] = mapped_column(Text, default="", server_default="")
    extensions: Mapped[dict[str, Any]] = mapped_column(Json, default=dict, server_default="{}")
    version: Mapped[int] = mapped_column(Integer, default=1)
    content_hash: Mapped[str] = mapped_column(String, default="", index=True)
    seed_hash: Mapped[str] = mapped_column(Text, default="", server_default="")
    is_public: Mapped[bool] = mapped_column(Boolean, default=True)
    is_featured: Mapped[bool] = mapped_column(Boolean, default=False)
    archived_at: Mapped[datetime | None] = mapped_column(Moment)
    publish_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
    created_by: Mapped[str | None] = mapped_column(String)
    deploy_count: Mapped[int] = mapped_column(Integer, default=0)
    rating_sum: Mapped[int] = mapped_column(Integer, default=0)
    rating_count: Mapped[int] = mapped_column(Integer, default=0)
    avg_rating: Mapped[float | None] = mapped_column(Float)
    rating_score: Mapped[float] = mapped_column(Float, default=0.0)
    trend_score: Mapped[float] = mapped_column(Float, default=0.0, server_default="0")
    name_folded: Mapped[str] = mapped_column(Folded)
    search_text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)

    __table_args__ = (
        _shelf_index("ix_shelf_popular", deploy_count.desc(), id),
        _shelf_index("ix_shelf_newest", created_at.desc(), id),
        _shelf_index("ix_shelf_rating", rating_score.desc(), id),
        _shelf_index("ix_shelf_name", name_folded, id),
        _shelf_index("ix_shelf_trending", trend_score.desc(), id),
        _shelf_index("ix_shelf_category", category_slug, deploy_count.desc(), id),
        Index(
            "ix_shelf_featured",
            deploy_count.desc(),
            id,
            sqlite_where=text(f"{ON_SHELF} and is_featured = 1"),
            postgresql_where=text(f"{ON_SHELF_POSTGRES} and is_featured"),
        ),
        SHOWN,
    )


class PersonalityTag(Base):
    """One tag of one personality, folded, so that "all of these tags" is an indexed question."""

    __tablename__ = "personality_tags"

    personality_id: Mapped[str] = mapped_column(
        ForeignKey("personality_templates.id", ondelete="CASCADE"), primary_key=True
    )
    tag: Mapped[str] = mapped_column(String, primary_key=True, index=True)


class PersonalityVersion(Base):
    """What an agent needs to speak as one version: name, persona, system prompt, traits, samples; and the rest of what
    it said then, to compare and to go back to. `actor_id` is who made it, `None` for the product itself."""

    __tablename__ = "personality_versions"

    personality_id: Mapped[str] = mapped_column(
        ForeignKey("personality_templates.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    snapshot: Mapped[dict[str, Any]] = mapped_column(Json)
    changelog: Mapped[str] = mapped_column(Text, default="")
    actor_id: Mapped[str | None] = mapped_column(String)
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)


class StoredPicture(Base):
    """An uploaded picture, made anew by us in the forms the product uses; `id` is the hash of what it shows. The PNG
    has 512 px and goes to Discord; `large` (512 px) and `small` (128 px) are WebP for pages."""

    __tablename__ = "pictures"

    id: Mapped[str] = mapped_column(String, primary_key=True)
    png: Mapped[bytes] = mapped_column(LargeBinary)
    large: Mapped[bytes] = mapped_column(LargeBinary)
    small: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)


class PersonalityGuild(Base):
    """The servers a personality has ever been active in; each counts once in `deploy_count`, and for good."""

    __tablename__ = "personality_guilds"

    personality_id: Mapped[str] = mapped_column(
        ForeignKey("personality_templates.id", ondelete="CASCADE"), primary_key=True
    )
    discord_guild_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now, index=True)


class PersonalityUse(Base):
    """Who brought a personality to a server or talked to it there; marks their review. No more is known of them."""

    __tablename__ = "personality_uses"

    personality_id: Mapped[str] = mapped_column(
        ForeignKey("personality_templates.id", ondelete="CASCADE"), primary_key=True
    )
    discord_user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)


class PersonalityTalk(Base):
    """A server in which a personality answered on a day (UTC, `YYYY-MM-DD`): what "trending" counts. One row however
    often it spoke, so nobody lifts a personality by chatting with it all day."""

    __tablename__ = "personality_talks"

    personality_id: Mapped[str] = mapped_column(
        ForeignKey("personality_templates.id", ondelete="CASCADE"), primary_key=True
    )
    discord_guild_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    day: Mapped[str] = mapped_column(String, primary_key=True, index=True)


class PersonalityFavourite(Base):
    """What a person marked to find again."""

    __tablename__ = "personality_favourites"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    personality_id: Mapped[str] = mapped_column(
        ForeignKey("personality_templates.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)


class Shelf(Base):
    """A row of the front page. `kind` is `featured`, `trending`, `new`, `category` (with `category_slug`) or `picked`
    (with items chosen by hand); shelves stand in the order of `position`."""

    __tablename__ = "shelves"
    __table_args__ = (SHOWN,)

    id: Mapped[str] = mapped_column(String, primary_key=True, default=ids.new_id)
    kind: Mapped[str] = mapped_column(String)
    title: Mapped[str] = mapped_column(String)
    category_slug: Mapped[str | None] = mapped_column(String)
    position: Mapped[int] = mapped_column(Integer)
    is_visible: Mapped[bool] = mapped_column(Boolean, default=True)


class ShelfItem(Base):
    """One hand-picked personality of a `picked` shelf."""

    __tablename__ = "shelf_items"
    __table_args__ = (SHOWN,)

    shelf_id: Mapped[str] = mapped_column(ForeignKey("shelves.id", ondelete="CASCADE"), primary_key=True)
    personality_id: Mapped[str] = mapped_column(
        ForeignKey("personality_templates.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(Integer)
