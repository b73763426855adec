"""The Tea House before anybody moves in, work that is run to its end under a moved clock, and a check that every
request we sent was one Discord takes."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from tests.deployments import scene
from tests.support.people import Person

from botbot.house import House
from botbot.sandbox import cast
from botbot.sandbox.handle import DiscordHandle

Finish = Callable[[Person, str], Awaitable[dict[str, Any]]]
MOST_ROUNDS = 60


@pytest.fixture(autouse=True)
def honest(discord: DiscordHandle) -> Iterator[None]:
    """The bot is called Teapot at first; in the end nothing we sent broke a rule."""
    scene.name_the_bot(discord)
    yield
    assert scene.rule_breaks(discord) == []


@pytest.fixture
def finish(drain: Callable[[], Awaitable[None]], tick: Callable[..., None], house: House) -> Finish:
    """Run a deployment until nothing of it is still to come; every wait for a retry is skipped by the clock."""

    async def go(who: Person, deployment_id: str) -> dict[str, Any]:
        for _ in range(MOST_ROUNDS):
            await drain()
            if not await scene.is_at_work(house.db, deployment_id):
                return await scene.see(who, deployment_id)
            tick(seconds=61)
        raise AssertionError(f"never finished: {await scene.see(who, deployment_id)}")

    return go


@pytest.fixture
def co_manager(discord: DiscordHandle) -> int:
    """Cleo may manage the Tea House too; answers the id of the role that says so."""
    return scene.promote(discord, cast.TEA_HOUSE, cast.CLEO)
