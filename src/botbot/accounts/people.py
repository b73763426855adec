"""Everybody with an account, as admins see and change them: roles, bans, API tokens."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from botbot.accounts.models import NOBODY, ApiToken, OAuthToken, User, UserSession
from botbot.accounts.rules import RANKS, Viewer, role_of
from botbot.audit import service as audit
from botbot.errors import Conflict, NotFound, PermissionDenied, ValidationFailed
from botbot.kit import clock

LONGEST_REASON = 300
STATES = ("all", "staff", "banned")
Reader = AsyncSession | AsyncConnection


class Person(NamedTuple):
    """`role` is what holds, the operator's settings included; `is_named` when it is those that say so."""

    id: str
    discord_id: int
    username: str
    display_name: str | None
    role: str
    is_named: bool
    created_at: datetime
    signed_in_at: datetime | None
    banned_at: datetime | None
    ban_reason: str | None
    tokens: int
    sessions: int

    @property
    def name(self) -> str:
        return self.display_name or self.username or f"User {self.discord_id}"


def _count(model: type[ApiToken] | type[UserSession]) -> Any:
    return select(func.count()).select_from(model).where(model.user_id == User.id).scalar_subquery()


_PERSON = (
    User.id, User.discord_id, User.username, User.display_name, User.role, User.created_at, User.signed_in_at,
    User.banned_at, User.ban_reason, _count(ApiToken).label("tokens"), _count(UserSession).label("sessions"),
)  # fmt: skip


async def list_people(
    reader: Reader, admins: Collection[int], *, search: str = "", state: str = "all", page: int = 1, limit: int = 50
) -> tuple[list[Person], int]:
    """Those whose name holds `search`, or whose id it is; the newest first. And how many there are."""
    wanted = _wanted(search.strip(), state, admins)
    total = await reader.scalar(select(func.count()).select_from(User).where(*wanted))
    statement = select(*_PERSON).where(*wanted).order_by(User.created_at.desc(), User.id.desc())
    rows = await reader.execute(statement.offset((page - 1) * limit).limit(limit))
    return [_person(row, admins) for row in rows], total or 0


def _wanted(search: str, state: str, admins: Collection[int]) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [User.id != NOBODY]
    if search:
        names = (func.lower(column).contains(search.lower(), autoescape=True) for column in _NAMES)
        is_snowflake = search.isascii() and search.isdigit() and int(search) < 2**63
        wanted.append(or_(*names, User.id == search, *([User.discord_id == int(search)] if is_snowflake else [])))
    if state == "staff":
        wanted.append(or_(User.role != "user", User.discord_id.in_(list(admins))))
    elif state == "banned":
        wanted.append(User.banned_at.is_not(None))
    return wanted


_NAMES = (User.username, User.display_name)


async def get_person(reader: Reader, user_id: str, admins: Collection[int]) -> Person:
    """Raises `NotFound`."""
    row = (await reader.execute(select(*_PERSON).where(User.id == user_id))).first()
    if row is None or user_id == NOBODY:
        raise NotFound("There is nobody with that id.")
    return _person(row, admins)


async def names_of(reader: Reader, user_ids: Collection[str]) -> dict[str, str]:
    """What people are called, by id; those who left are missing."""
    asked = select(User.id, User.display_name, User.username, User.discord_id).where(User.id.in_(list(user_ids)))
    return {row[0]: row[1] or row[2] or f"User {row[3]}" for row in await reader.execute(asked)}


def _person(row: Any, admins: Collection[int]) -> Person:
    is_named = row.discord_id in admins
    stored = {name: getattr(row, name) for name in Person._fields if name not in {"role", "is_named"}}
    return Person(role=role_of(row.role, row.discord_id, tuple(admins)), is_named=is_named, **stored)


