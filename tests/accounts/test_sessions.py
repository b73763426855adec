"""Sessions: an id is ours, random, new at every turn, and dies when it should. Everything through a real server."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from tests.conftest import PUBLIC_URL, SECRET_KEY, MakeSite, SignIn
from tests.support.browser import Browser
from tests.support.dump import text_of
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person, api_client
from tests.support.serving import Site

from botbot.accounts.models import ApiToken, OAuthToken, UserSession
from botbot.accounts.service import grant_role
from botbot.db import Base
from botbot.sandbox import cast
from botbot.sandbox.core import BOT_TOKEN, CLIENT_SECRET
from botbot.sandbox.handle import DiscordHandle
from botbot.sandbox.server import Sandbox

pytestmark = MOSTLY_SQLITE

COOKIE = "botbot_session"


async def who(site: Site, secret: str | None, cookie: str = COOKIE) -> Any:
    """Whose session that secret opens, or `None`."""
    async with api_client(site.url) as http:
        answer = await http.get("/api/auth/session", headers={"cookie": f"{cookie}={secret}"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    return answer.json()["user"]


async def count(site: Site, model: type[Base]) -> int | None:
    async with site.house.db.read() as session:
        return await session.scalar(select(func.count()).select_from(model))


async def test_signing_in_tells_who_we_are(ada: Person) -> None:
    assert (await ada.get("/api/auth/session")).json() == {
        "user": {
            "id": await ada.user_id(),
            "discordId": str(cast.ADA),
            "username": "Ada",
            "avatar": None,
            "role": "user",
        }
    }


async def test_an_id_planted_before_sign_in_is_worth_nothing(site: Site, browser: Browser) -> None:
    """Fixation: the attacker's copy of the planted cookie must not be signed in with its victim."""
    browser.cookies.set(COOKIE, "ATTACKERCHOSEN", domain="127.0.0.1", path="/")
    await browser.sign_in(site.url, cast.ADA)
    secrets = {cookie.value for cookie in browser.cookies.jar if cookie.name == COOKIE}
    assert await who(site, "ATTACKERCHOSEN") is None
    assert secrets - {"ATTACKERCHOSEN"}
    assert [await who(site, secret) for secret in secrets - {"ATTACKERCHOSEN"}] != [None]


@pytest.mark.parametrize("secret", ["unknown", "x" * 43, "", "é", "' or 1=1 --", "a" * 4000, "%00", "../../etc/passwd"])
async def test_an_unknown_id_is_never_adopted(site: Site, secret: str) -> None:
    raw = f"{COOKIE}={secret}".encode()
    async with api_client(site.url) as http:
        answer = await http.get("/api/auth/session", headers={b"cookie": raw})
        page = await http.get("/", headers={b"cookie": raw, b"accept": b"text/html"})
    assert answer.json() == {"user": None}
    assert (page.status_code, page.headers.get("set-cookie")) == (200, None)
    assert await count(site, UserSession) == 0


async def test_the_stored_hash_opens_nothing(site: Site, ada: Person) -> None:
    async with site.house.db.read() as session:
        stored = await session.scalar(select(UserSession.id))
    assert await who(site, ada.secret) is not None
    assert await who(site, stored) is None


async def test_each_sign_in_has_a_new_id_and_ends_the_browsers_old_one(site: Site, ada: Person) -> None:
    first = ada.secret
    await ada.browser.sign_in(site.url, cast.ADA)
    assert ada.secret != first
    assert await who(site, first) is None
    assert await who(site, ada.secret) is not None
    assert await count(site, UserSession) == 1


async def test_another_person_in_the_same_browser_ends_the_first_ones_session(site: Site, ada: Person) -> None:
    first = ada.secret
    begun = await ada.browser.step(f"{site.url}/api/auth/discord")
    await ada.browser.open(f"{begun.headers['location']}&switch=1")
    await ada.browser.become(cast.BEN)
    await ada.browser.press("authorize")
    assert (await who(site, ada.secret))["username"] == "Ben"
    assert await who(site, first) is None


async def test_secrets_have_256_bits(sign_in: SignIn) -> None:
    secrets = [(await sign_in("ada")).secret for _ in range(3)]
    assert len(set(secrets)) == 3
    assert {len(secret) for secret in secrets} == {43}


