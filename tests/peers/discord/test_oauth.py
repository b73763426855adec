"""Sign-in and install: the two redirects, the token endpoint, and a person's own lists."""

import base64
import hashlib
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.peers.discord.peer import CLIENT_SECRET, Peer

from botbot.errors import (
    BotBotError,
    DiscordBusy,
    DiscordRefused,
    DiscordSignInExpired,
    DiscordUnavailable,
    NotConfigured,
)
from botbot.kit import clock
from botbot.peers.discord.oauth import DiscordOAuth, new_verifier
from botbot.settings import Settings

GRANT = {
    "access_token": "access-canary",
    "token_type": "Bearer",
    "expires_in": 604800,
    "refresh_token": "refresh-canary",
    "scope": "identify guilds",
}


@pytest.fixture(autouse=True)
def _right_clock() -> Iterator[None]:
    yield
    clock.reset()


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()}


async def test_the_login_link_asks_for_no_more_than_it_needs(oauth: DiscordOAuth) -> None:
    verifier = new_verifier()
    url = oauth.login_url(state="s t", verifier=verifier)
    expected = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert url.startswith("https://discord.example/oauth2/authorize?")
    assert query_of(url) == {
        "client_id": "1000",
        "response_type": "code",
        "redirect_uri": "https://market.example/api/auth/callback",
        "scope": "identify guilds",
        "state": "s t",
        "prompt": "none",
        "code_challenge": expected,
        "code_challenge_method": "S256",
    }


async def test_the_install_link_is_bound_to_one_server(oauth: DiscordOAuth) -> None:
    url = oauth.install_url(state="s", verifier=None, guild_id=2**60, permissions=274945084416)
    assert query_of(url) == {
        "client_id": "1000",
        "response_type": "code",
        "redirect_uri": "https://market.example/api/auth/callback",
        "scope": "bot applications.commands identify guilds",
        "state": "s",
        "guild_id": str(2**60),
        "disable_guild_select": "true",
        "integration_type": "0",
        "permissions": "274945084416",
    }


async def test_consent_can_be_asked_for_again(oauth: DiscordOAuth) -> None:
    assert query_of(oauth.login_url(state="s", verifier=None, prompt="consent"))["prompt"] == "consent"


def test_verifiers_are_long_and_never_the_same() -> None:
    made = {new_verifier() for _ in range(50)}
    assert len(made) == 50
    assert all(43 <= len(each) <= 128 for each in made)


async def test_a_code_becomes_a_grant(peer: Peer, oauth: DiscordOAuth) -> None:
    clock.move(timedelta(days=90))
    peer.answer({**GRANT, "scope": "identify guilds bot", "guild": {"id": "77", "name": "Ada's"}})
    grant = await oauth.exchange_code("the&code", "v" * 43)
    sent = peer.received[0]
    assert (sent.method, sent.path) == ("POST", "/oauth2/token")
    assert sent.headers["content-type"] == "application/x-www-form-urlencoded"
    assert base64.b64decode(sent.headers["authorization"].removeprefix("Basic ")).decode() == f"1000:{CLIENT_SECRET}"
    assert sent.form == {
        "grant_type": "authorization_code",
        "code": "the&code",
        "redirect_uri": "https://market.example/api/auth/callback",
        "code_verifier": "v" * 43,
    }
    assert (grant.access_token, grant.refresh_token, grant.guild_id) == ("access-canary", "refresh-canary", 77)
    assert grant.scopes == frozenset({"identify", "guilds", "bot"})
    assert abs(grant.expires_at - clock.now() - timedelta(days=7)) < timedelta(seconds=5)


async def test_without_pkce_no_verifier_is_sent(peer: Peer, oauth: DiscordOAuth) -> None:
    peer.answer(GRANT)
    grant = await oauth.exchange_code("c", None)
    assert "code_verifier" not in peer.received[0].form
    assert grant.guild_id is None


async def test_refreshing_keeps_the_old_token_only_if_no_new_one_came(peer: Peer, oauth: DiscordOAuth) -> None:
    peer.answer(GRANT)
    peer.answer({name: value for name, value in GRANT.items() if name != "refresh_token"})
    assert (await oauth.refresh("old")).refresh_token == "refresh-canary"
    assert (await oauth.refresh("old")).refresh_token == "old"
    assert peer.received[0].form == {"grant_type": "refresh_token", "refresh_token": "old"}


async def test_revoking_sends_the_token_and_expects_nothing(peer: Peer, oauth: DiscordOAuth) -> None:
    peer.answer({})
    peer.answer()
    await oauth.revoke("tok")
    await oauth.revoke("tok")
    assert (peer.received[0].path, peer.received[0].form) == ("/oauth2/token/revoke", {"token": "tok"})


