"""discord.py, for the gateway only: it hears, our own REST client speaks.

Two class attributes point it at the configured API; there is no option for that. Its intents are the least that hear
mentions and replies: GUILDS and GUILD_MESSAGES (513)."""

import re
from collections.abc import Callable, Coroutine
from typing import Any

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from botbot.bot.replies import Heard

ANSWERED_TYPES = (discord.MessageType.default, discord.MessageType.reply)
OnHeard = Callable[[Heard], Coroutine[Any, Any, None]]
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


class GatewayClient(discord.AutoShardedClient):
    """One connection's life. `on_heard` is called for each message meant for us, `on_left` with each server that we
    were taken out of, `when_ready` after each READY."""

    def __init__(
        self,
        api_url: str,
        gateway_url: str,
        on_heard: OnHeard,
        on_left: OnLeft,
        when_ready: OnReady,
        *,
        message_content: bool,
    ) -> None:
        Route.BASE = api_url
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)
        super().__init__(
            intents=intents_for(message_content),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            guild_ready_timeout=0.3,
            max_ratelimit_timeout=60,
        )
        self._on_heard = on_heard
        self._on_left = on_left
        self._when_ready = when_ready

    @property
    def is_connected(self) -> bool:
        """Whether every shard has its connection at this moment; `is_ready` stays true while one is away."""
        return self.is_ready() and not self.is_closed() and not any(each.is_closed() for each in self.shards.values())

    async def on_message(self, message: discord.Message) -> None:
        heard = self._heard(message)
        if heard is not None:
            await self._on_heard(heard)

    async def on_ready(self) -> None:
        await self._when_ready(self)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Not called for a server that is only unavailable."""
        await self._on_left(guild.id)

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
