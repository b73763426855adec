"""Many at once: the database decides, everybody else is told who won."""

import asyncio
from collections import Counter

import pytest
from tests.conftest import MakeSite, SignIn
from tests.deployments import scene
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person
from tests.support.serving import Site

from botbot.catalog.models import PersonalityTemplate
from botbot.kit import clock
from botbot.sandbox import cast
from botbot.sandbox.handle import DiscordHandle


@pytest.fixture(autouse=True)
def without_limits(discord: DiscordHandle) -> None:
    """So many at once would only meet Discord's limits, which other tests do."""
    discord.limits.is_enabled = False


async def test_twenty_deploys_by_two_managers_at_two_houses(
    site: Site,
    make_site: MakeSite,
    sign_in: SignIn,
    ada: Person,
    personality: PersonalityTemplate,
    discord: DiscordHandle,
    co_manager: int,
) -> None:
    """F6."""
    second = await make_site()
    cleo = await sign_in("cleo", second)
    people = [ada, cleo] * 10
    await asyncio.gather(site.start_worker(), second.start_worker())
    answers = await asyncio.gather(*(scene.ask_deploy(who, personality.id, cast.TEA_HOUSE) for who in people))
    assert Counter(answer.status_code for answer in answers) == {202: 1, 409: 19}
    winner = next(answer.json()["id"] for answer in answers if answer.status_code == 202)
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["error"] == "already_deployed"
            assert answer.json()["details"] == {"deploymentId": winner}
    assert (await scene.settled(ada, winner))["status"] == "active"
    assert [row.id for row in await scene.rows_of(site.house.db)] == [winner]
    assert len(await scene.agents_of(site.house.db)) == 1
    assert len(scene.said_by_bot(discord)) == 1


async def test_ten_times_the_same_key_at_once(
    site: Site, make_site: MakeSite, sign_in: SignIn, ada: Person, personality: PersonalityTemplate
) -> None:
    """F7, by two browsers of one person at two houses."""
    second = await make_site()
    elsewhere = await sign_in("ada", second)
    answers = await asyncio.gather(*(scene.ask_deploy(who, personality.id, key="once") for who in [ada, elsewhere] * 5))
    assert {answer.status_code for answer in answers} == {202}, [answer.text for answer in answers]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await scene.rows_of(site.house.db)) == 1


async def test_ten_replacements_at_once(
    site: Site, ada: Person, personality: PersonalityTemplate, discord: DiscordHandle
) -> None:
    """One takes the place; the others find somebody who is still moving in."""
    first = await scene.deploy(ada, personality.id)
    await site.drain()
    answers = await asyncio.gather(*(scene.ask_deploy(ada, personality.id, replace=True) for _ in range(10)))
    assert Counter(answer.status_code for answer in answers) == {202: 1, 409: 9}
    winner = next(answer.json()["id"] for answer in answers if answer.status_code == 202)
    await site.drain()
    assert (await scene.see(ada, first["id"]))["replacedBy"] == winner
    assert [row.id for row in await scene.live_rows(site.house.db)] == [winner]


async def test_every_verb_at_once_ends_in_one_state(
    site: Site, ada: Person, personality: PersonalityTemplate, discord: DiscordHandle
) -> None:
    shown = await scene.deploy(ada, personality.id)
    await site.start_worker()
    address = f"{scene.DEPLOYMENTS}/{shown['id']}"
    await scene.settled(ada, shown["id"])
    answers = await asyncio.gather(
        *(scene.verb(ada, shown["id"], name) for name in ("pause", "resume", "pause", "resume")),
        *(ada.patch(address, json={"customizations": {"name": f"Name {n}"}}) for n in range(3)),
        ada.delete(address),
        ada.delete(address),
    )
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert (await scene.settled(ada, shown["id"]))["status"] == "removed"
    await asyncio.sleep(0.3)  # whoever was overtaken has had its say
    assert scene.is_bare(discord)
    assert await scene.agents_of(site.house.db) == []


@MOSTLY_SQLITE
async def test_a_takedown_while_discord_is_still_asked_comes_first(
    site: Site, ada: Person, personality: PersonalityTemplate, discord: DiscordHandle
) -> None:
    """What was on the shelf when the question was asked may have left it when the answer comes."""
    discord.clear_calls()
    discord.fail("GET", "/guilds/*", delay=2)
    asked = asyncio.create_task(scene.ask_deploy(ada, personality.id))
    async with asyncio.timeout(20):
        while not any(call.path == f"/guilds/{cast.TEA_HOUSE}" for call in discord.calls):
            await asyncio.sleep(0.01)
    async with site.house.db.write() as session:
        (await session.get_one(PersonalityTemplate, personality.id)).archived_at = clock.now()
    assert (await asked).status_code == 404
    assert await scene.rows_of(site.house.db) == []
