"""The tests' hand over HTTP does what the one in the process does."""

from typing import Any

import aiohttp
import pytest
from tests.sandbox.conftest import CALLBACK, Api

from botbot.sandbox import cast
from botbot.sandbox.server import Sandbox

PARLOUR = cast.channel_id(cast.TEA_HOUSE, 1)


@pytest.fixture
def control(sandbox: Sandbox, session: aiohttp.ClientSession) -> Any:
    async def call(method: str, path: str, /, **body: Any) -> Any:
        async with session.request(method, f"{sandbox.url}/_sandbox{path}", json=body or None) as answer:
            return answer.status, await answer.json()

    return call


async def test_people_speak(sandbox: Sandbox, control: Any) -> None:
    status, said = await control(
        "POST", "/messages", user=cast.ADA, channel=str(PARLOUR), content="hello", mention_bot=True
    )
    assert status == 200
    assert said["content"] == f"<@{cast.BOT}> hello"
    assert (await control("GET", f"/channels/{PARLOUR}/messages"))[1][-1]["id"] == said["id"]
    state = (await control("GET", "/state"))[1]
    assert state["guilds"][str(cast.TEA_HOUSE)]["name"] == "Ada's Tea House"


async def test_failures_calls_and_violations(control: Any, api: Api) -> None:
    waiting = (await control("POST", "/failures", method="GET", path="/guilds/*", status=503, times=2))[1]
    assert waiting[0]["path"] == "/guilds/*"
    assert (await api.call("GET", f"/guilds/{cast.TEA_HOUSE}"))[0] == 503
    assert len((await control("GET", "/failures"))[1]) == 1
    await control("DELETE", "/failures")
    assert (await api.call("GET", f"/guilds/{cast.TEA_HOUSE}"))[0] == 200
    calls = (await control("GET", "/calls?method=GET&path=/guilds/*"))[1]
    assert [each["status"] for each in calls] == [503, 200]
    await api.call("POST", f"/channels/{PARLOUR}/messages", {"content": "x"})
    assert (await control("GET", "/violations"))[1][0]["is_refused"] is False
    await control("DELETE", "/calls")
    assert (await control("GET", "/calls"))[1] == []


async def test_consent_and_roles(sandbox: Sandbox, control: Any) -> None:
    url = (
        f"{sandbox.environment['DISCORD_AUTHORIZE_URL']}?client_id={cast.APPLICATION}&response_type=code"
        f"&scope=bot+identify&redirect_uri={CALLBACK}&permissions=0&guild_id={cast.NIGHT_OWLS}"
    )
    status, body = await control("POST", "/consent", url=url, user=cast.ADA)
    assert (status, "code=" in body["location"]) == (200, True)
    await control("POST", "/roles", guild=cast.NIGHT_OWLS, user=cast.ADA, role_ids=[])
    assert (await control("POST", "/consent", url=url, user=cast.ADA))[0] == 400
    assert "access_denied" in (await control("POST", "/consent", url=url, user=cast.ADA, cancel=True))[1]["location"]


async def test_gateway_and_switches(sandbox: Sandbox, control: Any) -> None:
    status, shown = await control("PATCH", "/gateway", copies=2, remaining=7, seconds_apart=0.1, refuse_connect=True)
    assert (status, shown["copies"], shown["remaining"], shown["refuse_connect"]) == (200, 2, 7, True)
    for order in ({"do": "drop"}, {"do": "close", "code": 4000}, {"do": "reconnect"}, {"do": "invalidate"}):
        assert (await control("POST", "/gateway", **order))[0] == 200
    assert (await control("POST", "/gateway", do="outage", guild=cast.TEA_HOUSE, is_down=True))[0] == 200
    assert (await control("PATCH", "/switches", avatar_changes=0, limits=False))[1]["limits"] is False
    assert sandbox.discord.switches.avatar_changes == 0
    assert (await control("GET", "/gateway"))[1]["connected"] == 0


async def test_reset(sandbox: Sandbox, control: Any) -> None:
    await control("POST", "/messages", user=cast.ADA, channel=PARLOUR, content="gone soon")
    assert (await control("POST", "/reset"))[0] == 200
    assert all(each.content != "gone soon" for each in sandbox.discord.messages(PARLOUR))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/messages", {"user": 1, "channel": PARLOUR, "content": "x"}),
        ("POST", "/messages", {"user": cast.ADA, "channel": 1, "content": "x"}),
        ("POST", "/failures", {"method": "GET"}),
        ("POST", "/failures", {"method": "GET", "path": "*", "unknown": 1}),
        ("POST", "/gateway", {"do": "explode"}),
        ("PATCH", "/gateway", {"_links": 1}),
        ("PATCH", "/switches", {"unknown": 1}),
        ("POST", "/commands", {"user": cast.ADA, "channel": PARLOUR, "name": "none"}),
    ],
)
async def test_wrong_orders_are_explained(control: Any, method: str, path: str, body: dict[str, Any]) -> None:
    status, answer = await control(method, path, **body)
    assert status == 400
    assert answer["error"]


async def test_no_web_page_can_give_orders(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    address = f"{sandbox.url}/_sandbox/reset"
    async with session.post(address, headers={"Origin": "http://evil.example"}) as answer:
        assert answer.status == 403
    async with session.post(address, data="{}", headers={"Content-Type": "text/plain"}) as answer:
        assert answer.status == 415
