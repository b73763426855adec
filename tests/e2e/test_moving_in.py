"""Moving in and looking after it, beyond the main job's path: what is missing, what is refused, what is told later."""

import re

import pytest
from playwright.async_api import Page, expect
from tests.e2e import steps
from tests.e2e.browsing import PHONE
from tests.e2e.conftest import Visit
from tests.e2e.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.long]
REFUSED = {"method": "PATCH", "path": "/guilds/*/members/@me", "status": 403, "code": 50013}


async def _check(page: Page, slug: str, server: str, who: str = "Ada") -> None:
    """As far as the check step."""
    await page.goto(f"/personalities/{slug}/deploy")
    await steps.sign_in(page, who)
    await steps.choose(page, server)


async def test_a_name_is_judged_as_one_types_and_seen_at_once(visit: Visit) -> None:
    page = await (await visit()).page()
    await _check(page, steps.ORRIN, steps.NIGHT_OWLS)
    await page.get_by_text("Make it fit your server").click()
    name = page.get_by_label("Name in this server")
    await name.press_sequentially("Clyde")
    rules = page.locator("[data-nick-rules]")
    await expect(rules).to_contain_text("Discord doesn’t allow")
    assert await name.evaluate("field => field.validity.customError")
    await name.fill("Old Brass")
    await expect(rules).to_contain_text("Up to 32 characters")
    await expect(page.locator(".stages .message__name")).to_have_text("Old Brass")
    assert await name.evaluate("field => field.validity.valid")


async def test_on_a_phone_without_script_what_is_missing_is_granted_and_it_moves_in(visit: Visit) -> None:
    page = await (await visit(scripts=False, size=PHONE, scheme="light")).page()
    await _check(page, steps.TILLY, steps.NIGHT_OWLS)
    await expect(page.locator(".right:not(.right--held)")).to_have_count(3)
    await page.get_by_text("Make it fit your server").click()
    await page.get_by_label("Language it speaks").select_option("de")
    await steps.confirm(page)
    await steps.invite(page)
    await steps.arrive(page)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await expect(page.get_by_role("button", name=re.compile("^Copy"))).to_have_count(0)
    await page.get_by_text("Make it fit this server").click()
    await expect(page.get_by_label("Language it speaks")).to_have_value("de")
    await page.get_by_role("button", name="Pause it here").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("is taking a break")


async def test_what_failed_is_told_on_the_next_page_and_can_be_tried_again(visit: Visit, product: Product) -> None:
    page = await (await visit()).page()
    await _check(page, steps.ORRIN, steps.TEA_HOUSE)
    product.tell_sandbox("/failures", REFUSED)
    await steps.confirm(page)
    await expect(page.get_by_role("heading", level=1)).to_contain_text("didn’t work", timeout=steps.MOVING_SECONDS)
    here = page.url
    await page.goto("/")
    news = page.get_by_role("complementary", name=re.compile("^What happened to"))
    await expect(news).to_contain_text("could not move into")
    await news.get_by_role("button", name="Dismiss this notice").click()
    await expect(page).to_have_url(re.compile("/$"))
    await expect(news).to_have_count(0)
    await page.goto(here)
    await page.get_by_role("button", name="Try again").click()
    await steps.arrive(page)
    await expect(page.locator(".hellos li")).to_have_count(3)
    await page.get_by_role("button", name=re.compile("^Copy")).first.click()
    await expect(page.locator(".toast")).to_contain_text(re.compile("Copied|Ctrl"))
