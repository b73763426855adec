"""Sign-in and install, attacked: whatever comes back in the wrong way signs nobody in and links nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from sqlalchemy import func, select, update
from tests.conftest import MakeSite, SignIn
from tests.support.browser import Browser
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person
from tests.support.serving import Site

from botbot.accounts.models import OAuthToken, UserSession
from botbot.accounts.refreshing import access_token
from botbot.accounts.rules import OAuthState
from botbot.catalog.models import PersonalityTemplate
from botbot.errors import DiscordUnavailable
from botbot.kit import clock
from botbot.kit.cipher import Cipher
from botbot.sandbox import cast
from botbot.sandbox.handle import DiscordHandle

pytestmark = MOSTLY_SQLITE

TROUBLE: list[dict[str, Any]] = [
    {"status": 200, "body": "<html>hello</html>"},
    {"status": 200, "body": ""},
    {"status": 200, "body": "[]"},
    {"status": 200, "body": '{"access_token": 7}'},
    {"status": 500},
    {"status": 503},
    {"reset": True},
    {"status": 429, "retry_after": 3},
]
"""Ways in which Discord may answer the token exchange or the question who somebody is; the limit comes last."""


@dataclass
class Begun:
    """A trip to Discord that began: the browser it began in, and where that was sent."""

    browser: Browser
    authorize_url: str

    @property
    def query(self) -> Any:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.authorize_url).query).items()}


async def sessions_of(site: Site) -> Any:
    async with site.house.db.read() as session:
        return await session.scalar(select(func.count()).select_from(UserSession))


@pytest.fixture
async def begin(site: Site) -> Any:
    opened: list[Browser] = []

    async def go(at: Any = None, next_path: Any = "/", browser: Browser | None = None) -> Any:
        if browser is None:
            browser = Browser()
            opened.append(browser)
        answer = await browser.step(f"{(at or site).url}/api/auth/discord?next={next_path}")
        assert answer.status_code == 302, answer.text
        return Begun(browser, answer.headers["location"])

    yield go
    for browser in opened:
        await browser.aclose()


@pytest.fixture
def callback(site: Site) -> Any:
    return lambda **query: f"{site.url}/api/auth/callback?{urlencode(query)}"


async def sessions(site: Site) -> Any:
    async with site.house.db.read() as session:
        return await session.scalar(select(func.count()).select_from(UserSession))


async def assert_refused(site: Site, answer: httpx.Response, error: str = "sign_in_failed", status: int = 400) -> None:
    """No session, no session cookie, no success; and a page for whoever sits before it."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert not any("botbot_session" in cookie for cookie in answer.headers.get_list("set-cookie"))
    assert await sessions(site) == 0
    if "json" in answer.headers["content-type"]:
        assert answer.json()["error"] == error
    else:
        assert 'role="alert"' in answer.text


async def test_the_way_there(site: Site, begin: Any) -> None:
    begun = await begin(next_path="/account")
    query = begun.query
    assert begun.authorize_url.startswith(site.settings.discord_authorize_url + "?")
    assert query["redirect_uri"] == f"{site.url}/api/auth/callback"
    assert (query["response_type"], query["scope"]) == ("code", "identify guilds")
    assert (query["code_challenge_method"], len(query["code_challenge"])) == ("S256", 43)
    assert site.settings.discord_client_secret not in begun.authorize_url


async def test_the_way_back(site: Site, begin: Any, discord: DiscordHandle) -> None:
    begun = await begin(next_path="/account")
    answer = await begun.browser.step(discord.consent(begun.authorize_url, user=cast.ADA))
    assert (answer.status_code, answer.headers["location"]) == (302, "/account")
    assert answer.headers["cache-control"] == "no-store"
    assert await sessions(site) == 1
    (exchange,) = discord.calls_to("POST", "/oauth2/token")
    assert "code_verifier" in (exchange.form or {})


async def test_states_and_challenges_are_never_the_same(begin: Any) -> None:
    trips = [(await begin()).query for _ in range(4)]
    assert len({trip["state"] for trip in trips}) == len({trip["code_challenge"] for trip in trips}) == 4


