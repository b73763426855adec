"""Every state is accessible, fits a phone, and asks nobody else for anything; the keyboard alone goes everywhere."""

import re

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect
from tests.e2e import steps
from tests.e2e.browsing import LOOKS, Scheme, Visitor
from tests.e2e.conftest import Visit
from tests.e2e.product import running
from tests.e2e.tour import tour

pytestmark = [pytest.mark.browser, pytest.mark.long]

FEWEST_STATES = 20


@LOOKS
async def test_every_state_is_accessible(browser: Browser, scheme: Scheme, size: tuple[int, int]) -> None:
    """axe finds nothing, nothing is wider than the screen, nothing goes wrong behind the scenes."""
    with running() as product:
        visitor = await Visitor.open(
            browser, product.base, product.sandbox, size=size, scheme=scheme, reduced_motion="reduce"
        )
        visitor.expect("404")  # the last stop of the tour
        page = await visitor.page()
        found: list[str] = []
        names = []
        async for name in tour(page, product):
            names.append(name)
            found += [f"{name}: {each}" for each in await _objections(page)]
        await visitor.context.close()
    assert found == []
    assert visitor.mistakes == []
    assert len(names) >= FEWEST_STATES


async def _objections(page: Page) -> list[str]:
    violations = (await Axe().run(page)).response["violations"]
    found = [
        f"{each['id']} {node['target']} {' '.join(node['failureSummary'].split())}"
        for each in violations
        for node in each["nodes"]
    ]
    width, room = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    return [*found, f"{width} px wide on a screen of {room}"] if width > room else found


async def test_the_check_would_find_something(visit: Visit) -> None:
    visitor = await visit()
    visitor.expect("404", "style")  # the picture that isn't there
    page = await visitor.page()
    await page.goto("/terms")
    await page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"/x\"><hr id=wide>')"
    )
    await page.evaluate("document.querySelector('#wide').style.width = '9000px'")
    found = await _objections(page)
    assert any(each.startswith("image-alt") for each in found)
    assert any("px wide" in each for each in found)


@pytest.mark.parametrize("width", [360, 768, 1920, 3840])
async def test_no_width_scrolls_sideways(visit: Visit, width: int) -> None:
    page = await (await visit(size=(width, 900))).page()
    for path in ("/", "/?search=zzzzqqq", f"/personalities/{steps.ORRIN}", f"/personalities/{steps.ORRIN}/deploy"):
        await page.goto(path)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


async def test_tab_goes_to_search_filters_and_the_first_card(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/?sortBy=name")
    order = await _tab_until(page, "ul.grid li:first-child .card__link")
    stops = ("Skip to content", "search", "Skip the filters", "category", "tags", "excludeTags", "minRating", "sortBy")
    places = [order.index(each) for each in stops]
    assert places == sorted(places)
    assert places[0] == 0


async def _tab_until(page: Page, selector: str, most: int = 80) -> list[str]:
    """What the focus went over until it stood on `selector`: names of fields, words of everything else."""
    seen: list[str] = []
    words = "(each => each.name || each.innerText.trim() || each.getAttribute('aria-label') || '')"
    for _ in range(most):
        await page.keyboard.press("Tab")
        seen.append(await page.evaluate(f"{words}(document.activeElement)"))
        assert await page.evaluate("document.activeElement.matches(':focus-visible')"), f"no visible focus: {seen[-1]}"
        if await page.evaluate(f"document.activeElement.matches({selector!r})"):
            return seen
    raise AssertionError(f"never reached {selector}: {seen}")


async def test_every_focus_can_be_seen(visit: Visit) -> None:
    """Focus changes how the focused thing looks, in outline, shadow or border, on each of the first stops."""
    page = await (await visit(reduced_motion="reduce")).page()
    await page.goto("/")
    looks = """each => { const of = getComputedStyle(each), a = getComputedStyle(each, '::after');
        return [of.outlineStyle, of.outlineWidth, of.boxShadow, of.borderColor, of.backgroundColor, a.outlineStyle,
                a.boxShadow, getComputedStyle(each.closest('label, form, article') ?? each).outlineStyle,
                getComputedStyle(each.closest('label, form, article') ?? each).boxShadow].join() }"""
    for _ in range(30):
        await page.keyboard.press("Tab")
        focused = await page.evaluate_handle("document.activeElement")
        with_focus = await page.evaluate(looks, focused)
        name = await page.evaluate("each => each.outerHTML.slice(0, 90)", focused)
        await page.evaluate("each => each.blur()", focused)
        without = await page.evaluate(looks, focused)
        await page.evaluate("each => each.focus()", focused)
        assert with_focus != without, f"focus does not show on {name}"


async def test_the_dialog_keeps_the_focus_and_gives_it_back(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/")
    card = page.locator("ul.grid .card__link").nth(2)
    await card.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog").locator(".discord:not(.discord--excerpt)")).to_be_visible()
    inside = (
        "document.activeElement === document.body || document.querySelector('dialog').contains(document.activeElement)"
    )
    for _ in range(40):
        await page.keyboard.press("Tab")
        assert await page.evaluate(inside)
    for _ in range(5):
        await page.keyboard.press("Shift+Tab")
        assert await page.evaluate(inside)
    await page.keyboard.press("Escape")
    await expect(card).to_be_focused()


async def test_the_keyboard_alone_opens_talks_and_leaves(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/")
    await page.keyboard.press("/")
    await page.keyboard.type("tilly")
    await expect(page.locator("ul.grid > li")).to_have_count(1)
    await _tab_until(page, "ul.grid li:first-child .card__link")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog").locator(".discord:not(.discord--excerpt)")).to_be_visible()
    await _tab_until(page, "dialog #chat-message")
    await page.keyboard.type("Who are you?")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-live]")).to_contain_text("Tilly", timeout=15_000)
    await page.keyboard.press("Escape")
    await expect(page).to_have_url(re.compile("search=tilly$"))


async def test_results_and_replies_are_said_aloud(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/")
    await steps.search(page, "lighthouse")
    await expect(page.locator("[data-announcer]")).to_have_text("1 personality found")
    for live in ("[data-announcer]", "[data-toasts]"):
        assert await page.locator(live).get_attribute("aria-live") == "polite"
