"""discord.py, for the gateway only: it hears, our own REST client speaks.

A class attribute points it at the configured API; there is no option for that. Its intents are the least that hear
mentions and replies: GUILDS and GUILD_MESSAGES (513)."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NamedTuple

import aiohttp
import discord
import yarl
from discord.gateway import ReconnectWebSocket
from discord.http import Route

from botbot.bot.commands import Asked, read_asked
from botbot.bot.line import Line, as_line
from botbot.bot.replies import Heard
from botbot.errors import PeerError

ANSWERED_TYPES = (discord.MessageType.default, discord.MessageType.reply)
OnHeard = Callable[[Heard], Coroutine[Any, Any, None]]
OnAsked = Callable[[Asked], Coroutine[Any, Any, None]]
OnLeft = Callable[[int], Coroutine[Any, Any, None]]
OnReady = Callable[["GatewayClient"], Coroutine[Any, Any, None]]
MOST_TEXT = 4000


def intents_for(message_content: bool) -> discord.Intents:
    """513, and the privileged message content only where the operator switched it on."""
    intents = discord.Intents.none()
    intents.guilds = True
    intents.guild_messages = True
    intents.message_content = message_content
    return intents


discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # No voice here, so nothing is missing.

RESUMES = 3
STEADY_SECONDS = 10.0
"""A connection that lived this long was a good one; the next that breaks is not its fault."""
OPENING_SECONDS = 10.0
"""For a connection that is to resume. One that identifies waits for its turn meanwhile, and is bounded there."""
TROUBLE = (ReconnectWebSocket, aiohttp.ClientError, OSError)


class SessionLost(PeerError):
    """Discord knows our session no longer, or doesn't let us back to it."""


class Hooks(NamedTuple):
    """`on_heard` is called for each message meant for us, `on_asked` for each command, `on_left` with each server that
    we were taken out of, `when_ready` after each READY, and `before_identify` has to allow an IDENTIFY."""

    on_heard: OnHeard
    on_asked: OnAsked
    on_left: OnLeft
    when_ready: OnReady
    before_identify: Callable[[], Awaitable[None]]


class GatewayClient(discord.Client):
    """The life of one session of one shard: one IDENTIFY, and the connections that resume it."""

    def __init__(
        self, api_url: str, gateway_url: str, shard: tuple[int, int], hooks: Hooks, *, message_content: bool
    ) -> None:
        Route.BASE = api_url
        self._gateway = yarl.URL(gateway_url)
        super().__init__(
            shard_id=shard[0],
            shard_count=shard[1],
            intents=intents_for(message_content),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            guild_ready_timeout=0.3,
            max_ratelimit_timeout=60,
        )
        self._wired = hooks
        self.has_been_in = False
        self._in_since: float | None = None

    async def connect(self, *, reconnect: bool = True) -> None:
        """Listen until closed. In place of discord.py's own, which tries a broken resume address for ever.

        Raises `SessionLost` when a new session is needed, what kept us from getting in at all, and
        `discord.ConnectionClosed` for what Discord won't have."""
        tries = 0
        while not self.is_closed():
            self._in_since = None
            try:
                await self._listen()
            except discord.ConnectionClosed:
                if self.is_closed():
                    return
                raise
            except TROUBLE as error:
                tries = 1 if self._was_steady else tries + 1
                if self.is_closed():
                    return
                await self._make_ready_to_resume(tries, error)

    async def _listen(self) -> None:
        """One connection, from its opening to its end."""
        known = as_line(self.ws)
        if known is None:
            self.ws = await Line.from_client(self, gateway=self._gateway, shard_id=self.shard_id)
        else:
            async with asyncio.timeout(OPENING_SECONDS):
                self.ws = await Line.from_client(
                    self,
                    gateway=known.gateway,
                    shard_id=self.shard_id,
                    session=known.session_id,
                    sequence=known.sequence,
                    resume=True,
                )
        while True:
            await self.ws.poll_event()
            if self.is_connected and self._in_since is None:
                self._in_since, self.has_been_in = asyncio.get_running_loop().time(), True

    @property
    def _was_steady(self) -> bool:
        """Of this connection; one that never let us in, however long it took, was none."""
        return self._in_since is not None and asyncio.get_running_loop().time() - self._in_since > STEADY_SECONDS

    async def _make_ready_to_resume(self, tries: int, error: Exception) -> None:
        """Raises `SessionLost` when that is of no use; an address that fails three times is given up."""
        line = as_line(self.ws)
        if line is None:
            raise SessionLost(f"The gateway is out of reach ({type(error).__name__}).") from error
        if line.session_id is None:
            raise SessionLost("Discord has ended our session.") from error
        if tries > RESUMES:
            raise SessionLost("The gateway doesn't let us back into our session.") from error
        self.dispatch("disconnect")
        await asyncio.sleep((tries - 1) ** 2 * 1.5 + 0.1)

    def dispatch(self, event: str, /, *args: Any, **named: Any) -> None:
        """What still comes while we leave is for nobody; discord.py has no loop to run it in any more."""
        if not self.is_closed():
            super().dispatch(event, *args, **named)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Called by discord.py between Discord's greeting and our IDENTIFY."""
        await self._wired.before_identify()

    @property
    def is_connected(self) -> bool:
        """Whether we are in at this moment; `is_ready` stays true while the connection is away."""
        line = as_line(self.ws)
        return self.is_ready() and not self.is_closed() and line is not None and line.open and line.is_in

    async def on_message(self, message: discord.Message) -> None:
        heard = self._heard(message)
        if heard is not None:
            await self._wired.on_heard(heard)

    async def on_interaction(self, interaction: Any) -> None:
        asked = read_asked(interaction)
        if asked is not None:
            await self._wired.on_asked(asked)

    async def on_ready(self) -> None:
        await self._wired.when_ready(self)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Not called for a server that is only unavailable."""
        await self._wired.on_left(guild.id)

    def _heard(self, message: discord.Message) -> Heard | None:
        """A person's message that mentions us (a ping-reply does so too); no bots, webhooks, system messages."""
        if message.guild is None or message.author.bot or message.webhook_id or message.type not in ANSWERED_TYPES:
            return None
        if self.user is None or self.user not in message.mentions:
            return None
        text = re.sub(rf"<@!?{self.user.id}>", "", message.content).strip()
        return Heard(
            message_id=message.id,
            channel_id=message.channel.id,
            guild_id=message.guild.id,
            author_id=message.author.id,
            text=text[:MOST_TEXT] or "Hello!",
            is_nsfw=bool(getattr(message.channel, "nsfw", False)),
        )