class TestStates:
    async def test_none(self, site: Site, begin: Any, discord: DiscordHandle, callback: Any) -> None:
        begun = await begin()
        discord.consent(begun.authorize_url, user=cast.ADA)
        code = discord._core.world.state.codes[-1].code
        await assert_refused(site, await begun.browser.step(callback(code=code)))

    async def test_nonsense(self, site: Site, begin: Any, discord: DiscordHandle, callback: Any) -> None:
        begun = await begin()
        discord.consent(begun.authorize_url, user=cast.ADA)
        code = discord._core.world.state.codes[-1].code
        for state in ("", "x", "e30", "a.b.c", "gAAAAA" + "A" * 120, "é", "%00", "A" * 9000):
            await assert_refused(site, await begun.browser.step(callback(code=code, state=state)))

    async def test_sealed_by_somebody_else(self, site: Site, begin: Any, callback: Any) -> None:
        begun = await begin()
        forged = OAuthState("login", "nonce123", clock.now().replace(year=2100), browser="x")
        sealed = Cipher(["another key"]).seal(forged)
        await assert_refused(site, await begun.browser.step(callback(code="x", state=sealed)))

    async def test_changed_by_one_character(
        self, site: Site, begin: Any, discord: DiscordHandle, callback: Any
    ) -> None:
        begun = await begin()
        back = discord.consent(begun.authorize_url, user=cast.ADA)
        query = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
        state = query["state"]
        query["state"] = state[:60] + ("A" if state[60] != "A" else "B") + state[61:]
        await assert_refused(site, await begun.browser.step(callback(**query)))

    async def test_of_another_kind_that_we_sealed_ourselves(self, site: Site, begin: Any, callback: Any) -> None:
        begun = await begin()
        sealed = site.house.cipher.encrypt('{"purpose": "other", "nonce": "x"}')
        await assert_refused(site, await begun.browser.step(callback(code="x", state=sealed)))

    async def test_used_twice(self, site: Site, begin: Any, discord: DiscordHandle, callback: Any) -> None:
        begun = await begin()
        back = discord.consent(begun.authorize_url, user=cast.ADA)
        kept = dict(begun.browser.cookies)
        assert (await begun.browser.step(back)).status_code == 302
        discord.consent(begun.authorize_url, user=cast.ADA)
        fresh = discord._core.world.state.codes[-1].code
        begun.browser.cookies.clear()
        for name, value in kept.items():
            begun.browser.cookies.set(name, value, domain="127.0.0.1", path="/")
        answer = await begun.browser.step(callback(code=fresh, state=begun.query["state"]))
        assert (answer.status_code, await sessions(site)) == (400, 1)

    async def test_used_twice_at_the_same_moment(self, site: Site, begin: Any, discord: DiscordHandle) -> None:
        begun = await begin()
        back = discord.consent(begun.authorize_url, user=cast.ADA)
        answers = await asyncio.gather(*(begun.browser.step(back) for _ in range(6)))
        assert sorted(answer.status_code for answer in answers) == [302] + [400] * 5
        assert await sessions(site) == 1

    async def test_too_old(self, site: Site, begin: Any, discord: DiscordHandle, tick: Callable[..., None]) -> None:
        begun = await begin()
        back = discord.consent(begun.authorize_url, user=cast.ADA)
        tick(minutes=10, seconds=1)
        await assert_refused(site, await begun.browser.step(back))

    async def test_of_another_browser(self, site: Site, begin: Any, discord: DiscordHandle) -> None:
        """Login CSRF: the attacker's finished trip, opened by the victim."""
        attacker, victim = await begin(), await begin()
        back = discord.consent(attacker.authorize_url, user=cast.BEN)
        await assert_refused(site, await victim.browser.step(back))

    async def test_of_a_browser_without_cookies(self, site: Site, begin: Any, discord: DiscordHandle) -> None:
        begun = await begin()
        back = discord.consent(begun.authorize_url, user=cast.ADA)
        begun.browser.cookies.clear()
        await assert_refused(site, await begun.browser.step(back))


