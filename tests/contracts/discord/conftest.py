"""A sandbox that real client libraries connect to."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable

import pytest

with warnings.catch_warnings():  # discord.py imports a module that Python is about to drop
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord  # noqa: F401

from botbot.sandbox.server import Sandbox

CALLBACK = "http://127.0.0.1:8000/api/auth/callback"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    running = Sandbox(redirect_uris=[CALLBACK])
    running.discord.gateway.starts.seconds_apart = 0.05
    await running.start()
    yield running
    await running.stop()


async def eventually(is_so: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until something is so; fails with a timeout."""
    async with asyncio.timeout(seconds):
        while not is_so():
            await asyncio.sleep(0.02)
