"""The panel from the keyboard alone, without a script; and each of its rooms reads well in both themes and sizes."""

import re

import pytest
from playwright.async_api import Page, expect
from tests.e2e import steps
from tests.e2e.browsing import LOOKS, Scheme
from tests.e2e.conftest import Visit
from tests.e2e.objecting import objections

pytestmark = [pytest.mark.browser, pytest.mark.long]
ROOMS = ("/admin", "/admin/desk", "/admin/desk/decided", "/admin/servers?state=all", "/admin/people", "/admin/audit",
         "/notices")  # fmt: skip
REPORTED = f"/personalities/{steps.ORRIN}/report"


async def as_cleo(page: Page, path: str) -> None:
    await page.goto(path)
    await steps.sign_in(page, "Cleo")
    await page.goto(path)


async def tab_to(page: Page, words: str) -> None:
    """Press Tab until something that says so has the focus."""
    asked = "document.activeElement.innerText || document.activeElement.name || ''"
    for _ in range(80):
        await page.keyboard.press("Tab")
        if words in str(await page.evaluate(asked)):
            return
    raise AssertionError(f"Tab never came to {words!r}")


async def test_a_case_is_decided_and_taken_back_from_the_keyboard(visit: Visit) -> None:
    visitor = await visit(scripts=False)
    visitor.expect("401", "409")
    page = await visitor.page()
    await as_cleo(page, REPORTED)
    await page.get_by_label(re.compile("spam")).check()
    await page.get_by_role("main").get_by_role("button", name=re.compile("^(Send|Report)")).click()
    await page.goto("/admin/desk")
    await tab_to(page, "Orrin")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Decide")).to_be_visible()
    await tab_to(page, "verdict")
    await page.keyboard.press("Space")
    await tab_to(page, "Choose a reason")
    await page.keyboard.type("There is nothing")
    await tab_to(page, "Decide")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Nothing is open")).to_be_visible()
    await page.goto("/admin/desk/decided")
    await tab_to(page, "Take it back")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("taken back")).to_be_visible()


@LOOKS
async def test_every_room_reads_well(visit: Visit, scheme: Scheme, size: tuple[int, int]) -> None:
    visitor = await visit(scheme=scheme, size=size)
    visitor.expect("401")
    page = await visitor.page()
    await as_cleo(page, "/admin/people")
    await page.get_by_role("link", name="Cleo", exact=True).click()
    found = await objections(page)
    for room in ROOMS:
        await page.goto(room)
        found += [f"{room}: {each}" for each in await objections(page)]
    assert found == []
