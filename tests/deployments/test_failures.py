"""Discord refuses, limits, stumbles, or does it and doesn't say so. In the end there is one of everything or nothing,
and what is shown is true."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests import factories
from tests.conftest import MakeSite
from tests.deployments import scene
from tests.deployments.conftest import Finish
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person

from botbot.catalog.models import PersonalityTemplate
from botbot.house import House
from botbot.jobs.engine import UNDO_ATTEMPTS
from botbot.kit import clock
from botbot.sandbox import cast, permissions
from botbot.sandbox.handle import DiscordHandle

pytestmark = MOSTLY_SQLITE
Drain = Callable[[], Coroutine[Any, Any, None]]
PROFILE = ("PATCH", "/guilds/*/members/@me")
GUILD = ("GET", f"/guilds/{cast.TEA_HOUSE}")
MEMBER = ("GET", "/guilds/*/members/*")
CHANNELS = ("GET", "/guilds/*/channels")
SPEAK = ("POST", "/channels/*/messages")
LOST: dict[str, dict[str, Any]] = {
    "502": {"status": 502},
    "reset": {"reset": True},
    "truncated": {"truncate": True},
    "page": {"status": 200, "body": "<!doctype html><title>Oh</title>", "content_type": "text/html"},
    "silence": {"hang": 0.2},
}
"""Ways to lose an answer."""


async def assert_nothing_left(discord: DiscordHandle, house: House) -> None:
    assert scene.is_bare(discord), scene.face(discord)
    assert scene.said_by_bot(discord) == []
    assert await scene.agents_of(house.db) == []
    assert await scene.live_rows(house.db) == []


# Refusals in the middle


@pytest.mark.parametrize(
    ("call", "skip", "status", "code", "error"),
    [
        (PROFILE, 0, 403, 50013, "discord_permission_missing"),
        (PROFILE, 0, 404, 10004, "discord_not_found"),
        (PROFILE, 0, 400, 50035, "discord_refused"),
        (PROFILE, 0, 400, 30007, "discord_refused"),
        (PROFILE, 0, 401, 0, "discord_refused"),
        (GUILD, 0, 404, 10004, "discord_not_found"),
        (GUILD, 0, 403, 50001, "discord_not_found"),
        (MEMBER, 1, 404, 10007, "discord_not_found"),
        (MEMBER, 2, 403, 50013, "discord_permission_missing"),
    ],
)
async def test_a_refusal_rolls_everything_back(
    ada: Person,
    personality: PersonalityTemplate,
    discord: DiscordHandle,
    drain: Drain,
    house: House,
    call: tuple[str, str],
    skip: int,
    status: int,
    code: int,
    error: str,
) -> None:
    """F4: typed, and at once."""
    shown = await scene.deploy(ada, personality.id)
    discord.fail(*call, status=status, code=code, skip=skip)
    await drain()
    shown = await scene.see(ada, shown["id"])
    assert (shown["status"], shown["failure"]["error"]) == ("rolled_back", error)
    assert shown["failure"]["message"]
    await assert_nothing_left(discord, house)


async def test_a_permission_that_is_really_taken_away_is_named(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, drain: Drain, house: House
) -> None:
    shown = await scene.deploy(ada, personality.id)
    scene.take_from_bot(discord, permissions.CHANGE_NICKNAME)
    await drain()
    shown = await scene.see(ada, shown["id"])
    assert (shown["status"], shown["failure"]["error"]) == ("rolled_back", "discord_permission_missing")
    assert shown["failure"]["details"]["missing"] == ["CHANGE_NICKNAME"]
    await assert_nothing_left(discord, house)


async def test_what_was_rolled_back_can_be_tried_again(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, finish: Finish
) -> None:
    discord.fail(*PROFILE, status=403, code=50013)
    shown = await scene.deploy(ada, personality.id)
    assert (await finish(ada, shown["id"]))["status"] == "rolled_back"
    again = await scene.verb(ada, shown["id"], "retry")
    assert (again.status_code, again.json()["status"], again.json()["failure"]) == (202, "queued", None)
    assert (await finish(ada, shown["id"]))["status"] == "active"
    assert len(scene.said_by_bot(discord)) == 1


@pytest.mark.parametrize("code", [50013, 50001])
async def test_a_greeting_that_is_refused_is_left_out(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, drain: Drain, code: int
) -> None:
    discord.fail(*SPEAK, status=403, code=code)
    shown = await scene.deploy(ada, personality.id)
    await drain()
    shown = await scene.see(ada, shown["id"])
    hello = scene.step(shown, "say_hello")
    assert (shown["status"], hello["status"]) == ("active", "skipped")
    assert hello["note"]


# Limits


@pytest.mark.parametrize(
    ("call", "skip", "name"),
    [
        (GUILD, 0, "check_rights"),
        (MEMBER, 0, "check_rights"),
        (MEMBER, 2, "set_profile"),
        (PROFILE, 0, "set_profile"),
        (PROFILE, 1, "set_avatar"),
        (CHANNELS, 0, "say_hello"),
        (SPEAK, 0, "say_hello"),
    ],
)
async def test_a_limit_is_shown_kept_and_blocks_nobody_else(
    ada: Person,
    personality: PersonalityTemplate,
    discord: DiscordHandle,
    drain: Drain,
    call: tuple[str, str],
    skip: int,
    name: str,
) -> None:
    """F3: told with a time, no further call before it, and the neighbours go on."""
    scene.install_bot(discord, cast.CLOCKWORK_GARDEN)
    shown = await scene.deploy(ada, personality.id)
    discord.fail(*call, retry_after=1337, skip=skip)
    await drain()
    shown = await scene.see(ada, shown["id"])
    is_optional = name in {"set_avatar", "say_hello"}
    assert shown["status"] == ("active" if is_optional else "running")
    waiting = scene.step(shown, name)
    assert waiting["status"] == "waiting"
    wait = datetime.fromisoformat(waiting["retryAt"]) - clock.now()
    assert timedelta(seconds=1320) < wait < timedelta(seconds=1338)
    asked = len(discord.calls)
    await drain()
    assert len(discord.calls) == asked
    other = await scene.deploy(ada, personality.id, cast.CLOCKWORK_GARDEN)
    await drain()
    assert (await scene.see(ada, other["id"]))["status"] == "active"
    assert discord.limits.invalid_requests <= 5


@pytest.mark.parametrize(("call", "skip"), [(GUILD, 0), (MEMBER, 2), (PROFILE, 0), (PROFILE, 1), (SPEAK, 0)])
async def test_after_the_limit_it_goes_on(
    ada: Person,
    personality: PersonalityTemplate,
    discord: DiscordHandle,
    drain: Drain,
    call: tuple[str, str],
    skip: int,
) -> None:
    shown = await scene.deploy(ada, personality.id)
    discord.fail(*call, retry_after=2.2, skip=skip)
    await drain()
    await asyncio.sleep(2.3)
    await drain()
    shown = await scene.see(ada, shown["id"])
    assert (shown["status"], {step["status"] for step in shown["steps"]}) == ("active", {"done"})
    assert len(scene.said_by_bot(discord)) == 1
    assert scene.face(discord).avatar is not None


async def test_the_quota_of_pictures_never_fails_a_deployment(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, drain: Drain, tick: Callable[..., None]
) -> None:
    discord.switches.avatar_changes = 0
    shown = await scene.deploy(ada, personality.id)
    await drain()
    shown = await scene.see(ada, shown["id"])
    picture = scene.step(shown, "set_avatar")
    assert (shown["status"], picture["status"]) == ("active", "waiting")
    assert datetime.fromisoformat(picture["retryAt"]) > clock.now()
    assert scene.face(discord).avatar is None
    discord.switches.avatar_changes = 1
    tick(minutes=11)
    await drain()
    assert scene.step(await scene.see(ada, shown["id"]), "set_avatar")["status"] == "done"
    assert scene.face(discord).avatar is not None


async def test_a_quota_that_never_ends_is_left_at_last(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, drain: Drain, tick: Callable[..., None]
) -> None:
    discord.limits.is_enabled = False
    discord.switches.avatar_changes = 0
    shown = await scene.deploy(ada, personality.id)
    for _ in range(14):
        await drain()
        tick(minutes=11)
    shown = await scene.see(ada, shown["id"])
    assert (shown["status"], scene.step(shown, "set_avatar")["status"]) == ("active", "skipped")
    tried = [call for call in discord.calls_to(*PROFILE) if "avatar" in call.json]
    assert 6 <= len(tried) <= 12


async def test_while_a_picture_waits_it_can_be_removed(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, finish: Finish, drain: Drain
) -> None:
    discord.switches.avatar_changes = 0
    shown = await scene.deploy(ada, personality.id)
    await drain()
    discord.switches.avatar_changes = None
    await ada.delete(f"{scene.DEPLOYMENTS}/{shown['id']}")
    assert (await finish(ada, shown["id"]))["status"] == "removed"
    assert scene.is_bare(discord)


# Lost answers


@pytest.mark.parametrize("way", LOST)
@pytest.mark.parametrize(
    ("call", "skip"), [(PROFILE, 0), (PROFILE, 1), (SPEAK, 0)], ids=["profile", "picture", "greeting"]
)
@pytest.mark.parametrize("after_effect", [True, pytest.param(False, marks=pytest.mark.long)], ids=["after", "before"])
async def test_moving_in_with_a_lost_answer(
    ada: Person,
    personality: PersonalityTemplate,
    discord: DiscordHandle,
    finish: Finish,
    house: House,
    call: tuple[str, str],
    skip: int,
    way: str,
    after_effect: bool,
) -> None:
    """F2: one of everything, whether or not the call had done its work."""
    discord.fail(*call, skip=skip, after_effect=after_effect, **LOST[way])
    shown = await scene.deploy(ada, personality.id)
    shown = await finish(ada, shown["id"])
    assert (shown["status"], {step["status"] for step in shown["steps"]}) == ("active", {"done"})
    assert len(scene.said_by_bot(discord)) == 1
    assert len(await scene.agents_of(house.db)) == 1
    worn = scene.face(discord)
    assert worn.nick == personality.name
    assert worn.avatar is not None


@pytest.mark.parametrize("way", LOST)
@pytest.mark.parametrize("skip", [0, 1], ids=["profile", "picture"])
async def test_moving_out_with_a_lost_answer(
    ada: Person,
    personality: PersonalityTemplate,
    discord: DiscordHandle,
    finish: Finish,
    way: str,
    skip: int,
) -> None:
    shown = await scene.deploy(ada, personality.id)
    await finish(ada, shown["id"])
    discord.fail(*PROFILE, skip=skip, after_effect=True, **LOST[way])
    await ada.delete(f"{scene.DEPLOYMENTS}/{shown['id']}")
    assert (await finish(ada, shown["id"]))["status"] == "removed"
    assert scene.is_bare(discord)


async def test_discord_is_down_for_good(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, finish: Finish, house: House
) -> None:
    """It did put the name on, six times, and never said so. The undo gets through."""
    discord.fail(*PROFILE, status=500, times=6, after_effect=True)
    shown = await scene.deploy(ada, personality.id)
    shown = await finish(ada, shown["id"])
    assert (shown["status"], shown["failure"]["error"]) == ("rolled_back", "discord_unavailable")
    await assert_nothing_left(discord, house)


# Turning round, and undos that fail


async def test_removed_while_it_says_hello(
    ada: Person,
    personality: PersonalityTemplate,
    discord: DiscordHandle,
    drain: Drain,
    finish: Finish,
    house: House,
) -> None:
    """The greeting was posted, nobody told us, and it is taken back all the same."""

    def it_was_said() -> None:
        assert len(scene.said_by_bot(discord)) == 1

    shown = await _stopped_in_its_greeting(ada, personality, discord, drain, it_was_said)
    assert (await finish(ada, shown["id"]))["status"] == "rolled_back"
    await assert_nothing_left(discord, house)


async def _stopped_in_its_greeting(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, drain: Drain, then: Callable[[], None]
) -> dict[str, Any]:
    """Its creator removes it while the answer to its greeting is on the way; `then` happens before the undo begins."""
    hold = discord.fail(*SPEAK, hang=0.5, after_effect=True)
    shown = await scene.deploy(ada, personality.id)
    working = asyncio.create_task(drain())
    while not hold.hits:
        await asyncio.sleep(0.01)
    answer = await ada.delete(f"{scene.DEPLOYMENTS}/{shown['id']}")
    assert (answer.status_code, answer.json()["status"]) == (202, "rolling_back")
    then()
    await working
    return shown


async def test_an_undo_that_fails_is_repeated(
    ada: Person,
    personality: PersonalityTemplate,
    discord: DiscordHandle,
    drain: Drain,
    finish: Finish,
    house: House,
) -> None:
    def trouble() -> None:
        discord.fail(*PROFILE, status=500, times=3)
        discord.fail("DELETE", "/channels/*/messages/*", status=502, after_effect=True)

    shown = await _stopped_in_its_greeting(ada, personality, discord, drain, trouble)
    assert (await finish(ada, shown["id"]))["status"] == "rolled_back"
    await assert_nothing_left(discord, house)


async def test_an_undo_that_never_works_asks_for_a_person(
    ada: Person,
    personality: PersonalityTemplate,
    discord: DiscordHandle,
    drain: Drain,
    finish: Finish,
    house: House,
    make_site: MakeSite,
) -> None:
    """F5: it says what is left, holds the place, and `retry` goes on with the undo."""

    def trouble() -> None:
        discord.fail(*PROFILE, status=500, times=10_000)

    shown = await _stopped_in_its_greeting(ada, personality, discord, drain, trouble)
    shown = await finish(ada, shown["id"])
    assert shown["status"] == "needs_attention"
    assert "set_profile" in shown["failure"]["details"]["leftover"]
    tried = [call for call in discord.calls_to(*PROFILE) if call.status == 500]
    assert len(tried) == UNDO_ATTEMPTS
    taken = await scene.ask_deploy(ada, personality.id)
    assert (taken.status_code, taken.json()["details"]) == (409, {"deploymentId": shown["id"]})
    discord.clear_failures()
    again = await scene.verb(ada, shown["id"], "retry")
    assert (again.status_code, again.json()["status"]) == (202, "rolling_back")
    # Another process goes on: this one has spent what Discord allows in ten seconds.
    await (await make_site()).drain()
    assert (await scene.see(ada, shown["id"]))["status"] == "rolled_back"
    await assert_nothing_left(discord, house)


async def test_what_is_stuck_can_be_removed(
    ada: Person,
    personality: PersonalityTemplate,
    discord: DiscordHandle,
    drain: Drain,
    finish: Finish,
    house: House,
) -> None:
    """Everything goes that was still there: also the greeting and the name that came from nowhere."""

    def trouble() -> None:
        discord.fail("DELETE", "/channels/*/messages/*", status=500, times=10_000)

    shown = await _stopped_in_its_greeting(ada, personality, discord, drain, trouble)
    assert (await finish(ada, shown["id"]))["status"] == "needs_attention"
    discord.clear_failures()
    assert (await ada.delete(f"{scene.DEPLOYMENTS}/{shown['id']}")).status_code == 202
    assert (await finish(ada, shown["id"]))["status"] in {"removed", "rolled_back"}
    await assert_nothing_left(discord, house)


async def test_what_is_stuck_keeps_its_leftovers_when_another_one_moves_in(
    ada: Person,
    personality: PersonalityTemplate,
    discord: DiscordHandle,
    drain: Drain,
    finish: Finish,
    house: House,
) -> None:
    """Replaced, and then removed: its greeting goes, the other one's face stays."""

    def trouble() -> None:
        discord.fail("DELETE", "/channels/*/messages/*", status=500, times=10_000)

    shown = await _stopped_in_its_greeting(ada, personality, discord, drain, trouble)
    assert (await finish(ada, shown["id"]))["status"] == "needs_attention"
    discord.clear_failures()
    rival = await factories.add_personality(house, "Bea the Baker", opening_line="Fresh bread!")
    second = await scene.deploy(ada, rival.id, replace=True)
    assert (await finish(ada, second["id"]))["status"] == "active"
    assert len(scene.said_by_bot(discord)) == 2
    assert (await ada.delete(f"{scene.DEPLOYMENTS}/{shown['id']}")).status_code == 202
    assert (await finish(ada, shown["id"]))["status"] == "removed"
    assert len(scene.said_by_bot(discord)) == 1
    assert scene.face(discord).nick == "Bea the Baker"


