"""The gallery as a server per module, and a browser to look at it with."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright, expect
from tests.ui.gallery import CHROMIUM, gallery

expect.set_options(timeout=15_000)  # a slow machine is no mistake of the page's


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with gallery() as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Any]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(**CHROMIUM)
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Any, base: str) -> AsyncIterator[Page]:
    context = await browser.new_context(base_url=base, viewport={"width": 1280, "height": 800})
    opened = await context.new_page()
    mistakes: list[str] = []
    opened.on("pageerror", lambda error: mistakes.append(str(error)))
    opened.on("console", lambda said: mistakes.append(said.text) if "Security Policy" in said.text else None)
    yield opened
    await context.close()
    assert mistakes == []
