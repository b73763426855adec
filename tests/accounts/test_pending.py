"""What a visitor asked for is done after signing in: once, as them, in the browser that asked, and never otherwise."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from tests import factories
from tests.support.browser import Browser
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person
from tests.support.serving import Site

from botbot.accounts.models import User
from botbot.accounts.pending import PendingAction
from botbot.accounts.rules import OAuthState, Viewer
from botbot.catalog.models import PersonalityFavourite, PersonalityTemplate
from botbot.kit import clock
from botbot.kit.cipher import Cipher
from botbot.sandbox import cast
from botbot.sandbox.handle import DiscordHandle

pytestmark = MOSTLY_SQLITE
COOKIE = "botbot_pending"


async def marked(site: Site) -> list[tuple[int, str]]:
    """Every favourite there is: (Discord id, name)."""
    async with site.house.db.read() as session:
        rows = await session.execute(
            select(User.discord_id, PersonalityTemplate.name)
            .join(PersonalityFavourite, PersonalityFavourite.user_id == User.id)
            .join(PersonalityTemplate, PersonalityTemplate.id == PersonalityFavourite.personality_id)
        )
        return sorted((row[0], row[1]) for row in rows)


@pytest.fixture
def press(site: Site, browser: Browser, personality: PersonalityTemplate) -> Any:
    """A visitor presses the heart."""

    async def go(who: Browser = browser, next_path: str = "/?search=atlas", action: str = "add") -> httpx.Response:
        await who.open(f"{site.url}/personalities/{personality.slug}")
        return await who._go(
            "POST",
            f"{site.url}/personalities/{personality.slug}/favourite",
            data={"action": action, "next": next_path},
        )

    return go


def sign_in_link(page: httpx.Response) -> str:
    (link,) = {found.replace("&amp;", "&") for found in re.findall(r'href="(/api/auth/discord[^"]*)"', page.text)}
    return str(link)


async def back_from_discord(site: Site, browser: Browser, discord: DiscordHandle, link: str, **how: Any) -> Any:
    """Follow the link and consent; the callback's own answer."""
    there = await browser.step(f"{site.url}{link}")
    return await browser.step(discord.consent(there.headers["location"], **({"user": cast.ADA} | how)))


async def test_sign_in_and_it_is_done(
    site: Site, browser: Browser, press: Any, personality: PersonalityTemplate
) -> None:
    page = await press()
    assert (page.status_code, "Sign in and it’s done" in page.text) == (401, True)
    assert page.headers["cache-control"] == "no-store"
    assert f"{personality.name} is among your favourites" in page.text
    assert await marked(site) == []
    await browser.open(f"{site.url}{sign_in_link(page)}")
    await browser.become(cast.ADA)
    landed = await browser.press("authorize")
    assert str(landed.url) == f"{site.url}/?search=atlas&notice=favourite"
    assert "among your favourites" in landed.text
    assert await marked(site) == [(cast.ADA, personality.name)]
    assert browser.cookies.get(COOKIE) is None


async def test_any_sign_in_of_that_browser_within_the_time_does_it(
    site: Site, browser: Browser, press: Any, personality: PersonalityTemplate
) -> None:
    await press()
    await browser.sign_in(site.url, cast.BEN)
    assert await marked(site) == [(cast.BEN, personality.name)]


async def test_the_cookie_is_sealed_short_lived_and_says_nothing(site: Site, press: Any) -> None:
    page = await press()
    (header,) = [each for each in page.headers.get_list("set-cookie") if each.startswith(COOKIE)]
    for part in ("HttpOnly", "SameSite=lax", "Max-Age=900", "Path=/"):
        assert part in header, header
    assert "atlas" not in header.lower()


async def test_programs_and_the_api_stay_401(
    site: Site, client: httpx.AsyncClient, personality: PersonalityTemplate
) -> None:
    path = f"/personalities/{personality.slug}/favourite"
    for answer in (
        await client.post(path, data={"action": "add"}),
        await client.put(f"/api/marketplace{path}", headers={"accept": "text/html"}),
        await client.put(f"/api/marketplace{path}"),
    ):
        assert (answer.status_code, answer.json()["error"]) == (401, "authentication_required")
        assert "set-cookie" not in answer.headers


async def test_another_site_leaves_no_wish(site: Site, browser: Browser, personality: PersonalityTemplate) -> None:
    path = f"{site.url}/personalities/{personality.slug}/favourite"
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        answer = await browser.http.post(path, data={"action": "add"}, headers={"accept": "text/html", **headers})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    await browser.sign_in(site.url, cast.ADA)
    assert await marked(site) == []


async def test_what_is_not_there_is_404_and_leaves_no_wish(site: Site, browser: Browser) -> None:
    hidden = await factories.add_personality(site.house, "Hidden", is_public=False)
    for slug in (hidden.slug, "nobody"):
        answer = await browser._go("POST", f"{site.url}/personalities/{slug}/favourite", data={"action": "add"})
        assert answer.status_code == 404
        assert browser.cookies.get(COOKIE) is None


