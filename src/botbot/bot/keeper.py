"""Keeps one shard on the gateway: session after session, waiting longer after each failure, and stopping for what no
retry can mend."""

import asyncio
import logging

import aiohttp
import discord

from botbot.bot import starts
from botbot.bot.client import GatewayClient, Hooks, SessionLost
from botbot.errors import BotBotError, DiscordRefused, PeerError
from botbot.house import House
from botbot.peers.discord.wire import GatewayInfo

log = logging.getLogger("botbot.bot")

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 30.0
LONGEST_LOOK_AWAY_SECONDS = 300.0
"""However long Discord says that nothing will change: somebody may have changed it."""
GRACE_SECONDS = 15.0
"""How long a connection may wait for its turn to IDENTIFY; a longer wait is spent without one."""
NEW_NUMBER = 4011
CLOSE_REASONS = {
    4004: "Discord refused DISCORD_BOT_TOKEN. Copy it again from the developer portal, Bot page.",
    4012: "Discord's gateway no longer speaks the version this bot knows. Update BotBot.",
    4013: "Discord refused the intents.",
    4014: "DISCORD_MESSAGE_CONTENT is on, but the intent is not allowed in the developer portal, Bot page.",
}
NOT_YET = "Discord's gateway has not let us in yet."


class Fatal(Exception):
    """No retry helps; the message says what to mend."""


class Resharded(Exception):
    """Discord wants another number of shards than we have."""


async def find_gateway(house: House) -> GatewayInfo:
    """A token that REST refuses, the gateway refuses too; so it isn't even asked. Raises `Fatal`."""
    try:
        return await house.discord.get_gateway()
    except DiscordRefused as error:
        if error.code == "401":
            raise Fatal(CLOSE_REASONS[4004]) from error
        raise


class ShardKeeper:
    """One shard's place on the gateway. `problem` is why it isn't there, `None` while it is."""

    def __init__(self, house: House, shard: tuple[int, int], hooks: Hooks) -> None:
        self._house = house
        self._shard = shard
        self._hooks = hooks._replace(before_identify=self._take_turn)
        self._client: GatewayClient | None = None
        self._lane = 0
        self._trouble = NOT_YET

    @property
    def problem(self) -> str | None:
        is_there = self._client is not None and self._client.is_connected
        return None if is_there else self._trouble

    async def stay_connected(self) -> None:
        """Until cancelled. Raises `Fatal` and `Resharded`."""
        failures = 0
        while True:
            try:
                await self._one_session()
                failures, wait = 0, FIRST_WAIT_SECONDS
            except (BotBotError, discord.DiscordException, aiohttp.ClientError, OSError) as error:
                failures = 0 if self._was_in() else failures + 1
                wait = self._noted(error, failures)
            except (Fatal, Resharded):
                raise
            except Exception as error:
                log.exception("the gateway said something unexpected")
                failures += 1
                wait = self._noted(error, failures)
            log.warning("shard %s connects again in %.0f s: %s", self._shard[0], wait, self._trouble)
            await asyncio.sleep(wait)

    def _was_in(self) -> bool:
        return self._client is not None and self._client.has_been_in

    def _noted(self, error: Exception, failures: int) -> float:
        """Remember why, for `/readyz`; answer how many seconds to wait."""
        self._trouble = (
            error.message
            if isinstance(error, BotBotError)
            else f"The gateway is out of reach ({type(error).__name__})."
        )
        wait = min(FIRST_WAIT_SECONDS * 2.0 ** min(max(0, failures - 1), 8), LONGEST_WAIT_SECONDS)
        if isinstance(error, PeerError) and error.retry_after_seconds:
            wait = max(wait, min(error.retry_after_seconds, LONGEST_LOOK_AWAY_SECONDS))
        return wait

    async def _one_session(self) -> None:
        """From IDENTIFY until the session is lost."""
        self._client = None  # Whether the last one was ever in says nothing about this try.
        gateway = await find_gateway(self._house)
        starts.require_starts_left(gateway)
        self._lane = self._shard[0] % max(1, gateway.session_start_limit.max_concurrency)
        await self._wait_for_turn()
        settings = self._house.settings
        self._client = client = GatewayClient(
            settings.discord_api_url,
            gateway.url,
            self._shard,
            self._hooks,
            message_content=settings.discord_message_content,
        )
        try:
            async with client:
                await client.start(settings.discord_bot_token)
        except discord.LoginFailure as error:
            raise Fatal(CLOSE_REASONS[4004]) from error
        except discord.ConnectionClosed as error:
            if error.code in CLOSE_REASONS:
                raise Fatal(CLOSE_REASONS[error.code]) from error
            if error.code == NEW_NUMBER:
                raise Resharded from error
            raise SessionLost(f"The gateway closed the connection ({error.code}).") from error

    async def _wait_for_turn(self) -> None:
        """Without a connection, however long it takes."""
        while True:
            async with self._house.db.read() as session:
                wait = await starts.seconds_to_wait(session, self._lane, self._shard[0])
            if not wait:
                return
            self._trouble = f"We said who we are just now; the next time may be in {wait:.0f} s."
            await asyncio.sleep(wait)

    async def _take_turn(self) -> None:
        """Between the greeting and our IDENTIFY: others may have been faster meanwhile."""
        give_up_at = asyncio.get_running_loop().time() + GRACE_SECONDS
        while True:
            async with self._house.db.write() as session:
                wait = await starts.take_turn(session, self._lane, self._shard[0])
            if not wait:
                return
            if asyncio.get_running_loop().time() + wait > give_up_at:
                raise PeerError("Others of our processes are just connecting.", retry_after=wait)
            await asyncio.sleep(wait)

    async def stop(self) -> None:
        """Leave the gateway, and the session with it."""
        if self._client is not None and not self._client.is_closed():
            await self._client.close()
