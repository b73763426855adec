"""A sandbox of its own for each test, and small hands to reach into it."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from botbot.sandbox.server import Sandbox

CALLBACK = "http://127.0.0.1:8000/api/auth/callback"
AGENT = "DiscordBot (https://example.org, 1)"
QUIET = {"allowed_mentions": {"parse": []}}


class Api:
    """The sandbox's REST API as a bot calls it."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox, self.session = sandbox, session
        self.base = sandbox.environment["DISCORD_API_URL"]
        self.auth = f"Bot {sandbox.environment['DISCORD_BOT_TOKEN']}"
        self.last_headers: dict[str, str] = {}

    async def call(self, method: str, path: str, json: Any = None, *, auth: str | None = None, **rest: Any) -> Any:
        """(status, JSON or text or None)."""
        headers = {"User-Agent": AGENT, "Authorization": self.auth if auth is None else auth, **rest.pop("headers", {})}
        headers = {name: value for name, value in headers.items() if value}
        async with self.session.request(method, self.base + path, json=json, headers=headers, **rest) as answer:
            self.last_headers = dict(answer.headers)
            is_json = answer.headers.get("Content-Type") == "application/json"
            return answer.status, await answer.json() if is_json else await answer.text() or None

    async def say(self, channel_id: int, content: str, **more: Any) -> Any:
        return await self.call("POST", f"/channels/{channel_id}/messages", {"content": content, **QUIET, **more})

    async def token(self, **form: str) -> Any:
        """Ask the token endpoint as the application."""
        environment = self.sandbox.environment
        client = {
            "client_id": environment["DISCORD_CLIENT_ID"],
            "client_secret": environment["DISCORD_CLIENT_SECRET"],
        }
        async with self.session.post(self.base + "/oauth2/token", data={**client, **form}) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    running = Sandbox(redirect_uris=[CALLBACK])
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as opened:
        yield opened


@pytest.fixture
async def api(sandbox: Sandbox, session: aiohttp.ClientSession) -> Api:
    return Api(sandbox, session)
