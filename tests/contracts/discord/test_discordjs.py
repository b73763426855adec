"""discord.js 14 from npm connects unchanged. It is installed once into a cache directory of the user."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.discord.conftest import eventually

from botbot.sandbox import cast
from botbot.sandbox.server import Sandbox

pytestmark = pytest.mark.node

SCRIPT = Path(__file__).with_name("bot.mjs")
PARLOUR = cast.channel_id(cast.TEA_HOUSE, 1)
OLDEST_NODE = 18


def cache_dir() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "botbot-tests" / "discordjs-14"


def missing() -> str:
    """Why Node can't be used here, or nothing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return "node or npm is not installed"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    is_old = int(version.strip().removeprefix("v").split(".")[0]) < OLDEST_NODE
    return f"node {version.strip()} is older than {OLDEST_NODE}" if is_old else ""


@pytest.fixture(scope="module")
def discordjs() -> Path:
    """A directory whose node_modules holds discord.js. Complete or absent: it is moved into place when installed."""
    if reason := missing():
        pytest.skip(reason)
    home = cache_dir()
    if not (home / "node_modules" / "discord.js" / "package.json").exists():
        _install(home)
    return home


def _install(home: Path) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as staging:
        made = Path(staging) / "made"
        made.mkdir()
        command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(made), "discord.js@14"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=180)
        except subprocess.TimeoutExpired:
            pytest.skip("npm install discord.js@14 took longer than 180 s")
        if done.returncode:
            pytest.skip(f"npm could not install discord.js@14: {done.stderr.strip()[-300:]}")
        shutil.rmtree(home, ignore_errors=True)
        made.replace(home)


class Bot:
    """The running script, and what it printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []

    async def read(self) -> None:
        assert self.process.stdout
        async for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def said(self, key: str) -> list[Any]:
        return [line[key] for line in self.lines if key in line]


@pytest.fixture
async def bot(sandbox: Sandbox, discordjs: Path) -> AsyncIterator[Bot]:
    script = discordjs / "bot.mjs"  # beside node_modules, where imports are looked up
    shutil.copyfile(SCRIPT, script)
    token = sandbox.environment["DISCORD_BOT_TOKEN"]
    environment = {**os.environ, "SANDBOX_URL": sandbox.url, "SANDBOX_TOKEN": token}
    process = await asyncio.create_subprocess_exec(
        "node", str(script), stdout=asyncio.subprocess.PIPE, stderr=sys.stderr, env=environment
    )
    running = Bot(process)
    reading = asyncio.create_task(running.read())
    yield running
    if process.returncode is None:
        process.terminate()
    await asyncio.wait_for(process.wait(), 10)
    await reading


async def test_it_connects_hears_replies_and_resumes(sandbox: Sandbox, bot: Bot) -> None:
    await eventually(lambda: bot.said("ready"), 30)
    assert bot.said("ready") == [str(cast.BOT)]
    assert bot.said("guilds") == [["Ada's Tea House", "Night Owls Book Club"]]

    sandbox.discord.post_message(cast.BEN, PARLOUR, "between people")
    sandbox.discord.post_message(cast.ADA, PARLOUR, "@BotBot hello")
    await eventually(lambda: "js heard" in sandbox.discord.messages(PARLOUR)[-1].content)
    assert bot.said("heard")[:2] == ["", f"<@{cast.BOT}> hello"]

    sandbox.discord.gateway.close(4000)
    sandbox.discord.post_message(cast.ADA, PARLOUR, "@BotBot again")
    await eventually(lambda: f"js heard: <@{cast.BOT}> again" == sandbox.discord.messages(PARLOUR)[-1].content, 20)
    assert len(sandbox.discord.gateway.starts.identified_at) == 1
    assert not [each for each in sandbox.discord.violations if each.is_refused]
