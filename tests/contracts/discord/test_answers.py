"""Every answer of the sandbox is held to Discord's own description of it, refusals included."""

from json import dumps
from typing import Any

import aiohttp
import pytest

from botbot.sandbox import cast, rest, spec
from botbot.sandbox.server import Sandbox

PARLOUR = cast.channel_id(cast.TEA_HOUSE, 1)
QUIET = {"allowed_mentions": {"parse": []}}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Judge:
    """Calls the API and holds each answer to the description; remembers which operations were met."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox, self.session = sandbox, session
        self.met: set[tuple[str, str]] = set()

    async def call(
        self, method: str, template: str, json: Any = None, *, expect: int = 200, auth: str | None = None, **ids: Any
    ) -> Any:
        query = ids.pop("query", "")
        path = template.format(**ids)
        bot = f"Bot {self.sandbox.environment['DISCORD_BOT_TOKEN']}"
        headers = {"User-Agent": "DiscordBot (https://example.org, 1)", "Authorization": auth or bot}
        address = self.sandbox.environment["DISCORD_API_URL"] + path + query
        async with self.session.request(method, address, json=json, headers=headers) as answer:
            assert answer.status == expect, await answer.text()
            self.met.add((method, template))
            if answer.status == 204:
                return None
            assert answer.headers["Content-Type"] == "application/json"
            body = await answer.json()
        # The description wants numbers as codes of single fields; the documentation and Discord itself use words.
        errors = body.pop("errors", None) if expect >= 400 else None
        assert errors is None or '"_errors"' in dumps(errors)
        validator = spec.answer_validator(method, template, expect)
        assert validator is not None, f"{method} {template} {expect} is not described"
        assert spec.problems(validator, body) == []
        return body


@pytest.fixture
async def judge(sandbox: Sandbox) -> Any:
    sandbox.discord.limits.is_enabled = False
    async with aiohttp.ClientSession() as session:
        yield Judge(sandbox, session)


async def signed_in(judge: Judge, user: int = cast.ADA) -> str:
    """A Bearer header for somebody."""
    sandbox = judge.sandbox
    address = (
        f"{sandbox.environment['DISCORD_AUTHORIZE_URL']}?client_id={cast.APPLICATION}&response_type=code"
        "&scope=identify+guilds&redirect_uri=http://127.0.0.1:8000/api/auth/callback"
    )
    code = aiohttp.client.URL(sandbox.discord.consent(address, user=user)).query["code"]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": "http://127.0.0.1:8000/api/auth/callback",
        "client_id": sandbox.environment["DISCORD_CLIENT_ID"],
        "client_secret": sandbox.environment["DISCORD_CLIENT_SECRET"],
    }
    async with judge.session.post(sandbox.environment["DISCORD_API_URL"] + "/oauth2/token", data=form) as answer:
        return f"Bearer {(await answer.json())['access_token']}"


async def people_and_applications(judge: Judge) -> None:
    bearer = await signed_in(judge)
    await judge.call("GET", "/users/@me")
    await judge.call("GET", "/users/@me", auth=bearer)
    await judge.call("GET", "/users/@me/guilds")
    await judge.call("GET", "/users/@me/guilds", auth=bearer, query="?with_counts=true")
    await judge.call("GET", "/oauth2/@me", auth=bearer)
    await judge.call("GET", "/oauth2/applications/@me")
    await judge.call("GET", "/applications/@me")
    await judge.call("GET", "/gateway")
    await judge.call("GET", "/gateway/bot")
    await judge.call("GET", "/users/@me", auth="Bearer nonsense", expect=401)


async def servers(judge: Judge) -> None:
    here = {"guild_id": cast.TEA_HOUSE}
    await judge.call("GET", "/guilds/{guild_id}", query="?with_counts=true", **here)
    await judge.call("GET", "/guilds/{guild_id}/channels", **here)
    await judge.call("GET", "/guilds/{guild_id}/roles", **here)
    await judge.call("GET", "/guilds/{guild_id}/members/{user_id}", user_id=cast.BOT, **here)
    profile = {"nick": "Hypatia", "bio": "AI character", "avatar": PIXEL, "banner": None}
    await judge.call("PATCH", "/guilds/{guild_id}/members/@me", profile, **here)
    await judge.call("GET", "/guilds/{guild_id}", guild_id=cast.OBSERVATORY, expect=404)
    await judge.call("PATCH", "/guilds/{guild_id}/members/@me", {"nick": "x" * 33}, expect=400, **here)


async def messages(judge: Judge) -> None:
    here = {"channel_id": PARLOUR}
    path = "/channels/{channel_id}/messages"
    asked = judge.sandbox.discord.post_message(cast.ADA, PARLOUR, "hello", mention_bot=True)
    reply = {"content": "hi", "message_reference": {"message_id": str(asked.id)}, "nonce": "1", **QUIET}
    made = await judge.call("POST", path, {**reply, "embeds": [{"description": "a note"}]}, **here)
    await judge.call("GET", "/channels/{channel_id}", **here)
    await judge.call("GET", path, **here)
    await judge.call("GET", path + "/{message_id}", message_id=made["id"], **here)
    await judge.call("PATCH", path + "/{message_id}", {"content": "changed", **QUIET}, message_id=made["id"], **here)
    await judge.call("DELETE", path + "/{message_id}", message_id=made["id"], expect=204, **here)
    await judge.call("POST", "/channels/{channel_id}/typing", expect=204, **here)
    await judge.call("POST", path, {"content": "", **QUIET}, expect=400, **here)


async def webhooks(judge: Judge) -> None:
    by_id, by_token = "/webhooks/{webhook_id}", "/webhooks/{webhook_id}/{webhook_token}"
    made = await judge.call("POST", "/channels/{channel_id}/webhooks", {"name": "Voice"}, channel_id=PARLOUR)
    hook = {"webhook_id": made["id"]}
    both = {**hook, "webhook_token": made["token"]}
    await judge.call("GET", "/channels/{channel_id}/webhooks", channel_id=PARLOUR)
    await judge.call("GET", "/guilds/{guild_id}/webhooks", guild_id=cast.TEA_HOUSE)
    await judge.call("GET", by_id, **hook)
    await judge.call("PATCH", by_id, {"name": "Other voice", "avatar": PIXEL}, **hook)
    await judge.call("GET", by_token, **both)
    said = await judge.call("POST", by_token, {"content": "hello", **QUIET}, query="?wait=true", **both)
    message = {**both, "message_id": said["id"]}
    await judge.call("GET", by_token + "/messages/{message_id}", **message)
    await judge.call("PATCH", by_token + "/messages/{message_id}", {"content": "hi", **QUIET}, **message)
    await judge.call("DELETE", by_token + "/messages/{message_id}", expect=204, **message)
    await judge.call("PATCH", by_token, {"name": "Third voice"}, **both)
    await judge.call("DELETE", by_token, expect=204, **both)
    other = await judge.call("POST", "/channels/{channel_id}/webhooks", {"name": "Brief"}, channel_id=PARLOUR)
    await judge.call("DELETE", by_id, expect=204, webhook_id=other["id"])


async def commands(judge: Judge) -> None:
    ask = {
        "name": "ask",
        "description": "Ask something",
        "default_member_permissions": "32",
        "options": [{"name": "text", "type": 3, "description": "What?", "required": True}],
    }
    path = "/applications/{application_id}/commands"
    await judge.call("PUT", path, [ask, {"name": "Ask this", "type": 3}], application_id=cast.APPLICATION)
    await judge.call("GET", path, application_id=cast.APPLICATION)
    discord = judge.sandbox.discord
    discord.run_command(cast.ADA, PARLOUR, "ask", "why?")
    asked = list(judge.sandbox._core.interactions._by_token.values())[-1]
    callback = "/interactions/{interaction_id}/{interaction_token}/callback"
    first = {"interaction_id": asked.id, "interaction_token": asked.token}
    await judge.call("POST", callback, {"type": 5}, query="?with_response=true", **first)
    await judge.call("POST", callback, {"type": 5}, expect=400, **first)
    token = {"webhook_id": cast.APPLICATION, "webhook_token": asked.token}
    by_token = "/webhooks/{webhook_id}/{webhook_token}"
    original = by_token + "/messages/@original"
    await judge.call("PATCH", original, {"content": "Because.", **QUIET}, **token)
    await judge.call("GET", original, **token)
    await judge.call("POST", by_token, {"content": "And more.", **QUIET}, **token)
    await judge.call("DELETE", original, expect=204, **token)


async def test_every_answer_is_as_described(judge: Judge) -> None:
    for chapter in (people_and_applications, servers, messages, webhooks, commands):
        await chapter(judge)
    await judge.call("DELETE", "/users/@me/guilds/{guild_id}", guild_id=cast.TEA_HOUSE, expect=204)
    every = {(each.method, each.path) for each in rest.endpoints()}
    assert every - judge.met == set(), "an endpoint that no test has looked at"