async def test_another_browser_does_nothing(site: Site, press: Any) -> None:
    page = await press()
    other = Browser()
    await other.open(f"{site.url}{sign_in_link(page)}")
    await other.become(cast.ADA)
    await other.press("authorize")
    await other.aclose()
    assert await marked(site) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sealed: sealed[:-4] + "AAAA",
        lambda sealed: "x" + sealed,
        lambda sealed: sealed[:40],
        lambda sealed: "",
        lambda sealed: "gAAAAA==",
        lambda sealed: sealed * 3,
        lambda sealed: Cipher(["another key"]).pack(_action()),
    ],
)
async def test_a_tampered_or_foreign_cookie_does_nothing_and_harms_no_sign_in(
    site: Site, browser: Browser, press: Any, spoil: Callable[[str], str]
) -> None:
    await press()
    sealed = browser.cookies[COOKIE]
    _replace(browser, spoil(sealed))
    landed = await browser.sign_in(site.url, cast.ADA)
    assert landed.status_code == 200
    assert await marked(site) == []


def _action(name: str = "favourite", expires_at: datetime | None = None) -> PendingAction:
    args = {"personality": "atlas-the-scientist", "action": "add"}
    return PendingAction("pending", name, args, "n" * 20, expires_at or clock.now() + timedelta(minutes=5))


def _replace(browser: Browser, value: str) -> None:
    browser.cookies.delete(COOKIE)
    browser.cookies.set(COOKIE, value, domain="127.0.0.1", path="/")


async def test_other_things_we_seal_are_no_wish(site: Site, browser: Browser, press: Any) -> None:
    """An OAuth state, a bare text, a wish of another purpose: all sealed with the right key."""
    cipher = site.house.cipher
    state = OAuthState(purpose="login", nonce="n", expires_at=clock.now())
    for value in (cipher.pack(state), cipher.seal(state), cipher.encrypt("text"), cipher.seal(_action())):
        _replace(browser, value)
        assert (await browser.sign_in(site.url, cast.ADA)).status_code == 200
    assert await marked(site) == []


async def test_it_is_too_late_after_fifteen_minutes(
    site: Site, browser: Browser, press: Any, discord: DiscordHandle, tick: Callable[..., None]
) -> None:
    page = await press()
    sealed = browser.cookies[COOKIE]
    tick(minutes=15)
    _replace(browser, sealed)
    answer = await back_from_discord(site, browser, discord, sign_in_link(page))
    assert answer.status_code == 302
    assert await marked(site) == []


async def test_begun_in_time_and_back_too_late(
    site: Site, browser: Browser, press: Any, discord: DiscordHandle, tick: Callable[..., None]
) -> None:
    page = await press()
    tick(minutes=10)
    there = await browser.step(f"{site.url}{sign_in_link(page)}")
    back = discord.consent(there.headers["location"], user=cast.ADA)
    tick(minutes=6)
    assert (await browser.step(back)).status_code == 302
    assert await marked(site) == []


async def test_a_replayed_cookie_does_nothing(
    site: Site, browser: Browser, press: Any, discord: DiscordHandle, ada: Person, personality: PersonalityTemplate
) -> None:
    page = await press()
    sealed = browser.cookies[COOKIE]
    await back_from_discord(site, browser, discord, sign_in_link(page))
    assert len(await marked(site)) == 1
    await ada.delete(f"/api/marketplace/personalities/{personality.id}/favourite")
    other = Browser()
    for who in (browser, other):
        _replace(who, sealed)
        answer = await back_from_discord(site, who, discord, "/api/auth/discord")
        assert "notice" not in answer.headers["location"]
    await other.aclose()
    assert await marked(site) == []


async def test_a_cookie_that_came_after_the_sign_in_began_does_nothing(
    site: Site, browser: Browser, press: Any, discord: DiscordHandle
) -> None:
    """Only the sign-in that was begun for it does it: nobody slips one under a sign-in that is on its way."""
    there = await browser.step(f"{site.url}/api/auth/discord")
    await press()
    answer = await browser.step(discord.consent(there.headers["location"], user=cast.ADA))
    assert answer.headers["location"] == "/"
    assert await marked(site) == []


async def test_a_cookie_changed_on_the_way_does_nothing(
    site: Site, browser: Browser, press: Any, discord: DiscordHandle
) -> None:
    await press()
    there = await browser.step(f"{site.url}/api/auth/discord")
    first = browser.cookies[COOKIE]
    await press()
    assert browser.cookies[COOKIE] != first
    await browser.step(discord.consent(there.headers["location"], user=cast.ADA))
    assert await marked(site) == []


async def test_a_mere_visit_does_nothing(site: Site, browser: Browser, press: Any, ada: Person) -> None:
    """The callback without a sign-in, the pages, and a browser that is signed in already."""
    page = await press()
    ada.browser.cookies.set(COOKIE, browser.cookies[COOKIE], domain="127.0.0.1", path="/")
    for who in (browser, ada.browser):
        for path in ("/", "/api/auth/callback", "/api/auth/callback?state=x&code=y", "/favourites", sign_in_link(page)):
            await who.step(f"{site.url}{path}")
    assert await marked(site) == []


