"""Limits shared through a real Redis: exact across processes while it lives, per process when it is gone."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from botbot.errors import RateLimited
from botbot.security.limits import Limiter


@dataclass
class Redis:
    url: str
    process: asyncio.subprocess.Process


@pytest.fixture
async def redis() -> AsyncIterator[Redis]:
    """A private Redis on a free port, without persistence."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("redis-server is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = await asyncio.create_subprocess_exec(
        binary, *arguments, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    await _until_listening(port)
    yield Redis(f"redis://127.0.0.1:{port}/0", process)
    if process.returncode is None:
        process.kill()
    await process.wait()


async def _until_listening(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                await writer.wait_closed()
                return


async def allowed(limiter: Limiter, times: int, key: str = "somebody") -> int:
    """How many of so many concurrent uses pass a limit of ten a minute; a refusal must say when it ends."""

    async def one() -> bool:
        try:
            await limiter.hit("preview", key, 10)
        except RateLimited as refusal:
            return not 1 <= (refusal.retry_after or 0) <= 60
        return True

    return sum(await asyncio.gather(*(one() for _ in range(times))))


async def test_several_processes_share_one_limit(redis: Redis) -> None:
    limiters = [Limiter(redis.url) for _ in range(4)]
    counts = await asyncio.gather(*(allowed(limiter, 10) for limiter in limiters))
    assert sum(counts) == 10
    assert await allowed(limiters[0], 3, key="somebody else") == 3
    for limiter in limiters:
        await limiter.aclose()


async def test_a_lost_redis_leaves_limits_per_process_and_no_error(redis: Redis) -> None:
    limiter = Limiter(redis.url)
    assert await allowed(limiter, 2) == 2
    redis.process.kill()
    await redis.process.wait()
    assert await allowed(limiter, 15) == 10
    await limiter.aclose()


async def test_a_limit_of_nought_refuses_everybody() -> None:
    limiter = Limiter()
    with pytest.raises(RateLimited):
        await limiter.hit("preview", "somebody", 0)
    await limiter.aclose()
