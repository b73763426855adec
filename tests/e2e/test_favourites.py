"""The heart: by keyboard, at once, undone; without a script; and kept for a visitor until they have signed in."""

import re

import pytest
from playwright.async_api import Locator, Page, expect
from tests.e2e import steps
from tests.e2e.browsing import LOOKS, Scheme
from tests.e2e.conftest import Visit
from tests.e2e.objecting import objections

pytestmark = [pytest.mark.browser, pytest.mark.long]
NAME = "Orrin the Lighthouse Keeper"
PAGE = f"/personalities/{steps.ORRIN}"


def heart(page: Page, name: str = NAME) -> Locator:
    return page.get_by_role("main").get_by_role("button", name=f"Favourite {name}").first


async def signed_in(page: Page, who: str) -> None:
    await page.goto("/terms")
    await steps.sign_in_from_header(page, who)


async def nothing_marked(page: Page) -> None:
    """The product is shared by this file's tests: take away what an earlier one left."""
    await page.goto("/favourites")
    for slug in await page.locator("form[data-favourite]").evaluate_all(
        "all => all.map(each => each.dataset.favourite)"
    ):
        await page.evaluate("s => fetch(`/api/marketplace/personalities/${s}/favourite`, {method: 'DELETE'})", slug)


async def test_by_keyboard_at_once_and_undone(visit: Visit) -> None:
    page = await (await visit()).page()
    await signed_in(page, "Ada")
    await nothing_marked(page)
    await page.goto(PAGE)
    await heart(page).focus()
    async with page.expect_response(re.compile("/favourite$")):
        await page.keyboard.press("Enter")
        await expect(heart(page)).to_have_attribute("aria-pressed", "true")
    await expect(heart(page)).to_be_focused()
    assert page.url.endswith(PAGE), "nothing was loaded anew"
    await page.goto("/favourites")
    await expect(page.locator(".card__name")).to_have_text([NAME])
    await heart(page).focus()
    await page.keyboard.press("Space")
    await expect(heart(page)).to_have_attribute("aria-pressed", "false")
    await page.get_by_role("button", name="Undo").click()
    await expect(heart(page)).to_have_attribute("aria-pressed", "true")
    async with page.expect_response(lambda each: each.request.method == "DELETE") as answered:
        await heart(page).click()
    assert (await answered.value).status == 204
    await page.reload()
    await expect(page.get_by_text("Nobody here yet")).to_be_visible()


async def test_what_could_not_be_saved_turns_back(visit: Visit) -> None:
    visitor = await visit()
    visitor.expect("net::ERR", "Failed to load", "HTTP 503")
    page = await visitor.page()
    await signed_in(page, "Ada")
    await nothing_marked(page)
    await page.goto(PAGE)
    await page.route("**/favourite", lambda route: route.abort())
    await heart(page).click()
    await expect(page.get_by_text("Are you online?")).to_be_visible()
    await expect(heart(page)).to_have_attribute("aria-pressed", "false")
    await page.unroute("**/favourite")
    refusal = '{"error": "storage_unavailable", "message": "Not just now.", "code": null, "details": {}}'
    await page.route("**/favourite", lambda route: route.fulfill(status=503, body=refusal))
    await heart(page).click()
    await expect(page.get_by_text("Not just now.")).to_be_visible()
    await expect(heart(page)).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_visitors_heart_is_done_after_the_sign_in(visit: Visit, scripts: bool) -> None:
    visitor = await visit(scripts=scripts)
    visitor.expect("401")
    page = await visitor.page()
    await page.goto(PAGE)
    await heart(page).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in and it’s done")
    await steps.sign_in(page, "Ben")
    await expect(page).to_have_url(re.compile(re.escape(PAGE)))
    await expect(heart(page)).to_have_attribute("aria-pressed", "true")
    await expect(page.locator(".toast")).to_contain_text("among your favourites")
    await heart(page).click()
    await expect(heart(page)).to_have_attribute("aria-pressed", "false")


async def test_a_session_that_ended_meanwhile_asks_to_sign_in(visit: Visit) -> None:
    visitor = await visit()
    visitor.expect("401")
    page = await visitor.page()
    await signed_in(page, "Ben")
    await page.goto(PAGE)
    await visitor.context.clear_cookies()
    await heart(page).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in and it’s done")


async def test_without_a_script(visit: Visit) -> None:
    page = await (await visit(scripts=False)).page()
    await signed_in(page, "Ada")
    await page.goto(PAGE)
    if await heart(page).get_attribute("aria-pressed") == "true":
        await heart(page).click()
    await heart(page).click()
    await expect(heart(page)).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("banner").get_by_role("link", name="Favourites").click()
    await expect(page.locator(".card__name")).to_have_text([NAME])
    await heart(page).click()
    await expect(page.get_by_text("Nobody here yet")).to_be_visible()


@LOOKS
async def test_every_state_is_accessible(visit: Visit, scheme: Scheme, size: tuple[int, int]) -> None:
    visitor = await visit(scheme=scheme, size=size, reduced_motion="reduce")
    visitor.expect("401")
    page = await visitor.page()
    await page.goto(PAGE)
    await heart(page).click()
    assert await objections(page) == []
    await steps.sign_in(page, "Ada")
    await page.goto("/favourites")
    assert await objections(page) == []
    await heart(page).click()
    await expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert await objections(page) == []
    await page.reload()
    assert await objections(page) == []
