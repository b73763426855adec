"""Who may do what: the arithmetic, and the refusals it leads to."""

from typing import Any

import pytest
from tests.sandbox.conftest import QUIET, Api

from botbot.sandbox import cast
from botbot.sandbox import permissions as may
from botbot.sandbox.server import Sandbox
from botbot.sandbox.world import Channel, Guild, Member, Overwrite, Role

OWNER, MEMBER, GUILD = 1, 2, 10
PARLOUR, RULES = cast.channel_id(cast.TEA_HOUSE, 1), cast.channel_id(cast.TEA_HOUSE, 4)
OWLS = cast.channel_id(cast.NIGHT_OWLS, 1)


def a_guild(everyone: int, role: int = 0) -> Guild:
    when = cast.fresh_state().guilds[cast.TEA_HOUSE].members[cast.ADA].joined_at
    guild = Guild(GUILD, "Here", OWNER, roles=[Role(GUILD, "@everyone", everyone), Role(11, "role", role)])
    guild.members = {OWNER: Member(OWNER, when), MEMBER: Member(MEMBER, when, [11])}
    return guild


def test_owner_and_administrator_may_everything() -> None:
    room = Channel(5, GUILD, "room", overwrites=[Overwrite(GUILD, deny=may.EVERYTHING)])
    assert may.in_channel(a_guild(0), OWNER, room) == may.EVERYTHING
    assert may.in_channel(a_guild(0, may.ADMINISTRATOR), MEMBER, room) == may.EVERYTHING


def test_a_stranger_may_nothing() -> None:
    assert may.in_guild(a_guild(may.TALK), 99) == 0


@pytest.mark.parametrize(
    ("overwrites", "may_send"),
    [
        ([], True),
        ([Overwrite(GUILD, deny=may.SEND_MESSAGES)], False),
        ([Overwrite(GUILD, deny=may.SEND_MESSAGES), Overwrite(11, allow=may.SEND_MESSAGES)], True),
        ([Overwrite(11, allow=may.SEND_MESSAGES), Overwrite(MEMBER, 1, deny=may.SEND_MESSAGES)], False),
        ([Overwrite(11, deny=may.SEND_MESSAGES), Overwrite(MEMBER, 1, allow=may.SEND_MESSAGES)], True),
        ([Overwrite(GUILD, deny=may.VIEW_CHANNEL)], False),
    ],
)
def test_overwrites_apply_from_everyone_to_role_to_member(overwrites: list[Overwrite], may_send: bool) -> None:
    room = Channel(5, GUILD, "room", overwrites=overwrites)
    assert bool(may.in_channel(a_guild(may.TALK), MEMBER, room) & may.SEND_MESSAGES) is may_send


async def test_the_bot_is_where_the_story_says(sandbox: Sandbox) -> None:
    guilds = sandbox.discord.guilds.values()
    assert [each.id for each in guilds if cast.BOT in each.members] == [cast.TEA_HOUSE, cast.NIGHT_OWLS]
    tea_house, owls = sandbox.discord.guilds[cast.TEA_HOUSE], sandbox.discord.guilds[cast.NIGHT_OWLS]
    assert may.in_guild(tea_house, cast.BOT) & may.CHANNEL_MODE == may.CHANNEL_MODE
    assert not may.in_guild(owls, cast.BOT) & may.CHANGE_NICKNAME
    managed = {
        user: [each.id for each in guilds if may.may_manage(each, user)] for user in (cast.ADA, cast.BEN, cast.CLEO)
    }
    assert managed == {
        cast.ADA: [cast.TEA_HOUSE, cast.CLOCKWORK_GARDEN, cast.NIGHT_OWLS],
        cast.BEN: [],
        cast.CLEO: [cast.OBSERVATORY],
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "refusal"),
    [
        ("POST", f"/channels/{RULES}/messages", {"content": "hi", **QUIET}, (403, 50013)),
        ("POST", f"/channels/{RULES}/typing", None, (403, 50013)),
        ("POST", f"/channels/{RULES}/webhooks", {"name": "x"}, (403, 50013)),
        ("POST", "/channels/1/messages", {"content": "hi", **QUIET}, (404, 10003)),
        (
            "POST",
            f"/channels/{cast.channel_id(cast.OBSERVATORY, 1)}/messages",
            {"content": "hi", **QUIET},
            (403, 50001),
        ),
        ("POST", f"/channels/{OWLS}/webhooks", {"name": "x"}, (403, 50013)),
        ("PATCH", f"/guilds/{cast.NIGHT_OWLS}/members/@me", {"nick": "x"}, (403, 50013)),
        ("PATCH", f"/guilds/{cast.OBSERVATORY}/members/@me", {"nick": "x"}, (404, 10004)),
        ("GET", f"/guilds/{cast.OBSERVATORY}", None, (404, 10004)),
        ("GET", "/guilds/x", None, (400, 50035)),
        ("GET", f"/guilds/{cast.TEA_HOUSE}/members/1", None, (404, 10013)),
        ("GET", f"/guilds/{cast.TEA_HOUSE}/members/{cast.EDDA}", None, (404, 10007)),
        ("GET", f"/guilds/{cast.NIGHT_OWLS}/webhooks", None, (403, 50013)),
        ("GET", "/webhooks/1", None, (404, 10015)),
        ("DELETE", f"/channels/{PARLOUR}/messages/1", None, (404, 10008)),
        ("DELETE", f"/users/@me/guilds/{cast.OBSERVATORY}", None, (404, 10004)),
        ("PUT", "/applications/1/commands", [], (404, 10002)),
        ("GET", "/nowhere", None, (404, 0)),
    ],
)
async def test_refusals(api: Api, method: str, path: str, body: Any, refusal: tuple[int, int]) -> None:
    status, answer = await api.call(method, path, body)
    assert (status, answer["code"]) == refusal
    assert isinstance(answer["message"], str)


