"""Our client and the stand-in Discord, over a real socket: the calls of a deployment, and F2's unknown outcomes.

The stand-in checks every request against Discord's official description; a test that ends with a violation fails."""

import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from botbot.errors import (
    DiscordBusy,
    DiscordRefused,
    DiscordSignInExpired,
    DiscordUnavailable,
    DiscordUnknown,
    GuildPermissionMissing,
)
from botbot.peers.discord.oauth import DiscordOAuth, new_verifier
from botbot.peers.discord.permissions import (
    PROFILE_MODE,
    base_permissions,
    channel_permissions,
    missing_names,
)
from botbot.peers.discord.rest import DiscordRest
from botbot.sandbox import cast
from botbot.sandbox.server import Sandbox
from botbot.settings import Settings, load_settings

BASE = "http://127.0.0.1:8000"


def png() -> bytes:
    """One grey pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    head = chunk(b"IHDR", (1).to_bytes(4) + (1).to_bytes(4) + b"\x08\x00\x00\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\x00\x80")) + chunk(b"IEND", b"")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(redirect_uris=[f"{BASE}/api/auth/callback"], port=0)
    await sandbox.start()
    yield sandbox
    violations = sandbox.violations
    await sandbox.stop()
    assert violations == []


@pytest.fixture
def settings(sandbox: Sandbox) -> Settings:
    return load_settings(sandbox.environment | {"BOTBOT_BASE_URL": BASE}, Path("no such file"))


@pytest.fixture
async def tea_channel(sandbox: Sandbox) -> int:
    return sandbox.discord.channel(cast.TEA_HOUSE, "parlour").id


def code_in(address: str, state: str) -> str:
    query = parse_qs(urlsplit(address).query)
    assert query["state"] == [state]
    return query["code"][0]


async def test_ada_signs_in_and_sees_what_she_manages(sandbox: Sandbox, oauth: DiscordOAuth) -> None:
    verifier = new_verifier()
    address = sandbox.discord.consent(oauth.login_url(state="s1", verifier=verifier), user=cast.ADA)
    code = code_in(address, "s1")
    grant = await oauth.exchange_code(code, verifier)
    assert (grant.scopes, grant.guild_id) == (frozenset({"identify", "guilds"}), None)
    assert (await oauth.get_user(grant.access_token)).id == cast.ADA
    manageable = {guild.id for guild in await oauth.list_guilds(grant.access_token) if guild.is_manageable}
    assert manageable == {cast.TEA_HOUSE, cast.CLOCKWORK_GARDEN, cast.NIGHT_OWLS}
    with pytest.raises(DiscordSignInExpired):
        await oauth.exchange_code(code, verifier)


async def test_tokens_are_refreshed_and_revoked(sandbox: Sandbox, oauth: DiscordOAuth) -> None:
    address = sandbox.discord.consent(oauth.login_url(state="s", verifier=None), user=cast.BEN)
    first = await oauth.exchange_code(code_in(address, "s"), None)
    second = await oauth.refresh(first.refresh_token)
    assert second.refresh_token != first.refresh_token
    await oauth.revoke(second.refresh_token)
    with pytest.raises(DiscordSignInExpired):
        await oauth.get_user(second.access_token)
    with pytest.raises(DiscordSignInExpired):
        await oauth.refresh(second.refresh_token)


async def test_a_wrong_verifier_is_refused(sandbox: Sandbox, oauth: DiscordOAuth) -> None:
    address = sandbox.discord.consent(oauth.login_url(state="s", verifier=new_verifier()), user=cast.ADA)
    with pytest.raises((DiscordRefused, DiscordSignInExpired)):
        await oauth.exchange_code(code_in(address, "s"), new_verifier())


async def test_installing_is_proven_by_the_token_answer(
    sandbox: Sandbox, oauth: DiscordOAuth, rest: DiscordRest
) -> None:
    garden = cast.CLOCKWORK_GARDEN
    with pytest.raises(DiscordUnknown):
        await rest.get_guild(garden)
    verifier = new_verifier()
    url = oauth.install_url(state="s", verifier=verifier, guild_id=garden, permissions=PROFILE_MODE)
    address = sandbox.discord.consent(url, user=cast.ADA)
    grant = await oauth.exchange_code(code_in(address, "s"), verifier)
    assert grant.guild_id == garden
    guild = await rest.get_guild(garden)
    member = await rest.get_member(garden, (await rest.get_bot_user()).id)
    assert missing_names(base_permissions(guild, member), PROFILE_MODE) == []
    await rest.leave_guild(garden)
    await rest.leave_guild(garden)
    with pytest.raises(DiscordUnknown):
        await rest.get_guild(garden)


async def test_permissions_are_known_before_anything_is_sent(
    sandbox: Sandbox, rest: DiscordRest, tea_channel: int
) -> None:
    guild, bot = await rest.get_guild(cast.TEA_HOUSE), await rest.get_bot_user()
    member, channels = await rest.get_member(guild.id, bot.id), await rest.list_channels(guild.id)
    can_talk = {
        channel.name: not missing_names(channel_permissions(guild, member, channel), PROFILE_MODE)
        for channel in channels
    }
    assert can_talk["parlour"] is True
    assert can_talk["house-rules"] is False
    rules = next(channel for channel in channels if channel.name == "house-rules")
    with pytest.raises(GuildPermissionMissing):
        await rest.create_message(rules.id, "May I?", nonce="n1")


async def test_a_face_is_put_on_and_taken_off(sandbox: Sandbox, rest: DiscordRest) -> None:
    bot = (await rest.get_bot_user()).id
    await rest.set_guild_profile(cast.TEA_HOUSE, nick="Atlas", bio="AI character. Curious.", reason="Deployed by Ada")
    await rest.set_guild_profile(cast.TEA_HOUSE, avatar=png(), reason="Deployed by Ada")
    dressed = await rest.get_member(cast.TEA_HOUSE, bot)
    assert (dressed.nick, bool(dressed.avatar)) == ("Atlas", True)
    await rest.set_guild_profile(cast.TEA_HOUSE, nick=None, bio=None, avatar=None, reason="Removed by Ada")
    bare = await rest.get_member(cast.TEA_HOUSE, bot)
    assert (bare.nick, bare.avatar) == (None, None)


async def test_the_avatar_quota_is_busy(sandbox: Sandbox, rest: DiscordRest) -> None:
    sandbox.discord.switches.avatar_changes = 0
    with pytest.raises(DiscordBusy) as caught:
        await rest.set_guild_profile(cast.TEA_HOUSE, avatar=png(), reason="Deployed by Ada")
    assert caught.value.code == "AVATAR_RATE_LIMIT"


async def test_a_server_that_lets_the_bot_do_too_little_says_what_is_missing(
    sandbox: Sandbox, rest: DiscordRest
) -> None:
    with pytest.raises(GuildPermissionMissing) as caught:
        await rest.set_guild_profile(cast.NIGHT_OWLS, nick="Atlas", reason="Deployed by Ada")
    assert caught.value.details == {"missing": ["CHANGE_NICKNAME"]}


async def test_words_are_said_changed_listed_and_deleted(sandbox: Sandbox, rest: DiscordRest, tea_channel: int) -> None:
    asked = sandbox.discord.post_message(cast.BEN, tea_channel, "hello", mention_bot=True)
    await rest.trigger_typing(tea_channel)
    said = await rest.create_message(tea_channel, "Hello @everyone", nonce=f"{asked.id}-0", reply_to=asked.id)
    edited = await rest.edit_message(tea_channel, said.id, "Hello, Ben")
    assert (edited.id, edited.content) == (said.id, "Hello, Ben")
    assert [each.id for each in await rest.list_messages(tea_channel, after=asked.id)] == [said.id]
    assert (await rest.get_message(tea_channel, said.id)).content == "Hello, Ben"
    await rest.delete_message(tea_channel, said.id)
    await rest.delete_message(tea_channel, said.id)
    with pytest.raises(DiscordUnknown):
        await rest.get_message(tea_channel, said.id)


@pytest.mark.parametrize("trouble", [{"status": 502}, {"reset": True}, {"hang": 5.0}, {"truncate": True}])
async def test_a_message_of_unknown_outcome_is_repeated_under_its_nonce_and_said_once(
    sandbox: Sandbox, rest: DiscordRest, tea_channel: int, trouble: dict[str, Any]
) -> None:
    before = len(sandbox.discord.messages(tea_channel))
    sandbox.discord.fail("POST", "/channels/*/messages", after_effect=True, **trouble)
    with pytest.raises(DiscordUnavailable) as caught:
        await rest.create_message(tea_channel, "Once", nonce="77-0")
    assert caught.value.maybe_happened
    assert len(sandbox.discord.calls_to("POST", "/channels/*/messages")) == 1
    await rest.create_message(tea_channel, "Once", nonce="77-0")
    assert len(sandbox.discord.messages(tea_channel)) == before + 1


async def test_a_webhook_of_unknown_outcome_is_found_again(
    sandbox: Sandbox, rest: DiscordRest, tea_channel: int
) -> None:
    sandbox.discord.fail("POST", "/channels/*/webhooks", after_effect=True, status=502)
    with pytest.raises(DiscordUnavailable):
        await rest.create_webhook(tea_channel, "Atlas", reason="Deployed by Ada")
    (found,) = await rest.list_webhooks(tea_channel)
    assert found.name == "Atlas"
    assert found.token is not None
    said = await rest.execute_webhook(found.id, found.token, "Good evening", username="Atlas")
    assert said.webhook_id == found.id
    await rest.delete_webhook(found.id, reason="Removed by Ada")
    await rest.delete_webhook(found.id, reason="Removed by Ada")
    with pytest.raises(DiscordUnknown):
        await rest.execute_webhook(found.id, found.token, "Anyone?")


@pytest.mark.parametrize("scope", ["user", "global", "shared"])
async def test_a_limited_call_is_not_repeated_before_its_time(
    sandbox: Sandbox, rest: DiscordRest, tea_channel: int, scope: str
) -> None:
    sandbox.discord.fail("POST", "/channels/*/messages", retry_after=1337.0, scope=scope)
    for _ in range(3):
        with pytest.raises(DiscordBusy) as caught:
            await rest.create_message(tea_channel, "Hello", nonce="1-0")
        assert caught.value.retry_after == pytest.approx(1337, abs=2)
    assert len(sandbox.discord.calls_to("POST", "/channels/*/messages")) == 1
    assert rest.invalid_requests == (0 if scope == "shared" else 1)


async def test_the_gateway_and_the_application_are_found(sandbox: Sandbox, rest: DiscordRest) -> None:
    gateway, application = await rest.get_gateway(), await rest.get_application()
    assert gateway.url.startswith("ws://127.0.0.1:")
    assert gateway.session_start_limit.remaining > 0
    assert application.id == cast.APPLICATION
