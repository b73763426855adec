"""The product as a process per module, and browsers to visit it with."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright, expect
from tests.e2e.browsing import CHROMIUM, Visitor, launch
from tests.e2e.product import Product, running

Visit = Callable[..., Awaitable[Visitor]]

expect.set_options(timeout=15_000)  # a slow machine is no mistake of the page's


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM is None:
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason="Chromium is not installed"))


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """With its sandbox."""
    with running() as started:
        yield started


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await launch(playwright)
        yield started
        await started.close()


@pytest.fixture
async def visit(browser: Browser, product: Product) -> AsyncIterator[Visit]:
    """`await visit(scripts=False, …)` opens a window on the product; none may have gone wrong in the end."""
    opened: list[Visitor] = []

    async def open_window(**options: Any) -> Visitor:
        opened.append(await Visitor.open(browser, product.base, product.sandbox, **options))
        return opened[-1]

    yield open_window
    mistakes = [line for each in opened for line in each.mistakes]
    for each in opened:
        await each.context.close()
    assert mistakes == []