async def change_role(session: AsyncSession, actor: Viewer, user_id: str, role: str, admins: Collection[int]) -> None:
    """Every session of theirs ends: a new role, a new id. One's own goes on, since it was an admin who did it.

    Raises `Conflict` for the last admin, and for one whom the operator's settings name."""
    if role not in RANKS:
        raise ValidationFailed(fields={"role": f"must be one of {', '.join(RANKS)}"})
    user = await _lock(session, user_id)
    if user.discord_id in admins and role != "admin":
        raise Conflict("The operator's settings make them an admin. Only the operator can change that.")
    if user.role == role:
        return
    before, user.role = user.role, role
    await session.flush()
    await _require_an_admin(session, admins)
    if user.id != actor.user_id:
        await session.execute(delete(UserSession).where(UserSession.user_id == user.id))
    audit.record(
        session, actor.user_id, "account.change_role", ("user", user.id), before={"role": before}, after={"role": role}
    )


async def _require_an_admin(session: AsyncSession, admins: Collection[int]) -> None:
    """Somebody must be able to get in. Those named by the settings always can."""
    if not admins and await session.scalar(select(User.id).where(_IS_ADMIN).limit(1)) is None:
        raise Conflict("This is the last admin. Make somebody else one first.")


_IS_ADMIN = (User.role == "admin") & User.banned_at.is_(None)


async def ban(session: AsyncSession, actor: Viewer, user_id: str, reason: str, admins: Collection[int]) -> None:
    """Sessions, tokens and Discord's own tokens are dead at once, and signing in is refused. What they deployed runs
    on; an admin can stop it apart. Raises `PermissionDenied` for oneself and for an admin whom the settings name."""
    reason = " ".join(reason.split())
    if len(reason) > LONGEST_REASON:
        raise ValidationFailed(fields={"reason": f"must have at most {LONGEST_REASON} characters"})
    user = await _lock(session, user_id)
    if user.id == actor.user_id:
        raise PermissionDenied("You can't ban yourself.")
    if user.discord_id in admins:
        raise PermissionDenied("The operator's settings make them an admin, so they can't be banned here.")
    if user.banned_at is None or user.ban_reason != reason:
        before = {"banned": user.banned_at is not None, "reason": user.ban_reason}
        after = {"banned": True, "reason": reason}
        audit.record(session, actor.user_id, "account.ban", ("user", user.id), before=before, after=after)
    user.banned_at, user.ban_reason = user.banned_at or clock.now(), reason
    await session.flush()
    await _require_an_admin(session, admins)
    for model in (UserSession, OAuthToken, ApiToken):
        await session.execute(delete(model).where(model.user_id == user.id))


async def unban(session: AsyncSession, actor: Viewer, user_id: str) -> None:
    """They may sign in again; their old keys stay dead."""
    user = await _lock(session, user_id)
    if user.banned_at is None:
        return
    before = {"banned": True, "reason": user.ban_reason}
    user.banned_at, user.ban_reason = None, None
    audit.record(session, actor.user_id, "account.unban", ("user", user.id), before=before, after={"banned": False})


async def list_tokens(reader: Reader, user_id: str) -> list[Any]:
    """The person's API tokens (`id`, `name`, `created_at`, `last_used_at`), the newest first; never the tokens."""
    columns = (ApiToken.id, ApiToken.name, ApiToken.created_at, ApiToken.last_used_at)
    statement = select(*columns).where(ApiToken.user_id == user_id).order_by(ApiToken.created_at.desc(), ApiToken.id)
    return list(await reader.execute(statement))


async def revoke_token(session: AsyncSession, actor: Viewer, user_id: str, token_id: str) -> None:
    """Dead at once. Raises `NotFound` when it is gone already."""
    mine = (ApiToken.id == token_id, ApiToken.user_id == user_id)
    name = await session.scalar(delete(ApiToken).where(*mine).returning(ApiToken.name))
    if name is None:
        raise NotFound("That token is gone already.")
    audit.record(session, actor.user_id, "account.revoke_token", ("user", user_id), name=name)


async def _lock(session: AsyncSession, user_id: str) -> User:
    """The row, and with it every admin's, in one order: two who take each other's role away take turns."""
    rows = select(User).where(or_(User.id == user_id, User.role == "admin")).order_by(User.id).with_for_update()
    found = {row.id: row for row in await session.scalars(rows)}
    if user_id not in found or user_id == NOBODY:
        raise NotFound("There is nobody with that id.")
    return found[user_id]
