"""What may be said, how it is kept, and who gets to read it."""

from typing import Any

import pytest
from tests.sandbox.conftest import QUIET, Api

from botbot.sandbox import cast
from botbot.sandbox.server import Sandbox

PARLOUR = cast.channel_id(cast.TEA_HOUSE, 1)
PATH = f"/channels/{PARLOUR}/messages"
PNG = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def first_error(body: dict[str, Any], field: str) -> str:
    code: str = body["errors"][field]["_errors"][0]["code"]
    return code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"content": ""}, 50006),
        ({"content": "   \n"}, 50006),
        ({}, 50006),
        ({"content": "x" * 2001}, 50035),
        ({"content": 5}, 50035),
        ({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}, 50035),
        ({"content": "x", "message_reference": {"message_id": "1"}}, 50035),
        ({"content": "x", "nonce": "n" * 26}, 50035),
        ([1], 50035),
    ],
)
async def test_what_discord_refuses_is_refused(sandbox: Sandbox, api: Api, body: Any, code: int) -> None:
    status, answer = await api.call("POST", PATH, body)
    assert (status, answer["code"]) == (400, code)
    assert all(each.author_id != cast.BOT for each in sandbox.discord.messages(PARLOUR))


async def test_two_thousand_code_points_pass(sandbox: Sandbox, api: Api) -> None:
    assert (await api.say(PARLOUR, "😀" * 2000))[0] == 200
    assert sandbox.discord.violations == []


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ({"content": "x"}, "allowed_mentions"),
        ({"content": "x", "allowed_mentions": {"parse": ["users"]}}, "allowed_mentions"),
        ({"content": "x", **QUIET, "reply_to": 1}, "unknown field"),
        ({"content": "x", **QUIET, "flags": 1 << 1}, "flags"),
    ],
)
async def test_what_a_careful_bot_never_sends_is_noted(
    sandbox: Sandbox, api: Api, body: dict[str, Any], rule: str
) -> None:
    assert (await api.call("POST", PATH, body))[0] == 200
    assert [rule in each.rule for each in sandbox.discord.violations] == [True]
    assert not sandbox.discord.violations[0].is_refused


async def test_a_refused_body_is_noted_too(sandbox: Sandbox, api: Api) -> None:
    await api.call("PATCH", f"/guilds/{cast.TEA_HOUSE}/members/@me", {"nick": "x" * 33, "bio": 5})
    assert [each.is_refused for each in sandbox.violations] == [True]


async def test_broken_json_and_wrong_types(api: Api) -> None:
    for data, kind, code in (
        (b"{", "application/json", 50109),
        (b"[" * 9000, "application/json", 50109),
        (b"x", "text/plain", 50035),
    ):
        status, body = await api.call("POST", PATH, data=data, headers={"Content-Type": kind})
        assert (status, body["code"]) == (400, code)


async def test_a_nonce_is_answered_once(sandbox: Sandbox, api: Api) -> None:
    first = (await api.say(PARLOUR, "once", nonce="7", enforce_nonce=True))[1]
    again = (await api.say(PARLOUR, "twice", nonce="7", enforce_nonce=True))[1]
    assert (again["id"], again["content"]) == (first["id"], "once")
    assert (await api.say(PARLOUR, "three", nonce="7"))[1]["id"] != first["id"], "only when it is enforced"


async def test_mentions_ping_only_whom_they_may(api: Api) -> None:
    text = f"<@{cast.ADA}> and <@!{cast.BEN}>"
    assert (await api.say(PARLOUR, text))[1]["mentions"] == []
    one = await api.call("POST", PATH, {"content": text, "allowed_mentions": {"parse": [], "users": [str(cast.BEN)]}})
    assert [each["username"] for each in one[1]["mentions"]] == ["ben"]
    every = await api.call("POST", PATH, {"content": text})
    assert [each["username"] for each in every[1]["mentions"]] == ["ada", "ben"]