async def test_a_hidden_channel_is_missing_access(sandbox: Sandbox, api: Api) -> None:
    kitchen = sandbox.discord.channel(cast.TEA_HOUSE, "kitchen")
    kitchen.overwrites.append(Overwrite(cast.BOT, 1, deny=may.VIEW_CHANNEL))
    assert (await api.say(kitchen.id, "hi"))[1]["code"] == 50001


async def test_replying_needs_the_history(sandbox: Sandbox, api: Api) -> None:
    asked = sandbox.discord.post_message(cast.ADA, OWLS, "hello")
    reference = {"message_id": str(asked.id)}
    assert (await api.say(OWLS, "hi", message_reference=reference))[1]["code"] == 160002
    assert (await api.call("GET", f"/channels/{OWLS}/messages"))[1] == []
    assert (await api.call("GET", f"/channels/{OWLS}/messages/{asked.id}"))[1]["code"] == 50013


async def test_starred_rights_need_the_owners_second_factor(sandbox: Sandbox, api: Api) -> None:
    sandbox.discord.guilds[cast.TEA_HOUSE].requires_2fa = True
    sandbox.discord.switches.owner_has_2fa = False
    status, body = await api.call("POST", f"/channels/{PARLOUR}/webhooks", {"name": "x"})
    assert (status, body["code"]) == (403, 60003)


async def test_people_may_not_write_everywhere_either(sandbox: Sandbox) -> None:
    from botbot.sandbox.people import CannotSpeak

    with pytest.raises(CannotSpeak):
        sandbox.discord.post_message(cast.BEN, RULES, "first!")
    assert sandbox.discord.post_message(cast.ADA, RULES, "the owner may").content == "the owner may"


async def test_another_ones_message_is_not_to_be_edited(sandbox: Sandbox, api: Api) -> None:
    said = sandbox.discord.post_message(cast.ADA, PARLOUR, "mine")
    status, body = await api.call("PATCH", f"/channels/{PARLOUR}/messages/{said.id}", {"content": "no", **QUIET})
    assert (status, body["code"]) == (403, 50005)


@pytest.mark.parametrize("auth", ["", "Bot wrong", "Bearer wrong", "wrong", "Bot"])
async def test_the_token_is_checked(api: Api, auth: str) -> None:
    assert await api.call("GET", f"/guilds/{cast.TEA_HOUSE}", auth=auth) == (
        401,
        {"message": "401: Unauthorized", "code": 0},
    )


@pytest.mark.parametrize("agent", ["curl/8", "Mozilla/5.0"])
async def test_a_bot_says_what_it_is(api: Api, agent: str) -> None:
    status, body = await api.call("GET", "/users/@me", headers={"User-Agent": agent})
    assert (status, body["code"]) == (403, 40333)
