"""Pause, change, replace, swap back, remove."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests import factories
from tests.deployments import scene
from tests.deployments.conftest import Finish
from tests.support.people import Person

from botbot.catalog.models import PersonalityTemplate
from botbot.house import House
from botbot.sandbox.handle import DiscordHandle

Drain = Callable[[], Awaitable[None]]


@pytest.fixture
async def tenant(ada: Person, personality: PersonalityTemplate, drain: Drain) -> dict[str, Any]:
    """Atlas lives in the Tea House."""
    shown = await scene.deploy(ada, personality.id)
    await drain()
    return await scene.see(ada, shown["id"])


@pytest.fixture
async def rival(house: House) -> PersonalityTemplate:
    return await factories.add_personality(house, "Bea the Baker", opening_line="Fresh bread!")


async def statuses(house: House) -> dict[str, str]:
    return {agent.id: agent.status for agent in await scene.agents_of(house.db)}


async def test_pause_and_resume(ada: Person, tenant: dict[str, Any], house: House) -> None:
    paused = await scene.verb(ada, tenant["id"], "pause")
    assert (paused.status_code, paused.json()["status"]) == (202, "paused")
    assert await statuses(house) == {tenant["agentId"]: "paused"}
    again = await scene.verb(ada, tenant["id"], "pause")
    assert (again.status_code, again.json()["error"]) == (409, "deployment_busy")
    resumed = await scene.verb(ada, tenant["id"], "resume")
    assert (resumed.status_code, resumed.json()["status"]) == (202, "active")
    assert await statuses(house) == {tenant["agentId"]: "active"}


async def test_paused_it_still_holds_the_place(ada: Person, tenant: dict[str, Any], rival: PersonalityTemplate) -> None:
    await scene.verb(ada, tenant["id"], "pause")
    answer = await scene.ask_deploy(ada, rival.id)
    assert (answer.status_code, answer.json()["details"]) == (409, {"deploymentId": tenant["id"]})


async def test_a_new_name_is_worn_and_known(
    ada: Person, tenant: dict[str, Any], discord: DiscordHandle, drain: Drain, house: House
) -> None:
    answer = await ada.patch(f"{scene.DEPLOYMENTS}/{tenant['id']}", json={"customizations": {"name": "Professor A"}})
    assert answer.status_code == 202
    await drain()
    shown = await scene.see(ada, tenant["id"])
    assert (shown["status"], shown["customizations"]["name"]) == ("active", "Professor A")
    assert scene.face(discord).nick == "Professor A"
    assert [agent.name for agent in await scene.agents_of(house.db)] == ["Professor A"]
    assert len(scene.said_by_bot(discord)) == 1


async def test_two_changes_at_once_end_with_the_second(
    ada: Person, tenant: dict[str, Any], discord: DiscordHandle, finish: Finish
) -> None:
    for name in ("First", "Second"):
        await ada.patch(f"{scene.DEPLOYMENTS}/{tenant['id']}", json={"customizations": {"name": name}})
    assert (await finish(ada, tenant["id"]))["status"] == "active"
    assert scene.face(discord).nick == "Second"


async def test_a_version_that_is_none_is_refused(ada: Person, tenant: dict[str, Any]) -> None:
    answer = await ada.patch(f"{scene.DEPLOYMENTS}/{tenant['id']}", json={"version": 99})
    assert (answer.status_code, list(answer.json()["details"]["fields"])) == (400, ["version"])


async def test_a_refused_change_leaves_everything_as_it_was(
    ada: Person, tenant: dict[str, Any], discord: DiscordHandle, finish: Finish, house: House
) -> None:
    discord.fail("PATCH", "/guilds/*/members/@me", status=403, code=50013)
    await ada.patch(f"{scene.DEPLOYMENTS}/{tenant['id']}", json={"customizations": {"name": "Nobody"}})
    shown = await finish(ada, tenant["id"])
    assert (shown["status"], shown["failure"]["error"]) == ("active", "discord_permission_missing")
    assert shown["customizations"] == {}
    assert scene.face(discord).nick == "Atlas the Scientist"
    assert [(agent.name, agent.status) for agent in await scene.agents_of(house.db)] == [
        ("Atlas the Scientist", "active")
    ]


async def test_replace_and_swap_back(
    ada: Person,
    tenant: dict[str, Any],
    rival: PersonalityTemplate,
    discord: DiscordHandle,
    drain: Drain,
    house: House,
) -> None:
    second = await scene.deploy(ada, rival.id, replace=True)
    replaced = await scene.see(ada, tenant["id"])
    assert (replaced["status"], replaced["replacedBy"]) == ("paused", second["id"])
    await drain()
    assert scene.face(discord).nick == "Bea the Baker"
    refused = await scene.verb(ada, tenant["id"], "resume")
    assert (refused.status_code, refused.json()["error"]) == (409, "already_deployed")
    assert refused.json()["details"] == {"deploymentId": second["id"]}
    swapped = await scene.verb(ada, tenant["id"], "resume", replace=True)
    assert swapped.status_code == 202
    await drain()
    first, second = await scene.see(ada, tenant["id"]), await scene.see(ada, second["id"])
    assert (first["status"], first["replacedBy"]) == ("active", None)
    assert (second["status"], second["replacedBy"]) == ("paused", tenant["id"])
    assert scene.face(discord).nick == "Atlas the Scientist"
    assert await statuses(house) == {first["agentId"]: "active", second["agentId"]: "paused"}
    assert len(scene.said_by_bot(discord)) == 2


async def test_the_last_one_to_leave_gives_the_bot_its_own_name_back(
    ada: Person, tenant: dict[str, Any], rival: PersonalityTemplate, discord: DiscordHandle, drain: Drain
) -> None:
    second = await scene.deploy(ada, rival.id, replace=True)
    await drain()
    await ada.delete(f"{scene.DEPLOYMENTS}/{tenant['id']}")
    await drain()
    assert (await scene.see(ada, tenant["id"]))["status"] == "removed"
    assert scene.face(discord).nick == "Bea the Baker"
    await ada.delete(f"{scene.DEPLOYMENTS}/{second['id']}")
    await drain()
    assert scene.is_bare(discord)


@pytest.mark.parametrize("was", ["active", "paused"])
async def test_a_replacement_that_fails_brings_the_first_one_back_as_it_was(
    ada: Person,
    tenant: dict[str, Any],
    rival: PersonalityTemplate,
    discord: DiscordHandle,
    finish: Finish,
    house: House,
    was: str,
) -> None:
    if was == "paused":
        await scene.verb(ada, tenant["id"], "pause")
    discord.fail("PATCH", "/guilds/*/members/@me", status=403, code=50013)
    second = await scene.deploy(ada, rival.id, replace=True)
    assert (await finish(ada, second["id"]))["status"] == "rolled_back"
    first = await scene.see(ada, tenant["id"])
    assert (first["status"], first["replacedBy"]) == (was, None)
    assert scene.face(discord).nick == "Atlas the Scientist"
    assert await statuses(house) == {tenant["agentId"]: was}


async def test_a_return_that_fails_can_be_repeated(
    ada: Person, tenant: dict[str, Any], rival: PersonalityTemplate, discord: DiscordHandle, finish: Finish
) -> None:
    """The newcomer left, the replaced one comes back, and Discord refuses once."""
    second = await scene.deploy(ada, rival.id, replace=True)
    await finish(ada, second["id"])
    await ada.delete(f"{scene.DEPLOYMENTS}/{second['id']}")
    await finish(ada, second["id"])
    discord.fail("PATCH", "/guilds/*/members/@me", status=403, code=50013)
    await scene.verb(ada, tenant["id"], "resume")
    assert (await finish(ada, tenant["id"]))["status"] == "paused"
    assert scene.is_bare(discord)
    await scene.verb(ada, tenant["id"], "resume")
    assert (await finish(ada, tenant["id"]))["status"] == "active"
    assert scene.face(discord).nick == "Atlas the Scientist"


async def test_remove_restores_the_profile(
    ada: Person, tenant: dict[str, Any], discord: DiscordHandle, drain: Drain, house: House
) -> None:
    answer = await ada.delete(f"{scene.DEPLOYMENTS}/{tenant['id']}")
    assert answer.status_code == 202
    await drain()
    assert (await scene.see(ada, tenant["id"]))["status"] == "removed"
    assert scene.is_bare(discord)
    assert await scene.agents_of(house.db) == []
    again = await ada.delete(f"{scene.DEPLOYMENTS}/{tenant['id']}")
    assert (again.status_code, again.json()["status"]) == (202, "removed")


async def test_remove_where_the_bot_was_thrown_out(
    ada: Person, tenant: dict[str, Any], discord: DiscordHandle, finish: Finish
) -> None:
    from botbot.sandbox import cast, membership

    membership.leave(discord._core.world, discord.guilds[cast.TEA_HOUSE])
    await ada.delete(f"{scene.DEPLOYMENTS}/{tenant['id']}")
    assert (await finish(ada, tenant["id"]))["status"] == "removed"


async def test_remove_while_it_still_waits_for_its_invitation(ada: Person, personality: PersonalityTemplate) -> None:
    from botbot.sandbox import cast

    waiting = await scene.deploy(ada, personality.id, cast.CLOCKWORK_GARDEN)
    answer = await ada.delete(f"{scene.DEPLOYMENTS}/{waiting['id']}")
    assert (answer.status_code, answer.json()["status"]) == (202, "removed")


async def test_another_manager_may_change_it_after_its_creator_left(
    ada: Person,
    cleo: Person,
    tenant: dict[str, Any],
    discord: DiscordHandle,
    co_manager: int,
    finish: Finish,
) -> None:
    """Whoever manages the server now decides; what the creator was once doesn't matter."""
    from botbot.sandbox import cast

    home = discord.guilds[cast.TEA_HOUSE]
    home.owner_id = cast.EDDA
    assert (await scene.verb(ada, tenant["id"], "pause")).status_code == 403
    answer = await cleo.patch(f"{scene.DEPLOYMENTS}/{tenant['id']}", json={"customizations": {"name": "Tidy"}})
    assert answer.status_code == 202, answer.text
    shown = await finish(cleo, tenant["id"])
    assert (shown["status"], shown["failure"]) == ("active", None)
    assert scene.face(discord).nick == "Tidy"
