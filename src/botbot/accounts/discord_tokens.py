"""A user's Discord access token, refreshed when it is due; and the servers it shows, briefly remembered."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from botbot.accounts import queries, service
from botbot.accounts.schemas import GuildOut
from botbot.errors import DiscordSignInExpired, DiscordUnavailable
from botbot.house import House
from botbot.kit import clock
from botbot.peers.discord.oauth import UserGuild

FRESH = timedelta(seconds=60)
FLOOR = timedelta(seconds=10)
"""Discord limits the list of servers tightly: it is asked once a minute, on demand every ten seconds at most."""
STALE = timedelta(minutes=10)
MOST = 5000


async def access_token(house: House, user_id: str) -> str:
    """A token that is good for another minute. Raises `DiscordSignInExpired` (401) when there is none."""
    async with house.db.read() as session:
        kept = await queries.find_oauth_token(session, user_id)
    if kept is None:
        raise DiscordSignInExpired
    if kept.expires_at > clock.now() + timedelta(minutes=1):
        return _opened(house, kept.access_token)
    return await _refresh(house, user_id)


def _opened(house: House, sealed: str) -> str:
    """A stored token. One whose key is gone is as good as none: the person signs in again."""
    try:
        return house.cipher.decrypt(sealed)
    except ValueError as error:
        raise DiscordSignInExpired from error


_refreshing: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)


async def _refresh(house: House, user_id: str) -> str:
    """One refresh at a time; the new pair is stored before it is used, since the old one is spent."""
    async with _refreshing[user_id]:
        async with house.db.read() as session:
            kept = await queries.find_oauth_token(session, user_id)
        if kept is None:
            raise DiscordSignInExpired
        if kept.expires_at > clock.now() + timedelta(minutes=1):
            return _opened(house, kept.access_token)
        grant = await house.oauth.refresh(_opened(house, kept.refresh_token))
        async with house.db.write() as session:
            await service.keep_tokens(session, user_id, grant, house.cipher)
        return grant.access_token


@dataclass
class _Known:
    guilds: list[UserGuild] = field(default_factory=list)
    at: datetime | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class GuildLists:
    """Each user's servers as Discord last told them; one question at a time per user."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._known: dict[str, _Known] = {}
        self.seen_by_bot: dict[int, tuple[float, GuildOut]] = {}

    async def of(self, user_id: str, *, fresher_than: timedelta = FRESH) -> list[UserGuild]:
        """The user's servers, asked again when older than `fresher_than`. Stale ones are better than none while
        Discord is limiting us. Raises `DiscordSignInExpired` or `DiscordUnavailable`."""
        known = self._known.setdefault(user_id, _Known())
        async with known.lock:
            now = clock.now()
            if known.at is not None and now - known.at < max(fresher_than, FLOOR if fresher_than else timedelta(0)):
                return known.guilds
            try:
                known.guilds = await self._house.oauth.list_guilds(await access_token(self._house, user_id))
                known.at = now
            except DiscordUnavailable:
                if known.at is None or now - known.at > STALE:
                    raise
            self._trim()
            return known.guilds

    def forget(self, user_id: str) -> None:
        self._known.pop(user_id, None)
        self.seen_by_bot.clear()

    def _trim(self) -> None:
        for kept in (self._known, self.seen_by_bot):
            while len(kept) > MOST:
                kept.pop(next(iter(kept)))  # type: ignore[call-overload]
