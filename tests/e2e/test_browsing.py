"""The marketplace page: the address says what is shown, nothing is lost on the way back, each thing has its words."""

import gzip
import re

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Response, Route, expect
from tests.e2e import steps
from tests.e2e.browsing import LOOKS, PHONE, Scheme
from tests.e2e.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.long]

CARDS = "ul.grid > li"
NAMES = "ul.grid .card__name"


async def _total(page: Page) -> int:
    return int((await page.locator(".results-head__count").inner_text()).strip())


# Searching


async def test_typing_shows_marks_and_announces_what_is_found(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/")
    await page.keyboard.press("/")
    await page.keyboard.type("lighthouse", delay=15)
    await expect(page.locator(NAMES)).to_have_text(["Orrin the Lighthouse Keeper"])
    await expect(page.locator(f"{NAMES} mark")).to_have_text(["Lighthouse"])
    await expect(page.locator("[data-announcer]")).to_have_text("1 personality found")
    assert page.url.endswith("/?search=lighthouse")
    assert "“lighthouse”" in await page.title()
    await expect(page.locator("#search")).to_be_focused()
    await expect(page.locator(".shelf")).to_have_count(0)


async def test_accents_and_signs_mean_themselves(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/?search=nandu")
    await expect(page.locator(f"{NAMES} mark").first).to_have_text("Ñandú")
    for words in ("100%25", "_", '"', "%27", "%2A%2A"):
        await page.goto(f"/?search={words}")
        shown = await page.locator(CARDS).count()
        assert shown < 10, words


async def test_the_search_is_cleared_by_its_button_and_by_escape(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/?search=lighthouse")
    await page.get_by_role("link", name="Clear the search").click()
    await expect(page.locator("#search")).to_be_focused()
    await expect(page.locator(".shelf").first).to_be_visible()
    assert page.url.endswith("/")
    await page.keyboard.type("lighthouse")
    await expect(page.locator(CARDS)).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(page.locator("#search")).to_have_value("")
    await expect(page.locator(".shelf").first).to_be_visible()


async def test_nothing_found_says_why_and_offers_near_ones_and_ways_out(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/?search=ligthouse")
    await expect(page.locator(".empty")).to_contain_text("nobody for “ligthouse”")
    await expect(page.get_by_role("region", name="Did you mean one of these?")).to_contain_text("Orrin the Lighthouse")
    await page.goto("/?search=lighthouse&category=gaming&excludeTags=loud")
    await expect(page.locator(".empty")).to_contain_text("nobody for “lighthouse”, in Gaming, not #loud")
    ways = page.get_by_role("list", name="Ways on").get_by_role("link")
    told = await ways.filter(has_text="Gaming").inner_text()
    assert re.search(r"Let go of Gaming\s+1 personality", told)
    await ways.filter(has_text="Gaming").click()
    await expect(page.locator(NAMES)).to_have_text(["Orrin the Lighthouse Keeper"])
    assert page.url.endswith("/?search=lighthouse&excludeTags=loud")


# Filters


async def test_numbers_beside_the_options_are_what_one_gets(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/")
    option = page.locator("label.check").filter(has=page.locator("[name=category][value=gaming]"))
    promised = int(await option.locator("[data-n]").inner_text())
    await option.click()
    await expect(page).to_have_url(re.compile(r"/\?category=gaming$"))
    await expect(page.locator(CARDS)).to_have_count(promised)
    german = page.locator("label.check").filter(has=page.locator("[name=language][value=de]"))
    before = await german.locator("[data-n]").count() and int(await german.locator("[data-n]").inner_text())
    await expect(page.locator("[name=category][value=gaming]")).to_be_checked()
    assert before <= promised


async def test_a_tag_is_wanted_unwanted_or_neither(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/")
    everyone = await _total(page)
    wanted = page.locator(".tri").first
    tag = str(await wanted.locator("[name=tags]").get_attribute("value"))
    await wanted.locator(".tri__with").click()
    await expect(page).to_have_url(re.compile(rf"\?tags={tag}$"))
    await expect(page.locator(".chip")).to_have_text([re.compile(f"#{tag}")])
    having = await _total(page)
    await page.locator(f".tri:has([value='{tag}']) .tri__without").click()
    await expect(page).to_have_url(re.compile(rf"\?excludeTags={tag}$"))
    await expect(page.locator(".chip")).to_have_text([re.compile(f"not #{tag}")])
    assert having + await _total(page) == everyone
    await page.locator(".chip").click()
    await expect(page.locator(".chip")).to_have_count(0)
    await expect(page.locator(f"[name=excludeTags][value='{tag}']")).not_to_be_checked()
    assert page.url.endswith("/")


async def test_chips_take_one_filter_away_and_clear_all_takes_all(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/?category=gaming&category=science&excludeTags=loud&language=en&contentRating=everyone")
    chips = page.get_by_role("list", name="Filters in use").locator(".chip")
    await expect(chips).to_have_count(5)
    await chips.filter(has_text="Science").click()
    await expect(chips).to_have_count(4)
    assert "science" not in page.url
    await expect(page.locator("[name=category][value=gaming]")).to_be_checked()
    await page.get_by_role("link", name="Clear all").click()
    await expect(chips).to_have_count(0)
    assert page.url.endswith("/")
    await expect(page.locator("#filters input:checked")).to_have_count(1)  # any rating


async def test_back_and_forward_go_through_what_was_asked(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/")
    await steps.search(page, "the")
    await page.locator("[name=category][value=science]").check()
    await expect(page).to_have_url(re.compile("search=the&category=science$"))
    await expect(page.locator("#results")).to_have_attribute("aria-busy", "false")
    science = await page.locator(NAMES).all_inner_texts()
    await page.evaluate("window.stillHere = true")
    await page.go_back()
    await expect(page.locator("[name=category][value=science]")).not_to_be_checked()
    assert page.url.endswith("?search=the")
    await page.go_back()  # a word is one step, however many letters it has
    await expect(page.locator("#search")).to_have_value("")
    await expect(page.locator(".shelf").first).to_be_visible()
    await page.go_forward()
    await page.go_forward()
    await expect(page.locator(NAMES)).to_have_text(science)
    await expect(page.locator("#search")).to_have_value("the")
    assert await page.evaluate("window.stillHere") is True


async def test_the_sort_last_chosen_is_kept_and_the_address_wins(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/")
    await page.get_by_label("Sort by").select_option("name")
    await expect(page).to_have_url(re.compile(r"/\?sortBy=name$"))
    await page.goto("/")
    await expect(page.get_by_label("Sort by")).to_have_value("name")
    await expect(page.locator(f"{NAMES}").first).to_have_text("Atlas the Scientist")
    await expect(page.locator(".shelf").first).to_be_visible()
    names = await page.locator(NAMES).all_inner_texts()
    assert names == sorted(names, key=str.casefold)
    await page.goto("/?sortBy=newest")
    await expect(page.get_by_label("Sort by")).to_have_value("newest")


async def test_the_sheet_on_a_phone_keeps_the_number_in_sight(visit: Visit) -> None:
    page = await (await visit(size=PHONE, has_touch=True)).page()
    await page.goto("/")
    await page.get_by_role("button", name="Filters").tap()
    done = page.get_by_role("button", name=re.compile("^Show"))
    await expect(done).to_be_in_viewport()
    await page.locator("label.check", has_text="Gaming").tap()
    await expect(done).to_have_text(re.compile(r"Show \d personalities"))
    await expect(done).to_be_in_viewport()
    await done.tap()
    await expect(page.locator("#filters")).to_be_hidden()
    await expect(page.locator(".filters-bar__n")).to_have_text("1")


# A grid that goes on


async def test_the_grid_goes_on_and_shows_everybody_once(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/?sortBy=name")
    everyone = await _total(page)
    await expect(page.locator(CARDS)).to_have_count(24)
    seen: dict[str, None] = {}
    for _ in range(60):  # what is far away is taken out of the document, so one notes it on the way
        seen |= dict.fromkeys(
            await page.locator("ul.grid .card__link").evaluate_all("all => all.map(each => each.pathname)")
        )
        if not await page.locator("[data-more]").count():
            break
        await page.mouse.wheel(0, 1500)
        await page.wait_for_timeout(50)
    await page.wait_for_timeout(300)
    seen |= dict.fromkeys(
        await page.locator("ul.grid .card__link").evaluate_all("all => all.map(each => each.pathname)")
    )
    assert len(seen) == everyone
    places = await page.locator("ul.grid").evaluate_all("all => all.map(each => each.dataset.page)")
    assert places == [str(each + 1) for each in range(len(places))]
    assert await page.evaluate("history.state.pages") == -(-everyone // 24)


async def test_coming_back_from_a_page_restores_cards_and_place(visit: Visit) -> None:
    page = await (await visit(size=PHONE)).page()
    await page.goto("/?sortBy=name")
    await expect(page.locator(CARDS)).to_have_count(24)
    third = page.locator("ul.grid[data-page='3']")
    for _ in range(40):
        await page.mouse.wheel(0, 2500)
        await page.wait_for_timeout(50)
        if await third.count():
            break
    card = third.locator(".card__link").nth(2)
    await card.scroll_into_view_if_needed()
    await page.wait_for_timeout(300)
    name, there = await card.inner_text(), await page.evaluate("scrollY")
    await card.click()
    await page.wait_for_url("**/personalities/*")
    await page.go_back()
    await expect(card).to_have_text(name)
    await expect(card).to_be_in_viewport()
    assert abs(await page.evaluate("scrollY") - there) < 40


async def test_a_keyboard_walks_past_the_grid_and_may_ask_for_more(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/?sortBy=name")
    await page.keyboard.press("Tab")
    await page.locator("ul.grid .card__link").nth(22).focus()
    for _ in range(8):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.matches('[data-more]')"):
            break
    await expect(page.locator("[data-more]")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("ul.grid[data-page='2'] .card__link").first).to_be_focused()


async def test_the_next_page_that_fails_says_so_and_comes_on_asking(visit: Visit) -> None:
    visitor = await visit()
    visitor.expect("ERR_FAILED", "net::")
    page = await visitor.page()
    await page.route("**/cards?*", lambda route: route.abort())
    await page.goto("/?sortBy=name")
    await page.mouse.wheel(0, 9000)
    more = page.get_by_role("link", name=re.compile("didn’t arrive"))
    await expect(more).to_be_visible()
    await expect(page.locator(CARDS)).to_have_count(24)
    await page.unroute("**/cards?*")
    await more.click()
    await expect(page.locator("ul.grid[data-page='2'] > li").first).to_be_attached()


# When the line is bad


async def test_while_it_takes_long_the_old_results_stay_dimmed(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/")

    async def late(route: Route) -> None:
        await page.wait_for_timeout(700)
        await route.continue_()

    await page.route("**/?search=*", late)
    await page.locator("#search").fill("lighthouse")
    await expect(page.locator("#results")).to_have_attribute("aria-busy", "true")
    assert await page.locator(CARDS).count() >= 24
    await expect(page.locator(CARDS)).to_have_count(1)
    await expect(page.locator("#results")).to_have_attribute("aria-busy", "false")


async def test_offline_is_told_with_a_retry_and_the_cards_stay(visit: Visit) -> None:
    visitor = await visit()
    visitor.expect("ERR_INTERNET_DISCONNECTED")
    page = await visitor.page()
    await page.goto("/")
    shown = await page.locator(CARDS).count()
    await visitor.context.set_offline(True)
    await page.locator("#search").press_sequentially("lighthouse")
    notice = page.get_by_role("alert")
    await expect(notice).to_contain_text("Are you online?")
    assert await page.locator(CARDS).count() == shown
    await notice.get_by_role("button", name="Try again").click()
    await expect(notice).to_be_visible()
    await visitor.context.set_offline(False)  # and it asks again by itself
    await expect(page.locator(NAMES)).to_have_text(["Orrin the Lighthouse Keeper"])
    await expect(notice).to_be_hidden()


async def test_a_refusal_is_said_in_its_own_words(visit: Visit) -> None:
    visitor = await visit()
    visitor.expect("503")
    page = await visitor.page()
    await page.goto("/")
    body = '{"error":"storage_unavailable","message":"The shelves can’t be reached just now.","details":{}}'
    await page.route(
        "**/?search=*", lambda route: route.fulfill(status=503, body=body, content_type="application/json")
    )
    await page.locator("#search").fill("x")
    await expect(page.get_by_role("alert")).to_contain_text("The shelves can’t be reached just now.")
    await page.unroute("**/?search=*")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("alert")).to_be_hidden()
    await expect(page.locator("#search")).to_have_value("x")


# Without a script


async def test_without_a_script_pages_filters_and_tags_work(visit: Visit) -> None:
    page = await (await visit(scripts=False)).page()
    await page.goto("/")
    tri = page.locator(".tri").nth(1)
    tag = str(await tri.locator("[name=tags]").get_attribute("value"))
    await tri.locator(".tri__without").click()
    await page.locator("[name=category][value=gaming]").check()
    await page.locator("[name=category][value=science]").check()
    await page.get_by_role("button", name="Apply").click()
    await expect(page.locator(".chip")).to_have_text(
        [re.compile("Gaming"), re.compile("Science"), re.compile(f"not #{tag}")]
    )
    await expect(page.locator(f"[name=excludeTags][value='{tag}']")).to_be_checked()
    await page.goto("/?sortBy=name")
    seen = await page.locator(NAMES).all_inner_texts()
    while await page.get_by_role("link", name="Next").count():
        await page.get_by_role("link", name="Next").click()
        seen += await page.locator(NAMES).all_inner_texts()
    assert len(seen) == len({*seen}) == await _total(page)


# How it stands


async def test_nothing_moves_while_it_loads_and_while_one_scrolls(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.add_init_script(
        "window.shift = 0; new PerformanceObserver(list => { for (const each of list.getEntries())"
        " if (!each.hadRecentInput) window.shift += each.value }).observe({type: 'layout-shift', buffered: true})"
    )
    await page.goto("/", wait_until="networkidle")
    for _ in range(6):
        await page.mouse.wheel(0, 1500)
        await page.wait_for_timeout(150)
    assert await page.evaluate("window.shift") == 0


@pytest.mark.parametrize(("width", "columns"), [(360, 1), (768, 2), (1280, 3), (1920, 4), (2560, 6), (3840, 6)])
async def test_the_grid_has_as_many_columns_as_fit(visit: Visit, width: int, columns: int) -> None:
    page = await (await visit(size=(width, 900))).page()
    await page.goto("/?sortBy=name")
    tracks = await page.locator("ul.grid").first.evaluate(
        "each => getComputedStyle(each).gridTemplateColumns.split(' ')"
    )
    assert len(tracks) == columns
    heights = await page.locator(f"{CARDS} > article").evaluate_all(
        "all => all.map(each => [Math.round(each.getBoundingClientRect().top), each.offsetHeight])"
    )
    rows: dict[int, set[int]] = {}
    for top, height in heights:
        rows.setdefault(top, set()).add(height)
    assert all(len(same) == 1 for same in rows.values())


STATES = {
    "front": "/",
    "narrowed": "/?search=the&category=gaming&excludeTags=loud",
    "near misses": "/?search=ligthouse",
    "ways out": "/?search=lighthouse&category=gaming",
    "beyond the end": "/?page=999",
}


@LOOKS
async def test_axe_finds_nothing_in_any_state(visit: Visit, scheme: Scheme, size: tuple[int, int]) -> None:
    """On phones with the sheet open, and everywhere once the notice of a bad line stands above the results."""
    visitor = await visit(scheme=scheme, size=size, reduced_motion="reduce")
    visitor.expect("ERR_FAILED")
    page = await visitor.page()
    for name, path in STATES.items():
        await page.goto(path)
        if size == PHONE:
            await page.get_by_role("button", name="Filters").click()
        assert [each["id"] for each in (await Axe().run(page)).response["violations"]] == [], name
    await page.goto("/")
    await page.route("**/?search=*", lambda route: route.abort())
    await page.locator("#search").fill("x")
    await expect(page.get_by_role("alert")).to_be_visible()
    assert [each["id"] for each in (await Axe().run(page)).response["violations"]] == []


@pytest.mark.parametrize("more", [{"forced_colors": "active"}, {"reduced_motion": "reduce"}])
async def test_other_ways_to_look_keep_every_control(visit: Visit, more: dict[str, str]) -> None:
    page = await (await visit(size=(640, 400), **more)).page()  # 1280 pixels at 200 %
    await page.goto("/?category=gaming")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.get_by_role("button", name="Filters").click()
    await expect(page.get_by_role("button", name=re.compile("^Show"))).to_be_in_viewport()


async def test_all_scripts_of_the_page_are_small(visit: Visit) -> None:
    page = await (await visit()).page()
    bodies: list[bytes] = []

    async def weigh(response: Response) -> None:
        if response.request.resource_type == "script":
            bodies.append(await response.body())

    page.on("response", weigh)
    await page.goto("/", wait_until="networkidle")
    assert len(bodies) >= 5
    assert sum(len(gzip.compress(each)) for each in bodies) <= 25 * 1024
