"""Signing in and installing: what goes through, and every mix-up that must not."""

import base64
import hashlib
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest
from tests.sandbox.conftest import CALLBACK, Api

from botbot.kit import clock
from botbot.sandbox import cast
from botbot.sandbox import permissions as may
from botbot.sandbox.oauth.consent import BadAsk
from botbot.sandbox.server import Sandbox

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
INSTALL = "bot applications.commands identify guilds"


def ask(sandbox: Sandbox, scope: str = "identify guilds", **more: object) -> str:
    query = {
        "client_id": cast.APPLICATION,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": scope,
        "state": "s1",
        **more,
    }
    return f"{sandbox.environment['DISCORD_AUTHORIZE_URL']}?{urlencode(query)}"


def answer(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def code_for(sandbox: Sandbox, user: int = cast.ADA, scope: str = "identify guilds", **more: object) -> str:
    guild = more.get("guild_id")
    address = sandbox.discord.consent(
        ask(sandbox, scope, **more), user=user, guild=guild if guild is None else str(guild)
    )
    return answer(address)["code"]


async def exchange(api: Api, code: str, **more: str) -> tuple[int, dict[str, object]]:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **more}
    result: tuple[int, dict[str, object]] = await api.token(**form)
    return result


@pytest.fixture(autouse=True)
def _own_clock() -> Iterator[None]:
    yield
    clock.reset()


async def test_a_visitor_signs_in_with_plain_forms(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    first = await session.get(ask(sandbox))
    assert "Who are you today?" in await first.text()
    fields = answer(ask(sandbox))
    chosen = await session.post(f"{sandbox.url}/oauth2/person", data={**fields, "user": str(cast.ADA)})
    page = await chosen.text()
    assert "Sandbox: not the real Discord" in page
    assert "See your username, avatar and id" in page
    done = await session.post(
        f"{sandbox.url}/oauth2/authorize", data={**fields, "decision": "authorize"}, allow_redirects=False
    )
    assert done.headers["Location"].startswith(CALLBACK + "?")
    assert answer(done.headers["Location"])["state"] == "s1"


async def test_cancel_says_access_denied(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    fields = {**answer(ask(sandbox)), "decision": "cancel"}
    done = await session.post(f"{sandbox.url}/oauth2/authorize", data=fields, allow_redirects=False)
    assert answer(done.headers["Location"])["error"] == "access_denied"
    assert answer(done.headers["Location"])["state"] == "s1"


async def test_prompt_none_skips_only_what_was_granted(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    quick = ask(sandbox, prompt="none")
    sandbox.discord.consent(quick, user=cast.ADA)
    unknown = await session.get(quick, allow_redirects=False)
    assert unknown.status == 200, "granted, but this browser has not said who it is"
    session.cookie_jar.update_cookies({"sandbox_user": str(cast.ADA)}, response_url=aiohttp.client.URL(sandbox.url))
    known = await session.get(quick, allow_redirects=False)
    assert known.status == 303
    assert "code" in answer(known.headers["Location"])
    more = await session.get(ask(sandbox, INSTALL, prompt="none", permissions=0), allow_redirects=False)
    assert more.status == 200, "bot always asks"


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "1"},
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": CALLBACK + "?x=1"},
        {"redirect_uri": ""},
        {"response_type": "token"},
        {"scope": ""},
        {"scope": "identify email"},
        {"code_challenge": CHALLENGE, "code_challenge_method": "plain"},
        {"code_challenge": "short", "code_challenge_method": "S256"},
        {"guild_id": "x"},
    ],
)
async def test_a_wrong_link_sends_nobody_anywhere(
    sandbox: Sandbox, session: aiohttp.ClientSession, wrong: dict[str, str]
) -> None:
    fields = {**answer(ask(sandbox)), **wrong}
    shown = await session.get(f"{sandbox.url}/oauth2/authorize", params=fields, allow_redirects=False)
    assert shown.status == 400
    forced = await session.post(
        f"{sandbox.url}/oauth2/authorize", data={**fields, "decision": "authorize"}, allow_redirects=False
    )
    assert forced.status == 400


