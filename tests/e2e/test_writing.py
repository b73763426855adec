"""Writing a personality in the panel: from the keyboard alone, and by hand with a pointer and without a script."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect
from tests.e2e import steps
from tests.e2e.browsing import LOOKS, Scheme
from tests.e2e.conftest import Visit
from tests.e2e.objecting import objections

pytestmark = [pytest.mark.browser, pytest.mark.long]
LIST = "/admin/personalities"
FIELDS = {
    "name": "Marlow of the Light", "category": "Entertainment", "description": "Keeps the light and you company.",
    "openingLine": "Mind the third step.", "persona": "An old keeper who counts ships.",
    "systemPrompt": "You are {{char}} and keep a lighthouse.",
}  # fmt: skip


async def as_cleo(page: Page, path: str) -> None:
    await page.goto(path)
    await steps.sign_in(page, "Cleo")
    await page.goto(path)


async def tab_to(page: Page, words: str) -> None:
    """Press Tab until something of that name, or that says so, has the focus."""
    asked = "[document.activeElement.name, document.activeElement.innerText].filter(Boolean).join(' ')"
    for _ in range(120):
        await page.keyboard.press("Tab")
        if words in str(await page.evaluate(asked)):
            return
    raise AssertionError(f"Tab never came to {words!r}")


async def values(page: Page, name: str) -> Any:
    return await page.evaluate(f"[...document.querySelectorAll('form [name={name}]')].map((each) => each.value)")


async def test_from_the_keyboard_alone_somebody_is_written_tried_out_saved_and_taken_back(visit: Visit) -> None:
    visitor = await visit()
    visitor.expect("401")
    page = await visitor.page()
    await as_cleo(page, LIST)
    await tab_to(page, "New personality")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="New personality")).to_be_visible()
    for name, text in FIELDS.items():
        await tab_to(page, name)
        await page.keyboard.type(text)
    await tab_to(page, "trait-name")
    await page.keyboard.type("bold")
    await page.keyboard.press("Tab")
    await page.keyboard.type("0.8")
    await tab_to(page, "Add a trait")
    await page.keyboard.press("Enter")
    await page.keyboard.type("wears")
    await page.keyboard.press("Tab")
    await page.keyboard.type("a yellow coat")
    await page.keyboard.press("Alt+ArrowUp")
    assert await values(page, "trait-name") == ["wears", "bold"]
    await tab_to(page, "Add a conversation")
    await page.keyboard.press("Enter")
    await page.keyboard.type("Ships?")
    await tab_to(page, "turn-content")
    await page.keyboard.type("Four.")
    await tab_to(page, "hue")
    await page.keyboard.type("400")
    await expect(page.locator("#hue-wrong")).to_have_text("must be between 0 and 359")
    await page.keyboard.press("Control+a")
    await page.keyboard.type("200")
    await expect(page.locator("[data-standing]")).to_have_text("Ready to save.")
    await tab_to(page, "say")
    await page.keyboard.type("Who are you?")
    await page.keyboard.press("Enter")
    said = page.locator("[data-said] > li")
    await expect(said).to_have_count(3)
    await expect(said.nth(2)).not_to_have_text(re.compile("…$"))
    await expect(page.get_by_role("button", name="Start again")).to_be_visible()
    await page.locator("[name=changelog]").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Saved.").first).to_be_attached()
    await expect(page.get_by_role("heading", name=FIELDS["name"])).to_be_visible()
    assert await values(page, "trait-name") == ["wears", "bold"]
    assert await values(page, "turn-content") == ["Ships?", "Four."]
    await page.locator("[name=persona]").focus()
    await page.keyboard.press("Control+End")
    await page.keyboard.type(" And never sleeps.")
    await page.locator("[name=changelog]").focus()
    await page.keyboard.type("No sleep.")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Version 2")).to_be_visible()
    await page.get_by_role("link", name="Versions").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("ins")).to_contain_text("And never sleeps.")
    await tab_to(page, "Go back to it")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Version 3")).to_be_visible()
    assert await page.locator("[name=persona]").input_value() == FIELDS["persona"]


async def test_without_a_script_rows_come_by_a_button_and_the_draft_answers_on_the_page(visit: Visit) -> None:
    visitor = await visit(scripts=False)
    visitor.expect("401")
    page = await visitor.page()
    await as_cleo(page, f"{LIST}/new")
    for name, text in FIELDS.items():
        await page.locator(f"#editor [name={name}]").fill(text)
    before = await page.locator("form [name=trait-name]").count()
    await page.get_by_role("button", name="Add a trait").click()
    assert await page.locator("form [name=trait-name]").count() == before + 6
    await page.locator("form [name=trait-name]").nth(7).fill("bold")
    await page.locator("form [name=trait-value]").nth(7).fill("0.8")
    await page.locator("[name=say]").fill("Who are you?")
    await page.get_by_role("button", name="Ask the draft").click()
    await expect(page.locator("[data-said] > li")).to_have_count(3)
    assert await page.locator("[name=name]").input_value() == FIELDS["name"]
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_role("heading", name=FIELDS["name"])).to_be_visible()
    assert await page.locator("form [name=trait-value]").first.input_value() == "0.8"


async def test_a_whole_page_is_ticked_and_changed_at_once(visit: Visit) -> None:
    visitor = await visit()
    visitor.expect("401")
    page = await visitor.page()
    await as_cleo(page, f"{LIST}?search=lighthouse&state=public")
    await page.get_by_label("Tick all on this page").check()
    await page.get_by_label("With those ticked").select_option("tag")
    await page.get_by_label("Category or tag").fill("by the sea")
    await page.get_by_role("button", name="Do it").click()
    await expect(page.get_by_role("searchbox", name="Find")).to_have_value("lighthouse")
    await page.goto(f"{LIST}?search=by the sea")
    await expect(page.get_by_role("link", name="Orrin the Lighthouse Keeper")).to_be_visible()


@LOOKS
async def test_each_of_its_pages_reads_well(visit: Visit, scheme: Scheme, size: tuple[int, int]) -> None:
    visitor = await visit(scheme=scheme, size=size)
    visitor.expect("401")
    page = await visitor.page()
    await as_cleo(page, LIST)
    entry = await page.locator("tbody th a").first.get_attribute("href")
    found: list[str] = []
    for room in (LIST, f"{LIST}/new", entry, f"{entry}/versions", "/admin/import", "/admin/shelves"):
        await page.goto(str(room))
        found += [f"{room}: {each}" for each in await objections(page)]
    assert found == []