class TestCodes:
    async def test_of_another_trip(self, site: Site, begin: Any, discord: DiscordHandle, callback: Any) -> None:
        """Code injection: PKCE ties a code to the trip that asked for it."""
        attacker, victim = await begin(), await begin()
        discord.consent(attacker.authorize_url, user=cast.BEN)
        code = discord._core.world.state.codes[-1].code
        answer = await victim.browser.step(callback(code=code, state=victim.query["state"]))
        await assert_refused(site, answer)

    async def test_spent(self, site: Site, begin: Any, discord: DiscordHandle, callback: Any) -> None:
        first = await begin()
        back = discord.consent(first.authorize_url, user=cast.ADA)
        code = parse_qs(urlsplit(back).query)["code"][0]
        await first.browser.step(back)
        await first.browser.http.post(f"{site.url}/api/auth/logout", headers={"origin": site.url})
        second = await begin()
        await assert_refused(site, await second.browser.step(callback(code=code, state=second.query["state"])))

    async def test_missing_or_invented(self, site: Site, begin: Any, callback: Any) -> None:
        for code in ("", "nonsense", "é" * 10, "A" * 5000):
            begun = await begin()
            await assert_refused(site, await begun.browser.step(callback(code=code, state=begun.query["state"])))

    async def test_expired_at_discord(self, site: Site, begin: Any, discord: DiscordHandle) -> None:
        begun = await begin()
        back = discord.consent(begun.authorize_url, user=cast.ADA)
        discord._core.world.state.codes.clear()
        await assert_refused(site, await begun.browser.step(back))


class TestPkce:
    async def test_discord_refuses_a_code_without_its_verifier(self, begin: Any, discord: DiscordHandle) -> None:
        """The sandbox is as strict as Discord, so the tests above mean something."""
        begun = await begin()
        back = discord.consent(begun.authorize_url, user=cast.ADA)
        assert discord._core.world.state.codes[-1].challenge == begun.query["code_challenge"]
        assert "code_challenge" not in back

    async def test_may_be_switched_off(self, make_site: MakeSite, begin: Any, discord: DiscordHandle) -> None:
        plain = await make_site(discord_pkce=False)
        begun = await begin(plain)
        assert not {"code_challenge", "code_challenge_method"} & begun.query.keys()
        answer = await begun.browser.step(discord.consent(begun.authorize_url, user=cast.ADA))
        assert answer.status_code == 302
        assert await sessions(plain) == 1


class TestDiscordsAnswers:
    @pytest.mark.parametrize("word", ["consent_required", "interaction_required", "login_required"])
    async def test_who_can_t_sign_in_silently_is_asked_and_that_once(
        self, site: Site, begin: Any, discord: DiscordHandle, callback: Any, word: str
    ) -> None:
        begun = await begin(next_path="/account")
        assert begun.query["prompt"] == "none"
        answer = await begun.browser.step(callback(error=word, state=begun.query["state"]))
        again = Begun(begun.browser, answer.headers["location"])
        assert (answer.status_code, again.query["prompt"]) == (302, "consent")
        assert again.query["state"] != begun.query["state"]
        assert again.query["code_challenge"] != begun.query["code_challenge"]
        refused = await again.browser.step(callback(error=word, state=again.query["state"]))
        assert refused.headers["location"] == "/account?notice=cancelled", "no loop"
        assert await sessions_of(site) == 0

    async def test_who_was_asked_arrives_where_they_were_going(
        self, site: Site, begin: Any, discord: DiscordHandle, callback: Any
    ) -> None:
        begun = await begin(next_path="/account")
        answer = await begun.browser.step(callback(error="consent_required", state=begun.query["state"]))
        back = discord.consent(answer.headers["location"], user=cast.ADA)
        arrived = await begun.browser.step(back)
        assert (arrived.status_code, arrived.headers["location"]) == (302, "/account")
        assert await sessions_of(site) == 1

    async def test_another_browser_is_not_sent_on(self, site: Site, begin: Any, callback: Any) -> None:
        begun, stranger = await begin(), await begin()
        answer = await stranger.browser.step(callback(error="consent_required", state=begun.query["state"]))
        await assert_refused(site, answer)

    async def test_cancel_goes_back_with_a_word_and_signs_nobody_in(
        self, site: Site, begin: Any, discord: DiscordHandle
    ) -> None:
        begun = await begin(next_path="/account?x=1")
        answer = await begun.browser.step(discord.consent(begun.authorize_url, user=cast.ADA, cancel=True))
        assert (answer.status_code, answer.headers["location"]) == (302, "/account?x=1&notice=cancelled")
        assert await sessions(site) == 0
        assert discord.calls_to("POST", "/oauth2/token") == []

    async def test_a_cancel_that_somebody_made_up_is_refused(self, site: Site, begin: Any, callback: Any) -> None:
        begun = await begin()
        answer = await begun.browser.step(callback(error="access_denied", state="x"))
        await assert_refused(site, answer)

    @pytest.mark.parametrize("path", ["/oauth2/token", "/users/@me"])
    async def test_nonsense_and_trouble_are_503_and_sign_nobody_in(
        self, site: Site, begin: Any, discord: DiscordHandle, path: str
    ) -> None:
        for how in TROUBLE:
            begun = await begin()
            back = discord.consent(begun.authorize_url, user=cast.ADA)
            discord.fail("POST" if "token" in path else "GET", path, times=9, **how)
            answer = await begun.browser.step(back, accept="application/json")
            assert answer.status_code in {503, 502}, (how, answer.text)
            assert answer.json()["error"].startswith("discord_")
            assert await sessions(site) == 0
            discord.clear_failures()

    async def test_after_trouble_starting_again_works(self, site: Site, begin: Any, discord: DiscordHandle) -> None:
        begun = await begin()
        discord.fail("POST", "/oauth2/token", status=500)
        await begun.browser.step(discord.consent(begun.authorize_url, user=cast.ADA))
        again = await begin(browser=begun.browser)
        answer = await again.browser.step(discord.consent(again.authorize_url, user=cast.ADA))
        assert (answer.status_code, await sessions(site)) == (302, 1)


