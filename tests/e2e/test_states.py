"""When something is missing, down or gone: each state says what it is and offers a way on."""

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, Page, expect
from tests.e2e import steps
from tests.e2e.browsing import Visitor
from tests.e2e.conftest import Visit
from tests.e2e.product import Product, running

pytestmark = [pytest.mark.browser, pytest.mark.long]


@pytest.fixture(scope="module")
def bare() -> Iterator[Product]:
    """A product with no settings at all: no Discord, no model, no sandbox."""
    with running(sandbox=False) as started:
        yield started


@pytest.fixture(autouse=True)
def well_behaved(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test told the sandbox to do ends with the test."""
    yield
    if "product" in request.fixturenames:
        product: Product = request.getfixturevalue("product")
        product.tell_sandbox("/failures", method="DELETE")
        product.tell_sandbox("/model/faults", {"clear": True})


# Without any setting


async def test_with_no_settings_the_shop_is_open(browser: Browser, bare: Product) -> None:
    visitor = await Visitor.open(browser, bare.base)
    page = await visitor.page()
    await page.goto("/")
    assert await page.locator("ul.grid > li").count() >= 24
    await expect(page.get_by_text("This shop isn’t connected to Discord yet.")).to_be_visible()
    await expect(page.locator("a[rel=sandbox]")).to_have_count(0)
    await page.locator("ul.grid .card__link").first.click()
    await expect(page.get_by_role("dialog").get_by_text("No model is connected here")).to_be_visible()
    await page.get_by_role("dialog").get_by_role("textbox").fill("Hello")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog").get_by_text("Sample reply: no model is connected")).to_be_visible()
    assert visitor.mistakes == []


async def test_with_no_settings_moving_in_says_why_not(browser: Browser, bare: Product) -> None:
    visitor = await Visitor.open(browser, bare.base)
    page = await visitor.page()
    await page.goto(f"/personalities/{steps.ORRIN}/deploy")
    main = page.get_by_role("main")
    await expect(main.get_by_text("once this shop is connected to Discord")).to_be_visible()
    await expect(main.get_by_role("link", name="Sign in with Discord")).to_have_count(0)
    await main.get_by_role("link", name=re.compile("go on talking")).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Orrin the Lighthouse Keeper")
    assert visitor.mistakes == []


async def test_with_no_settings_no_link_leads_into_a_wall(browser: Browser, bare: Product) -> None:
    """Whatever offers to sign in must lead to a page that explains itself, not to raw JSON."""
    visitor = await Visitor.open(browser, bare.base)
    visitor.expect("HTTP 503", "status of 503")
    page = await visitor.page()
    await page.goto("/")
    link = page.get_by_role("banner").get_by_role("link", name=re.compile("^Sign in"))
    if await link.count():
        await link.click()
        await expect(page.get_by_role("banner")).to_be_visible()
        await expect(page.get_by_role("main")).to_contain_text(re.compile("connected|set up|DISCORD_CLIENT_ID"))
    assert visitor.mistakes == []


async def test_with_no_settings_and_no_script_the_sample_says_so(browser: Browser, bare: Product) -> None:
    visitor = await Visitor.open(browser, bare.base, scripts=False)
    page = await visitor.page()
    await page.goto(f"/personalities/{steps.ORRIN}")
    await page.get_by_role("textbox", name=re.compile("^Message Orrin")).fill("Hello")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("Sample reply: no model is connected")).to_be_visible()
    assert visitor.mistakes == []


# The model is down


async def test_a_reply_cut_off_keeps_its_words_and_can_be_repeated(visit: Visit, product: Product) -> None:
    product.tell_sandbox("/model/faults", {"clear": True, "faults": [{"mode": "truncate", "afterWords": 3}]})
    page = await (await visit()).page()
    await page.goto(f"/personalities/{steps.ORRIN}")
    await _say(page, "Who are you?")
    wrong = page.locator(".chat .message--wrong")
    await expect(wrong.get_by_role("alert")).to_be_visible()
    assert len((await wrong.locator(".message__text").inner_text()).split()) > 3
    await wrong.get_by_role("button", name="Try again").click()
    await expect(page.locator(".chat .message--wrong")).to_have_count(0)
    await expect(page.locator(".chat .message--app").last).to_contain_text("Orrin", timeout=15_000)
    await expect(page.get_by_role("button", name="Send")).to_be_visible(timeout=15_000)


@pytest.mark.parametrize("mode", ["server_error", "unauthorized", "reset", "html"])
async def test_a_model_that_fails_is_replaced_by_a_sample(visit: Visit, product: Product, mode: str) -> None:
    product.tell_sandbox("/model/faults", {"clear": True, "faults": [{"mode": mode, "times": None}]})
    page = await (await visit()).page()
    await page.goto(f"/personalities/{steps.ORRIN}")
    await _say(page, "Hello there")
    await expect(page.get_by_text("Sample reply: the model isn’t answering right now")).to_be_visible(timeout=25_000)
    assert len(await page.locator(".chat .message--app .message__text").last.inner_text()) > 5


async def test_a_model_down_in_a_server_is_said_under_the_answer(visit: Visit, product: Product) -> None:
    page = await (await visit()).page()
    await steps.deploy(page, steps.ORRIN, steps.TEA_HOUSE)
    product.tell_sandbox("/model/faults", {"clear": True, "faults": [{"mode": "server_error", "times": None}]})
    await steps.open_server(page)
    await steps.say(page, "parlour", "Hello there")
    await expect(await steps.answer_to(page, "parlour")).to_contain_text("A sample reply")


async def _say(page: Page, text: str) -> None:
    await page.get_by_role("textbox", name=re.compile("^Message ")).fill(text)
    await page.keyboard.press("Enter")


# Discord is down


async def test_the_choose_step_says_that_discord_is_down_and_lets_retry(visit: Visit, product: Product) -> None:
    visitor = await visit()
    visitor.expect("503")
    page = await visitor.page()
    await page.goto("/")
    await steps.sign_in_from_header(page, "Cleo")
    product.tell_sandbox("/failures", {"method": "*", "path": "*", "status": 503, "times": 1000})
    await page.goto(f"/personalities/{steps.ORRIN}/deploy")
    await expect(page.get_by_role("alert")).to_contain_text("Discord", timeout=30_000)
    await expect(page.get_by_text("I can’t see a server that you may manage.")).to_have_count(0)
    product.tell_sandbox("/failures", method="DELETE")
    await page.get_by_role("main").get_by_role("link", name=re.compile("again", re.IGNORECASE)).first.click()
    await expect(page.get_by_role("link", name=re.compile("Cleo's Observatory"))).to_be_visible(timeout=30_000)


async def test_a_deployment_waits_for_a_busy_discord_and_says_so(visit: Visit, product: Product) -> None:
    page = await (await visit()).page()
    await page.goto(f"/personalities/{steps.TILLY}/deploy")
    await steps.sign_in(page, "Cleo")
    await steps.choose(page, "Cleo's Observatory")
    await steps.confirm(page)
    product.tell_sandbox("/failures", {"method": "PATCH", "path": "/guilds/*", "retry_after": 6.0})
    await steps.invite(page)
    await expect(page.get_by_text("Discord asks us to wait")).to_be_visible(timeout=8_000)
    await steps.arrive(page)


async def test_a_refused_name_puts_everything_back(visit: Visit, product: Product) -> None:
    page = await (await visit()).page()
    await page.goto(f"/personalities/{steps.TILLY}/deploy")
    await steps.sign_in(page, "Ada")
    await steps.choose(page, steps.GARDEN)
    await steps.confirm(page)
    product.tell_sandbox("/failures", {"method": "PATCH", "path": "/guilds/*", "status": 403, "code": 50013})
    await steps.invite(page)
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_have_text("That didn’t work, and nothing has changed", timeout=steps.MOVING_SECONDS)
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.get_by_role("button", name="Try again").click()
    await steps.arrive(page)


# The product is gone, and the visitor's network


async def test_killed_in_the_middle_of_moving_in_the_page_recovers(browser: Browser) -> None:
    with running() as product:  # of its own, for the sandbox goes down with it
        visitor = await Visitor.open(browser, product.base, product.sandbox)
        visitor.expect(
            "ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET", "ERR_INCOMPLETE", "htmx:"
        )
        page = await visitor.page()
        await page.goto(f"/personalities/{steps.ORRIN}/deploy")
        await steps.sign_in(page, "Ada")
        await steps.choose(page, steps.TEA_HOUSE)
        product.tell_sandbox("/failures", {"method": "PATCH", "path": "/guilds/*", "delay": 30})
        await steps.confirm(page)
        await expect(page.locator(".step--running")).to_be_visible()
        product.kill()
        await expect(page.locator(".toast").first).to_contain_text("No answer from here")
        await page.evaluate("window.stillHere = true")
        product.start()
        await expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("is home$"), timeout=60_000)
        assert await page.evaluate("window.stillHere") is True
        await steps.open_server(page)
        await expect(page.locator(".message").filter(has_text="is an AI character")).to_have_count(1)
        assert visitor.mistakes == []


async def test_offline_is_said_and_the_chat_offers_to_repeat(visit: Visit) -> None:
    visitor = await visit()
    visitor.expect("ERR_INTERNET_DISCONNECTED")
    page = await visitor.page()
    await page.goto(f"/personalities/{steps.ORRIN}")
    await visitor.context.set_offline(True)
    await expect(page.get_by_text("You are offline.")).to_be_visible()
    await _say(page, "Who are you?")
    await expect(page.locator(".chat .message--wrong").get_by_role("alert")).to_contain_text("Are you online?")
    await visitor.context.set_offline(False)
    await expect(page.get_by_text("You are offline.")).to_be_hidden()
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator(".chat .message--app").last).to_contain_text("Orrin", timeout=15_000)


async def test_an_unknown_address_is_a_page_with_a_search(visit: Visit) -> None:
    visitor = await visit()
    visitor.expect("404")
    page = await visitor.page()
    await page.goto("/personalities/nobody-here")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Nobody lives at this address")
    await page.get_by_role("searchbox").fill("lighthouse")
    await page.keyboard.press("Enter")
    await expect(page.locator("ul.grid .card__name")).to_have_text(["Orrin the Lighthouse Keeper"])
