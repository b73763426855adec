"""Being there quickly, on loopback only, and saying how to get in."""

import subprocess
import sys
import time

import pytest
from tests.sandbox.conftest import CALLBACK

from botbot.sandbox import cast
from botbot.sandbox.server import Sandbox

SLOW = ("jsonschema", "referencing", "jinja2")
IMPORT = f"""
import aiohttp.web, msgspec, sys, time
began = time.perf_counter()
import botbot.sandbox.server
print(time.perf_counter() - began, *[name for name in {SLOW!r} if name in sys.modules])
"""


def test_importing_is_cheap_and_leaves_the_slow_parts_for_later() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
    seconds, *loaded = done.stdout.split()
    assert loaded == []
    assert float(seconds) < 0.3


async def test_starting_and_stopping_is_quick_and_repeatable() -> None:
    began = time.monotonic()
    sandbox = Sandbox(redirect_uris=[CALLBACK])
    await sandbox.start()
    assert time.monotonic() - began < 0.5
    await sandbox.stop()
    await sandbox.stop()


async def test_a_taken_port_is_an_error(sandbox: Sandbox) -> None:
    with pytest.raises(OSError):
        await Sandbox(redirect_uris=[CALLBACK], port=sandbox.port).start()


async def test_the_environment_points_here(sandbox: Sandbox) -> None:
    environment = sandbox.environment
    assert sandbox.url == f"http://127.0.0.1:{sandbox.port}"
    assert environment["DISCORD_API_URL"] == f"{sandbox.url}/api/v10"
    assert environment["DISCORD_AUTHORIZE_URL"] == f"{sandbox.url}/oauth2/authorize"
    assert environment["OPENAI_BASE_URL"] == f"{sandbox.url}/v1"
    assert environment["DISCORD_CLIENT_ID"] == str(cast.APPLICATION)
    assert all(environment.values())


async def test_nothing_listens_beyond_loopback(sandbox: Sandbox) -> None:
    assert sandbox._runner is not None
    assert [address[0] for address in sandbox._runner.addresses] == ["127.0.0.1"]


def test_shards_would_get_different_servers() -> None:
    guilds = [cast.TEA_HOUSE, cast.CLOCKWORK_GARDEN, cast.NIGHT_OWLS, cast.OBSERVATORY]
    assert len({(each >> 22) % 4 for each in guilds}) == 4
