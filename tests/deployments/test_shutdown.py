"""Ready soon, gone soon: the first start, and SIGTERM with visitors in the middle of a reply or a call on its way.

The figures are printed; what is asserted leaves room for a machine that does other things too."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from tests.conftest import SECRET_KEY
from tests.deployments import scene
from tests.support.browser import TLS
from tests.support.engines import ONLY_SQLITE
from tests.support.people import Person
from tests.support.processes import Product
from tests.support.serving import loopback_socket

from botbot.sandbox import cast
from botbot.sandbox.server import Sandbox

READY_SECONDS = 30.0
GONE_SECONDS = 10.0
STREAMS = 20
HOLD_SECONDS = 6.0
"""Longer than a stopping worker waits for its steps."""
SLOW = 2.0
"""Words a second: no reply is over before the signal comes."""


@pytest.fixture
def ports() -> Iterator[list[int]]:
    held = [loopback_socket() for _ in range(2)]
    yield [each.getsockname()[1] for each in held]
    for each in held:
        each.close()


@pytest.fixture
async def product(tmp_path: Path, ports: list[int]) -> AsyncIterator[Product]:
    """`serve --sandbox` on an empty directory, not started yet."""
    settings = {"BOTBOT_SANDBOX_PORT": str(ports[1]), "BOTBOT_PREVIEW_PER_MINUTE": "600"}
    made = Product(tmp_path / "fresh", ports[0], settings, "serve", "--sandbox")
    yield made
    made.kill()


async def goes(product: Product) -> float:
    """SIGTERM; the seconds until it is gone, with exit code 0."""
    began = time.monotonic()
    product.terminate()
    assert await product.wait() == 0, product.log
    return time.monotonic() - began


async def test_the_first_start_and_an_idle_stop(product: Product) -> None:
    ready = await product.start()
    gone = await goes(product)
    again = await product.start()
    print(f"first ready after {ready:.2f} s, again after {again:.2f} s; gone {gone:.2f} s after SIGTERM")
    assert ready < READY_SECONDS
    assert again < READY_SECONDS
    assert gone < GONE_SECONDS


async def test_sigterm_with_live_streams(product: Product, ports: list[int]) -> None:
    """L9: each stream gets its end event."""
    await product.start()
    async with httpx.AsyncClient(verify=TLS, timeout=30, trust_env=False) as http:
        told = await http.post(f"http://127.0.0.1:{ports[1]}/_sandbox/model/faults", json={"wordsPerSecond": SLOW})
        assert told.status_code == 200, told.text
        found = (await http.get(f"{product.url}{scene.MARKET}/personalities?limit=1")).json()["personalities"]
        address = f"{product.url}{scene.MARKET}/preview/{found[0]['slug']}/chat"
        speaking = [asyncio.Event() for _ in range(STREAMS)]
        reading = [asyncio.create_task(read_events(http, address, each)) for each in speaking]
        await asyncio.wait_for(asyncio.gather(*(each.wait() for each in speaking)), 20)
        gone = await goes(product)
        heard = await asyncio.gather(*reading)
    print(f"gone {gone:.2f} s after SIGTERM with {STREAMS} live streams")
    assert gone < GONE_SECONDS
    for events in heard:
        assert events[0] == "session"
        assert events.count("error") + events.count("done") == 1
        assert events[-1] in {"error", "done"}
    assert sum(events[-1] == "error" for events in heard) > STREAMS / 2  # they were cut off in the middle


async def read_events(http: httpx.AsyncClient, address: str, speaks: asyncio.Event) -> list[str]:
    """The names of one preview's events to the very end; sets `speaks` at the first token."""
    events: list[str] = []
    headers = {"accept": "text/event-stream"}
    async with http.stream("POST", address, json={"message": "Tell me a long story."}, headers=headers) as answer:
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                events.append(line.removeprefix("event: "))
                if events[-1] == "token":
                    speaks.set()
    return events


@ONLY_SQLITE
async def test_sigterm_in_the_middle_of_a_call(
    database_url: str, sandbox: Sandbox, listeners: list[socket.socket], tmp_path: Path
) -> None:
    """Discord takes its time; we don't wait for it, nor for the page that watches, and go on after the next start."""
    settings = {**sandbox.environment, "DATABASE_URL": database_url, "BOTBOT_SECRET_KEY": SECRET_KEY}
    product = Product(tmp_path / "product", listeners[0].getsockname()[1], settings)
    ada = Person("ada", cast.ADA, cast.TEA_HOUSE, product)  # type: ignore[arg-type]
    try:
        await product.start()
        await ada.sign_in()
        hold = sandbox.discord.fail("PATCH", "/guilds/*/members/@me", hang=HOLD_SECONDS, after_effect=True)
        found = (await ada.get(f"{scene.MARKET}/personalities?limit=1")).json()["personalities"]
        shown = await scene.deploy(ada, found[0]["id"])
        while not hold.hits:
            await asyncio.sleep(0.01)
        is_watched = asyncio.Event()
        watching = asyncio.create_task(watch(ada, shown["id"], is_watched))
        async with asyncio.timeout(20):
            await is_watched.wait()
        let_go = asyncio.create_task(asyncio.sleep(HOLD_SECONDS + 0.2))
        gone = await goes(product)
        assert gone < GONE_SECONDS
        assert await watching >= 1, "and the stream had its end, not a cut"
        await product.start()
        assert (await scene.settled(ada, shown["id"]))["status"] == "active"
        assert len(scene.said_by_bot(sandbox.discord)) == 1
        print(f"gone {gone:.2f} s after SIGTERM with a call on its way")
        await let_go
    finally:
        product.kill()
        await ada.aclose()


async def watch(who: Person, deployment_id: str, is_watched: asyncio.Event) -> int:
    """Read the progress of a deployment to the end; answers how many events it had."""
    events = 0
    async with who.http.stream("GET", f"/deployments/{deployment_id}/progress") as answer:
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            if line == "event: progress":
                events += 1
                is_watched.set()
    return events
