"""Rate limits: their headers, their keys, and what happens to who does not listen."""

import asyncio

from tests.sandbox.conftest import QUIET, Api

from botbot.sandbox import cast
from botbot.sandbox.server import Sandbox

PARLOUR, KITCHEN = (cast.channel_id(cast.TEA_HOUSE, number) for number in (1, 2))


async def test_every_answer_carries_its_bucket(api: Api) -> None:
    await api.say(PARLOUR, "one")
    headers = api.last_headers
    assert headers["X-RateLimit-Limit"] == "5"
    assert headers["X-RateLimit-Remaining"] == "4"
    assert 0 < float(headers["X-RateLimit-Reset-After"]) <= 5
    assert headers["Via"]
    bucket = headers["X-RateLimit-Bucket"]
    await api.say(KITCHEN, "another channel")
    assert (api.last_headers["X-RateLimit-Bucket"], api.last_headers["X-RateLimit-Remaining"]) == (bucket, "4")


async def test_an_empty_bucket_says_how_long_to_wait(sandbox: Sandbox, api: Api) -> None:
    statuses = [(await api.say(PARLOUR, f"{number}"))[0] for number in range(6)]
    assert statuses == [200] * 5 + [429]
    status, body = await api.say(PARLOUR, "again")
    assert status == 429
    assert body["global"] is False
    assert 0 < body["retry_after"] <= 5
    assert api.last_headers["X-RateLimit-Scope"] == "user"
    assert int(api.last_headers["Retry-After"]) >= body["retry_after"]
    assert (await api.say(KITCHEN, "elsewhere"))[0] == 200
    assert len(sandbox.discord.messages(PARLOUR)) == 2 + 5


async def test_a_bucket_fills_again(api: Api) -> None:
    webhook = (await api.call("POST", f"/channels/{PARLOUR}/webhooks", {"name": "Voice"}))[1]
    path = f"/webhooks/{webhook['id']}/{webhook['token']}"
    body = {"content": "x", **QUIET}
    statuses = [(await api.call("POST", path, body, auth=""))[0] for _ in range(6)]
    assert statuses == [204] * 5 + [429]
    await asyncio.sleep(float(api.last_headers["X-RateLimit-Reset-After"]) + 0.05)
    assert (await api.call("POST", path, body, auth=""))[0] == 204


async def test_the_list_of_my_servers_is_tight(api: Api) -> None:
    statuses = [(await api.call("GET", "/users/@me/guilds"))[0] for _ in range(3)]
    assert statuses == [200, 200, 429]


async def test_fifty_a_second_over_all(api: Api) -> None:
    paths = [f"/guilds/{guild}" for guild in (cast.TEA_HOUSE, cast.NIGHT_OWLS)] * 30
    answers = [await api.call("GET", path) for path in paths]
    limited = [body for status, body in answers if status == 429]
    assert 1 <= len(limited) <= 10
    assert all(body["global"] for body in limited)
    assert api.last_headers["X-RateLimit-Global"] == "true"


async def test_invalid_requests_are_counted_and_end_in_a_ban(sandbox: Sandbox, api: Api) -> None:
    await api.call("GET", "/users/@me", auth="Bot wrong")
    sandbox.discord.fail("GET", "/guilds/*", retry_after=1, scope="shared")
    await api.call("GET", f"/guilds/{cast.TEA_HOUSE}")
    await api.call("GET", "/guilds/1")
    assert sandbox.discord.limits.invalid_requests == 1
    for _ in range(10_000):
        sandbox.discord.limits.count(401, {})
    status, page = await api.call("GET", f"/guilds/{cast.TEA_HOUSE}")
    assert status == 429
    assert "<h1>" in page