@pytest.mark.parametrize("first", [0, 1])
async def test_two_tabs_both_arrive(begin: Any, discord: DiscordHandle, first: int) -> None:
    browser = Browser()
    tabs = [await begin(browser=browser, next_path=f"/account?tab={n}") for n in range(2)]
    for n in (first, 1 - first):
        answer = await browser.step(discord.consent(tabs[n].authorize_url, user=cast.ADA))
        assert (answer.status_code, answer.headers["location"]) == (302, f"/account?tab={n}")
    await browser.aclose()


async def test_without_an_application_sign_in_says_what_is_missing(
    make_site: MakeSite, client: httpx.AsyncClient
) -> None:
    bare = await make_site(discord_client_id="", discord_bot_token="")
    answer = await client.get(f"{bare.url}/api/auth/discord")
    assert (answer.status_code, answer.json()["error"]) == (503, "not_configured")
    assert answer.json()["details"]["settings"] == ["DISCORD_CLIENT_ID", "DISCORD_BOT_TOKEN"]


class TestInstalls:
    """The second redirect. Its proof is Discord's token answer, and it must fit who asked and for which server."""

    @pytest.fixture
    async def deployment(self, ada: Person, personality: PersonalityTemplate) -> Any:
        answer = await ada.post(
            f"/api/marketplace/personalities/{personality.id}/deploy",
            json={"discordGuildId": str(cast.CLOCKWORK_GARDEN)},
        )
        assert (answer.status_code, answer.json()["status"]) == (202, "awaiting_install"), answer.text
        return answer.json()

    async def status(self, ada: Person, deployment: Any) -> Any:
        return (await ada.get(f"/api/marketplace/deployments/{deployment['id']}")).json()["status"]

    async def test_the_right_way(self, ada: Person, deployment: Any, discord: DiscordHandle) -> None:
        query = {name: v[0] for name, v in parse_qs(urlsplit(deployment["installUrl"]).query).items()}
        assert (query["code_challenge_method"], query["guild_id"]) == ("S256", str(cast.CLOCKWORK_GARDEN))
        answer = await ada.browser.step(discord.consent(deployment["installUrl"], user=cast.ADA))
        assert (answer.status_code, answer.headers["location"]) == (302, f"/deployments/{deployment['id']}")
        assert await self.status(ada, deployment) in {"queued", "running"}

    async def test_opened_in_another_persons_session(
        self, ada: Person, ben: Person, deployment: Any, discord: DiscordHandle
    ) -> None:
        back = discord.consent(deployment["installUrl"], user=cast.ADA)
        assert (await ben.browser.step(back)).status_code in {400, 403}
        assert await self.status(ada, deployment) == "awaiting_install"

    async def test_opened_without_a_session(
        self, ada: Person, deployment: Any, discord: DiscordHandle, browser: Browser
    ) -> None:
        back = discord.consent(deployment["installUrl"], user=cast.ADA)
        assert (await browser.step(back)).status_code in {400, 401, 403}
        assert await self.status(ada, deployment) == "awaiting_install"

    async def test_opened_in_another_session_of_the_same_person(
        self, ada: Person, sign_in: SignIn, deployment: Any, discord: DiscordHandle
    ) -> None:
        other = await sign_in("ada")
        back = discord.consent(deployment["installUrl"], user=cast.ADA)
        assert (await other.browser.step(back)).status_code == 400
        assert await self.status(ada, deployment) == "awaiting_install"

    async def test_confirmed_by_another_discord_account(
        self, ada: Person, deployment: Any, discord: DiscordHandle
    ) -> None:
        garden = discord.guilds[cast.CLOCKWORK_GARDEN]
        garden.owner_id = cast.BEN
        back = discord.consent(deployment["installUrl"], user=cast.BEN)
        answer = await ada.browser.step(back)
        garden.owner_id = cast.ADA
        assert answer.status_code == 403, answer.text
        assert await self.status(ada, deployment) == "awaiting_install"

    async def test_confirmed_for_another_server(self, ada: Person, deployment: Any, discord: DiscordHandle) -> None:
        url = deployment["installUrl"].replace(str(cast.CLOCKWORK_GARDEN), str(cast.NIGHT_OWLS))
        answer = await ada.browser.step(discord.consent(url, user=cast.ADA, guild=cast.NIGHT_OWLS))
        assert answer.status_code == 403
        assert await self.status(ada, deployment) == "awaiting_install"

    async def test_an_install_state_signs_nobody_in(
        self, site: Site, ada: Person, deployment: Any, discord: DiscordHandle, browser: Browser
    ) -> None:
        """Another purpose: the state of an install brought to the callback by a visitor."""
        login = await browser.step(f"{site.url}/api/auth/discord")
        discord.consent(login.headers["location"], user=cast.ADA)
        code = discord._core.world.state.codes[-1].code
        state = parse_qs(urlsplit(deployment["installUrl"]).query)["state"][0]
        answer = await browser.step(f"{site.url}/api/auth/callback?{urlencode({'code': code, 'state': state})}")
        assert answer.status_code == 400
        assert "botbot_session" not in answer.headers.get("set-cookie", "")

    async def test_a_login_state_installs_nothing(
        self, site: Site, ada: Person, deployment: Any, discord: DiscordHandle
    ) -> None:
        login = await ada.browser.step(f"{site.url}/api/auth/discord")
        login_state = parse_qs(urlsplit(login.headers["location"]).query)["state"][0]
        back = discord.consent(deployment["installUrl"], user=cast.ADA)
        code = parse_qs(urlsplit(back).query)["code"][0]
        path = f"/api/auth/callback?{urlencode({'code': code, 'state': login_state})}"
        await ada.browser.step(f"{site.url}{path}")
        ada.http.cookies = ada.browser.cookies
        assert await self.status(ada, deployment) == "awaiting_install"

    async def test_cancelled_it_can_be_begun_again(self, ada: Person, deployment: Any, discord: DiscordHandle) -> None:
        answer = await ada.browser.step(discord.consent(deployment["installUrl"], user=cast.ADA, cancel=True))
        assert answer.status_code == 302
        shown = (await ada.get(f"/api/marketplace/deployments/{deployment['id']}")).json()
        assert shown["status"] == "awaiting_install"
        answer = await ada.browser.step(discord.consent(shown["installUrl"], user=cast.ADA))
        assert answer.status_code == 302
        assert await self.status(ada, deployment) in {"queued", "running"}

    async def test_used_twice_changes_nothing_more(self, ada: Person, deployment: Any, discord: DiscordHandle) -> None:
        back = discord.consent(deployment["installUrl"], user=cast.ADA)
        assert (await ada.browser.step(back)).status_code == 302
        assert (await ada.browser.step(back)).status_code == 400


