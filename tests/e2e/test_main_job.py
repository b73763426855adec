"""The main job in a browser, as a person does it: browse, try, move in, talk, rate, look after it."""

import re
import time
from itertools import pairwise

import pytest
from playwright.async_api import Page, expect
from tests.e2e import steps
from tests.e2e.browsing import PHONE
from tests.e2e.conftest import Visit
from tests.e2e.product import Product

pytestmark = pytest.mark.browser


# Browse


async def test_the_grid_shows_who_there_is(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/")
    cards = page.locator("ul.grid > li article.card")
    assert await cards.count() >= 24
    for card in await cards.all():
        assert (await card.locator(".card__name").inner_text()).strip()
        assert len(await card.locator(".card__what").inner_text()) > 10
        assert await card.get_by_text("Not yet rated").count() == 1
    assert len(set(await cards.locator(".card__face").evaluate_all("all => all.map(each => each.src)"))) >= 24
    assert len(await _categories(page)) >= 6
    assert await page.locator("#filters input[name=category]").count() >= 6


async def test_every_face_is_really_drawn(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/")
    for face in await page.locator("ul.grid .card__face").all():
        await face.scroll_into_view_if_needed()
        await expect(face).to_have_js_property("complete", True)
        assert await face.evaluate("face => face.naturalWidth") > 0


async def test_typing_finds_without_a_reload_and_back_restores_it(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/")
    await page.evaluate("window.stillHere = true")
    await page.keyboard.press("/")
    await expect(page.locator("#search")).to_be_focused()
    await page.keyboard.type("lighthouse", delay=15)
    await expect(page).to_have_url(re.compile(r"/\?search=lighthouse$"))
    await expect(page.locator("ul.grid > li")).to_have_count(1)
    assert await page.evaluate("window.stillHere") is True
    await page.get_by_role("link", name="Terms").click()
    await page.wait_for_url("**/terms")
    await page.go_back()
    await expect(page.locator("#search")).to_have_value("lighthouse")
    await expect(page.locator("ul.grid > li")).to_have_count(1)


async def test_filters_and_sort_live_in_the_address(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/")
    await page.get_by_role("checkbox", name=re.compile("^Gaming")).check()
    await page.get_by_role("checkbox", name=re.compile("^Science")).check()
    await expect(page).to_have_url(re.compile("category=gaming.*category=science"))
    await expect(page.locator("[data-count-here]").first).to_contain_text("12 personalities")
    assert await _categories(page) == {"Gaming", "Science"}
    await page.get_by_label("Sort by").select_option("name")
    await expect(page).to_have_url(re.compile("sortBy=name"))
    await _settled(page)
    names = await page.locator("ul.grid .card__name").all_inner_texts()
    assert names == sorted(names, key=str.casefold)
    await page.reload()
    await expect(page.get_by_role("checkbox", name=re.compile("^Gaming"))).to_be_checked()
    await expect(page.get_by_label("Sort by")).to_have_value("name")
    assert await page.locator("ul.grid .card__name").all_inner_texts() == names


async def test_back_undoes_a_removed_filter(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/?category=gaming&category=science")
    await page.get_by_role("link", name=re.compile("^Gaming.*remove")).click()
    await expect(page).to_have_url(re.compile(r"/\?category=science$"))
    await _settled(page)
    assert await _categories(page) == {"Science"}
    await page.go_back()
    await expect(page).to_have_url(re.compile("category=gaming"))
    await expect(page.locator("ul.grid > li")).to_have_count(12)


async def test_the_rest_of_the_catalogue_comes_as_one_scrolls(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto("/")
    names = page.locator("ul.grid .card__name")
    first = await names.all_inner_texts()
    await page.get_by_role("link", name="Show more").scroll_into_view_if_needed()
    await expect(names).not_to_have_count(len(first))
    later = await names.all_inner_texts()
    assert later[: len(first)] == first
    assert len(set(later)) == len(later)


async def _settled(page: Page) -> None:
    """The address changes at once, the cards when they are there."""
    await expect(page.locator("#results")).to_have_attribute("aria-busy", "false")


async def _categories(page: Page) -> set[str]:
    """What the cards say they are."""
    kinds = page.locator("ul.grid .card__kind > span:not(.tag):not(.card__language)")
    return set(await kinds.all_inner_texts())


# Look closer


@pytest.mark.parametrize("close", ["Escape", "back", "button"])
async def test_a_card_opens_over_the_grid_under_its_own_address(visit: Visit, close: str) -> None:
    page = await (await visit()).page()
    await page.goto("/?search=lighthouse")
    await page.locator("ul.grid .card__link").focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("heading", level=1, name="Orrin the Lighthouse Keeper")).to_be_visible()
    await expect(page).to_have_url(re.compile(f"/personalities/{steps.ORRIN}$"))
    await expect(page).to_have_title(re.compile("^Orrin the Lighthouse Keeper"))
    if close == "back":
        await page.go_back()
    elif close == "button":
        await dialog.get_by_role("button", name="Close").click()
    else:
        await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(page).to_have_url(re.compile(r"/\?search=lighthouse$"))
    await expect(page.locator("ul.grid .card__link")).to_be_focused()


async def test_the_address_alone_is_a_whole_page(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto(f"/personalities/{steps.ORRIN}")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Orrin the Lighthouse Keeper")
    for heading in (
        "Who this is", "In character", "Overheard", "In conversation", "Good to know", "On record", "Reviews",
    ):  # fmt: skip
        await expect(page.get_by_role("heading", name=heading)).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_role("banner")).to_be_visible()


async def test_a_phone_follows_the_link_instead(visit: Visit) -> None:
    page = await (await visit(size=PHONE)).page()
    await page.goto("/?search=lighthouse")
    await page.locator("ul.grid .card__link").click()
    await page.wait_for_url(f"**/personalities/{steps.ORRIN}")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_role("banner")).to_be_visible()
    await page.go_back()
    await expect(page.locator("#search")).to_have_value("lighthouse")


# Try it


async def test_the_reply_comes_word_by_word_and_in_character(visit: Visit, product: Product) -> None:
    product.tell_sandbox("/model/faults", {"clear": True, "wordsPerSecond": 12})
    page = await (await visit()).page()
    said = [await _ask(page, slug, "Who are you?") for slug in (steps.ORRIN, steps.TILLY)]
    for samples in said:
        assert len(set(samples)) >= 4, "the reply arrived at once"
        assert all(later.startswith(sooner) for sooner, later in pairwise(samples))
    assert "Orrin" in said[0][-1]
    assert "Tilly" in said[1][-1]
    await expect(page.get_by_text("Sample reply")).to_have_count(0)


async def _ask(page: Page, slug: str, question: str) -> list[str]:
    """Samples of the reply while it grows, the last one being the whole of it."""
    await page.goto("/?search=" + slug.split("-")[0])
    await page.locator("ul.grid .card__link").first.click()
    await page.get_by_role("dialog").get_by_role("textbox").fill(question)
    await page.keyboard.press("Enter")
    reply = page.locator(".chat .message--app").last.locator(".message__text")
    await expect(page.locator(".chat .message--app")).to_have_count(2)
    samples: list[str] = []
    while not await page.locator("[data-live]").text_content():
        if not await reply.locator(".typing").count():
            samples.append((await reply.inner_text()).strip())
        await page.wait_for_timeout(60)
    return [*(each for each in samples if each), (await reply.inner_text()).strip()]


async def test_stop_ends_the_reply_and_the_call_behind_it(visit: Visit, product: Product) -> None:
    product.tell_sandbox("/model/faults", {"clear": True, "wordsPerSecond": 2})
    page = await (await visit()).page()
    await page.goto(f"/personalities/{steps.ORRIN}")
    await page.get_by_role("textbox", name=re.compile("^Message Orrin")).fill("Tell me a long story")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".chat .message--app")).to_have_count(2)
    await expect(page.locator(".chat .message--app").last.locator(".typing")).to_have_count(0)
    await page.get_by_role("button", name="Stop the reply").click()
    await expect(page.get_by_text("You stopped this reply.")).to_be_visible()
    await _until_no_call_is_open(page, product)
    product.tell_sandbox("/model/faults", {"clear": True})
    await page.get_by_role("textbox", name=re.compile("^Message Orrin")).fill("And now?")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-live]")).to_contain_text("Orrin", timeout=15_000)
    await expect(page.get_by_role("button", name="Send")).to_be_visible()


async def _until_no_call_is_open(page: Page, product: Product) -> None:
    deadline = time.monotonic() + 2
    while product.tell_sandbox("/model/faults", method="GET")["openRequests"]:
        assert time.monotonic() < deadline, "the model is still writing two seconds after the visitor left"
        await page.wait_for_timeout(50)


async def test_the_conversation_is_remembered_while_it_lasts(visit: Visit, product: Product) -> None:
    product.tell_sandbox("/model/faults", {"clear": True, "wordsPerSecond": 400})
    page = await (await visit()).page()
    await page.goto(f"/personalities/{steps.ORRIN}")
    for count, said in enumerate(("I keep three brass compasses", "What did I say before?"), start=2):
        await page.get_by_role("textbox", name=re.compile("^Message Orrin")).fill(said)
        await page.keyboard.press("Enter")
        await expect(page.locator(".chat .message--app")).to_have_count(count)
        await expect(page.get_by_role("button", name="Send")).to_be_visible()
    await expect(page.locator(".chat .message--app").last).to_contain_text("brass compasses")


# Move in, talk, look after it


async def test_from_the_card_to_a_friend_who_moved_out_again(visit: Visit, product: Product) -> None:
    product.tell_sandbox("/model/faults", {"clear": True})
    page = await (await visit()).page()
    await _go_to_the_servers(page)
    await _move_in(page, product)
    await _talk(page)
    await _pause_and_resume(page)
    await _remove(page)


async def _go_to_the_servers(page: Page) -> None:
    await page.goto("/")
    await page.locator("#search").fill("lighthouse")
    await expect(page.locator("ul.grid > li")).to_have_count(1)
    await page.locator("ul.grid .card__link").click()
    await page.get_by_role("dialog").get_by_role("link", name="Add to my server").click()
    await steps.sign_in(page, "Ada")
    assert sorted(await steps.offered_servers(page)) == sorted([steps.TEA_HOUSE, steps.GARDEN, steps.NIGHT_OWLS])
    await expect(page.get_by_role("link", name=re.compile(steps.GARDEN))).to_contain_text("needs your invitation")


async def _move_in(page: Page, product: Product) -> None:
    await steps.choose(page, steps.GARDEN)
    await expect(page.locator(".discord")).to_contain_text(steps.GARDEN)
    await steps.confirm(page)
    await expect(page.get_by_role("heading", level=1)).to_contain_text("One click left")
    product.tell_sandbox("/failures", {"method": "PATCH", "path": "/guilds/*", "delay": 1.6, "times": 2})
    await steps.invite(page)
    assert len(await _ticks(page)) >= 3, "the steps did not tick one after the other"
    await expect(page.get_by_role("heading", name="First things to try")).to_be_visible()
    assert await page.locator(".first__list li").count() == 3


async def _ticks(page: Page) -> set[int]:
    """How many steps were done, each time somebody looked, until it is home; nobody reloads the page."""
    await page.evaluate("window.stillHere = true")
    seen: set[int] = set()
    heading = page.get_by_role("heading", level=1)
    deadline = time.monotonic() + 20
    while not (await heading.inner_text()).endswith("is home"):
        assert time.monotonic() < deadline, await page.inner_text("main")
        seen.add(await page.locator(".step--done").count())
        await page.wait_for_timeout(100)
    assert await page.evaluate("window.stillHere") is True
    return seen


async def _talk(page: Page) -> None:
    address = page.url
    await steps.open_server(page)
    await expect(page.locator(".members")).to_contain_text("Orrin the Lighthouse Keeper")
    greeting = page.locator(".message").filter(has_text="is an AI character")
    await expect(greeting).to_have_count(1)
    mention = steps.channel_of(page, "greenhouse").get_by_role("checkbox", name="Mention the bot")
    await mention.uncheck()
    await steps.say(page, "greenhouse", "@BotBot hello")
    answer = await steps.answer_to(page, "greenhouse")
    await expect(answer.locator(".name")).to_have_text("Orrin the Lighthouse Keeper")
    await expect(answer.locator(".message__above")).to_contain_text("hello")
    await expect(answer.locator(".message__face")).to_have_attribute("src", re.compile(r"^/guilds/\d+/users/\d+/avat"))
    await mention.check()
    await steps.say(page, "greenhouse", "I keep three brass compasses")
    await steps.answer_to(page, "greenhouse", 2)
    await steps.say(page, "greenhouse", "What did I say before?")
    await expect(await steps.answer_to(page, "greenhouse", 3)).to_contain_text("brass compasses")
    await page.goto(address)


async def _pause_and_resume(page: Page) -> None:
    await page.get_by_role("navigation", name="Main").get_by_role("link", name="Your personalities").click()
    row = page.locator(".home-row").filter(has_text=steps.GARDEN)
    await expect(row).to_contain_text("At home")
    await row.get_by_role("link", name="Orrin the Lighthouse Keeper").click()
    address = page.url
    await page.get_by_role("button", name="Pause it here").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("is taking a break")
    await _write_in_the_garden(page, "Are you asleep?")
    await page.wait_for_timeout(3000)
    await steps.answer_to(page, "greenhouse", 3)
    await page.goto(address)
    await page.get_by_role("button", name="Wake it up").click()
    await steps.arrive(page)
    await _write_in_the_garden(page, "Good morning")
    await expect((await steps.answer_to(page, "greenhouse", 4)).locator(".message__above")).to_contain_text("Good morn")
    await page.goto(address)


async def _write_in_the_garden(page: Page, text: str) -> None:
    """By way of the banner's link to the stand-in and its list of servers."""
    await page.get_by_role("link", name="Open the stand-in’s servers").click()
    await page.get_by_role("link", name=re.compile(steps.GARDEN)).click()
    await steps.say(page, "greenhouse", text)
    await expect(steps.channel_of(page, "greenhouse").locator(".message__text").filter(has_text=text)).to_be_visible()


async def _remove(page: Page) -> None:
    await page.get_by_text("Remove it", exact=True).click()
    await page.get_by_role("button", name="Yes, remove it").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "Orrin the Lighthouse Keeper has moved out", timeout=steps.MOVING_SECONDS
    )
    await page.goto("/deployments")
    await expect(page.locator(".home-row").filter(has_text=steps.GARDEN)).to_contain_text("Moved out")
    await page.get_by_role("link", name="Open the stand-in’s servers").click()
    await expect(page.get_by_role("link", name=re.compile(steps.GARDEN)).locator(".server__bot")).to_have_text(
        re.compile(r"^\s*BotBot\s+APP\s*$")
    )


