"""Keeps the bot on the gateway: connects, waits longer after each failure, and stops for what no retry can mend."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Any

import aiohttp
import discord

from botbot.bot.client import GatewayClient
from botbot.bot.directory import Directory
from botbot.bot.replies import Heard, Replies
from botbot.deployments.departures import list_homes, missing_homes, settle_departure
from botbot.errors import BotBotError, DiscordRefused, PeerError
from botbot.house import House
from botbot.peers.discord.wire import GatewayInfo

log = logging.getLogger("botbot.bot")

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 60.0
RESERVE = 50
"""Sessions of the day that are left to a person; an IDENTIFY beyond the limit would reset the bot's token."""
CLOSE_REASONS = {
    4004: "Discord refused DISCORD_BOT_TOKEN. Copy it again from the developer portal, Bot page.",
    4013: "Discord refused the intents.",
    4014: "DISCORD_MESSAGE_CONTENT is on, but the intent is not allowed in the developer portal, Bot page.",
}
NOT_YET = "Discord's gateway has not let us in yet."


class Fatal(Exception):
    """No retry helps; the message says what to mend."""


class BotRunner:
    """The bot's whole life in this process. `state` is what `/readyz` shows of it."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.directory = Directory(house)
        self._replies = Replies(house)
        self._client: GatewayClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._problem: str | None = None
        self._is_stopping = False

    def state(self) -> dict[str, Any]:
        """`{"state": ok | connecting | stopped | not_configured, "reason"}`."""
        if not self._house.settings.has_discord:
            missing = ", ".join(self._house.settings.missing_discord)
            return {"state": "not_configured", "reason": f"missing: {missing}"}
        if self._problem in CLOSE_REASONS.values():
            return {"state": "stopped", "reason": self._problem}
        if self._client is not None and self._client.is_connected:
            return {"state": "ok", "reason": None}
        return {"state": "connecting", "reason": self._problem or NOT_YET}

    async def run_forever(self) -> None:
        """Stay connected until cancelled. Returns at once when Discord isn't configured."""
        if not self._house.settings.discord_bot_token:
            return
        keeper = asyncio.create_task(self._keep_directory(), name="directory")
        try:
            await self._stay_connected()
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    async def _keep_directory(self) -> None:
        while True:
            try:
                await self.directory.keep_current()
            except BotBotError as error:
                log.warning("the directory waits: %s", error.message)
                await asyncio.sleep(2)

    async def _stay_connected(self) -> None:
        wait = FIRST_WAIT_SECONDS
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            try:
                await self._connect_once()
            except Fatal as error:
                self._problem = str(error)
                log.error("the bot stops: %s", error)
                return
            except PeerError as error:
                self._problem = error.message
                wait = max(wait, error.retry_after_seconds or 0)
            except (discord.DiscordException, aiohttp.ClientError, OSError, AttributeError) as error:
                self._problem = f"the gateway is out of reach ({type(error).__name__})"
            except Exception as error:
                log.exception("the gateway said something unexpected")
                self._problem = f"the gateway said something unexpected ({type(error).__name__})"
            wait = FIRST_WAIT_SECONDS if loop.time() - started > 60 else min(wait * 2, LONGEST_WAIT_SECONDS)
            log.warning("the bot connects again in %.0f s: %s", wait, self._problem)
            await asyncio.sleep(wait)

    async def _connect_once(self) -> None:
        gateway = await self._find_gateway()
        if gateway.session_start_limit.remaining < RESERVE:
            seconds = gateway.session_start_limit.reset_after / 1000
            raise PeerError("Few gateway sessions are left for today, so we wait.", retry_after=seconds)
        settings = self._house.settings
        client = GatewayClient(
            settings.discord_api_url,
            gateway.url,
            self._on_heard,
            self._on_left,
            self._when_ready,
            message_content=settings.discord_message_content,
        )
        self._client = client
        try:
            async with client:
                await client.start(settings.discord_bot_token, reconnect=True)
        except discord.LoginFailure as error:
            raise Fatal(CLOSE_REASONS[4004]) from error
        except discord.PrivilegedIntentsRequired as error:
            raise Fatal(CLOSE_REASONS[4014]) from error
        except discord.ConnectionClosed as error:
            if error.code in CLOSE_REASONS:
                raise Fatal(CLOSE_REASONS[error.code]) from error
            raise

    async def _find_gateway(self) -> GatewayInfo:
        """A token that REST refuses, the gateway refuses too; so it isn't even asked."""
        try:
            return await self._house.discord.get_gateway()
        except DiscordRefused as error:
            if error.code == "401":
                raise Fatal(CLOSE_REASONS[4004]) from error
            raise

    async def _on_heard(self, heard: Heard) -> None:
        self._begin(self._answer(heard), f"answer {heard.message_id}")

    async def _on_left(self, guild_id: int) -> None:
        self._begin(self._settle_departures([guild_id]), f"left {guild_id}")

    async def _when_ready(self, client: GatewayClient) -> None:
        self._begin(self._settle_missed(client), "servers left meanwhile")

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """In a task of its own: the gateway must go on beating. It may still say something while we leave."""
        if self._is_stopping:
            work.close()
            return
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _settle_missed(self, client: GatewayClient) -> None:
        """Servers that the bot was taken out of while it was away are not in READY."""
        present = {guild.id for guild in client.guilds}
        try:
            homes = await list_homes(self._house)
        except BotBotError as error:
            log.warning("the servers are looked through at the next connection: %s", error.message)
            return
        await self._settle_departures(missing_homes(homes, present, client.shards, client.shard_count or 1))

    async def _settle_departures(self, guild_ids: Iterable[int]) -> None:
        for guild_id in guild_ids:
            try:
                if ended := await settle_departure(self._house, guild_id):
                    log.info("taken out of server %s: %s deployment(s) ended", guild_id, ended)
            except BotBotError as error:  # the next READY brings it up again
                log.warning("server %s, which the bot left, waits: %s", guild_id, error.message)

    async def _answer(self, heard: Heard) -> None:
        try:
            speaker = await self.directory.find(heard.guild_id)
        except BotBotError as error:
            log.warning("message %s: %s", heard.message_id, error.message)
            return
        await self._replies.answer(heard, speaker)

    async def stop(self) -> None:
        """Leave the gateway and give answers in the making three seconds."""
        self._is_stopping = True
        if self._client is not None and not self._client.is_closed():
            await self._client.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=3)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
