"""A worker that dies while it settles an erasure, at whichever moment, leaves nothing undone and nothing half done."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.privacy.conftest import Past
from tests.support.people import Person
from tests.support.serving import Site

from botbot.sandbox import cast

DIE = """
import asyncio, os, signal, sys
from sqlalchemy import Engine, event
from botbot.deployments.jobs import saga_kinds
from botbot.house import House
from botbot.jobs.engine import SagaRunner
from botbot.privacy.jobs import settle_due
from botbot.settings import load_settings

left = int(sys.argv[1])

@event.listens_for(Engine, "commit")
def count(connection):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

async def work():
    house = House.build(load_settings())
    runner = SagaRunner(house.db, house.signal, saga_kinds(house))
    for _ in range(4):
        await runner.drain()
        await settle_due(house)
    await house.close()

asyncio.run(work())
"""
"""Settles, and dies without a word before its n-th commit."""


def environment(site: Site) -> dict[str, str]:
    chosen = site.settings
    return {
        **os.environ,
        "DATABASE_URL": chosen.database_url, "BOTBOT_DATA_DIR": str(chosen.data_dir), "BOTBOT_PORT": str(chosen.port),
        "BOTBOT_SECRET_KEY": chosen.secret_key, "DISCORD_API_URL": chosen.discord_api_url,
        "DISCORD_CLIENT_ID": chosen.discord_client_id, "DISCORD_CLIENT_SECRET": chosen.discord_client_secret,
        "DISCORD_BOT_TOKEN": chosen.discord_bot_token,
    }  # fmt: skip


async def settle_and_die(site: Site, left: int) -> int:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", DIE, str(left), env=environment(site))
    async with asyncio.timeout(60):
        return await process.wait()


@pytest.mark.long
@pytest.mark.parametrize("left", [0, 1, 2, 4, 7, 11])
async def test_killed_at_any_commit(
    left: int, site: Site, ada: Person, past: Past, settle: Callable[[], Awaitable[None]], discord: Any
) -> None:
    receipt = (await ada.delete("/api/account")).json()
    code = await settle_and_die(site, left)
    assert code in {0, -signal.SIGKILL}
    if left == 0:
        assert code == -signal.SIGKILL  # it does die
    for _ in range(3):  # leases run out meanwhile
        await settle()
    done = (await site_client(site, receipt["url"])).json()
    assert done["finishedAt"] is not None, done
    assert done["discordTokens"] == "done"
    assert [each["status"] for each in done["deployments"]] == ["left"]
    assert discord.guilds[cast.TEA_HOUSE].members[cast.BOT].nick is None


async def site_client(site: Site, path: str) -> Any:
    from tests.support.people import api_client

    async with api_client(site.url) as client:
        return await client.get(f"/api{path}")
