"""Trouble on demand, before the effect and after it."""

import asyncio
import time

import aiohttp
import pytest
from tests.sandbox.conftest import Api

from botbot.sandbox import cast
from botbot.sandbox.server import Sandbox

PARLOUR = cast.channel_id(cast.TEA_HOUSE, 1)
MESSAGES = "/channels/*/messages"


def said(sandbox: Sandbox) -> list[str]:
    return [each.content for each in sandbox.discord.messages(PARLOUR) if each.author_id == cast.BOT]


async def test_refused_before_the_effect(sandbox: Sandbox, api: Api) -> None:
    sandbox.discord.fail("POST", MESSAGES, status=502)
    assert (await api.say(PARLOUR, "one"))[0] == 502
    assert said(sandbox) == []
    assert (await api.say(PARLOUR, "two"))[0] == 200


async def test_refused_after_the_effect(sandbox: Sandbox, api: Api) -> None:
    sandbox.discord.fail("POST", MESSAGES, status=500, after_effect=True)
    assert (await api.say(PARLOUR, "one"))[0] == 500
    assert said(sandbox) == ["one"]


async def test_discords_own_error_body(sandbox: Sandbox, api: Api) -> None:
    sandbox.discord.fail("PATCH", "/guilds/*/members/@me", status=403, code=50013, message="Missing Permissions")
    answer = await api.call("PATCH", f"/guilds/{cast.TEA_HOUSE}/members/@me", {"nick": "x"})
    assert answer == (403, {"message": "Missing Permissions", "code": 50013})


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("how", [{"reset": True}, {"hang": 0.05}])
async def test_a_cut_connection(sandbox: Sandbox, api: Api, how: dict[str, object], after_effect: bool) -> None:
    sandbox.discord.fail("POST", MESSAGES, after_effect=after_effect, **how)
    with pytest.raises(aiohttp.ClientError if "hang" in how else (aiohttp.ClientError, ConnectionResetError)):
        await api.say(PARLOUR, "one")
    assert said(sandbox) == (["one"] if after_effect else [])
    assert sandbox.discord.calls_to("POST", MESSAGES)[-1].status is None


async def test_half_an_answer(sandbox: Sandbox, api: Api) -> None:
    sandbox.discord.fail("POST", MESSAGES, truncate=True, after_effect=True)
    with pytest.raises(aiohttp.ClientPayloadError):
        await api.say(PARLOUR, "one")
    assert said(sandbox) == ["one"]


async def test_a_page_instead_of_json(sandbox: Sandbox, api: Api) -> None:
    sandbox.discord.fail("POST", MESSAGES, status=200, body="<h1>Just a moment</h1>", content_type="text/html")
    assert await api.say(PARLOUR, "one") == (200, "<h1>Just a moment</h1>")
    assert said(sandbox) == []


async def test_a_slow_answer_is_still_an_answer(sandbox: Sandbox, api: Api) -> None:
    sandbox.discord.fail("POST", MESSAGES, delay=0.2)
    began = time.monotonic()
    assert (await api.say(PARLOUR, "one"))[0] == 200
    assert time.monotonic() - began >= 0.2


async def test_a_client_that_gave_up_before_the_effect(sandbox: Sandbox, api: Api) -> None:
    sandbox.discord.fail("POST", MESSAGES, hang=0.3)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(api.say(PARLOUR, "one"), 0.1)
    await asyncio.sleep(0.4)
    assert said(sandbox) == []


async def test_a_long_rate_limit(sandbox: Sandbox, api: Api) -> None:
    sandbox.discord.fail("*", MESSAGES, retry_after=1337)
    status, body = await api.say(PARLOUR, "one")
    assert (status, body["retry_after"], api.last_headers["Retry-After"]) == (429, 1337, "1337")


async def test_times_and_skip(sandbox: Sandbox, api: Api) -> None:
    sandbox.discord.fail("POST", MESSAGES, status=500, skip=1, times=2)
    assert [(await api.say(PARLOUR, "x"))[0] for _ in range(4)] == [200, 500, 500, 200]


async def test_faults_can_be_cleared_and_leave_others_alone(sandbox: Sandbox, api: Api) -> None:
    sandbox.discord.fail("POST", MESSAGES, status=500, times=99)
    assert (await api.call("GET", f"/channels/{PARLOUR}/messages"))[0] == 200
    sandbox.discord.clear_failures()
    assert (await api.say(PARLOUR, "x"))[0] == 200


async def test_without_via_it_looks_like_a_ban(sandbox: Sandbox, api: Api) -> None:
    sandbox.discord.fail("GET", "/guilds/*", retry_after=1, without_via=True)
    await api.call("GET", f"/guilds/{cast.TEA_HOUSE}")
    assert "Via" not in api.last_headers


async def test_the_avatar_quota_is_no_429(sandbox: Sandbox, api: Api) -> None:
    sandbox.discord.switches.avatar_changes = 1
    path = f"/guilds/{cast.TEA_HOUSE}/members/@me"
    assert (await api.call("PATCH", path, {"avatar": None}))[0] == 200
    status, body = await api.call("PATCH", path, {"avatar": None, "nick": "not applied"})
    assert status == 400
    assert body["errors"]["avatar"]["_errors"][0]["code"] == "AVATAR_RATE_LIMIT"
    assert (await api.call("PATCH", path, {"nick": "applied"}))[0] == 200
    assert sandbox.discord.guilds[cast.TEA_HOUSE].members[cast.BOT].nick == "applied"


async def test_calls_are_remembered_without_secrets(sandbox: Sandbox, api: Api) -> None:
    await api.say(PARLOUR, "hello")
    await api.token(grant_type="authorization_code", code="abc", redirect_uri="x")
    spoken, exchanged = sandbox.discord.calls[-2:]
    assert (spoken.method, spoken.path, spoken.status) == ("POST", f"/channels/{PARLOUR}/messages", 200)
    assert spoken.json["content"] == "hello"
    assert spoken.auth == "Bot"
    text = f"{spoken} {exchanged}"
    for secret in ("DISCORD_BOT_TOKEN", "DISCORD_CLIENT_SECRET"):
        assert sandbox.environment[secret] not in text
    assert exchanged.form is not None
    assert exchanged.form["code"] == "…"