def refreshes(discord: DiscordHandle) -> list[Any]:
    calls = discord.calls_to("POST", "/oauth2/token")
    return [call for call in calls if (call.form or {}).get("grant_type") == "refresh_token"]


async def test_discords_tokens_are_refreshed_once_by_many_at_once_in_two_processes(
    site: Site, make_site: MakeSite, ada: Person, discord: DiscordHandle, tick: Callable[..., None]
) -> None:
    """Single flight: the old refresh token is spent with the first use."""
    houses = [site.house, (await make_site()).house]
    user_id = await ada.user_id()
    tick(days=7)
    discord.fail("POST", "/oauth2/token", delay=0.3)
    tokens = await asyncio.gather(*(access_token(house, user_id) for house in houses * 4))
    assert len(set(tokens)) == 1
    assert len(refreshes(discord)) == 1
    assert (await site.house.oauth.get_user(tokens[0])).id == cast.ADA


async def test_a_new_pair_is_kept_also_when_whoever_asked_has_left(
    site: Site, ada: Person, discord: DiscordHandle, tick: Callable[..., None]
) -> None:
    user_id = await ada.user_id()
    tick(days=7)
    discord.clear_calls()
    discord.fail("POST", "/oauth2/token", delay=0.5, after_effect=True)
    asking = asyncio.create_task(access_token(site.house, user_id))
    async with asyncio.timeout(10):
        while not discord.calls_to("POST", "/oauth2/token"):
            await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert asking.cancelled()
    token = await access_token(site.house, user_id)
    assert (await site.house.oauth.get_user(token)).id == cast.ADA
    assert len(refreshes(discord)) == 1


