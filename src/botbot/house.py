"""What every room may use: settings, database, cipher, signal, and the peers. Built once per process."""

from dataclasses import dataclass

from botbot.db import Database
from botbot.db.bare import BareReader
from botbot.jobs.signal import Signal
from botbot.kit.cipher import Cipher
from botbot.moderation import Screen
from botbot.peers.discord.limits import InvalidRequests
from botbot.peers.discord.oauth import DiscordOAuth
from botbot.peers.discord.rest import DiscordRest
from botbot.peers.llm import ModelClient
from botbot.security.limits import Limiter
from botbot.settings import Settings


@dataclass
class House:
    settings: Settings
    db: Database
    cipher: Cipher
    signal: Signal
    oauth: DiscordOAuth
    discord: DiscordRest
    model: ModelClient
    screen: Screen
    limiter: Limiter
    bare: BareReader

    @classmethod
    def build(cls, settings: Settings) -> "House":
        screen = Screen(settings)  # first, because only this can fail, and nothing is open yet
        database = Database(settings.effective_database_url)
        invalid = InvalidRequests()
        return cls(
            settings=settings,
            db=database,
            cipher=Cipher(settings.secret_keys()),
            signal=Signal(database),
            oauth=DiscordOAuth(settings, invalid=invalid),
            discord=DiscordRest(settings, invalid=invalid),
            model=ModelClient(settings),
            screen=screen,
            limiter=Limiter(settings.redis_url),
            bare=BareReader(database),
        )

    async def close(self) -> None:
        """Close every connection; safe to call once, at the very end."""
        await self.screen.aclose()
        await self.model.aclose()
        await self.oauth.aclose()
        await self.discord.aclose()
        await self.limiter.aclose()
        await self.bare.aclose()
        await self.db.dispose()
