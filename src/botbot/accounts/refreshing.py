"""Trading a person's Discord tokens for new ones: by one process at a time, and never in vain.

Discord takes each refresh token once. Of two processes that used the same one, the second would be refused, and the
person sent to sign in again although the first one holds a good pair. So whoever refreshes says so in the row first;
the others wait for the new pair to appear there. Once the call is under way it is seen through to the stored pair,
also when the visitor for whom it happens has left."""

import asyncio
import contextlib
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, update
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts import queries
from botbot.accounts.models import OAuthToken
from botbot.errors import BotBotError, DiscordSignInExpired, DiscordUnavailable, StorageUnavailable
from botbot.house import House
from botbot.kit import clock
from botbot.kit.tasks import settle
from botbot.peers.discord.oauth import TokenGrant

SPARE = timedelta(minutes=1)
"""A token that ends sooner is as good as over."""
CLAIM = timedelta(seconds=45)
"""Longer than the call and storing its answer may take; whoever died in it holds the others up for no longer."""
KEEP_TRYING_SECONDS = 15.0
"""How long a pair is held that the database doesn't take: the old one is spent, so there is no other."""
LOOK_EVERY_SECONDS = 0.1

T = OAuthToken


async def access_token(house: House, user_id: str) -> str:
    """A token that is good for another minute. Raises `DiscordSignInExpired` (401) when there is none, and what the
    call to Discord raises."""
    give_up_at = asyncio.get_running_loop().time() + CLAIM.total_seconds()
    while True:
        async with house.db.read() as session:
            kept = await _get(session, user_id)
        if kept.expires_at > clock.now() + SPARE:
            return _opened(house, kept.access_token)
        if not _is_held(kept) and (claim := await _claim(house, kept)):
            return await settle(_trade(house, kept, claim))
        if asyncio.get_running_loop().time() > give_up_at:
            raise DiscordUnavailable(retry_after=1)
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _get(session: AsyncSession, user_id: str) -> OAuthToken:
    kept = await queries.find_oauth_token(session, user_id)
    if kept is None:
        raise DiscordSignInExpired
    return kept


def _is_held(kept: OAuthToken) -> bool:
    """Somebody is at it. A claim far ahead is of a clock that was put back since."""
    now = clock.now()
    return kept.refreshing_until is not None and now <= kept.refreshing_until <= now + 2 * CLAIM


def _opened(house: House, sealed: str) -> str:
    """A stored token. One whose key is gone is as good as none: the person signs in again."""
    try:
        return house.cipher.decrypt(sealed)
    except ValueError as error:
        raise DiscordSignInExpired from error


async def _claim(house: House, kept: OAuthToken) -> datetime | None:
    """Until when this very pair, as we saw it, is ours to trade; `None` where somebody else was quicker."""
    claim = clock.now() + CLAIM
    unchanged = (T.expires_at == kept.expires_at, T.refreshing_until.is_not_distinct_from(kept.refreshing_until))
    async with house.db.write() as session:
        return claim if await _change(session, kept.user_id, *unchanged, refreshing_until=claim) else None


async def _change(session: AsyncSession, user_id: str, *conditions: Any, **values: Any) -> bool:
    """A pair is known by its claim, which a new sign-in wipes, and not by its sealed text, which a change of keys
    rewrites."""
    changed = await session.execute(
        update(T).where(T.user_id == user_id, *conditions).values(**values).execution_options(synchronize_session=False)
    )
    return cast(CursorResult[Any], changed).rowcount == 1


async def _trade(house: House, kept: OAuthToken, claim: datetime) -> str:
    """The new pair is stored before it is used, since the old one is spent."""
    try:
        grant = await house.oauth.refresh(_opened(house, kept.refresh_token))
    except DiscordSignInExpired:
        if await _store(house, kept.user_id, claim, {"refreshing_until": None}):
            raise
        return await _newer(house, kept.user_id)
    except BaseException:
        await _store(house, kept.user_id, claim, {"refreshing_until": None})
        raise
    if await _store(house, kept.user_id, claim, _new_pair(house, grant)):
        return grant.access_token
    try:
        return await _newer(house, kept.user_id)
    except DiscordSignInExpired:  # They signed out or left meanwhile; this pair is nobody's.
        with contextlib.suppress(BotBotError):
            await house.oauth.revoke(grant.refresh_token)
        raise


async def _store(house: House, user_id: str, claim: datetime, values: dict[str, Any]) -> bool:
    """Whether the pair was still the one that we claimed. Raises `StorageUnavailable` after a while."""
    now_in_seconds = asyncio.get_running_loop().time
    give_up_at = now_in_seconds() + KEEP_TRYING_SECONDS
    while True:
        try:
            async with house.db.write() as session:
                return await _change(session, user_id, T.refreshing_until == claim, **values)
        except StorageUnavailable:
            if now_in_seconds() > give_up_at:
                raise
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _newer(house: House, user_id: str) -> str:
    """Of the pair that a sign-in put there meanwhile. Raises `DiscordSignInExpired` when they signed out."""
    async with house.db.read() as session:
        return _opened(house, (await _get(session, user_id)).access_token)


def _new_pair(house: House, grant: TokenGrant) -> dict[str, Any]:
    return {
        "access_token": house.cipher.encrypt(grant.access_token),
        "refresh_token": house.cipher.encrypt(grant.refresh_token),
        "scopes": sorted(grant.scopes),
        "expires_at": grant.expires_at,
        "refreshing_until": None,
        "updated_at": clock.now(),
    }
