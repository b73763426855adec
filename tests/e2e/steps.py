"""What a person does, said once: each function clicks through one part of the main job and waits for its end."""

import re

from playwright.async_api import Locator, Page, expect

from botbot.sandbox import cast

TEA_HOUSE, GARDEN, NIGHT_OWLS = "Ada's Tea House", "The Clockwork Garden", "Night Owls Book Club"
IDS = {TEA_HOUSE: cast.TEA_HOUSE, GARDEN: cast.CLOCKWORK_GARDEN, NIGHT_OWLS: cast.NIGHT_OWLS}
ORRIN = "orrin-the-lighthouse-keeper"
TILLY = "tilly-the-tea-witch"
MOVING_SECONDS = 20_000


async def search(page: Page, words: str) -> None:
    """Type into the search box of the grid, key by key, and wait until the address has the words."""
    await page.locator("#search").press_sequentially(words, delay=15)
    await expect(page).to_have_url(re.compile(rf"[?&]search={re.escape(words).replace('%20', '.')}"))


async def sign_in(page: Page, who: str = "Ada") -> None:
    """From a page that offers it, over the sandbox's consent, back to where the person was."""
    await page.get_by_role("main").get_by_role("link", name="Sign in with Discord").first.click()
    await consent(page, who)


async def sign_in_from_header(page: Page, who: str = "Ada") -> None:
    await page.get_by_role("banner").get_by_role("link", name=re.compile("^Sign in")).click()
    await consent(page, who)


async def consent(page: Page, who: str) -> None:
    """On the sandbox's pages: be `who` and agree. Who agreed before is not asked again."""
    await be(page, who)
    authorize = page.get_by_role("button", name="Authorize")
    await expect(authorize.or_(page.locator(".me"))).to_be_visible()
    if await authorize.count():
        await authorize.click()
    await expect(page.locator(".me")).to_contain_text(who, ignore_case=True)


async def be(page: Page, who: str) -> None:
    """Choose who to be, also when the sandbox remembers somebody else."""
    if await page.get_by_role("link", name="Not you?").count():
        await page.get_by_role("link", name="Not you?").click()
    await page.locator("form.people").get_by_role("button", name=re.compile(rf"^{who}\b")).click()


async def offered_servers(page: Page) -> list[str]:
    await expect(page.get_by_role("heading", name="Choose a server")).to_be_visible()
    return await page.locator(".server b").all_inner_texts()


async def choose(page: Page, server: str) -> None:
    await page.get_by_role("link", name=re.compile(f"^{server}")).click()
    await expect(page.get_by_text("This is how it will look in")).to_be_visible()


async def confirm(page: Page) -> None:
    await page.get_by_role("button", name=re.compile("add it to", re.IGNORECASE)).click()
    await page.wait_for_url("**/deployments/*")


async def invite(page: Page) -> None:
    """The install consent in the sandbox, for a server the bot is not in."""
    await page.get_by_role("link", name=re.compile("^Invite BotBot")).click()
    await page.get_by_role("button", name="Authorize").click()
    await page.wait_for_url("**/deployments/*")


async def arrive(page: Page) -> None:
    """Wait until the deployment page says that it lives there."""
    await expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("is home$"), timeout=MOVING_SECONDS)


async def deploy(page: Page, slug: str, server: str, who: str = "Ada") -> str:
    """The whole way from the sign-in step to the confirmation; answers the deployment's address."""
    await page.goto(f"/personalities/{slug}/deploy")
    if await page.get_by_role("main").get_by_role("link", name="Sign in with Discord").count():
        await sign_in(page, who)
    await choose(page, server)
    await confirm(page)
    if await page.get_by_role("link", name=re.compile("^Invite BotBot")).count():
        await invite(page)
    await arrive(page)
    return page.url


async def say(page: Page, channel: str, content: str) -> None:
    """Write in a channel of the sandbox's server page that is open, mentioning the bot by the checkbox."""
    room = channel_of(page, channel)
    await room.locator("[name=content]").fill(content)
    await room.get_by_role("button", name="Send", exact=True).click()


def channel_of(page: Page, channel: str) -> Locator:
    return page.locator("section.channel").filter(has=page.get_by_role("heading", name=channel))


async def answer_to(page: Page, channel: str, count: int = 1) -> Locator:
    """The `count`th reply that an app wrote in the channel, once it is there."""
    answers = channel_of(page, channel).locator(".message:has(.message__head .app):has(.message__above)")
    await expect(answers).to_have_count(count, timeout=MOVING_SECONDS)
    return answers.nth(count - 1)


async def open_server(page: Page) -> None:
    """From a confirmation to the sandbox's page of that server."""
    await page.get_by_role("main").get_by_role("link", name=re.compile("^Open ")).click()
    await page.wait_for_url("**/servers/*")
