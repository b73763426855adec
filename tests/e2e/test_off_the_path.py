"""The ways off the main job's path: nothing to manage, too many clicks, second thoughts, a session that ended."""

import re

import pytest
from playwright.async_api import Locator, Page, expect
from tests.e2e import steps
from tests.e2e.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.long]


async def test_who_manages_nothing_is_offered_nothing(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto(f"/personalities/{steps.ORRIN}/deploy")
    await steps.sign_in(page, "Ben")
    await expect(page.get_by_text("I can’t see a server that you may manage.")).to_be_visible()
    assert await page.locator(".server").count() == 0
    await page.get_by_role("link", name="Look again").click()
    await expect(page.get_by_text("I can’t see a server that you may manage.")).to_be_visible()


@pytest.mark.parametrize("server", [steps.TEA_HOUSE, steps.NIGHT_OWLS])
async def test_a_double_click_moves_in_once(visit: Visit, server: str) -> None:
    page = await (await visit()).page()
    await page.goto(f"/personalities/{steps.TILLY}/deploy")
    await steps.sign_in(page, "Ada")
    await steps.choose(page, server)
    await page.get_by_role("button", name=re.compile("add it to", re.IGNORECASE)).dblclick()
    # The second click cuts off the first one's navigation, which `wait_for_url` takes for a failure.
    await expect(page).to_have_url(re.compile(r"/deployments/\w"))
    await expect(page.get_by_role("alert")).to_have_count(0)
    await page.goto("/deployments")
    await expect(page.locator(".home-row").filter(has_text=server)).to_have_count(1)


async def test_a_cancelled_sign_in_comes_back_with_a_word(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto(f"/personalities/{steps.ORRIN}/deploy")
    await page.get_by_role("main").get_by_role("link", name="Sign in with Discord").click()
    await steps.be(page, "Cleo")
    await page.get_by_role("button", name="Cancel").click()
    await page.wait_for_url(f"**/personalities/{steps.ORRIN}/deploy**")
    await expect(page.get_by_text("you cancelled on Discord's page")).to_be_visible()
    await expect(_sign_in_link(page)).to_be_visible()


async def test_a_cancelled_install_changes_nothing_and_can_be_repeated(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto(f"/personalities/{steps.ORRIN}/deploy")
    await steps.sign_in(page, "Cleo")
    await steps.choose(page, "Cleo's Observatory")
    await steps.confirm(page)
    await page.get_by_role("link", name=re.compile("^Invite BotBot")).click()
    await page.get_by_role("button", name="Cancel").click()
    await page.wait_for_url("**/deployments/**")
    await expect(page.get_by_text("you cancelled on Discord's page")).to_be_visible()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("One click left")
    await page.get_by_role("link", name="Open the stand-in’s servers").click()
    await expect(page.get_by_role("link", name=re.compile("Observatory")).locator(".server__bot")).to_have_count(0)
    await page.go_back()
    await steps.invite(page)
    await steps.arrive(page)


async def test_signed_out_in_another_tab_there_is_a_way_back_in(visit: Visit) -> None:
    visitor = await visit()
    visitor.expect("401")
    page, other = await visitor.page(), await visitor.page()
    await page.goto(f"/personalities/{steps.ORRIN}/deploy")
    await steps.sign_in(page, "Ada")
    await steps.choose(page, steps.GARDEN)
    await other.goto("/account")
    await other.get_by_role("button", name="Sign out", exact=True).click()
    await expect(other.get_by_text("You're signed out.")).to_be_visible()
    await page.get_by_role("button", name=re.compile("add it to", re.IGNORECASE)).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Please sign in first")
    await _sign_in_link(page).click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Add Orrin the Lighthouse Keeper")
    assert steps.GARDEN in await steps.offered_servers(page)


def _sign_in_link(page: Page) -> Locator:
    return page.get_by_role("main").get_by_role("link", name="Sign in with Discord")
