"""discord.js 14 from npm connects unchanged. It is installed once into a cache directory of the user."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.discord.conftest import eventually
from tests.support import npm

from botbot.sandbox import cast
from botbot.sandbox.server import Sandbox

pytestmark = pytest.mark.node

SCRIPT = Path(__file__).with_name("bot.mjs")
PARLOUR = cast.channel_id(cast.TEA_HOUSE, 1)


@pytest.fixture(scope="module")
def discordjs() -> Path:
    return npm.installed("discord.js@14")


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
