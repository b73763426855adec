"""From the request to a personality that lives there, and everything shown on the way."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import httpx
from tests import factories
from tests.deployments import scene
from tests.support.people import Person

from botbot.catalog.models import PersonalityTemplate
from botbot.deployments import rules
from botbot.house import House
from botbot.runtime import tidy
from botbot.sandbox import cast
from botbot.sandbox.handle import DiscordHandle

Drain = Callable[[], Awaitable[None]]


async def deploy_count(client: httpx.AsyncClient, personality: PersonalityTemplate) -> int:
    return int((await client.get(f"{scene.MARKET}/personalities/{personality.slug}")).json()["deployCount"])


async def test_where_the_bot_is_it_moves_in_at_once(
    ada: Person,
    personality: PersonalityTemplate,
    discord: DiscordHandle,
    drain: Drain,
    client: httpx.AsyncClient,
    house: House,
) -> None:
    answer = await scene.ask_deploy(ada, personality.slug)
    queued = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"{scene.DEPLOYMENTS}/{queued['id']}"
    assert (queued["status"], queued["installUrl"], queued["nextSteps"]) == ("queued", None, [])
    assert [step["name"] for step in queued["steps"]] == list(rules.DEPLOY)
    await drain()
    shown = await scene.see(ada, queued["id"])
    assert shown["status"] == "active"
    assert {step["status"] for step in shown["steps"]} == {"done"}
    assert all(datetime.fromisoformat(step["at"]) for step in shown["steps"])
    assert len(shown["nextSteps"]) == 3
    assert shown["failure"] is None
    assert datetime.fromisoformat(shown["deployedAt"])
    assert shown["templateId"] == personality.id == shown["personality"]["id"]
    assert [agent.id for agent in await scene.agents_of(house.db)] == [shown["agentId"]]
    assert await deploy_count(client, personality) == 1


async def test_the_server_sees_its_name_bio_picture_and_one_greeting(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, drain: Drain
) -> None:
    await scene.deploy(ada, personality.id)
    await drain()
    worn = scene.face(discord)
    assert worn.nick == "Atlas the Scientist"
    assert worn.bio is not None
    assert worn.bio.startswith("AI character")
    assert worn.avatar is not None
    said = scene.said_by_bot(discord)
    assert len(said) == 1
    assert said[0].content.startswith(personality.opening_line)
    assert "AI character" in said[0].content
    assert said[0].pings == []
    posted = discord.calls_to("POST", "/channels/*/messages")
    assert posted[0].json["enforce_nonce"] is True
    assert 1 <= len(posted[0].json["nonce"]) <= 25


async def test_a_name_of_ones_own_and_traits(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, drain: Drain, house: House
) -> None:
    wanted = {"name": "  Sir Reginald  ", "traits": {"formal": 1.0}}
    shown = await scene.deploy(ada, personality.id, customizations=wanted)
    assert shown["customizations"] == {"name": "Sir Reginald", "traits": {"formal": 1.0}}
    await drain()
    assert scene.face(discord).nick == "Sir Reginald"
    assert scene.said_by_bot(discord)[0].content.count("Sir Reginald") == 1
    agent = (await scene.agents_of(house.db))[0]
    assert (agent.name, agent.traits) == ("Sir Reginald", {"formal": 1.0})


async def test_a_long_name_is_cut_to_what_a_nick_may_be(
    ada: Person, house: House, discord: DiscordHandle, drain: Drain
) -> None:
    long = await factories.add_personality(house, "The Extremely Long-Winded Archivist of Everything")
    await scene.deploy(ada, long.id)
    await drain()
    assert scene.face(discord).nick == "The Extremely Long-Winded Archiv"


async def test_it_greets_where_it_is_told_to(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, drain: Drain
) -> None:
    kitchen = discord.channel(cast.TEA_HOUSE, "kitchen").id
    shown = await scene.deploy(ada, personality.id, channelIds=[str(kitchen)])
    await drain()
    assert shown["channelIds"] == [str(kitchen)]
    assert [message.channel_id for message in scene.said_by_bot(discord)] == [kitchen]


async def test_where_it_may_speak_nowhere_it_moves_in_silently(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, drain: Drain
) -> None:
    rules_room = discord.channel(cast.TEA_HOUSE, "house-rules").id
    shown = await scene.deploy(ada, personality.id, channelIds=[str(rules_room)])
    await drain()
    shown = await scene.see(ada, shown["id"])
    assert (shown["status"], scene.step(shown, "say_hello")["status"]) == ("active", "skipped")
    assert scene.said_by_bot(discord) == []


async def arrive(who: Person, discord: DiscordHandle, install_url: str, **how: Any) -> httpx.Response:
    """Press Discord's button and follow the way back, once."""
    return await who.get(discord.consent(install_url, user=who.discord_id, **how))