class TestSigningOut:
    @pytest.mark.parametrize("path", ["/api/auth/logout", "/logout"])
    async def test_ends_this_browser_and_no_other(self, site: Site, sign_in: SignIn, path: str) -> None:
        here, there = await sign_in("ada"), await sign_in("ada")
        secret = here.secret
        answer = await here.post(path)
        assert answer.status_code == (204 if path.startswith("/api") else 303)
        assert "max-age=0" in answer.headers["set-cookie"].lower()
        assert await who(site, secret) is None
        assert await who(site, there.secret) is not None

    async def test_everywhere_ends_all_and_forgets_discords_tokens(self, site: Site, sign_in: SignIn) -> None:
        here, there = await sign_in("ada"), await sign_in("ada")
        assert (await here.post("/account/sign-out-everywhere")).status_code == 303
        assert await who(site, there.secret) is None
        assert (await count(site, UserSession), await count(site, OAuthToken)) == (0, 0)

    async def test_the_last_session_takes_discords_tokens_with_it(self, site: Site, sign_in: SignIn) -> None:
        here, there = await sign_in("ada"), await sign_in("ada")
        await here.post("/api/auth/logout")
        assert await count(site, OAuthToken) == 1
        await there.post("/api/auth/logout")
        assert await count(site, OAuthToken) == 0

    async def test_without_a_session_is_fine(self, client: httpx.AsyncClient) -> None:
        assert (await client.post("/api/auth/logout")).status_code == 204

    async def test_counts_at_once_in_every_process(self, make_site: MakeSite, site: Site, ada: Person) -> None:
        """Two processes over one database: what ends in one is dead in the other."""
        other = await make_site()
        assert await who(other, ada.secret) is not None
        await ada.post("/api/auth/logout")
        assert await who(other, ada.secret) is None


class TestTime:
    async def test_an_idle_session_dies_after_half_its_days(
        self, site: Site, ada: Person, tick: Callable[..., None]
    ) -> None:
        tick(days=6, hours=23)
        assert await who(site, ada.secret) is not None
        tick(days=6, hours=23)
        assert await who(site, ada.secret) is not None, "using it should have kept it alive"
        tick(days=7, minutes=1)
        assert await who(site, ada.secret) is None

    async def test_use_does_not_prolong_the_absolute_limit(
        self, site: Site, ada: Person, tick: Callable[..., None]
    ) -> None:
        for _ in range(4):
            tick(days=3)
            assert await who(site, ada.secret) is not None
        tick(days=2, minutes=1)
        assert await who(site, ada.secret) is None

    async def test_the_days_are_a_setting(
        self, make_site: MakeSite, sign_in: SignIn, site: Site, tick: Callable[..., None]
    ) -> None:
        brief = await make_site(session_days=1)
        ada = await sign_in("ada", brief)
        tick(hours=13)
        assert await who(brief, ada.secret) is None

    async def test_a_clock_that_goes_back_breaks_nothing(
        self, site: Site, ada: Person, tick: Callable[..., None]
    ) -> None:
        tick(hours=-1)
        assert await who(site, ada.secret) is not None

    async def test_a_dead_session_is_answered_like_none(self, ada: Person, tick: Callable[..., None]) -> None:
        tick(days=30)
        answer = await ada.get("/api/marketplace/deployments")
        assert (answer.status_code, answer.json()["error"]) == (401, "authentication_required")
        assert "/api/auth/discord" in answer.json()["details"]["loginUrl"]


class TestRoles:
    async def test_a_new_role_ends_every_session(self, site: Site, sign_in: SignIn) -> None:
        here, there = await sign_in("ben"), await sign_in("ben")
        async with site.house.db.write() as session:
            await grant_role(session, cast.BEN, "moderator")
        assert await who(site, here.secret) is None
        assert await who(site, there.secret) is None
        assert (await who(site, (await sign_in("ben")).secret))["role"] == "moderator"

    async def test_a_role_may_be_given_before_the_first_sign_in(self, site: Site, sign_in: SignIn) -> None:
        async with site.house.db.write() as session:
            await grant_role(session, cast.BEN, "admin")
        assert (await who(site, (await sign_in("ben")).secret))["role"] == "admin"

    async def test_the_operators_list_makes_admins(self, cleo: Person) -> None:
        assert (await cleo.get("/api/auth/session")).json()["user"]["role"] == "admin"

    async def test_taking_a_role_away_counts_for_tokens_at_once(self, site: Site, ben: Person) -> None:
        async with site.house.db.write() as session:
            await grant_role(session, cast.BEN, "admin")
        script = await ben.by_token()
        assert (await script.get("/api/auth/session")).json()["user"]["role"] == "admin"
        async with site.house.db.write() as session:
            await grant_role(session, cast.BEN, "user")
        assert (await script.get("/api/auth/session")).json()["user"]["role"] == "user"


