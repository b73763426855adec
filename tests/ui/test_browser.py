"""The front in a real browser, under the real security policy: what scripts add, and what they must not break."""

import asyncio
import gzip
import re
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Response, expect
from tests.ui.gallery import CHROMIUM
from tests.ui.scenes import scenes

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not Path(CHROMIUM["executable_path"]).exists(), reason="Chromium is not here"),
]


async def test_a_card_opens_in_a_dialog_and_back_closes_it(page):
    await page.goto("/scene/index")
    await page.locator(".grid a").first.click()
    await expect(page.locator("dialog[open] .discord:not(.discord--excerpt)")).to_be_visible()
    assert page.url.endswith("/personalities/halvard-the-ferryman")
    await page.go_back()
    await expect(page.locator("dialog[open]")).to_have_count(0)
    assert page.url.endswith("/scene/index")
    await page.go_forward()
    await expect(page.locator("dialog[open] .discord:not(.discord--excerpt)")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog[open]")).to_have_count(0)
    await expect(page).to_have_url(re.compile("/scene/index$"))


async def test_a_modified_click_is_the_browsers_own(page):
    await page.goto("/scene/index")
    async with page.context.expect_page() as other:
        await page.locator(".grid a").first.click(modifiers=["ControlOrMeta"])
    assert (await other.value).url.endswith("/personalities/halvard-the-ferryman")
    await expect(page.locator("dialog[open]")).to_have_count(0)


async def test_a_dialog_that_was_closed_while_it_came_stays_closed(page):
    held = asyncio.Event()

    async def hold(route):
        await held.wait()
        await route.continue_()

    await page.route(re.compile(r"/static/chat\."), hold)
    await page.goto("/scene/index")
    await page.locator(".grid a").first.click()
    await expect(page.locator("dialog[open]")).to_have_count(1)  # what there is to see until it has come
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog[open]")).to_have_count(0)
    held.set()
    come = "customElements.whenDefined('preview-chat')"  # never, where it was closed before it asked for that
    await page.evaluate(f"Promise.race([{come}, new Promise((done) => setTimeout(done, 2000))]).then(() => {{}})")
    await page.wait_for_timeout(300)
    await expect(page.locator("dialog[open]")).to_have_count(0)


async def test_a_reply_streams_in_and_is_said_once(page):
    await page.goto("/scene/detail")
    await page.fill("#chat-message", "<b>hello</b>")
    await page.keyboard.press("Enter")
    await expect(page.locator(".discord:not(.discord--excerpt) .message__note")).to_have_text(
        re.compile("^Sample reply: today")
    )
    last = page.locator(".discord:not(.discord--excerpt) .message").last
    await expect(last.locator("strong")).to_have_text("Hold")
    await expect(last.locator("li")).to_have_count(2)
    assert (
        await page.locator(".discord:not(.discord--excerpt) .message").nth(1).locator("b:not(.message__name)").count()
        == 0
    )
    assert (await page.locator("[data-live]").text_content()).startswith("Halvard the Ferryman: That is")


async def test_shift_enter_breaks_the_line_and_a_suggestion_sends(page):
    await page.goto("/scene/detail")
    await page.fill("#chat-message", "one")
    await page.keyboard.press("Shift+Enter")
    assert await page.input_value("#chat-message") == "one\n"
    await page.locator(".chat__suggestion").first.click()
    await expect(page.locator(".discord:not(.discord--excerpt) .message")).to_have_count(3)
    await expect(page.locator("[data-suggestions]")).to_be_hidden()


async def test_a_limit_says_when_it_ends_and_then_lets_retry(page):
    await page.goto("/scene/detail")
    await page.fill("#chat-message", "limit")
    await page.keyboard.press("Enter")
    retry = page.locator(".discord:not(.discord--excerpt) .message__retry")
    await expect(retry).to_be_disabled()
    await expect(retry).to_have_text(re.compile(r"Try again in \d s"))
    await expect(page.locator(".discord:not(.discord--excerpt) .message [role=alert]")).to_have_text(
        "Ten a minute is my limit."
    )
    await expect(retry).to_be_enabled(timeout=4000)


async def test_escape_stops_the_reply_but_not_the_dialog(page):
    await page.goto("/scene/index")
    await page.locator(".grid a").first.click()
    await page.fill("dialog #chat-message", "hang")
    await page.keyboard.press("Enter")
    await expect(page.locator(".discord:not(.discord--excerpt) .message").last).to_contain_text("Let me think")
    await page.keyboard.press("Escape")
    await expect(page.locator(".discord:not(.discord--excerpt) .message__note")).to_have_text("You stopped this reply.")
    await expect(page.locator("dialog[open]")).to_have_count(1)


async def test_a_reply_that_breaks_off_keeps_its_words_and_says_so(page):
    await page.goto("/scene/detail")
    await page.fill("#chat-message", "break")
    await page.keyboard.press("Enter")
    await expect(page.locator(".discord:not(.discord--excerpt) .message--wrong")).to_contain_text("I was about")
    await expect(page.locator(".discord:not(.discord--excerpt) .message--wrong [role=alert]")).to_have_text(
        re.compile("broke off")
    )
    await expect(page.locator(".discord:not(.discord--excerpt) .message__retry")).to_be_enabled()


async def test_typing_searches_and_the_address_follows(page):
    await page.goto("/scene/index")
    await page.keyboard.press("/")
    await page.keyboard.type("fire")
    await expect(page).to_have_url(re.compile(r"/\?search=fire$"))
    await expect(page.locator("[data-announcer]")).to_have_text("1 personality found")
    assert await page.evaluate("document.activeElement.id") == "search"
    await page.click("text=Education")  # the stand-in answers at once, with ticks of its own
    await expect(page).to_have_url(re.compile("search=fire&category=education"))
    await page.locator(".chip").first.click()
    await expect(page.locator("label:has-text('Education') input")).not_to_be_checked()
    await expect(page.locator("[name=excludeTags][value=loud]")).to_be_checked()


async def test_the_grid_goes_on(page):
    await page.goto("/scene/index")
    await expect(page.locator(".grid")).to_have_count(1)
    await page.locator("[data-pager]").scroll_into_view_if_needed()
    await expect(page.locator(".grid[data-page='2'] > li")).to_have_count(8)
    await expect(page.locator("[data-more]")).to_have_count(0)


async def test_a_toast_can_take_back_what_it_tells_of(page):
    await page.goto("/scene/terms")
    await page.evaluate("""document.dispatchEvent(new CustomEvent("botbot:toast", {
        detail: { text: "No longer a favourite.", undo: () => { window.undone = true } } }))""")
    await expect(page.locator(".toast")).to_contain_text("No longer a favourite.")
    await page.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(page.locator(".toast")).to_have_count(0)
    assert await page.evaluate("window.undone") is True


async def test_colours_change_at_once(page):
    await page.goto("/scene/terms")
    for wanted in ("dark", "light", "auto"):
        await page.locator(".theme button").click()
        assert await page.evaluate("document.documentElement.dataset.theme") == wanted


async def test_offline_is_said(page):
    await page.goto("/scene/terms")
    await page.context.set_offline(True)
    await expect(page.locator("[data-offline]")).to_be_visible()
    await page.context.set_offline(False)
    await expect(page.locator("[data-offline]")).to_be_hidden()


async def test_stars_are_chosen_by_keyboard(page):
    await page.goto("/scene/detail-rated")
    await page.locator("input[name=rating][value='4']").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("input[name=rating][value='5']")).to_be_checked()


