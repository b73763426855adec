"""Somebody who is signed in: their browser, their session for API calls, and a personal API token on demand."""

from dataclasses import dataclass, field
from typing import Any

import httpx
from tests.support.browser import TLS, Browser
from tests.support.serving import Site

from botbot.accounts.service import create_api_token


def api_client(url: str, **more: Any) -> httpx.AsyncClient:
    """A client for `/api` that follows nothing by itself."""
    return httpx.AsyncClient(base_url=url, verify=TLS, timeout=20, trust_env=False, follow_redirects=False, **more)


@dataclass
class Person:
    """One of the cast. `http` shares the browser's cookies and says the site's own origin, as our pages' scripts do."""

    name: str
    discord_id: int
    guild: int
    site: Site
    browser: Browser = field(default_factory=Browser)
    http: httpx.AsyncClient = field(init=False)
    _by_token: httpx.AsyncClient | None = None

    def __post_init__(self) -> None:
        self.http = api_client(
            self.site.url,
            cookies=self.browser.cookies.jar,
            headers={"origin": self.site.url, "sec-fetch-site": "same-origin"},
        )

    async def sign_in(self, next_path: str = "/") -> None:
        """Through the real OAuth; fails when it does not end signed in."""
        await self.browser.sign_in(self.site.url, self.discord_id, next_path)
        self.http.cookies = self.browser.cookies
        who = (await self.http.get("/api/auth/session")).json()["user"]
        assert who is not None, f"{self.name} could not sign in: {self.browser.trail}"

    @property
    def secret(self) -> str:
        """The session cookie's value."""
        return str(self.browser.cookies.get("botbot_session"))

    async def user_id(self) -> str:
        return str((await self.http.get("/api/auth/session")).json()["user"]["id"])

    async def by_token(self) -> httpx.AsyncClient:
        """A script of theirs: a bearer token, no cookies, no origin."""
        if self._by_token is None:
            async with self.site.house.db.write() as session:
                token = await create_api_token(session, self.discord_id, "tests")
            self._by_token = api_client(self.site.url, headers={"authorization": f"Bearer {token}"})
        return self._by_token

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.get(path, **more)

    async def post(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.post(path, **more)

    async def put(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.put(path, **more)

    async def patch(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.patch(path, **more)

    async def delete(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.delete(path, **more)

    async def aclose(self) -> None:
        await self.http.aclose()
        await self.browser.aclose()
        if self._by_token is not None:
            await self._by_token.aclose()
