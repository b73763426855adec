"""A stand-in model over a real socket, and clients with short deadlines that ask it."""

import dataclasses
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from botbot.peers.llm import Breaker, Deadlines, Message, ModelClient
from botbot.sandbox.model import ModelControl, control, routes
from botbot.settings import Settings

QUICK = Deadlines(connect=1.0, first_token=1.5, between_tokens=1.0, total=6.0, usage=0.4)
KEY = "sk-canary-8d1f"
CHAT = [Message("system", "You are Atlas, a curious scientist."), Message("user", "Why is the sky blue?")]

MakeClient = Callable[..., ModelClient]


@dataclasses.dataclass
class Model:
    """The stand-in: its address, and the control of what it does next."""

    url: str
    control: ModelControl
    server: web.Server

    @property
    def connections(self) -> int:
        """How many connections are open to it."""
        return len(self.server.connections)


@pytest.fixture
async def model() -> AsyncIterator[Model]:
    app = web.Application()
    app.add_routes(routes())
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    state = control(app)
    state.words_per_second = 1000
    assert runner.server is not None
    yield Model(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", state, runner.server)
    await runner.cleanup()


@pytest.fixture
async def make_client(model: Model) -> AsyncIterator[MakeClient]:
    made: list[ModelClient] = []

    def make(deadlines: Deadlines = QUICK, breaker: Breaker | None = None, **settings: Any) -> ModelClient:
        values = {"openai_base_url": model.url, "openai_api_key": KEY, "openai_model": "first", **settings}
        made.append(ModelClient(Settings(**values), deadlines=deadlines, breaker=breaker))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()