async def test_an_edit_without_the_field_is_parsed_with_the_defaults_again(api: Api) -> None:
    message = (await api.say(PARLOUR, f"<@{cast.ADA}>"))[1]
    edited = (await api.call("PATCH", f"{PATH}/{message['id']}", {"content": f"<@{cast.ADA}>!"}))[1]
    assert [each["username"] for each in edited["mentions"]] == ["ada"]
    assert edited["edited_timestamp"]


async def test_a_reply_pings_its_author_unless_told_not_to(sandbox: Sandbox, api: Api) -> None:
    asked = sandbox.discord.post_message(cast.ADA, PARLOUR, "hello", mention_bot=True)
    reference = {"message_reference": {"message_id": asked.id}}  # a number, as discord.py sends it
    quiet = (await api.say(PARLOUR, "hi", **reference))[1]
    assert quiet["mentions"] == []
    assert quiet["type"] == 19
    assert quiet["referenced_message"]["id"] == str(asked.id)
    loud = await api.call(
        "POST", PATH, {"content": "hi", "allowed_mentions": {"parse": [], "replied_user": True}, **reference}
    )
    assert [each["username"] for each in loud[1]["mentions"]] == ["ada"]
    gone = {"message_reference": {"message_id": "1", "fail_if_not_exists": False}}
    assert "message_reference" not in (await api.say(PARLOUR, "hi", **gone))[1]


async def test_reading_is_blank_where_nobody_spoke_to_the_bot(sandbox: Sandbox, api: Api) -> None:
    sandbox.discord.post_message(cast.BEN, PARLOUR, "a secret")
    meant = sandbox.discord.post_message(cast.BEN, PARLOUR, "hello @botbot")
    await api.say(PARLOUR, "mine")
    newest = (await api.call("GET", PATH, params={"limit": "3"}))[1]
    assert [each["content"] for each in newest] == ["mine", f"hello <@{cast.BOT}>", ""]
    older = (await api.call("GET", PATH, params={"before": str(meant.id), "limit": "1"}))[1]
    assert [each["content"] for each in older] == [""]
    sandbox.discord.switches.message_content = True
    assert (await api.call("GET", PATH, params={"limit": "3"}))[1][2]["content"] == "a secret"


async def test_only_ping_replies_to_ordinary_messages_are_meant_for_the_bot(sandbox: Sandbox, api: Api) -> None:
    own = (await api.say(PARLOUR, "ask me"))[1]
    webhook = (await api.call("POST", f"/channels/{PARLOUR}/webhooks", {"name": "Voice"}))[1]
    voiced = await api.call(
        "POST", f"/webhooks/{webhook['id']}/{webhook['token']}?wait=true", {"content": "me too", **QUIET}, auth=""
    )
    discord = sandbox.discord
    assert discord.post_message(cast.ADA, PARLOUR, "yes?", reply_to=own["id"]).pings == [cast.BOT]
    assert discord.post_message(cast.ADA, PARLOUR, "yes?", reply_to=own["id"], ping=False).pings == []
    assert discord.post_message(cast.ADA, PARLOUR, "yes?", reply_to=voiced[1]["id"]).pings == []


async def test_pages_of_messages(sandbox: Sandbox, api: Api) -> None:
    ids = [str(sandbox.discord.post_message(cast.ADA, PARLOUR, f"{number}").id) for number in range(6)]
    after = (await api.call("GET", PATH, params={"after": ids[1], "limit": "2"}))[1]
    assert [each["id"] for each in after] == [ids[3], ids[2]]
    around = (await api.call("GET", PATH, params={"around": ids[3], "limit": "3"}))[1]
    assert [each["id"] for each in around] == [ids[4], ids[3], ids[2]]
    assert (await api.call("GET", PATH, params={"limit": "101"}))[0] == 400
    assert (await api.call("GET", PATH, params={"after": "1", "before": "2"}))[0] == 400


async def test_typed_names_become_mentions(sandbox: Sandbox) -> None:
    discord = sandbox.discord
    discord.guilds[cast.TEA_HOUSE].members[cast.BOT].nick = "Bot Of Tea"
    for typed in ("@BotBot", "@botbot", "@BOT OF TEA", f"<@{cast.BOT}>"):
        said = discord.post_message(cast.ADA, PARLOUR, f"hey {typed}, hello")
        assert (said.content, said.pings) == (f"hey <@{cast.BOT}>, hello", [cast.BOT])
    for typed in ("me@botbot", "@botbotter", "botbot"):
        assert discord.post_message(cast.ADA, PARLOUR, typed).pings == []


