"""Commands: asked by people, answered in time, or not at all."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.sandbox.conftest import QUIET, Api

from botbot.kit import clock
from botbot.sandbox import cast
from botbot.sandbox.interactions import Interaction
from botbot.sandbox.people import CannotSpeak
from botbot.sandbox.server import Sandbox

PARLOUR = cast.channel_id(cast.TEA_HOUSE, 1)
ASK = {"name": "ask", "description": "Ask", "options": [{"name": "text", "type": 3, "description": "What?"}]}
MENU = {"name": "Report this answer", "type": 3}
COMMANDS = f"/applications/{cast.APPLICATION}/commands"


@pytest.fixture
async def asked(sandbox: Sandbox, api: Api) -> AsyncIterator[Interaction]:
    heard: list[Interaction] = []
    sandbox._core.world.listen(
        lambda event, facts: heard.append(facts["interaction"]) if "interaction" in facts else None
    )
    assert (await api.call("PUT", COMMANDS, [ASK, MENU]))[0] == 200
    sandbox.discord.run_command(cast.ADA, PARLOUR, "ask", "why?")
    yield heard[0]
    clock.reset()


def callback(asked: Interaction) -> str:
    return f"/interactions/{asked.id}/{asked.token}/callback"


def original(asked: Interaction) -> str:
    return f"/webhooks/{cast.APPLICATION}/{asked.token}/messages/@original"


async def answer(api: Api, asked: Interaction, body: Any) -> Any:
    return await api.call("POST", callback(asked), body, auth="")


async def test_an_answer_at_once(sandbox: Sandbox, api: Api, asked: Interaction) -> None:
    assert asked.data["options"] == [{"name": "text", "type": 3, "value": "why?"}]
    body = {"type": 4, "data": {"content": "Because.", **QUIET}}
    assert await answer(api, asked, body) == (204, None)
    said = sandbox.discord.messages(PARLOUR)[-1]
    assert (said.content, said.interaction_name, said.only_for) == ("Because.", "ask", None)
    status, again = await answer(api, asked, body)
    assert (status, again["code"]) == (400, 40060)


async def test_defer_and_fill_in_privately(sandbox: Sandbox, api: Api, asked: Interaction) -> None:
    await answer(api, asked, {"type": 5, "data": {"flags": 64}})
    assert sandbox.discord.messages(PARLOUR)[-1].is_thinking
    clock.move(timedelta(minutes=14))
    status, _ = await api.call("PATCH", original(asked), {"content": "Because.", **QUIET}, auth="")
    assert status == 200
    said = sandbox.discord.messages(PARLOUR)[-1]
    assert (said.content, said.is_thinking, said.only_for) == ("Because.", False, cast.ADA)
    listed = (await api.call("GET", f"/channels/{PARLOUR}/messages"))[1]
    assert str(said.id) not in [each["id"] for each in listed]


async def test_the_first_follow_up_takes_the_place_of_thinking(sandbox: Sandbox, api: Api, asked: Interaction) -> None:
    await answer(api, asked, {"type": 5})
    path = f"/webhooks/{cast.APPLICATION}/{asked.token}"
    first = (await api.call("POST", path, {"content": "one", **QUIET}, auth=""))[1]
    second = (await api.call("POST", path, {"content": "two", **QUIET}, auth=""))[1]
    texts = [each.content for each in sandbox.discord.messages(PARLOUR)]
    assert texts[-2:] == ["one", "two"]
    assert first["id"] != second["id"]


async def test_too_late_for_the_first_answer(api: Api, asked: Interaction) -> None:
    clock.move(timedelta(seconds=4))
    status, body = await answer(api, asked, {"type": 5})
    assert (status, body["code"]) == (404, 10062)


async def test_too_late_to_follow_up(api: Api, asked: Interaction) -> None:
    await answer(api, asked, {"type": 5})
    clock.move(timedelta(minutes=15, seconds=1))
    status, body = await api.call("PATCH", original(asked), {"content": "x", **QUIET}, auth="")
    assert (status, body["code"]) == (401, 50027)


async def test_nonsense_is_refused(api: Api, asked: Interaction) -> None:
    assert (await answer(api, asked, {"type": 4, "data": {"content": "x" * 2001}}))[1]["code"] == 50035
    assert (await answer(api, asked, {"type": 4, "data": {}}))[1]["code"] == 50006
    assert (await answer(api, asked, {"type": 44}))[1]["code"] == 50035
    other = callback(asked).replace(asked.token, "another")
    assert (await api.call("POST", other, {"type": 5}, auth=""))[1]["code"] == 10062
    unopened = await api.call("PATCH", original(asked), {"content": "x", **QUIET}, auth="")
    assert unopened[1]["code"] == 10015


async def test_commands_keep_their_ids_and_their_rules(sandbox: Sandbox, api: Api, asked: Interaction) -> None:
    before = (await api.call("GET", COMMANDS))[1]
    after = (await api.call("PUT", COMMANDS, [{**ASK, "nsfw": True, "default_member_permissions": "32"}]))[1]
    assert after[0]["id"] == before[0]["id"]
    assert after[0]["default_member_permissions"] == "32"
    wrong: list[list[dict[str, Any]]] = [
        [ASK, ASK],
        [{**ASK, "name": "Loud Name"}],
        [{"name": "ask"}],
        [{**MENU, "description": "no"}],
        [{"name": f"Menu {number}", "type": 3} for number in range(16)],
    ]
    for commands in wrong:
        sandbox.discord.limits.clear()
        assert (await api.call("PUT", COMMANDS, commands))[1]["code"] == 50035


async def test_only_registered_commands_can_be_used(sandbox: Sandbox, asked: Interaction) -> None:
    with pytest.raises(CannotSpeak):
        sandbox.discord.run_command(cast.ADA, PARLOUR, "unknown")
    with pytest.raises(CannotSpeak):
        sandbox.discord.run_command(cast.ADA, cast.channel_id(cast.OBSERVATORY, 1), "ask")