async def test_where_the_bot_is_not_it_waits_for_the_invitation(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, drain: Drain
) -> None:
    garden = cast.CLOCKWORK_GARDEN
    waiting = await scene.deploy(ada, personality.id, garden)
    assert waiting["status"] == "awaiting_install"
    assert waiting["steps"][0]["name"] == "install"
    assert str(garden) in waiting["installUrl"]
    back = await arrive(ada, discord, waiting["installUrl"], guild=garden)
    assert (back.status_code, back.headers["location"]) == (302, f"/deployments/{waiting['id']}")
    assert (await scene.see(ada, waiting["id"]))["status"] == "queued"
    await drain()
    shown = await scene.see(ada, waiting["id"])
    assert (shown["status"], shown["installUrl"]) == ("active", None)
    assert scene.face(discord, garden).nick == personality.name


async def test_a_cancelled_invitation_leaves_a_fresh_one(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, drain: Drain
) -> None:
    garden = cast.CLOCKWORK_GARDEN
    waiting = await scene.deploy(ada, personality.id, garden)
    back = await arrive(ada, discord, waiting["installUrl"], guild=garden, cancel=True)
    assert back.headers["location"] == f"/deployments/{waiting['id']}?notice=cancelled"
    assert cast.BOT not in discord.guilds[garden].members
    again = await scene.see(ada, waiting["id"])
    assert again["status"] == "awaiting_install"
    assert again["installUrl"] != waiting["installUrl"]
    await arrive(ada, discord, again["installUrl"], guild=garden)
    await drain()
    assert (await scene.see(ada, waiting["id"]))["status"] == "active"


async def test_where_the_bot_lacks_permissions_it_is_invited_again(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, drain: Drain
) -> None:
    waiting = await scene.deploy(ada, personality.id, cast.NIGHT_OWLS)
    assert waiting["status"] == "awaiting_install"
    await arrive(ada, discord, waiting["installUrl"], guild=cast.NIGHT_OWLS)
    await drain()
    assert (await scene.see(ada, waiting["id"]))["status"] == "active"


async def test_waiting_holds_no_place_and_ends_after_a_day(
    ada: Person,
    personality: PersonalityTemplate,
    discord: DiscordHandle,
    tick: Callable[..., None],
    house: House,
) -> None:
    first = await scene.deploy(ada, personality.id, cast.CLOCKWORK_GARDEN)
    second = await scene.deploy(ada, personality.id, cast.CLOCKWORK_GARDEN)
    assert first["id"] != second["id"]
    tick(hours=23, minutes=59)
    assert (await scene.see(ada, first["id"]))["status"] == "awaiting_install"
    tick(minutes=2)
    shown = await scene.see(ada, first["id"])
    assert (shown["status"], shown["installUrl"]) == ("expired", None)
    await tidy(house)
    assert {row.status for row in await scene.rows_of(house.db, cast.CLOCKWORK_GARDEN)} == {"expired"}
    too_late = await arrive(ada, discord, first["installUrl"], guild=cast.CLOCKWORK_GARDEN)
    assert too_late.status_code == 400
    assert (await scene.see(ada, first["id"]))["status"] == "expired"


async def test_what_expired_is_over(
    ada: Person, personality: PersonalityTemplate, tick: Callable[..., None], house: House
) -> None:
    """The same before and after the tidying noticed."""
    waiting = await scene.deploy(ada, personality.id, cast.CLOCKWORK_GARDEN)
    tick(hours=25)
    for _ in range(2):
        answer = await scene.verb(ada, waiting["id"], "retry")
        assert (answer.status_code, answer.json()["details"]) == (409, {"status": "expired"})
        await tidy(house)


async def test_the_list_is_newest_first_and_pages(
    ada: Person, personality: PersonalityTemplate, tick: Callable[..., None]
) -> None:
    made: list[str] = []
    for _ in range(3):
        made.insert(0, (await scene.deploy(ada, personality.id, cast.CLOCKWORK_GARDEN))["id"])
        tick(seconds=1)
    first = (await ada.get(f"{scene.DEPLOYMENTS}?limit=2")).json()
    assert [each["id"] for each in first["deployments"]] == made[:2]
    assert first["pagination"]["totalCount"] == 3
    assert first["pagination"]["hasNextPage"] is True
    second = (await ada.get(f"{scene.DEPLOYMENTS}?limit=2&page=2")).json()
    assert [each["id"] for each in second["deployments"]] == made[2:]


async def test_a_server_counts_once(
    ada: Person, personality: PersonalityTemplate, drain: Drain, client: httpx.AsyncClient
) -> None:
    for _ in range(2):
        shown = await scene.deploy(ada, personality.id)
        await drain()
        await ada.delete(f"{scene.DEPLOYMENTS}/{shown['id']}")
        await drain()
        assert (await scene.see(ada, shown["id"]))["status"] == "removed"
    assert await deploy_count(client, personality) == 1