async def test_webhooks(sandbox: Sandbox, api: Api) -> None:
    path = f"/channels/{PARLOUR}/webhooks"
    for number in range(15):
        assert (await api.call("POST", path, {"name": f"Voice {number}"}))[0] in (200, 429)
        sandbox.discord.limits.clear()
    assert (await api.call("POST", path, {"name": "One too many"}))[1]["code"] == 30007
    hook = (await api.call("GET", path))[1][0]
    by_token = f"/webhooks/{hook['id']}/{hook['token']}"
    assert (await api.call("POST", by_token + "x", {"content": "x", **QUIET}, auth=""))[1]["code"] == 50027
    said = (await api.call("POST", by_token + "?wait=1", {"content": "x", "username": "Baker", **QUIET}, auth=""))[1]
    assert (said["author"]["username"], said["webhook_id"]) == ("Baker", hook["id"])
    assert (await api.call("DELETE", by_token, auth=""))[0] == 204
    assert (await api.call("POST", by_token, {"content": "x", **QUIET}, auth=""))[1]["code"] == 10015


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("My Discord voice", "USERNAME_INVALID_CONTAINS"),
        ("cLyDe", "USERNAME_INVALID_CONTAINS"),
        ("Everyone", "USERNAME_INVALID"),
        ("here", "USERNAME_INVALID"),
        ("  ", "BASE_TYPE_REQUIRED"),
    ],
)
async def test_names_a_webhook_may_not_have(api: Api, name: str, code: str) -> None:
    status, body = await api.call("POST", f"/channels/{PARLOUR}/webhooks", {"name": name})
    assert (status, first_error(body, "name")) == (400, code)


@pytest.mark.parametrize(
    "avatar",
    [
        "x",
        "data:image/png;base64,AAAA",
        PNG.replace("image/png", "image/jpeg"),
        "data:image/svg+xml;base64,AAAA",
        "https://x/y.png",
    ],
)
async def test_pictures_must_be_pictures(sandbox: Sandbox, api: Api, avatar: str) -> None:
    status, body = await api.call("PATCH", f"/guilds/{cast.TEA_HOUSE}/members/@me", {"avatar": avatar, "nick": "x"})
    assert (status, first_error(body, "avatar")) == (400, "IMAGE_INVALID")
    assert sandbox.discord.guilds[cast.TEA_HOUSE].members[cast.BOT].nick is None


async def test_a_picture_is_served_where_discord_would(sandbox: Sandbox, api: Api) -> None:
    path = f"/guilds/{cast.TEA_HOUSE}/members/@me"
    avatar = (await api.call("PATCH", path, {"avatar": PNG, "bio": "AI character"}))[1]["avatar"]
    address = f"{sandbox.url}/guilds/{cast.TEA_HOUSE}/users/{cast.BOT}/avatars/{avatar}.png"
    async with api.session.get(address) as picture:
        assert picture.content_type == "image/png"
        assert (await picture.read()).startswith(b"\x89PNG")
    off = (await api.call("PATCH", path, {"avatar": None, "nick": None, "bio": None, "banner": None}))[1]
    assert off["avatar"] is None


async def test_files_come_along(sandbox: Sandbox, api: Api) -> None:
    import aiohttp

    form = aiohttp.FormData()
    form.add_field("payload_json", '{"content": "see file", "allowed_mentions": {"parse": []}}')
    form.add_field("files[0]", b"# long answer", filename="answer.md", content_type="text/markdown")
    status, body = await api.call("POST", PATH, data=form)
    assert status == 200
    assert [each["filename"] for each in body["attachments"]] == ["answer.md"]
    async with api.session.get(body["attachments"][0]["url"]) as file:
        assert await file.read() == b"# long answer"
        assert file.headers["Content-Disposition"] == "attachment"
