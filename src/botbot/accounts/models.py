"""People and their keys to the house. Of every secret we keep only a hash, or ciphertext."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from botbot.db.base import Base, Json, Moment
from botbot.kit import clock, ids

NOBODY = "erased"
"""The one row of `users` that stands for everybody who left: what has to belong to somebody belongs to it."""


class User(Base):
    """A person with a Discord account. `discord_id` is the key; names change and are not unique."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String, primary_key=True, default=ids.new_id)
    discord_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    username: Mapped[str] = mapped_column(String, default="")
    display_name: Mapped[str | None] = mapped_column(String)
    avatar_hash: Mapped[str | None] = mapped_column(String)
    role: Mapped[str] = mapped_column(String, default="user")
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)
    signed_in_at: Mapped[datetime | None] = mapped_column(Moment)
    banned_at: Mapped[datetime | None] = mapped_column(Moment)
    ban_reason: Mapped[str | None] = mapped_column(String)


class UserSession(Base):
    """A signed-in browser. `id` is the SHA-256 of the cookie's secret."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String, primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)
    last_seen_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)
    agent: Mapped[str] = mapped_column(String, default="")


class OAuthToken(Base):
    """The user's Discord tokens, both encrypted. Gone with the last session."""

    __tablename__ = "oauth_tokens"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    access_token: Mapped[str] = mapped_column(String)
    refresh_token: Mapped[str] = mapped_column(String)
    scopes: Mapped[list[str]] = mapped_column(Json, default=list)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    refreshing_until: Mapped[datetime | None] = mapped_column(Moment)
    """While some process trades the pair for a new one; a process that died meanwhile holds nobody up for longer."""
    updated_at: Mapped[datetime] = mapped_column(Moment, default=clock.now, onupdate=clock.now)


class UsedOAuthState(Base):
    """States that came back once. The state itself is sealed and needs no row; only its use does."""

    __tablename__ = "used_oauth_states"

    nonce: Mapped[str] = mapped_column(String, primary_key=True)
    used_at: Mapped[datetime] = mapped_column(Moment, default=clock.now, index=True)


class ApiToken(Base):
    """A personal API token (`bbt_…`), kept as its hash."""

    __tablename__ = "api_tokens"

    id: Mapped[str] = mapped_column(String, primary_key=True, default=ids.new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String, default="")
    token_hash: Mapped[str] = mapped_column(String, unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)


class BarredPerson(Base):
    """Somebody who was sent away and then erased. `id` is a keyed hash of the Discord id (`accounts.barring`)."""

    __tablename__ = "barred_people"

    id: Mapped[str] = mapped_column(String, primary_key=True)
    barred_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)


class HouseSecret(Base):
    """A random secret of the house itself, encrypted; unlike `BOTBOT_SECRET_KEY` it outlives a change of keys."""

    __tablename__ = "house_secrets"

    name: Mapped[str] = mapped_column(String, primary_key=True)
    sealed: Mapped[str] = mapped_column(String)
