"""A walk through every state of the product, in the order in which a person meets them."""

import re
from collections.abc import AsyncIterator

from playwright.async_api import Page, expect
from tests.e2e import steps
from tests.e2e.product import Product

DIALOG_FROM = 900
"""Pixels; on narrower screens a card is a plain link."""


async def tour(page: Page, product: Product) -> AsyncIterator[str]:
    """Yields the name of each state while `page` shows it. Needs a product that nobody has used yet."""
    for part in (_browsing, _chatting, _choosing, _moving_in, _talking, _afterwards):
        async for name in part(page, product):
            yield name


async def _browsing(page: Page, product: Product) -> AsyncIterator[str]:
    await page.goto("/")
    yield "grid"
    await page.goto("/?search=story&category=entertainment")
    yield "search"
    await page.goto("/?search=zzzzqqq")
    yield "search-empty"
    if page.viewport_size and page.viewport_size["width"] >= DIALOG_FROM:
        await page.goto("/")
        await page.locator("ul.grid .card__link").nth(2).click()
        await expect(page.get_by_role("dialog").locator(".discord:not(.discord--excerpt)")).to_be_visible()
        yield "modal"
    await page.goto(f"/personalities/{steps.ORRIN}")
    yield "detail"


async def _chatting(page: Page, product: Product) -> AsyncIterator[str]:
    product.tell_sandbox("/model/faults", {"clear": True, "wordsPerSecond": 3})
    await page.get_by_role("textbox", name=re.compile("^Message ")).fill("Tell me about storms, please")
    await page.keyboard.press("Enter")
    await expect(page.locator(".chat .message--app")).to_have_count(2)
    reply = page.locator(".chat .message--app").last.locator(".message__text")
    await expect(reply.locator(".typing")).to_have_count(0)
    await expect(reply).to_have_text(re.compile(r"(\S+\s+){5}"))
    yield "chat-streaming"
    await expect(page.locator("[data-live]")).not_to_be_empty(timeout=30_000)
    product.tell_sandbox("/model/faults", {"clear": True})
    yield "chat"
    await page.locator(".setting summary").click()
    await page.get_by_role("button", name="Lend me a server").click()
    yield "chat-setting"
    await page.get_by_role("button", name="Done").click()
    yield "chat-in-your-server"


async def _choosing(page: Page, product: Product) -> AsyncIterator[str]:
    await page.goto(f"/personalities/{steps.ORRIN}/deploy")
    yield "sign-in"
    await page.get_by_role("main").get_by_role("link", name="Sign in with Discord").click()
    await expect(page.locator("form.people")).to_be_visible()
    yield "sandbox-people"
    await steps.be(page, "Ada")
    await expect(page.get_by_role("button", name="Authorize")).to_be_visible()
    yield "sandbox-consent"
    await page.get_by_role("button", name="Authorize").click()
    await steps.offered_servers(page)
    yield "servers"
    await steps.choose(page, steps.GARDEN)
    yield "check"


async def _moving_in(page: Page, product: Product) -> AsyncIterator[str]:
    await steps.confirm(page)
    yield "awaiting-install"
    await page.get_by_role("link", name=re.compile("^Invite BotBot")).click()
    await expect(page.get_by_role("button", name="Authorize")).to_be_visible()
    yield "sandbox-install"
    product.tell_sandbox("/failures", {"method": "PATCH", "path": "/guilds/*", "delay": 9, "skip": 1})
    await page.get_by_role("button", name="Authorize").click()
    await expect(page.locator(".step--done").nth(1)).to_be_visible()
    yield "progress"
    await steps.arrive(page)
    yield "confirmation"


async def _talking(page: Page, product: Product) -> AsyncIterator[str]:
    await page.goto(f"{product.sandbox}/")
    yield "sandbox-servers"
    await page.get_by_role("link", name=re.compile(steps.GARDEN)).click()
    await steps.say(page, "greenhouse", "Hello! Who are you, and what do you do here?")
    await steps.answer_to(page, "greenhouse")
    yield "sandbox-channel"


async def _afterwards(page: Page, product: Product) -> AsyncIterator[str]:
    for name in ("deployments", "account", "privacy", "terms", "status"):
        await page.goto(f"{product.base}/{name}")
        yield name
    await page.goto(f"{product.base}/personalities/nobody-here")
    yield "not-found"
