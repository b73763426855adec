"""Many at once over real processes: twenty who want one server, and two hundred servers under Discord's real limits."""

import asyncio
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import func, select
from tests.deployments import crowd, scene
from tests.deployments.crowd import Town
from tests.support.engines import ONLY_POSTGRES, ONLY_SQLITE
from tests.support.nursery import Nursery
from tests.support.people import Person
from tests.support.processes import Product

from botbot.deployments.models import PersonalityDeployment
from botbot.house import House
from botbot.sandbox import cast
from botbot.sandbox.limits import GLOBAL_PER_SECOND
from botbot.sandbox.server import Sandbox
from botbot.settings import Settings

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
SERVERS = 200
PATIENCE_SECONDS = 500.0


@pytest.fixture
def told(settings: Settings, sandbox: Sandbox) -> dict[str, str]:
    """The settings of the test, as a process is told them."""
    own = {"DATABASE_URL": settings.effective_database_url, "BOTBOT_SECRET_KEY": settings.secret_key}
    return {**sandbox.environment, **own, "BOTBOT_LOG": "text", "BOTBOT_ADMINS": str(cast.CLEO)}


@pytest.fixture
async def nursery(told: dict[str, str], tmp_path: Path) -> AsyncIterator[Nursery]:
    async with Nursery({**told, "BOTBOT_DATA_DIR": str(tmp_path)}, tmp_path / "workers.log") as opened:
        yield opened


@pytest.fixture
async def town(settings: Settings, sandbox: Sandbox) -> AsyncIterator[Town]:
    house = House.build(settings)
    try:
        yield await crowd.open_town(house, sandbox.discord)
    finally:
        await house.close()


@ONLY_POSTGRES
async def test_twenty_want_one_server_at_two_processes(
    town: Town,
    nursery: Nursery,
    told: dict[str, str],
    listeners: list[socket.socket],
    tmp_path: Path,
    co_manager: int,
) -> None:
    town.discord.limits.is_enabled = False
    async with AsyncExitStack() as stack:
        people = []
        for n, (name, who) in enumerate((("ada", cast.ADA), ("cleo", cast.CLEO))):
            web = Product(tmp_path / f"web{n}", listeners[n].getsockname()[1], told, "web")
            stack.callback(web.kill)
            await web.start()
            person = Person(name, who, cast.TEA_HOUSE, web)  # type: ignore[arg-type]
            stack.push_async_callback(person.aclose)
            await person.sign_in()
            people.append(person)
        await nursery.fork()
        asked = (scene.ask_deploy(who, town.atlas.id, cast.TEA_HOUSE) for who in people * 10)
        answers = await asyncio.gather(*asked)
        assert Counter(answer.status_code for answer in answers) == {202: 1, 409: 19}, [a.text for a in answers]
        winner = next(answer.json()["id"] for answer in answers if answer.status_code == 202)
        lost = [answer.json() for answer in answers if answer.status_code == 409]
        assert {(each["error"], each["details"]["deploymentId"]) for each in lost} == {("already_deployed", winner)}
        assert (await scene.settled(people[0], winner))["status"] == "active"
    assert [row.id for row in await scene.rows_of(town.house.db)] == [winner]
    assert len(await scene.agents_of(town.house.db)) == 1
    assert len(scene.said_by_bot(town.discord)) == 1


@ONLY_SQLITE
@pytest.mark.parametrize("workers", [1, 2])
async def test_two_hundred_servers_within_what_discord_allows(town: Town, nursery: Nursery, workers: int) -> None:
    """All of them, and hardly a 429. The time is printed beside what 50 calls a second would take."""
    guilds = [town.new_guild() for _ in range(SERVERS)]
    for guild in guilds:
        await town.ask(guild, town.atlas)
    town.discord.clear_calls()
    began = time.monotonic()
    for _ in range(workers):
        await nursery.fork()
    while left := await town.at_work():
        assert time.monotonic() - began < PATIENCE_SECONDS, f"{len(left)} are left"
        await asyncio.sleep(0.1)
    took, calls = time.monotonic() - began, town.discord.calls
    refused = sum(call.status == 429 for call in calls)
    least = len(calls) / GLOBAL_PER_SECOND
    print(
        f"\n{SERVERS} servers, {workers} workers: {len(calls)} calls, {refused} × 429, {took:.1f} s; "
        f"{took / least:.2f} × the {least:.1f} s that Discord's limits allow",
        file=sys.__stdout__,
        flush=True,
    )
    async with town.house.db.read() as session:
        D = PersonalityDeployment
        rows = await session.execute(select(D.status, func.count()).group_by(D.status))
    states = {row[0]: row[1] for row in rows}
    assert states == {"active": SERVERS}
    assert all(len(scene.said_by_bot(town.discord, guild)) == 1 for guild in guilds)
    assert refused <= len(calls) / 20
