"""Signing in and out, roles, API tokens. Each function is one verb inside the caller's transaction."""

from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts import barring
from botbot.accounts.models import ApiToken, OAuthToken, UsedOAuthState, User, UserSession
from botbot.accounts.queries import find_user_by_discord_id
from botbot.accounts.rules import RANKS, STATE_LIFETIME
from botbot.audit import service as audit
from botbot.errors import AccountBanned, ValidationFailed
from botbot.kit import clock, ids
from botbot.kit.cipher import Cipher
from botbot.peers.discord.oauth import TokenGrant
from botbot.peers.discord.wire import DiscordUser


async def get_or_create_user(session: AsyncSession, discord_id: int) -> User:
    """The user of that Discord account; made on the spot for someone who has not signed in yet."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    await session.execute(
        insert(User)
        .values(id=ids.new_id(), discord_id=discord_id, username="", role="user", created_at=clock.now())
        .on_conflict_do_nothing(index_elements=[User.discord_id])
    )
    user = await find_user_by_discord_id(session, discord_id)
    assert user is not None
    return user


async def use_state(session: AsyncSession, nonce: str) -> bool:
    """Note that an OAuth state came back; false if it did so before."""
    try:
        async with session.begin_nested():
            session.add(UsedOAuthState(nonce=nonce))
    except IntegrityError:
        return False
    await session.execute(delete(UsedOAuthState).where(UsedOAuthState.used_at < clock.now() - 2 * STATE_LIFETIME))
    return True


async def sign_in(
    session: AsyncSession, who: DiscordUser, grant: TokenGrant, *, cipher: Cipher, session_days: int, agent: str
) -> tuple[User, str]:
    """Open a fresh session for that Discord account; return the user and the cookie's secret.

    Raises `AccountBanned` for somebody whom an admin sent away. The caller ends the session that the browser had before
    (`sign_out`), so an id never outlives a change of who."""
    if await barring.is_barred(session, cipher, who.id):
        raise AccountBanned
    user = await get_or_create_user(session, who.id)
    if user.banned_at is not None:
        raise AccountBanned
    user.username, user.display_name, user.avatar_hash = who.username, who.global_name, who.avatar
    user.signed_in_at = clock.now()
    await keep_tokens(session, user.id, grant, cipher)
    secret = ids.new_secret()
    session.add(
        UserSession(
            id=ids.hash_secret(secret),
            user_id=user.id,
            expires_at=clock.now() + timedelta(days=session_days),
            agent=agent[:200],
        )
    )
    await session.flush()
    audit.record(session, user.id, "account.sign_in", ("user", user.id))
    return user, secret


async def keep_tokens(session: AsyncSession, user_id: str, grant: TokenGrant, cipher: Cipher) -> None:
    """Store both Discord tokens, encrypted, in place of the earlier pair."""
    kept = await session.get(OAuthToken, user_id) or OAuthToken(user_id=user_id)
    kept.access_token = cipher.encrypt(grant.access_token)
    kept.refresh_token = cipher.encrypt(grant.refresh_token)
    kept.scopes, kept.expires_at, kept.refreshing_until = sorted(grant.scopes), grant.expires_at, None
    session.add(kept)
    await session.flush()


async def sign_out(session: AsyncSession, session_id: str) -> None:
    """End one session. With the last one the Discord tokens go too; other browsers stay signed in."""
    user_id = await session.scalar(
        delete(UserSession).where(UserSession.id == session_id).returning(UserSession.user_id)
    )
    if user_id:
        await _forget_tokens_without_session(session, user_id)


async def sign_out_everywhere(session: AsyncSession, user_id: str) -> None:
    await session.execute(delete(UserSession).where(UserSession.user_id == user_id))
    await session.execute(delete(OAuthToken).where(OAuthToken.user_id == user_id))
    audit.record(session, user_id, "account.sign_out_everywhere", ("user", user_id))


async def _forget_tokens_without_session(session: AsyncSession, user_id: str) -> None:
    left = await session.scalar(select(func.count()).select_from(UserSession).where(UserSession.user_id == user_id))
    if not left:
        await session.execute(delete(OAuthToken).where(OAuthToken.user_id == user_id))


async def forget_expired_sessions(session: AsyncSession) -> None:
    """Delete sessions past their end, and the Discord tokens of people who have none left."""
    await session.execute(delete(UserSession).where(UserSession.expires_at < clock.now()))
    await session.execute(delete(OAuthToken).where(OAuthToken.user_id.not_in(select(UserSession.user_id))))


async def touch_session(session: AsyncSession, session_id: str) -> None:
    await session.execute(update(UserSession).where(UserSession.id == session_id).values(last_seen_at=clock.now()))


async def grant_role(session: AsyncSession, discord_id: int, role: str) -> User:
    """Give a role, also to someone who has not signed in yet. Every session of theirs ends: a new role, a new id."""
    if role not in RANKS:
        raise ValidationFailed(fields={"role": f"must be one of {', '.join(RANKS)}"})
    user = await get_or_create_user(session, discord_id)
    user.role = role
    await session.execute(delete(UserSession).where(UserSession.user_id == user.id))
    audit.record(session, None, "account.grant_role", ("user", user.id), role=role)
    return user


async def create_api_token(session: AsyncSession, discord_id: int, name: str = "") -> str:
    """A personal API token, `bbt_` and 256 random bits. It can't be shown again: only its hash is kept."""
    user = await get_or_create_user(session, discord_id)
    token = f"bbt_{ids.new_secret()}"
    session.add(ApiToken(user_id=user.id, name=name[:100], token_hash=ids.hash_secret(token)))
    audit.record(session, user.id, "account.create_token", ("user", user.id), name=name[:100])
    return token