class TestTokens:
    async def test_a_token_acts_as_its_user(self, ada: Person) -> None:
        script = await ada.by_token()
        assert (await script.get("/api/auth/session")).json()["user"]["username"] == "Ada"

    async def test_a_token_goes_before_a_cookie(self, ada: Person, ben: Person) -> None:
        script = await ben.by_token()
        answer = await script.get("/api/auth/session", headers={"cookie": f"{COOKIE}={ada.secret}"})
        assert answer.json()["user"]["username"] == "Ben"

    @pytest.mark.parametrize(
        "header", ["Bearer bbt_wrong", "Bearer", "bbt_x", "Basic YTpi", "Bearer bbt_é", "Bearer bbt_" + "x" * 5000]
    )
    async def test_a_token_that_is_not_ours_is_refused_even_with_a_good_cookie(self, ada: Person, header: str) -> None:
        answer = await ada.get("/api/auth/session", headers={b"authorization": header.encode()})
        assert (answer.status_code, answer.json()["error"]) == (401, "authentication_required")

    async def test_a_token_for_somebody_who_never_came(self, site: Site, make_site: MakeSite) -> None:
        from botbot.accounts.service import create_api_token

        async with site.house.db.write() as session:
            token = await create_api_token(session, 77, "early")
        async with api_client(site.url, headers={"authorization": f"Bearer {token}"}) as script:
            assert (await script.get("/api/auth/session")).json()["user"]["discordId"] == "77"


async def test_no_secret_is_stored_readably(site: Site, ada: Person, sandbox: Sandbox) -> None:
    """Cookie secret, API token, Discord's access and refresh token, and the product's own keys: grep the database."""
    script = await ada.by_token()
    api_token = script.headers["authorization"].removeprefix("Bearer ")
    grants = [grant for grant in sandbox.discord._core.world.state.grants if grant.user_id == cast.ADA]
    secrets = [ada.secret, api_token, SECRET_KEY, BOT_TOKEN, CLIENT_SECRET]
    secrets += [token for grant in grants for token in (grant.access_token, grant.refresh_token) if token]
    assert len(secrets) >= 7
    assert (await count(site, OAuthToken), await count(site, ApiToken)) == (1, 1)
    stored = await text_of(site.house.db)
    assert [secret for secret in secrets if secret in stored] == []


class TestCookies:
    async def test_plain_http_at_home(self, site: Site, ada: Person) -> None:
        answer = await ada.browser.step(f"{site.url}/api/auth/discord")
        (cookie,) = answer.headers.get_list("set-cookie")
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "samesite=lax", "path=/"} <= parts
        assert "secure" not in parts
        assert not any(part.startswith("domain") for part in parts)
        assert "strict-transport-security" not in answer.headers

    async def test_every_cookie_of_an_https_site_is_host_secure_httponly_lax(
        self, make_site: MakeSite, browser: Browser, discord: DiscordHandle
    ) -> None:
        """The callback is asked by hand, since a browser would not send Secure cookies over http."""
        site = await make_site(base_url=PUBLIC_URL)
        begun = await browser.step(f"{site.url}/api/auth/discord?next=/account")
        back = discord.consent(begun.headers["location"], user=cast.ADA)
        assert back.startswith(f"{PUBLIC_URL}/api/auth/callback")
        oauth_cookie = begun.headers["set-cookie"].partition(";")[0]
        path = back.removeprefix(PUBLIC_URL)
        async with api_client(site.url) as http:
            arrived = await http.get(path, headers={"cookie": oauth_cookie})
            session_cookie = next(
                each for each in arrived.headers.get_list("set-cookie") if each.startswith("__Host-botbot_session=")
            )
            pair = session_cookie.partition(";")[0]
            left = await http.post("/api/auth/logout", headers={"cookie": pair, "origin": PUBLIC_URL})
            theme = await http.post("/theme", data={"theme": "dark"}, headers={"origin": PUBLIC_URL})
        assert (arrived.status_code, arrived.headers["location"]) == (302, "/account")
        for answer in (begun, arrived, left, theme):
            assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
            for cookie in answer.headers.get_list("set-cookie"):
                parts = {part.strip().lower() for part in cookie.split(";")[1:]}
                assert cookie.startswith("__Host-"), cookie
                assert {"httponly", "secure", "samesite=lax", "path=/"} <= parts
                assert not any(part.startswith("domain") for part in parts)

    async def test_an_https_site_ignores_the_cookie_name_of_a_plain_one(
        self, make_site: MakeSite, site: Site, ada: Person
    ) -> None:
        """A subdomain could plant an unprefixed cookie."""
        secure = await make_site(base_url=PUBLIC_URL)
        assert await who(secure, ada.secret, COOKIE) is None
        assert await who(secure, ada.secret, "__Host-botbot_session") is not None
