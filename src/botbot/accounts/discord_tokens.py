"""The servers that a user's Discord token shows, briefly remembered."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from botbot.accounts.refreshing import access_token
from botbot.accounts.schemas import GuildOut
from botbot.errors import DiscordUnavailable
from botbot.house import House
from botbot.kit import clock
from botbot.peers.discord.oauth import UserGuild

FRESH = timedelta(seconds=60)
FLOOR = timedelta(seconds=10)
"""Discord limits the list of servers tightly: it is asked once a minute, on demand every ten seconds at most."""
STALE = timedelta(minutes=10)
MOST = 5000


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