async def test_moving_out_that_is_refused_asks_for_a_person(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, finish: Finish, house: House
) -> None:
    shown = await scene.deploy(ada, personality.id)
    await finish(ada, shown["id"])
    discord.fail(*PROFILE, status=403, code=50013)
    await ada.delete(f"{scene.DEPLOYMENTS}/{shown['id']}")
    shown = await finish(ada, shown["id"])
    assert (shown["status"], shown["failure"]["error"]) == ("needs_attention", "discord_permission_missing")
    assert await scene.agents_of(house.db) == []
    assert (await scene.verb(ada, shown["id"], "retry")).status_code == 202
    assert (await finish(ada, shown["id"]))["status"] == "removed"
    assert scene.is_bare(discord)


async def test_removed_while_a_change_is_being_taken_back(
    ada: Person,
    personality: PersonalityTemplate,
    discord: DiscordHandle,
    finish: Finish,
    drain: Drain,
    tick: Callable[..., None],
) -> None:
    """Two sagas must not fight over one profile: the removal has the last word."""
    shown = await scene.deploy(ada, personality.id)
    await finish(ada, shown["id"])
    discord.fail(*PROFILE, status=403, code=50013)
    discord.fail(*PROFILE, status=500)
    address = f"{scene.DEPLOYMENTS}/{shown['id']}"
    await ada.patch(address, json={"customizations": {"name": "Never"}})
    await drain()
    busy = await ada.patch(address, json={"customizations": {"name": "Nor this"}})
    assert (busy.status_code, busy.json()["error"]) == (409, "deployment_busy")
    await ada.delete(address)
    assert (await finish(ada, shown["id"]))["status"] == "removed"
    tick(minutes=5)
    await drain()
    assert scene.is_bare(discord)


async def test_a_replacement_with_lost_answers_leaves_one_tenant(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, finish: Finish, house: House
) -> None:
    rival = await factories.add_personality(house, "Bea the Baker", opening_line="Fresh bread!")
    first = await scene.deploy(ada, personality.id)
    await finish(ada, first["id"])
    for skip in (0, 1):
        discord.fail(*PROFILE, skip=skip, status=502, after_effect=True)
    discord.fail(*SPEAK, reset=True, after_effect=True)
    second = await scene.deploy(ada, rival.id, replace=True)
    assert (await finish(ada, second["id"]))["status"] == "active"
    assert scene.face(discord).nick == "Bea the Baker"
    assert len(scene.said_by_bot(discord)) == 2
    assert [row.id for row in await scene.live_rows(house.db)] == [second["id"]]