async def test_a_form_from_another_site_is_refused(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    fields = {**answer(ask(sandbox)), "decision": "authorize"}
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        done = await session.post(f"{sandbox.url}/oauth2/authorize", data=fields, headers=headers)
        assert done.status == 403


async def test_the_code_gives_tokens_once(sandbox: Sandbox, api: Api) -> None:
    code = code_for(sandbox)
    status, token = await exchange(api, code)
    assert status == 200
    assert token["token_type"] == "Bearer"
    assert token["expires_in"] == 604_800
    assert token["scope"] == "identify guilds"
    status, again = await exchange(api, code)
    assert (status, again["error"]) == (400, "invalid_grant")


async def test_a_code_dies_after_ten_minutes(sandbox: Sandbox, api: Api) -> None:
    code = code_for(sandbox)
    clock.move(timedelta(minutes=10, seconds=1))
    assert (await exchange(api, code))[1]["error"] == "invalid_grant"


async def test_the_redirect_must_be_the_one_of_the_question(sandbox: Sandbox, api: Api) -> None:
    status, body = await exchange(api, code_for(sandbox), redirect_uri=CALLBACK + "2")
    assert (status, body["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("verifier", "error", "words"),
    [
        ({}, "invalid_request", "Missing"),
        ({"code_verifier": "v" * 42}, "invalid_request", "Invalid"),
        ({"code_verifier": "w" * 43}, "invalid_grant", "Invalid"),
    ],
)
async def test_pkce_is_checked(sandbox: Sandbox, api: Api, verifier: dict[str, str], error: str, words: str) -> None:
    code = code_for(sandbox, code_challenge=CHALLENGE, code_challenge_method="S256")
    status, body = await exchange(api, code, **verifier)
    assert (status, body["error"]) == (400, error)
    assert f'{words} "code_verifier"' in str(body["error_description"])


async def test_pkce_with_the_right_verifier(sandbox: Sandbox, api: Api) -> None:
    code = code_for(sandbox, code_challenge=CHALLENGE, code_challenge_method="S256")
    assert (await exchange(api, code, code_verifier=VERIFIER))[0] == 200


async def test_json_is_no_form(sandbox: Sandbox, api: Api) -> None:
    status, body = await api.call("POST", "/oauth2/token", {"grant_type": "refresh_token"}, auth="")
    assert (status, body["error"]) == (400, "invalid_request")


async def test_a_stranger_gets_no_token(sandbox: Sandbox, api: Api) -> None:
    status, body = await exchange(api, code_for(sandbox), client_secret="guess")
    assert (status, body["error"]) == (401, "invalid_client")


async def test_refresh_tokens_rotate(sandbox: Sandbox, api: Api) -> None:
    _, token = await exchange(api, code_for(sandbox))
    old = str(token["refresh_token"])
    status, renewed = await api.token(grant_type="refresh_token", refresh_token=old)
    assert status == 200
    assert renewed["refresh_token"] != old
    status, body = await api.token(grant_type="refresh_token", refresh_token=old)
    assert (status, body["error"]) == (400, "invalid_grant")


async def test_revoking_one_token_ends_every_sign_in_of_that_person(sandbox: Sandbox, api: Api) -> None:
    tokens = [(await exchange(api, code_for(sandbox)))[1] for _ in range(2)]
    _, bens = await exchange(api, code_for(sandbox, cast.BEN))
    environment = sandbox.environment
    form = {
        "token": tokens[0]["refresh_token"],
        "client_id": environment["DISCORD_CLIENT_ID"],
        "client_secret": environment["DISCORD_CLIENT_SECRET"],
    }
    revoked = await api.session.post(f"{sandbox.url}/api/oauth2/token/revoke", data=form)
    assert revoked.status == 200
    for token in tokens:
        assert (await api.call("GET", "/users/@me", auth=f"Bearer {token['access_token']}"))[0] == 401
    assert (await api.call("GET", "/users/@me", auth=f"Bearer {bens['access_token']}"))[0] == 200


async def test_an_access_token_expires(sandbox: Sandbox, api: Api) -> None:
    _, token = await exchange(api, code_for(sandbox))
    clock.move(timedelta(days=7, seconds=1))
    assert (await api.call("GET", "/users/@me", auth=f"Bearer {token['access_token']}"))[0] == 401


async def test_scopes_hold(sandbox: Sandbox, api: Api) -> None:
    _, token = await exchange(api, code_for(sandbox, scope="identify"))
    status, body = await api.call("GET", "/users/@me/guilds", auth=f"Bearer {token['access_token']}")
    assert (status, body["code"]) == (403, 50026)


async def test_the_bot_joins_at_the_exchange_and_not_before(sandbox: Sandbox, api: Api) -> None:
    garden = sandbox.discord.guilds[cast.CLOCKWORK_GARDEN]
    code = code_for(sandbox, scope=INSTALL, guild_id=garden.id, permissions=may.PROFILE)
    assert cast.BOT not in garden.members
    status, token = await exchange(api, code)
    assert status == 200
    assert isinstance(token["guild"], dict)
    assert token["guild"]["id"] == str(garden.id)
    assert cast.BOT in garden.members
    assert may.in_guild(garden, cast.BOT) & may.CHANGE_NICKNAME


async def test_installing_again_replaces_the_permissions(sandbox: Sandbox, api: Api) -> None:
    tea_house = sandbox.discord.guilds[cast.TEA_HOUSE]
    role = tea_house.bot_role(cast.BOT)
    assert role is not None
    assert role.permissions & may.MANAGE_WEBHOOKS
    await exchange(api, code_for(sandbox, scope=INSTALL, guild_id=tea_house.id, permissions=may.PROFILE))
    assert role.permissions == may.PROFILE
    assert sum(each.bot_id == cast.BOT for each in tea_house.roles) == 1


@pytest.mark.parametrize(
    ("user", "guild"),
    [(cast.BEN, cast.TEA_HOUSE), (cast.ADA, cast.OBSERVATORY), (cast.ADA, 1), (cast.CLEO, cast.TEA_HOUSE)],
)
async def test_only_managers_install(sandbox: Sandbox, user: int, guild: int) -> None:
    with pytest.raises(BadAsk):
        sandbox.discord.consent(ask(sandbox, INSTALL, permissions=0), user=user, guild=guild)


async def test_a_manager_who_was_demoted_before_the_exchange(sandbox: Sandbox, api: Api) -> None:
    owls = sandbox.discord.guilds[cast.NIGHT_OWLS]
    code = code_for(sandbox, scope=INSTALL, guild_id=owls.id, permissions=may.CHANNEL_MODE)
    sandbox.discord.change_member_roles(owls.id, cast.ADA, [])
    assert (await exchange(api, code))[1]["error"] == "invalid_grant"
    assert not may.in_guild(owls, cast.BOT) & may.MANAGE_WEBHOOKS


async def test_the_screen_offers_only_the_fixed_server(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    session.cookie_jar.update_cookies({"sandbox_user": str(cast.ADA)}, response_url=aiohttp.client.URL(sandbox.url))
    free = await (await session.get(ask(sandbox, INSTALL, guild_id=cast.TEA_HOUSE, permissions=2048))).text()
    assert "The Clockwork Garden</option>" in free
    assert "Send messages" in free
    fixed = ask(sandbox, INSTALL, guild_id=cast.CLOCKWORK_GARDEN, disable_guild_select="true", permissions=0)
    page = await (await session.get(fixed)).text()
    assert "The Clockwork Garden</option>" in page
    assert "Night Owls" not in page
    fields = {**answer(fixed), "decision": "authorize", "chosen_guild": str(cast.TEA_HOUSE)}
    sneaky = await session.post(f"{sandbox.url}/oauth2/authorize", data=fields, allow_redirects=False)
    assert sneaky.status == 400