async def test_without_a_script_search_chat_and_filters_are_forms(browser, base):
    context = await browser.new_context(
        base_url=base, java_script_enabled=False, viewport={"width": 360, "height": 740}
    )
    page = await context.new_page()
    await page.goto("/scene/index")
    await page.fill("#search", "fire")
    await page.locator(".search__go").click()
    assert "search=fire" in page.url
    await page.get_by_role("button", name="Filters").click()
    await expect(page.locator(".filters__apply")).to_be_visible()
    await page.goto("/scene/detail")
    await expect(page.locator("[data-send]")).to_be_visible()
    await expect(page.locator("[data-stop]")).to_be_hidden()
    await context.close()


async def objections(page):
    """What axe finds. A script that still draws may take a text away while axe measures it, which then has no colour:
    what it objects to has to last."""
    found = (await Axe().run(page)).response["violations"]
    if found:
        await page.wait_for_load_state("networkidle")
        found = (await Axe().run(page)).response["violations"]
    return [each["id"] for each in found]


@pytest.mark.parametrize("scheme", ["dark", pytest.param("light", marks=pytest.mark.long)])
async def test_every_state_is_accessible_and_fits_a_phone(browser, base, scheme):
    context = await browser.new_context(
        base_url=base, viewport={"width": 360, "height": 740}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = await context.new_page()
    found: list[str] = []
    for name in scenes():
        await page.goto(f"/scene/{name}")
        found += [f"{name}: {each}" for each in await objections(page)]
        if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{name}: wider than the screen")
    await context.close()
    assert found == []


async def test_the_first_page_is_light(page):
    """Everything the browser asks for on a first visit, packed as the site packs it."""
    bodies: list[bytes] = []

    async def weigh(response: Response) -> None:
        bodies.append(await response.body())

    page.on("response", weigh)
    await page.goto("/scene/index", wait_until="networkidle")
    packed = [len(gzip.compress(body, 6)) for body in bodies]
    assert len(packed) >= 12
    assert sum(packed) <= 60 * 1024, sorted(packed)


async def test_the_dialog_is_accessible(page):
    await page.goto("/scene/index")
    await page.locator(".grid a").first.click()
    await expect(page.locator("dialog[open] .discord:not(.discord--excerpt)")).to_be_visible()
    await page.wait_for_timeout(300)
    assert [each["id"] for each in (await Axe().run(page)).response["violations"]] == []
