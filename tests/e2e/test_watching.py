"""Watching it move in: what the page is told by itself, also where nothing can be streamed."""

import re

import pytest
from playwright.async_api import Page, expect
from tests.e2e import steps
from tests.e2e.browsing import PHONE
from tests.e2e.conftest import Visit
from tests.e2e.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.long]
SLOW = {"method": "PATCH", "path": "/guilds/*/members/@me", "delay": 3}
LIMITED = {"method": "PATCH", "path": "/guilds/*/members/@me", "retry_after": 4.0}


async def _to_the_check(page: Page, slug: str, server: str) -> None:
    await page.goto(f"/personalities/{slug}/deploy")
    if await page.get_by_role("main").get_by_role("link", name="Sign in with Discord").count():
        await steps.sign_in(page, "Ada")
    await steps.choose(page, server)


async def _move_out(page: Page) -> None:
    await page.get_by_text("Remove it", exact=True).click()
    await page.get_by_role("button", name="Yes, remove it").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("moved out", timeout=steps.MOVING_SECONDS)


async def test_the_page_is_told_by_one_stream_and_asks_nothing_itself(visit: Visit, product: Product) -> None:
    page = await (await visit()).page()
    await _to_the_check(page, steps.ORRIN, steps.TEA_HOUSE)
    product.tell_sandbox("/failures", {**SLOW, "delay": 7})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    await steps.confirm(page)
    await expect(page.locator(".step--running")).to_contain_text("Put on its name")
    await steps.arrive(page)
    assert asked.count("progress") == 1, "one stream for the whole way"
    here = page.url.rpartition("/")[2]
    assert asked.count(here) <= 4, "the page itself, and what it asked before the stream was there"
    await expect(page.locator(".hellos li")).to_have_count(3)
    await _move_out(page)


async def test_where_nothing_can_be_streamed_it_asks_every_second(visit: Visit, product: Product) -> None:
    visitor = await visit(size=PHONE)
    visitor.expect("ERR_FAILED")
    page = await visitor.page()
    await page.route("**/deployments/*/progress", lambda route: route.abort())
    await _to_the_check(page, steps.ORRIN, steps.TEA_HOUSE)
    product.tell_sandbox("/failures", SLOW)
    await steps.confirm(page)
    await expect(page.locator(".step--running")).to_contain_text("Put on its name")
    await steps.arrive(page)
    await _move_out(page)


@pytest.mark.parametrize("scripts", [True, False])
async def test_discords_limit_is_said_with_when_it_goes_on(visit: Visit, product: Product, scripts: bool) -> None:
    page = await (await visit(scripts=scripts)).page()
    await _to_the_check(page, steps.ORRIN, steps.TEA_HOUSE)
    product.tell_sandbox("/failures", LIMITED)
    await steps.confirm(page)
    await expect(page.get_by_text("Discord asks us to wait")).to_be_visible(timeout=steps.MOVING_SECONDS)
    await steps.arrive(page)
    await _move_out(page)


async def test_what_is_missing_is_named_granted_and_asked_for_by_name(visit: Visit, product: Product) -> None:
    page = await (await visit(size=PHONE, scheme="light")).page()
    await page.goto(f"/personalities/{steps.TILLY}/deploy")
    await steps.sign_in(page, "Ada")
    owls = page.get_by_role("link", name=re.compile(f"^{steps.NIGHT_OWLS}"))
    await expect(owls).to_contain_text("BotBot may not yet")
    await expect(owls).to_contain_text(re.compile(r"\d+ members"))
    await steps.choose(page, steps.NIGHT_OWLS)
    await page.get_by_text("What it costs to have it").click()
    await page.get_by_role("button", name="Grant what is missing and add it to Night Owls").click()
    await page.wait_for_url("**/deployments/*")
    await expect(page.get_by_role("heading", name="Discord asks you to let it")).to_be_visible()
    await expect(page.locator(".asks")).to_contain_text("Change Nickname")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await steps.invite(page)
    await steps.arrive(page)
    await page.goto(f"/personalities/{steps.TILLY}/deploy")
    await expect(page.get_by_role("link", name=re.compile(f"^{steps.NIGHT_OWLS}"))).to_contain_text("Already here")


async def test_what_failed_for_a_permission_offers_to_grant_it(visit: Visit, product: Product) -> None:
    page = await (await visit()).page()
    await _to_the_check(page, steps.ORRIN, steps.TEA_HOUSE)
    product.tell_sandbox("/failures", {**SLOW, "delay": 0, "status": 403, "code": 50013})
    await steps.confirm(page)
    await expect(page.get_by_role("heading", level=1)).to_contain_text("didn’t work", timeout=steps.MOVING_SECONDS)
    await expect(page.locator(".step--undone").first).to_contain_text("Put back as it was")
    await page.get_by_role("link", name="Grant what is missing").click()
    await expect(page.get_by_text("This is how it will look in")).to_be_visible()
    await steps.confirm(page)
    await steps.arrive(page)


async def test_who_manages_nothing_has_words_to_send(visit: Visit) -> None:
    page = await (await visit(size=PHONE)).page()
    await page.goto(f"/personalities/{steps.ORRIN}/deploy")
    await steps.sign_in(page, "Ben")
    words = page.get_by_label("Words for a server admin")
    await expect(words).to_have_value(
        re.compile("Could you bring Orrin.*Manage Server.*/orrin-the-lighthouse-keeper/deploy")
    )
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