async def test_a_refresh_that_failed_or_died_holds_nobody_up(
    site: Site, ada: Person, discord: DiscordHandle, tick: Callable[..., None]
) -> None:
    user_id = await ada.user_id()
    tick(days=7)
    discord.fail("POST", "/oauth2/token", status=503, times=9)
    with pytest.raises(DiscordUnavailable):
        await access_token(site.house, user_id)
    discord.clear_failures()
    async with site.house.db.write() as session:  # as a process leaves it that died in the call
        await session.execute(update(OAuthToken).values(refreshing_until=clock.now()))
    tick(seconds=1)
    assert await access_token(site.house, user_id)


async def test_who_signs_in_anew_meanwhile_keeps_the_newer_pair(
    site: Site, ada: Person, sign_in: SignIn, discord: DiscordHandle, tick: Callable[..., None]
) -> None:
    user_id = await ada.user_id()
    tick(days=6, hours=23, minutes=59, seconds=30)
    discord.clear_calls()
    discord.fail("POST", "/oauth2/token", delay=1.0, after_effect=True)
    asking = asyncio.create_task(access_token(site.house, user_id))
    async with asyncio.timeout(10):
        while not discord.calls_to("POST", "/oauth2/token"):
            await asyncio.sleep(0.01)
    await sign_in("ada")
    async with site.house.db.read() as session:
        newest = await session.scalar(select(OAuthToken.refresh_token))
    assert await asking
    async with site.house.db.read() as session:
        assert await session.scalar(select(OAuthToken.refresh_token)) == newest


async def test_a_new_pair_is_kept_also_when_the_row_is_sealed_anew_meanwhile(
    site: Site, ada: Person, discord: DiscordHandle, tick: Callable[..., None]
) -> None:
    """A change of keys may rewrite every sealed text while Discord is being asked."""
    user_id = await ada.user_id()
    tick(days=7)
    discord.clear_calls()
    discord.fail("POST", "/oauth2/token", delay=1.0, after_effect=True)
    asking = asyncio.create_task(access_token(site.house, user_id))
    async with asyncio.timeout(10):
        while not discord.calls_to("POST", "/oauth2/token"):
            await asyncio.sleep(0.01)
    async with site.house.db.write() as session:
        sealed = await session.scalar(select(OAuthToken.refresh_token))
        anew = site.house.cipher.encrypt(site.house.cipher.decrypt(str(sealed)))
        await session.execute(update(OAuthToken).values(refresh_token=anew))
    token = await asking
    assert await access_token(site.house, user_id) == token
    assert (await site.house.oauth.get_user(token)).id == cast.ADA


async def test_a_script_that_asks_at_once_is_answered_each_time(
    site: Site, ada: Person, discord: DiscordHandle, tick: Callable[..., None]
) -> None:
    tick(days=7)
    script = await ada.by_token()
    answers = await asyncio.gather(*(script.get("/api/discord/guilds") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(refreshes(discord)) == 1
    async with site.house.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(OAuthToken)) == 1