@pytest.mark.parametrize("status", [400, 401])
async def test_a_dead_code_or_token_asks_for_a_new_sign_in(peer: Peer, oauth: DiscordOAuth, status: int) -> None:
    body = {"error": "invalid_grant", "error_description": 'Invalid "code" in request.'}
    for call in (oauth.exchange_code("c", None), oauth.refresh("r")):
        peer.answer(body, status=status)
        with pytest.raises(DiscordSignInExpired) as caught:
            await call
        assert (caught.value.code, caught.value.permanent) == ("invalid_grant", True)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, {"error": "invalid_client"}, "invalid_client"),
        (400, {"error": "invalid_client"}, "invalid_client"),
        (401, {"message": "401: Unauthorized", "code": 0}, "401"),
        (400, {"error": "invalid_request"}, "invalid_request"),
        (400, {"error": "<script> access-canary"}, "400"),
        (400, {"error": 7}, "400"),
        (403, None, "403"),
    ],
)
async def test_other_refusals_keep_their_code(
    peer: Peer, oauth: DiscordOAuth, status: int, body: Any, code: str
) -> None:
    peer.answer(body, status=status)
    with pytest.raises(DiscordRefused) as caught:
        await oauth.exchange_code("c", None)
    assert (caught.value.code, caught.value.http_status) == (code, status)
    assert ("DISCORD_CLIENT_SECRET" in caught.value.message) == (code in {"invalid_client", "401"})


@pytest.mark.parametrize(
    "fault",
    [
        {"body": b"<html>access-canary</html>"},
        {"json_body": {**GRANT, "token_type": "mac"}},
        {"json_body": {**GRANT, "expires_in": 0}},
        {"json_body": {**GRANT, "expires_in": 10**30}},
        {"json_body": {**GRANT, "access_token": ""}},
        {"json_body": {**GRANT, "refresh_token": None}},
        {"json_body": {**GRANT, "guild": "77"}},
        {"json_body": []},
        {"status": 503, "body": b"<html>"},
        {"fault": "reset"},
        {"fault": "hang"},
        {"json_body": GRANT, "fault": "truncate"},
    ],
)
async def test_a_token_answer_without_sense_is_an_unknown_outcome(
    peer: Peer, oauth: DiscordOAuth, fault: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    peer.answer(**fault)
    with pytest.raises(DiscordUnavailable) as caught:
        await oauth.exchange_code("code-canary", "verifier-canary")
    assert caught.value.maybe_happened
    assert len(peer.received) == 1
    told = repr(caught.value) + repr(vars(caught.value)) + repr(caught.value.__context__) + caplog.text
    assert "canary" not in told


async def test_a_grant_hides_its_tokens(peer: Peer, oauth: DiscordOAuth) -> None:
    peer.answer(GRANT)
    assert "canary" not in repr(await oauth.exchange_code("c", None))


async def test_a_person_and_their_servers(peer: Peer, oauth: DiscordOAuth) -> None:
    peer.answer({"id": "42", "username": "ada", "global_name": "Ada", "avatar": "a1b2", "discriminator": "0"})
    servers = [
        {"id": "1", "name": "owned", "icon": None, "owner": True, "permissions": "0", "features": []},
        {"id": "2", "name": "admin", "icon": "x", "owner": False, "permissions": "8"},
        {"id": "3", "name": "manager", "owner": False, "permissions": "2147483680"},
        {"id": "4", "name": "guest", "owner": False, "permissions": "104320577"},
    ]
    peer.answer(servers)
    user, guilds = await oauth.get_user("tok"), await oauth.list_guilds("tok")
    assert (user.id, user.display_name, user.avatar) == (42, "Ada", "a1b2")
    assert [guild.is_manageable for guild in guilds] == [True, True, True, False]
    assert peer.received[1].headers["authorization"] == "Bearer tok"
    assert peer.received[1].query == {"limit": "200", "with_counts": "true"}


async def test_a_refused_user_token_means_sign_in_again(peer: Peer, oauth: DiscordOAuth) -> None:
    peer.answer({"message": "401: Unauthorized", "code": 0}, status=401)
    with pytest.raises(DiscordSignInExpired):
        await oauth.list_guilds("tok")
    assert oauth.invalid_requests == 1


async def test_one_persons_limit_is_not_anothers(peer: Peer, oauth: DiscordOAuth) -> None:
    peer.answer({"message": "slow", "retry_after": 9.5, "global": True}, status=429)
    with pytest.raises(DiscordBusy) as caught:
        await oauth.list_guilds("ada")
    assert caught.value.retry_after == 9.5
    with pytest.raises(DiscordBusy):
        await oauth.get_user("ada")
    peer.answer([])
    assert await oauth.list_guilds("ben") == []
    assert len(peer.received) == 2


@pytest.mark.parametrize("token", ["line\r\nX-Evil: 1", "non-ascii é"])
async def test_a_token_that_fits_no_header_is_not_sent(peer: Peer, oauth: DiscordOAuth, token: str) -> None:
    with pytest.raises(BotBotError):
        await oauth.get_user(token)
    assert peer.received == []


async def test_missing_settings_are_named(peer: Peer) -> None:
    oauth = DiscordOAuth(Settings(discord_client_id="1000", discord_api_url=peer.url))
    with pytest.raises(NotConfigured) as caught:
        await oauth.exchange_code("c", None)
    assert caught.value.details == {"settings": ["DISCORD_CLIENT_SECRET"]}
    assert oauth.login_url(state="s", verifier=None)
    with pytest.raises(NotConfigured):
        DiscordOAuth(Settings()).login_url(state="s", verifier=None)
