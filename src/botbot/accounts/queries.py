"""Who does this cookie or token belong to?"""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from botbot.accounts.models import ApiToken, OAuthToken, User, UserSession
from botbot.accounts.rules import Viewer, is_alive, role_of
from botbot.kit import clock

_PERSON = (User.id, User.discord_id, User.username, User.display_name, User.avatar_hash, User.role)
_BY_SESSION = (
    select(*_PERSON, UserSession.id, UserSession.created_at, UserSession.last_seen_at)
    .join(UserSession, UserSession.user_id == User.id)
    .where(UserSession.id == bindparam("id"), User.banned_at.is_(None))
)
_BY_TOKEN = (
    select(*_PERSON)
    .join(ApiToken, ApiToken.user_id == User.id)
    .where(ApiToken.token_hash == bindparam("hash"), User.banned_at.is_(None))
)
"""Whoever is banned has no key to the house any more, whatever they still hold."""


async def find_viewer_by_session(
    connection: AsyncConnection, session_id: str, *, session_days: int, admins: tuple[int, ...]
) -> tuple[Viewer, datetime] | None:
    """The person of a live session and when it was last used; `None` for unknown, idle or expired ones."""
    row = (await connection.execute(_BY_SESSION, {"id": session_id})).first()
    if row is None or not is_alive(row[7], row[8], clock.now(), session_days):
        return None
    return _viewer(row, admins, row[6]), row[8]


async def find_viewer_by_token(
    connection: AsyncConnection, token_hash: str, *, admins: tuple[int, ...]
) -> Viewer | None:
    row = (await connection.execute(_BY_TOKEN, {"hash": token_hash})).first()
    return None if row is None else _viewer(row, admins, None)


def _viewer(row: Any, admins: tuple[int, ...], session_id: str | None) -> Viewer:
    return Viewer(
        user_id=row[0],
        discord_id=row[1],
        username=row[3] or row[2] or f"User {row[1]}",
        avatar_hash=row[4],
        role=role_of(row[5], row[1], admins),
        session_id=session_id,
    )


def viewer_of(user: User, admins: tuple[int, ...], session_id: str) -> Viewer:
    """The person who has just signed in."""
    row = (user.id, user.discord_id, user.username, user.display_name, user.avatar_hash, user.role)
    return _viewer(row, admins, session_id)


async def find_user_by_discord_id(session: AsyncSession, discord_id: int) -> User | None:
    found: User | None = await session.scalar(select(User).where(User.discord_id == discord_id))
    return found


async def list_sessions(session: AsyncSession, user_id: str) -> list[UserSession]:
    """The user's signed-in browsers, latest used first."""
    statement = select(UserSession).where(UserSession.user_id == user_id).order_by(UserSession.last_seen_at.desc())
    return list(await session.scalars(statement))


async def find_oauth_token(session: AsyncSession, user_id: str) -> OAuthToken | None:
    return await session.get(OAuthToken, user_id)
