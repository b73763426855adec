"""Reviews and reports in a browser: by keyboard, in place, in page and dialog, and accessible in every state."""

import re

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Locator, Page, expect
from tests import factories
from tests.e2e import steps
from tests.e2e.browsing import DESKTOP, PHONE, Scheme
from tests.e2e.conftest import Visit
from tests.e2e.product import Product

from botbot.accounts.service import get_or_create_user
from botbot.catalog.queries import get_personality
from botbot.db import Database
from botbot.reviews.schemas import RatingIn
from botbot.reviews.service import rate_personality

pytestmark = [pytest.mark.browser, pytest.mark.long]


async def reviewed(product: Product, slug: str, count: int) -> None:
    """`count` reviews by others, written beside the running product."""
    database = Database(f"sqlite:///{product.data_dir / 'botbot.sqlite3'}")
    for n in range(count):
        async with database.write() as session:
            user = await get_or_create_user(session, 600_000 + n)
            user.username = f"reader {n}"
            await session.flush()
            personality = await get_personality(session, slug)
            data = RatingIn(n % 5 + 1, f"What reader {n} thought.")
            await rate_personality(session, factories.viewer_of(user), personality.id, data)
    await database.dispose()


async def objections(page: Page) -> list[str]:
    found = [
        f"{each['id']} {node['target']}"
        for each in (await Axe().run(page)).response["violations"]
        for node in each["nodes"]
    ]
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return found


def reviews_of(page: Page) -> Locator:
    return page.locator("#reviews .review")


async def test_more_of_them_and_in_another_order_without_leaving(visit: Visit, product: Product) -> None:
    await reviewed(product, steps.ORRIN, 13)
    page = await (await visit()).page()
    await page.goto(f"/personalities/{steps.ORRIN}")
    await expect(reviews_of(page)).to_have_count(10)
    await page.get_by_role("link", name="Show more reviews").click()
    await expect(reviews_of(page)).to_have_count(13)
    await expect(page.get_by_role("link", name="Show more reviews")).to_have_count(0)
    texts = await page.locator("#reviews .review__text").all_inner_texts()
    assert len(set(texts)) == 13
    await page.locator("#reviews").get_by_role("link", name="Newest").click()
    await expect(page).to_have_url(re.compile("reviews=newest"))
    await expect(page.locator("#reviews .review__text").first).to_have_text("What reader 12 thought.")
    await expect(page.locator("#reviews").get_by_role("link", name="Newest")).to_be_focused()


@pytest.mark.parametrize(
    ("who", "slug", "scheme", "size"),
    [("Ada", "professor-quill", "dark", DESKTOP), ("Ben", "judge-pumpernickel", "light", PHONE)],
)
async def test_written_found_helpful_reported_and_taken_back(
    visit: Visit, product: Product, who: str, slug: str, scheme: Scheme, size: tuple[int, int]
) -> None:
    await reviewed(product, slug, 2)
    visitor = await visit(scheme=scheme, size=size, reduced_motion="reduce")
    visitor.expect("409")  # reporting twice
    page = await visitor.page()
    await page.goto(f"/personalities/{slug}")
    await steps.sign_in_from_header(page, who)
    await page.goto(f"/personalities/{slug}")
    await _write_by_keyboard(page)
    assert await objections(page) == []
    helpful = page.get_by_role("button", name="Helpful").first
    await helpful.click()
    await expect(helpful).to_have_attribute("aria-pressed", "true")
    await expect(helpful).to_contain_text("1")
    await expect(helpful).to_be_focused()
    await helpful.click()
    await expect(helpful).to_have_attribute("aria-pressed", "false")
    await _report(page, page.get_by_role("link", name=re.compile("^Report the review")).first, "spam")
    await _report(page, page.get_by_role("link", name="Report this personality"), "advert")
    await page.get_by_role("button", name="Take it back").click()
    await expect(page.get_by_role("button", name="Undo")).to_be_focused()


async def _write_by_keyboard(page: Page) -> None:
    await page.locator("#my-review summary").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    for _ in range(4):
        await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Marks kindly.")
    await expect(page.locator("#review-count")).to_have_text(re.compile("^13 of 1,000"))
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    mine = page.locator(".review", has=page.get_by_text("you", exact=True))
    await expect(mine.locator(".review__text")).to_have_text("Marks kindly.")
    await expect(page.locator("#my-review summary")).to_be_focused()


async def _report(page: Page, link: Locator, words: str) -> None:
    """In its own dialog, once; the second time it says that it was done."""
    for expected in ("A moderator will look at it", "You have reported this before"):
        await link.click()
        dialog = page.get_by_role("dialog", name=re.compile("^Report"))
        await expect(dialog).to_be_visible()
        await dialog.get_by_role("radio").first.check()
        await dialog.get_by_label("Anything a moderator should know").fill(words)
        assert await objections(page) == []
        async with page.expect_response(
            lambda answer: answer.request.method == "POST"
        ):  # an older thanks may still show
            await dialog.get_by_role("button", name="Send the report").click()
        await expect(page.get_by_text(expected).last).to_be_visible()
        if await dialog.count():
            await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)


async def test_the_dialog_over_the_grid_does_the_same(visit: Visit, product: Product) -> None:
    await reviewed(product, steps.ORRIN, 13)
    page = await (await visit()).page()
    await page.goto("/?search=lighthouse")
    await page.locator("ul.grid .card__link").first.click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("link", name="Show more reviews").click()
    await expect(dialog.locator(".review")).to_have_count(13)
    await dialog.get_by_role("link", name="Report this personality").click()
    report = page.get_by_role("dialog", name=re.compile("^Report"))
    await expect(report.get_by_role("link", name="Sign in with Discord")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(report).to_have_count(0)
    await expect(dialog).to_be_visible()


async def test_conversations_by_keyboard_and_without_a_script(visit: Visit) -> None:
    page = await (await visit(scripts=False)).page()
    await page.goto(f"/personalities/{steps.ORRIN}")
    shown = page.locator(".talks__panel:visible")
    await expect(shown).to_have_count(1)
    first = await shown.inner_text()
    await page.locator(".talks__tab input").first.focus()
    await page.keyboard.press("ArrowRight")
    await expect(shown).to_have_count(1)
    assert await shown.inner_text() != first


async def test_a_visitors_stars_wait_for_the_sign_in(visit: Visit) -> None:
    visitor = await visit()
    visitor.expect("401")  # the page with the way in
    page = await visitor.page()
    await page.goto("/personalities/captain-ferro")
    await page.get_by_text("Write a review").click()
    await page.locator("label.star-input__star").nth(4).click()
    await page.locator("[name=review]").fill("Aye.")
    await page.get_by_role("button", name="Post it").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in and it’s done")
    await page.get_by_role("main").get_by_role("link", name="Sign in with Discord").click()
    await steps.consent(page, "Ben")
    await expect(page.locator("#reviews .review__text")).to_have_text("Aye.")
