"""Who may not, what may not, and that a refusal leaves nothing behind."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.deployments import scene
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person

from botbot.catalog.models import PersonalityTemplate
from botbot.house import House
from botbot.sandbox import cast
from botbot.sandbox.handle import DiscordHandle

pytestmark = MOSTLY_SQLITE
Drain = Callable[[], Awaitable[None]]
WRITES = ("pause", "resume", "retry", "PATCH", "DELETE")


async def do(who: Person, deployment_id: str, name: str) -> Any:
    address = f"{scene.DEPLOYMENTS}/{deployment_id}"
    if name == "PATCH":
        return await who.patch(address, json={"customizations": {"name": "Mine now"}})
    return await (who.delete(address) if name == "DELETE" else who.post(f"{address}/{name}"))


async def test_only_managers_deploy(
    ben: Person, personality: PersonalityTemplate, discord: DiscordHandle, house: House
) -> None:
    for guild in (cast.TEA_HOUSE, cast.CLOCKWORK_GARDEN):  # as the bot sees it, and as Ben's own token says
        answer = await scene.ask_deploy(ben, personality.id, guild)
        assert (answer.status_code, answer.json()["error"]) == (403, "discord_permission_missing")
        assert answer.json()["details"] == {"missing": ["MANAGE_GUILD"]}
        assert await scene.rows_of(house.db, guild) == []
    assert scene.is_bare(discord)


async def test_a_manager_who_was_demoted_after_signing_in(
    cleo: Person, personality: PersonalityTemplate, discord: DiscordHandle, co_manager: int
) -> None:
    """A7: rights are read at Discord, at deploy time."""
    assert str(cast.TEA_HOUSE) in (await cleo.get("/api/discord/guilds")).text
    scene.demote(discord, cast.TEA_HOUSE, cast.CLEO)
    answer = await scene.ask_deploy(cleo, personality.id, cast.TEA_HOUSE)
    assert (answer.status_code, answer.json()["details"]) == (403, {"missing": ["MANAGE_GUILD"]})


async def test_a_manager_who_is_demoted_before_the_worker_begins(
    cleo: Person,
    ada: Person,
    personality: PersonalityTemplate,
    discord: DiscordHandle,
    co_manager: int,
    drain: Drain,
) -> None:
    # Cleo is an admin of the marketplace, whose rights nobody looks up; so it is Ada who loses hers.
    shown = await scene.deploy(cleo, personality.id, cast.TEA_HOUSE)
    await drain()
    await cleo.delete(f"{scene.DEPLOYMENTS}/{shown['id']}")
    await drain()
    mine = await scene.deploy(ada, personality.id)
    discord.guilds[cast.TEA_HOUSE].owner_id = cast.EDDA
    await drain()
    mine = await scene.see(ada, mine["id"])
    assert (mine["status"], mine["failure"]["error"]) == ("rolled_back", "discord_permission_missing")
    assert mine["failure"]["details"]["missing"] == ["MANAGE_GUILD"]
    assert scene.is_bare(discord)


async def test_strangers_see_nothing(
    ada: Person, ben: Person, personality: PersonalityTemplate, drain: Drain, client: Any
) -> None:
    shown = await scene.deploy(ada, personality.id)
    await drain()
    assert (await ben.get(f"{scene.DEPLOYMENTS}/{shown['id']}")).status_code == 404
    for name in WRITES:
        answer = await do(ben, shown["id"], name)
        assert (answer.status_code, answer.json()["error"]) == (404, "not_found"), name
    assert (await ben.get(scene.DEPLOYMENTS)).json()["deployments"] == []
    anonymous = await client.get(f"{scene.DEPLOYMENTS}/{shown['id']}")
    assert anonymous.status_code == 401
    assert anonymous.json()["details"]["loginUrl"]
    assert (await scene.see(ada, shown["id"]))["status"] == "active"


async def test_a_creator_who_no_longer_manages_reads_and_may_not_write(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, drain: Drain
) -> None:
    shown = await scene.deploy(ada, personality.id)
    await drain()
    discord.guilds[cast.TEA_HOUSE].owner_id = cast.EDDA
    assert (await scene.see(ada, shown["id"]))["status"] == "active"
    for name in WRITES:
        answer = await do(ada, shown["id"], name)
        assert (answer.status_code, answer.json()["error"]) == (403, "discord_permission_missing"), name
    assert scene.face(discord).nick == personality.name


async def test_whoever_manages_the_server_now_sees_it_in_their_list(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, drain: Drain, sign_in: Any
) -> None:
    shown = await scene.deploy(ada, personality.id)
    await drain()
    scene.promote(discord, cast.TEA_HOUSE, cast.BEN)
    ben = await sign_in("ben")
    listed = (await ben.get(scene.DEPLOYMENTS)).json()["deployments"]
    assert [each["id"] for each in listed] == [shown["id"]]
    assert (await scene.verb(ben, shown["id"], "pause")).status_code == 202


@pytest.mark.parametrize(
    "name", ["", "   ", "x" * 33, "My Discord friend", "DISCORD", "Bonnie and Clyde", "everyone", "a\nb", "\u200b"]
)
async def test_names_that_a_nick_may_not_be(
    ada: Person, personality: PersonalityTemplate, house: House, name: str
) -> None:
    answer = await scene.ask_deploy(ada, personality.id, customizations={"name": name})
    assert (answer.status_code, answer.json()["error"]) == (400, "validation_failed")
    assert list(answer.json()["details"]["fields"]) == ["customizations.name"]
    assert await scene.rows_of(house.db) == []


@pytest.mark.parametrize("name", ["x", "x" * 32, "Ünïcode ☕", "<b>bold</b>", "{{char}}"])
async def test_names_that_are_worn_as_they_are(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, drain: Drain, name: str
) -> None:
    await scene.deploy(ada, personality.id, customizations={"name": name})
    await drain()
    assert scene.face(discord).nick == name


@pytest.mark.parametrize("guild", ["0", "abc", "99999999999999999999", "-1", ""])
async def test_what_is_no_server_id(ada: Person, personality: PersonalityTemplate, guild: str) -> None:
    answer = await ada.post(f"{scene.MARKET}/personalities/{personality.id}/deploy", json={"discordGuildId": guild})
    assert (answer.status_code, answer.json()["error"]) == (400, "validation_failed")


async def test_an_unknown_personality_and_an_unknown_server(ada: Person, personality: PersonalityTemplate) -> None:
    assert (await scene.ask_deploy(ada, "nobody")).status_code == 404
    answer = await scene.ask_deploy(ada, personality.id, 123456789012345678)
    assert (answer.status_code, answer.json()["error"]) == (403, "discord_permission_missing")


async def test_one_personality_per_server(
    ada: Person, personality: PersonalityTemplate, drain: Drain, house: House
) -> None:
    first = await scene.deploy(ada, personality.id)
    for _ in range(2):  # while it moves in, and once it lives there
        answer = await scene.ask_deploy(ada, personality.id)
        assert (answer.status_code, answer.json()["error"]) == (409, "already_deployed")
        assert answer.json()["details"] == {"deploymentId": first["id"]}
        await drain()
    assert len(await scene.rows_of(house.db)) == 1


async def test_nothing_is_replaced_while_it_still_moves_in(
    ada: Person, personality: PersonalityTemplate, house: House
) -> None:
    first = await scene.deploy(ada, personality.id)
    answer = await scene.ask_deploy(ada, personality.id, replace=True)
    assert (answer.status_code, answer.json()["details"]) == (409, {"deploymentId": first["id"]})


async def test_an_idempotency_key(
    ada: Person, cleo: Person, personality: PersonalityTemplate, drain: Drain, co_manager: int, house: House
) -> None:
    first = await scene.deploy(ada, personality.id, key="k1")
    await drain()
    again = await scene.deploy(ada, personality.id, key="k1")
    assert (again["id"], again["status"]) == (first["id"], "active")
    other = await scene.ask_deploy(ada, personality.id, key="k1", channelIds=["1"])
    assert (other.status_code, other.json()["error"]) == (422, "idempotency_key_reused")
    hers = await scene.ask_deploy(cleo, personality.id, cast.TEA_HOUSE, key="k1")
    assert hers.status_code == 409  # the key is Ada's alone, the place is taken for both
    too_long = await scene.ask_deploy(ada, personality.id, key="k" * 201)
    assert (too_long.status_code, too_long.json()["error"]) == (400, "validation_failed")
    assert len(await scene.rows_of(house.db)) == 1
