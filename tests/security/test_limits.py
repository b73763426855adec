"""Rate limits: exact in one process, exact between processes with Redis, and no 500 when Redis is gone."""

import asyncio
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import MakeSite
from tests.support.engines import ONLY_SQLITE

from botbot.errors import RateLimited
from botbot.sandbox.model.control import ModelControl
from botbot.security.limits import Limiter


@pytest.fixture
def redis(tmp_path: Path) -> Any:
    """A Redis of this test's own: (its URL, how to end it)."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("Redis: redis-server is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.02)
    yield f"redis://127.0.0.1:{port}", process
    process.kill()
    process.wait()


async def allowed(limiter: Limiter, times: int, key: str = "somebody", per_minute: int = 20) -> Any:
    answers = await asyncio.gather(
        *(limiter.hit("name", key, per_minute) for _ in range(times)), return_exceptions=True
    )
    wrong = [answer for answer in answers if answer is not None and not isinstance(answer, RateLimited)]
    assert wrong == []
    return answers.count(None)


async def test_in_one_process_it_is_exact() -> None:
    limiter = Limiter()
    assert await allowed(limiter, 100) == 20
    await limiter.aclose()


async def test_each_has_a_limit_of_their_own() -> None:
    limiter = Limiter()
    assert [await allowed(limiter, 30, key=name) for name in ("ada", "ben")] == [20, 20]
    await limiter.aclose()


@pytest.mark.parametrize("per_minute", [0, -1])
async def test_none_allowed_is_none(per_minute: int) -> None:
    limiter = Limiter()
    assert await allowed(limiter, 5, per_minute=per_minute) == 0
    await limiter.aclose()


async def test_a_refusal_says_when_to_come_back() -> None:
    limiter = Limiter()
    await allowed(limiter, 20)
    with pytest.raises(RateLimited) as refused:
        await limiter.hit("name", "somebody", 20)
    assert 1 <= (refused.value.retry_after_seconds or 0) <= 60
    await limiter.aclose()


async def test_several_processes_share_one_limit_exactly(redis: tuple[str, subprocess.Popen[bytes]]) -> None:
    url, _ = redis
    processes = [Limiter(url, timeout_seconds=30) for _ in range(4)]
    passed = await asyncio.gather(*(allowed(each, 25) for each in processes))
    assert sum(passed) == 20
    with pytest.raises(RateLimited) as refused:
        await processes[0].hit("name", "somebody", 20)
    assert 1 <= (refused.value.retry_after_seconds or 0) <= 60
    left = await processes[1].left([("name", "somebody"), ("name", "nobody")], 20)
    assert (left.remaining, 1 <= left.reset_after_seconds <= 60) == (0, True)
    assert (await processes[1].left([("name", "nobody")], 20)).remaining == 20
    for each in processes:
        await each.aclose()


async def test_without_redis_each_process_limits_alone(redis: tuple[str, subprocess.Popen[bytes]]) -> None:
    url, process = redis
    limiter = Limiter(url)
    assert await allowed(limiter, 5) == 5
    process.kill()
    process.wait()
    async with asyncio.timeout(5):
        assert await allowed(limiter, 40) == 20
        assert (await limiter.left([("name", "somebody")], 20)).remaining == 0
    await limiter.aclose()


@ONLY_SQLITE
async def test_a_site_whose_redis_dies_goes_on_and_keeps_its_cap(
    redis: tuple[str, subprocess.Popen[bytes]], make_site: MakeSite, model: ModelControl
) -> None:
    """Browsing and the day's cap do not depend on it."""
    from tests import factories
    from tests.support.people import api_client

    url, process = redis
    site = await make_site(redis_url=url, preview_per_minute=1000, preview_per_day=3)
    entry = await factories.add_personality(site.house)
    chat = f"/api/marketplace/preview/{entry.id}/chat"
    async with api_client(site.url) as client:
        assert (await client.post(chat, json={"message": "hi"})).json()["source"] == "live"
        process.kill()
        process.wait()
        for path in ("/", "/api/marketplace/personalities", "/healthz", "/readyz"):
            assert (await client.get(path)).status_code == 200, path
        answers = [await client.post(chat, json={"message": "hi"}) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {200}
    assert [answer.json()["source"] for answer in answers] == ["live", "live", "sample", "sample", "sample"]
    assert len(model.recorded) == 3