# Rate it


async def test_stars_by_keyboard_changed_and_taken_back(visit: Visit) -> None:
    page = await (await visit()).page()
    await page.goto(f"/personalities/{steps.TILLY}")
    await page.locator("#reviews").get_by_role("link", name="Sign in with Discord").click()
    await steps.consent(page, "Ada")
    await _give_stars(page, 4)
    await _expect_rating(page, "4.0", "1 rating")
    await expect(page.locator("#my-review summary")).to_be_focused()
    await _give_stars(page, 5)
    await _expect_rating(page, "5.0", "1 rating")
    await page.goto("/?search=tilly")
    await expect(page.locator("ul.grid .rating").first).to_contain_text("5.0")
    await page.locator("ul.grid .card__link").first.click()
    await page.get_by_role("button", name="Take it back").click()
    await expect(page.locator("#reviews")).to_contain_text("Not yet rated")
    await expect(page.get_by_role("button", name="Undo")).to_be_focused()
    await page.keyboard.press("Enter")
    await _expect_rating(page, "5.0", "1 rating")
    await page.get_by_role("button", name="Take it back").click()
    await expect(page.locator("#reviews")).to_contain_text("Not yet rated")


async def _give_stars(page: Page, stars: int) -> None:
    """With the keyboard alone: open the form, go to the stars, walk with the arrows, send."""
    if not await page.locator("details.rate[open]").count():
        await page.locator("details.rate > summary").focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
    else:
        await page.locator("input[name=rating]:checked").focus()
    for _ in range(5):
        if await page.locator(f"input[name=rating][value='{stars}']:checked").count():
            break
        await page.keyboard.press("ArrowRight")
    await expect(page.locator(f"input[name=rating][value='{stars}']")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".toast").last).to_have_text(re.compile("Thank you|is changed"))


async def _expect_rating(page: Page, mean: str, count: str) -> None:
    await expect(page.locator(".histogram__mean b")).to_have_text(mean)
    await expect(page.locator(".histogram__mean span")).to_have_text(count)