async def test_it_is_done_as_the_one_who_signed_in(
    site: Site, ada: Person, press: Any, discord: DiscordHandle, personality: PersonalityTemplate
) -> None:
    """Ada's session ended while her page stood open; it is Ben who signs in then."""
    await ada.post("/logout")
    ada.browser.cookies.delete("botbot_session")
    page = await press(ada.browser)
    await back_from_discord(site, ada.browser, discord, sign_in_link(page), user=cast.BEN)
    assert await marked(site) == [(cast.BEN, personality.name)]


async def test_a_cancelled_sign_in_does_nothing_and_leaves_it_for_the_next(
    site: Site, browser: Browser, press: Any, discord: DiscordHandle
) -> None:
    page = await press()
    answer = await back_from_discord(site, browser, discord, sign_in_link(page), cancel=True)
    assert answer.headers["location"] == "/?search=atlas&notice=cancelled"
    assert await marked(site) == []
    await back_from_discord(site, browser, discord, sign_in_link(page))
    assert len(await marked(site)) == 1


async def test_a_sign_in_that_fails_does_nothing(
    site: Site, browser: Browser, press: Any, discord: DiscordHandle
) -> None:
    page = await press()
    for path, verb in (("/oauth2/token", "POST"), ("/users/@me", "GET")):
        there = await browser.step(f"{site.url}{sign_in_link(page)}")
        back = discord.consent(there.headers["location"], user=cast.ADA)
        discord.fail(verb, path, times=9, status=500)
        assert (await browser.step(back)).status_code in {502, 503}
        discord.clear_failures()
        assert await marked(site) == []
        await browser.step(back)
        assert await marked(site) == []


async def test_an_install_does_nothing(
    site: Site, ada: Person, browser: Browser, press: Any, discord: DiscordHandle, personality: PersonalityTemplate
) -> None:
    answer = await ada.post(
        f"/api/marketplace/personalities/{personality.id}/deploy",
        json={"discordGuildId": str(cast.CLOCKWORK_GARDEN)},
    )
    await press()
    ada.browser.cookies.set(COOKIE, browser.cookies[COOKIE], domain="127.0.0.1", path="/")
    back = discord.consent(answer.json()["installUrl"], user=cast.ADA)
    assert (await ada.browser.step(back)).status_code == 302
    assert await marked(site) == []


async def test_gone_meanwhile_says_why_not(
    site: Site, browser: Browser, press: Any, discord: DiscordHandle, personality: PersonalityTemplate
) -> None:
    page = await press()
    async with site.house.db.write() as session:
        row = await session.get(PersonalityTemplate, personality.id)
        assert row is not None
        row.archived_at = clock.now()
    answer = await back_from_discord(site, browser, discord, sign_in_link(page))
    assert answer.headers["location"].endswith("notice=unfinished-not_found")
    landed = await browser.open(f"{site.url}{answer.headers['location']}")
    assert "has left the marketplace meanwhile" in landed.text
    assert "botbot_session" in browser.cookies
    assert browser.cookies.get(COOKIE) is None


async def test_a_finisher_that_breaks_breaks_no_sign_in(
    site: Site, browser: Browser, press: Any, discord: DiscordHandle
) -> None:
    async def broken(house: Any, viewer: Viewer, args: dict[str, str]) -> str:
        raise RuntimeError("a mistake of ours")

    runs: list[str] = []

    async def counting(house: Any, viewer: Viewer, args: dict[str, str]) -> str:
        runs.append(viewer.username)
        return "saved"

    usual = site.state.finishers
    for finisher, notice in ((broken, "unfinished"), (counting, "saved")):
        browser.cookies.clear()
        site.state.finishers = {"favourite": finisher}
        page = await press()
        answer = await back_from_discord(site, browser, discord, sign_in_link(page))
        assert answer.headers["location"].endswith(f"notice={notice}")
        assert "botbot_session" in browser.cookies
    site.state.finishers = usual
    assert len(runs) == 1


async def test_a_name_nobody_registered_does_nothing(site: Site, browser: Browser, discord: DiscordHandle) -> None:
    _replace(browser, site.house.cipher.pack(_action("delete-everything")))
    answer = await back_from_discord(site, browser, discord, "/api/auth/discord?next=/account")
    assert answer.headers["location"] == "/account"


async def test_a_notice_cannot_be_written_from_outside(site: Site, browser: Browser) -> None:
    page = await browser.open(f"{site.url}/?notice=unfinished-%3Cb%3Ehello%3C/b%3E")
    assert "<b>hello" not in page.text
    (toast,) = re.findall('<p class="toast">(.*?)</p>', page.text)
    assert "didn’t work out" in toast
    assert "hello" not in toast
