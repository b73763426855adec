"""An admin arranges the front page: without a script, from the keyboard, and it reads well."""

import re

import pytest
from playwright.async_api import Page, expect
from tests.e2e import steps
from tests.e2e.browsing import LOOKS, Scheme
from tests.e2e.conftest import Visit
from tests.e2e.objecting import objections

pytestmark = [pytest.mark.browser, pytest.mark.long]
PAGE = "/admin/shelves"


async def as_cleo(page: Page) -> None:
    """On the page for arranging, with the usual shelves."""
    await page.goto(PAGE)
    await steps.sign_in(page, "Cleo")
    await expect(page.get_by_role("heading", level=1)).to_have_text("The front page’s shelves")
    if await page.get_by_text("Back to the usual shelves").count():
        await page.get_by_text("Back to the usual shelves").click()
        await page.get_by_role("button", name="Yes, put them back").click()


async def titles(page: Page) -> list[str]:
    return [str(await each.input_value()) for each in await page.get_by_label(re.compile("^Title of shelf")).all()]


@pytest.mark.parametrize("scripts", [False, True])
async def test_a_shelf_of_ones_own_is_on_the_front_page(visit: Visit, scripts: bool) -> None:
    visitor = await visit(scripts=scripts)
    visitor.expect("401")
    page = await visitor.page()
    await as_cleo(page)
    await page.get_by_label("Another shelf").select_option("picked")
    await page.get_by_label("Title", exact=True).fill("From the harbour")
    await page.get_by_role("button", name="Add the shelf").click()
    await page.get_by_role("link", name="Choose who stands on From the harbour").click()
    for words, name in (("lighthouse", "Orrin the Lighthouse Keeper"), ("tea witch", "Tilly the Tea Witch")):
        await page.get_by_label("Look for somebody for this shelf").fill(words)
        await page.get_by_role("button", name="Search", exact=True).click()
        await page.get_by_role("button", name=f"Add {name}").click()
    await page.get_by_role("button", name="Move Tilly the Tea Witch up").click()
    for _ in range(len(await titles(page)) - 1):
        await page.get_by_role("button", name="Move From the harbour up").click()
    assert (await titles(page))[0] == "From the harbour"
    await page.goto("/")
    shelf = page.locator(".shelf").first
    await expect(shelf.get_by_role("heading", level=2)).to_have_text("From the harbour")
    await expect(shelf.get_by_role("heading", level=3)).to_have_text(
        ["Tilly the Tea Witch", "Orrin the Lighthouse Keeper"]
    )


async def test_enter_enter_enter_lifts_a_shelf(visit: Visit) -> None:
    """The hand stays on the button it pressed; at the top it stands on the other one."""
    visitor = await visit(scripts=False)
    visitor.expect("401")
    page = await visitor.page()
    await as_cleo(page)
    last = (await titles(page))[-1]
    places = len(await titles(page)) - 1
    await page.get_by_role("button", name=f"Move {last} up").focus()
    for step in range(places):
        await page.keyboard.press("Enter")
        await page.wait_for_url("**did=up**")
        direction = "down" if step == places - 1 else "up"
        await expect(page.get_by_role("button", name=f"Move {last} {direction}")).to_be_focused()
        assert (await titles(page)).index(last) == places - 1 - step
    await page.get_by_label("Title of shelf 1").fill("On top")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Title of shelf 1")).to_have_value("On top")
    await expect(page.get_by_label("Title of shelf 1")).to_be_focused()


@LOOKS
async def test_every_state_is_accessible(visit: Visit, scheme: Scheme, size: tuple[int, int]) -> None:
    visitor = await visit(scheme=scheme, size=size, reduced_motion="reduce")
    visitor.expect("401", "400")
    page = await visitor.page()
    await as_cleo(page)
    assert await objections(page) == []
    await page.goto(f"{PAGE}?open=featured&search=the")
    assert await objections(page) == []
    await page.goto(f"{PAGE}?open=featured&search=zzzzqqq")
    assert await objections(page) == []
    await page.get_by_text("Remove", exact=False).locator("visible=true").first.click()
    assert await objections(page) == []
    await page.goto(PAGE)
    await page.get_by_label("Title of shelf 1").evaluate("each => each.removeAttribute('required')")
    await page.get_by_label("Title of shelf 1").fill(" ")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_be_visible()
    assert await objections(page) == []
