"""What `/metrics` and `/readyz` say of deployments and of Discord's patience with us."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import httpx
from tests.deployments import scene
from tests.support.engines import ONLY_SQLITE
from tests.support.people import Person

from botbot.catalog.models import PersonalityTemplate
from botbot.house import House
from botbot.peers.discord.limits import NOTHING_UNTIL
from botbot.sandbox.handle import DiscordHandle

pytestmark = ONLY_SQLITE


async def figures(client: httpx.AsyncClient) -> dict[str, float]:
    """Every sample by its full name; the registry belongs to the process, so only differences mean anything."""
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"botbot_\w+({.*})? [0-9.e+-]+", line) for line in lines), lines
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_deployments_steps_and_retries_are_counted(
    ada: Person,
    personality: PersonalityTemplate,
    discord: DiscordHandle,
    drain: Callable[[], Awaitable[None]],
    tick: Callable[..., None],
    client: httpx.AsyncClient,
) -> None:
    before = await figures(client)
    discord.fail("PATCH", "/guilds/*/members/@me", status=502)
    await scene.deploy(ada, personality.id)
    await drain()
    tick(seconds=61)
    await drain()
    after = await figures(client)

    def grew(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    assert grew('botbot_sagas_total{kind="deploy",outcome="done"}') == 1
    assert grew('botbot_saga_step_seconds_count{direction="forward",step="set_profile"}') == 2
    assert grew('botbot_saga_step_retries_total{direction="forward",step="set_profile"}') == 1
    assert after["botbot_discord_invalid_requests"] == 0
    assert after['botbot_requests_total{status="2xx"}'] > 0


async def test_readyz_says_why_discord_is_left_alone(house: House, client: httpx.AsyncClient) -> None:
    """The site stays ready: browsing needs no Discord."""
    now = asyncio.get_running_loop().time()
    for _ in range(NOTHING_UNTIL):
        house.discord._caller._limits.invalid.add(now)
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    told = answer.json()["checks"]["discord"]
    assert told["state"] == "resting"
    assert "refused too many calls" in told["reason"]
    assert (await figures(client))["botbot_discord_invalid_requests"] == NOTHING_UNTIL
