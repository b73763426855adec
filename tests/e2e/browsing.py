"""A browser that notices what a visitor would not: errors in the console, forbidden requests, strange origins."""

import shutil
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Response
from playwright.async_api import Request as Asked

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-features=OptimizationHints,MediaRouter,Translate,InterestFeedContentSuggestions",
    "--no-first-run",
    "--no-pings",
)
Scheme = Literal["dark", "light"]
DESKTOP, PHONE = (1280, 800), (360, 740)
LOOKS = pytest.mark.parametrize(
    ("scheme", "size"),
    [
        pytest.param("dark", DESKTOP, id="dark-desktop"),
        pytest.param("light", PHONE, id="light-phone"),
        pytest.param("light", DESKTOP, id="light-desktop"),
        pytest.param("dark", PHONE, id="dark-phone"),
    ],
)
"""Both themes at both widths."""
OWN_SCHEMES = ("data:", "blob:", "about:", "chrome-error:")


async def launch(playwright: Playwright) -> Browser:
    assert CHROMIUM is not None
    return await playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))


class Visitor:
    """One person's browser window. What went wrong in it is kept in `mistakes`, one line each."""

    def __init__(self, context: BrowserContext, origins: tuple[str, ...]) -> None:
        self.context = context
        self._origins = origins
        self._forgiven: list[str] = []
        self._mistakes: list[str] = []
        context.on("console", self._said)
        context.on("weberror", lambda failed: self._mistakes.append(f"script error: {failed.error}"))
        context.on("request", self._asked)
        context.on("response", self._answered)

    @classmethod
    async def open(
        cls,
        browser: Browser,
        *origins: str,
        size: tuple[int, int] = DESKTOP,
        scheme: Scheme = "dark",
        scripts: bool = True,
        **more: Any,
    ) -> "Visitor":
        """`origins` are the addresses this visit may touch, the first one being where it starts."""
        context = await browser.new_context(
            base_url=origins[0],
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            java_script_enabled=scripts,
            **more,
        )
        context.set_default_timeout(10_000)
        return cls(context, origins)

    async def page(self) -> Page:
        return await self.context.new_page()

    def expect(self, *parts: str) -> None:
        """Mistakes that this test causes on purpose: whatever contains one of these is not held against it."""
        self._forgiven += parts

    @property
    def mistakes(self) -> list[str]:
        return [line for line in self._mistakes if not any(part in line for part in self._forgiven)]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._mistakes.append(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _asked(self, request: Asked) -> None:
        if not request.url.startswith((*(f"{origin}/" for origin in self._origins), *OWN_SCHEMES)):
            self._mistakes.append(f"a request elsewhere: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self._mistakes.append(f"HTTP {response.status}: {response.request.method} {response.url}")
