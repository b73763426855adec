"""The same main job with JavaScript switched off: links, forms and a page that refreshes itself."""

import re

import pytest
from playwright.async_api import Page, expect
from tests.e2e import steps
from tests.e2e.conftest import Visit
from tests.e2e.product import Product

pytestmark = pytest.mark.browser


@pytest.fixture
async def page(visit: Visit) -> Page:
    return await (await visit(scripts=False)).page()


async def test_search_is_a_form(page: Page) -> None:
    await page.goto("/")
    assert await page.locator("ul.grid > li").count() >= 24
    await page.get_by_role("searchbox").fill("lighthouse")
    await page.get_by_role("button", name="Search").click()
    await page.wait_for_url("**/?search=lighthouse**")
    await expect(page.locator("ul.grid .card__name")).to_have_text(["Orrin the Lighthouse Keeper"])
    await expect(page.get_by_role("searchbox")).to_have_value("lighthouse")


async def test_nothing_found_offers_a_way_on(page: Page) -> None:
    await page.goto("/?search=zzzzqqq")
    await expect(page.locator("ul.grid > li")).to_have_count(0)
    await page.get_by_role("link", name="Show everyone").click()
    assert await page.locator("ul.grid > li").count() >= 24


async def test_filters_and_sort_are_sent_with_the_same_form(page: Page) -> None:
    await page.goto("/")
    gaming = page.get_by_role("checkbox", name=re.compile("^Gaming"))
    promised = await page.locator("label.check", has=gaming).locator("[data-n]").inner_text()
    await gaming.check()
    await page.get_by_label("Sort by").select_option("name")
    await page.get_by_role("button", name="Apply").click()
    await page.wait_for_url("**category=gaming**")
    names = await page.locator("ul.grid .card__name").all_inner_texts()
    assert names == sorted(names, key=str.casefold)
    assert len(names) == int(promised)
    await page.get_by_role("link", name=re.compile("^Gaming.*remove")).click()
    await expect(page.get_by_role("checkbox", name=re.compile("^Gaming"))).not_to_be_checked()


async def test_pages_and_a_card_are_links(page: Page) -> None:
    await page.goto("/")
    await page.get_by_role("link", name="Next").click()
    await page.wait_for_url("**page=2**")
    name = await page.locator("ul.grid .card__name").first.inner_text()
    await page.locator("ul.grid .card__link").first.click()
    await page.wait_for_url("**/personalities/*")
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)


async def test_the_chat_is_a_form_and_the_conversation_goes_on(page: Page) -> None:
    await page.goto(f"/personalities/{steps.ORRIN}")
    await _say_in_the_preview(page, "I keep three brass compasses")
    await expect(page.locator(".chat .message")).to_have_count(3)
    await _say_in_the_preview(page, "What did I say before?")
    await expect(page.locator(".chat .message")).to_have_count(5)
    await expect(page.locator(".chat .message").last).to_contain_text("brass compasses")
    await expect(page.get_by_text("Sample reply")).to_have_count(0)


async def test_a_suggestion_is_a_button_that_sends(page: Page) -> None:
    await page.goto(f"/personalities/{steps.ORRIN}")
    words = await page.locator(".chat__suggestion").first.inner_text()
    await page.locator(".chat__suggestion").first.click()
    await expect(page.locator(".chat .message").nth(1)).to_contain_text(words)
    await expect(page.locator(".chat .message")).to_have_count(3)


async def _say_in_the_preview(page: Page, text: str) -> None:
    before = await page.locator(".chat .message").count()
    await page.get_by_role("textbox", name=re.compile("^Message ")).fill(text)
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".chat .message")).to_have_count(before + 2)


async def test_the_theme_is_remembered(page: Page) -> None:
    await page.goto("/terms")
    for wanted in ("dark", "light", "auto"):
        await page.locator(".theme button").click()
        await expect(page.locator("html")).to_have_attribute("data-theme", wanted)
        assert page.url.endswith("/terms")
    await page.locator(".theme button").click()
    await page.goto("/privacy")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_from_sign_in_to_sign_out(page: Page, product: Product) -> None:
    await page.goto(f"/personalities/{steps.TILLY}/deploy")
    await steps.sign_in(page, "Ada")
    await steps.choose(page, steps.GARDEN)
    await steps.confirm(page)
    product.tell_sandbox("/failures", {"method": "PATCH", "path": "/guilds/*", "delay": 2.5})
    await steps.invite(page)
    await expect(page.get_by_role("heading", level=1)).to_contain_text("is moving in")
    assert await page.locator("noscript meta[http-equiv=refresh], meta[http-equiv=refresh]").count() == 1
    await steps.arrive(page)  # the page came back by itself
    assert await page.locator(".first__list li").count() == 3
    await _talk(page)
    await _rate(page)
    await _look_after_it(page)
    await page.goto("/account")
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await expect(page.get_by_text("You're signed out.")).to_be_visible()
    await expect(page.get_by_role("banner").get_by_role("link", name=re.compile("^Sign in"))).to_be_visible()


async def _talk(page: Page) -> None:
    await steps.open_server(page)
    await steps.say(page, "greenhouse", "I keep three brass compasses")
    await _refresh_until_answered(page, 1)
    await steps.say(page, "greenhouse", "What did I say before?")
    answer = await _refresh_until_answered(page, 2)
    assert "brass compasses" in answer


async def _refresh_until_answered(page: Page, count: int) -> str:
    """What the `count`th reply says, after as many uses of the channel's Refresh link as it takes."""
    room = steps.channel_of(page, "greenhouse")
    answers = room.locator(".message:has(.message__head .app):has(.message__above)")
    for _ in range(40):
        if await answers.count() >= count:
            return await answers.nth(count - 1).inner_text()
        await page.wait_for_timeout(250)
        await room.get_by_role("link", name="Refresh").click()
    raise AssertionError(f"no answer number {count} after ten seconds")


async def _rate(page: Page) -> None:
    await page.goto(f"/personalities/{steps.TILLY}")
    await page.get_by_text("Write a review").click()
    await page.locator("label.star-input__star").nth(3).click()
    await page.locator("[name=review]").fill("A pot of something honest.")
    await page.get_by_role("button", name="Post it").click()
    await expect(page.locator(".histogram__mean b")).to_have_text("4.0")
    await expect(page.locator(".review__text")).to_have_text("A pot of something honest.")
    await page.get_by_role("button", name="Take it back").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your rating is gone")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator(".review__text")).to_have_text("A pot of something honest.")
    await page.get_by_role("button", name="Take it back").click()
    await page.get_by_role("main").get_by_role("link", name="Back to").click()
    await expect(page.locator("#reviews")).to_contain_text("Not yet rated")


async def _look_after_it(page: Page) -> None:
    await page.get_by_role("navigation", name="Main").get_by_role("link", name="Your personalities").click()
    await page.locator(".home-row").first.get_by_role("link").click()
    await page.get_by_role("button", name="Pause it here").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("is taking a break")
    await page.get_by_text("Remove it", exact=True).click()
    await page.get_by_role("button", name="Yes, remove it").click()
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_contain_text("has moved out", timeout=steps.MOVING_SECONDS)
