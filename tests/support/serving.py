"""A marketplace on a real loopback port, as `botbot web` serves it, in the test's own event loop."""

import asyncio
import socket
from contextlib import suppress
from typing import Any

from botbot.bot.runner import BotRunner
from botbot.deployments.jobs import saga_kinds
from botbot.house import House
from botbot.jobs.engine import SagaRunner
from botbot.runtime import Process, WebServer
from botbot.settings import Settings

START_SECONDS = 10.0


def loopback_socket() -> socket.socket:
    """A socket that has its port already, so that the port may be told to others before anyone serves."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", 0))
    return made


class Site:
    """A running marketplace. `url` is where it listens; `house` is what it is made of.

    `drain()` runs what was enqueued; `start_worker()` and `start_bot()` let it happen by itself, as in `serve`."""

    def __init__(self, settings: Settings, listener: socket.socket, *, sandbox_url: str | None = None) -> None:
        self.settings = settings
        self.house = House.build(settings)
        self._listener = listener
        process = Process(settings, frozenset({"web"}))
        process.sandbox_url = sandbox_url
        self._server: WebServer = process._build_web(self.house)
        self._tasks: list[asyncio.Task[Any]] = []
        self.runner = SagaRunner(self.house.db, self.house.signal, saga_kinds(self.house))
        self.bot: BotRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def state(self) -> Any:
        """The application's state: health, relays, counts."""
        return self._server.config.app_state  # type: ignore[attr-defined]

    async def start(self) -> None:
        self._tasks.append(asyncio.create_task(self._server.serve(sockets=[self._listener]), name="test web"))
        async with asyncio.timeout(START_SECONDS):
            while not self._server.started:
                if self._tasks[0].done():
                    await self._tasks[0]
                await asyncio.sleep(0.002)

    async def start_worker(self) -> None:
        self._spawn(self.house.signal.listen(), "test signal")
        self._spawn(self.runner.run_forever(), "test worker")

    def listen(self) -> None:
        """Hear what other processes announce, as every process does."""
        self._spawn(self.house.signal.listen(), "test signal")

    async def start_bot(self) -> None:
        """Connect to the gateway; returns once the bot is ready there."""
        self.bot = BotRunner(self.house)
        self.state.health.parts["discord_gateway"] = self.bot.state
        self._spawn(self.house.signal.listen(), "test signal")
        self._spawn(self.bot.run_forever(), "test bot")
        async with asyncio.timeout(START_SECONDS):
            while self.bot.state()["state"] != "ok":
                await asyncio.sleep(0.01)

    async def drain(self) -> None:
        """Run every saga that is due, and what becomes due at once."""
        await self.runner.drain()

    def _spawn(self, work: Any, name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    async def stop(self) -> None:
        """End the server as a process would, and close the house; safe to repeat."""
        tasks, self._tasks = self._tasks, []
        if not tasks:
            return
        self.state.relays.interrupt()
        self.state.progress.interrupt()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._server.started:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._server.shutdown(sockets=[self._listener]), 5)
        await self.state.relays.settled()
        await self.runner.stop()
        if self.bot is not None:
            await self.bot.stop()
        await self.house.close()
