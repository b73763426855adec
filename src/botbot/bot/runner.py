"""The bot's whole life in this process: a keeper for each shard, and what is to be done with what they hear."""

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterable
from typing import Any

from botbot.bot import commands
from botbot.bot.client import GatewayClient, Hooks
from botbot.bot.commands import Asked
from botbot.bot.directory import Directory
from botbot.bot.keeper import (
    FIRST_WAIT_SECONDS,
    LONGEST_WAIT_SECONDS,
    NOT_YET,
    Fatal,
    Resharded,
    ShardKeeper,
    find_gateway,
)
from botbot.bot.replies import Heard, Replies
from botbot.deployments.departures import list_homes, missing_homes, settle_departure
from botbot.errors import BotBotError
from botbot.house import House
from botbot.watching import figures, trails

log = logging.getLogger("botbot.bot")


class BotRunner:
    """`state` is what `/readyz` shows of it."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.directory = Directory(house)
        self._replies = Replies(house)
        self._keepers: list[ShardKeeper] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._problem = NOT_YET
        self._has_stopped = False
        self._is_stopping = False

    def state(self) -> dict[str, Any]:
        """`{"state": ok | connecting | stopped | not_configured, "reason"}`."""
        if not self._house.settings.has_discord:
            missing = ", ".join(self._house.settings.missing_discord)
            return {"state": "not_configured", "reason": f"missing: {missing}"}
        if self._has_stopped:
            return {"state": "stopped", "reason": self._problem}
        problems = [each.problem for each in self._keepers] or [self._problem]
        reason = next((each for each in problems if each), None)
        return {"state": "connecting" if reason else "ok", "reason": reason}

    async def run_forever(self) -> None:
        """Stay connected until cancelled. Returns when Discord isn't configured, and when it won't have us."""
        if not self._house.settings.discord_bot_token:
            return
        directory = asyncio.create_task(self._keep_directory(), name="directory")
        try:
            await self._keep_shards()
        except Fatal as error:
            self._problem, self._has_stopped = str(error), True
            log.error("the bot stops: %s", error)
        finally:
            directory.cancel()
            await asyncio.gather(directory, return_exceptions=True)

    async def _keep_directory(self) -> None:
        while True:
            try:
                await self.directory.keep_current()
            except BotBotError as error:
                log.warning("the directory waits: %s", error.message)
                await asyncio.sleep(2)

    async def _keep_shards(self) -> None:
        while True:
            count = await self._count_shards()
            hooks = Hooks(self._on_heard, self._on_asked, self._on_left, self._when_ready, _nobody_asks)
            self._keepers = [ShardKeeper(self._house, (number, count), hooks) for number in range(count)]
            try:
                await _until_one_ends([each.stay_connected() for each in self._keepers])
            except Resharded:
                log.warning("Discord wants another number of shards than %s", count)

    async def _count_shards(self) -> int:
        """How many Discord wants of us, asked until it answers."""
        wait = FIRST_WAIT_SECONDS
        while True:
            try:
                return max(1, (await find_gateway(self._house)).shards)
            except BotBotError as error:
                self._problem = error.message
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)

    async def _on_heard(self, heard: Heard) -> None:
        self._begin(self._hear(heard), f"answer {heard.message_id}")

    async def _on_asked(self, asked: Asked) -> None:
        self._begin(commands.answer(self._house, asked), f"command {asked.id}")

    async def _on_left(self, guild_id: int) -> None:
        self._begin(self._settle_departures([guild_id]), f"left {guild_id}")

    async def _when_ready(self, client: GatewayClient) -> None:
        self._begin(self._settle_missed(client), "servers left meanwhile")
        if client.application_id is not None and not client.shard_id:
            self._begin(commands.register(self._house, client.application_id), "commands")

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
        await self._settle_departures(missing_homes(homes, present, [client.shard_id or 0], client.shard_count or 1))

    async def _settle_departures(self, guild_ids: Iterable[int]) -> None:
        for guild_id in guild_ids:
            try:
                if ended := await settle_departure(self._house, guild_id):
                    log.info("taken out of server %s: %s deployment(s) ended", guild_id, ended)
            except BotBotError as error:  # the next READY brings it up again
                log.warning("server %s, which the bot left, waits: %s", guild_id, error.message)

    async def _hear(self, heard: Heard) -> None:
        """A message begins a trail of its own."""
        began = time.perf_counter()
        with trails.follow(None, "message", message=str(heard.message_id)):
            await self._answer(heard)
        figures.message_handled(time.perf_counter() - began)

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
        await asyncio.gather(*(keeper.stop() for keeper in self._keepers), return_exceptions=True)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=3)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _nobody_asks() -> None:
    """A keeper puts its own way of taking turns here."""


async def _until_one_ends(works: list[Coroutine[Any, Any, None]]) -> None:
    """Run them side by side until one raises; the others end with it."""
    tasks = [asyncio.create_task(each, name=f"shard {number}") for number, each in enumerate(works)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await done.pop()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
