"""What leaves for Discord, byte for byte where it matters, and what is read of its answers."""

import base64
from typing import Any
from urllib.parse import unquote

import pytest
from tests.peers.discord.peer import BOT_TOKEN, Peer

from botbot.errors import ValidationFailed
from botbot.peers.discord.rest import DiscordRest

PNG = b"\x89PNG\r\n\x1a\nrest of the picture"
MESSAGE = {"id": "9007199254740993", "channel_id": "5", "content": "Hello", "nonce": "1-0", "type": 0, "new_field": {}}


async def test_every_call_introduces_itself_as_discord_asks(peer: Peer, rest: DiscordRest) -> None:
    peer.answer({"id": "1000", "username": "botbot", "bot": True})
    user = await rest.get_bot_user()
    sent = peer.received[0]
    assert (user.id, user.bot, sent.method, sent.path) == (1000, True, "GET", "/users/@me")
    assert sent.headers["authorization"] == f"Bot {BOT_TOKEN}"
    assert sent.headers["user-agent"].startswith("DiscordBot (https://market.example, ")
    assert "cookie" not in sent.headers


async def test_a_message_rings_nobody_and_is_safe_to_repeat(peer: Peer, rest: DiscordRest) -> None:
    peer.answer(MESSAGE)
    message = await rest.create_message(5, "Hi @everyone", nonce="77-0", reply_to=2**63, suppress_embeds=True)
    assert message.id == 9007199254740993
    assert peer.received[0].path == "/channels/5/messages"
    assert peer.received[0].json == {
        "content": "Hi @everyone",
        "allowed_mentions": {"parse": []},
        "nonce": "77-0",
        "enforce_nonce": True,
        "flags": 4,
        "message_reference": {"message_id": str(2**63), "fail_if_not_exists": False},
    }


async def test_an_edit_rings_nobody_either(peer: Peer, rest: DiscordRest) -> None:
    peer.answer(MESSAGE)
    await rest.edit_message(5, 9, "Better")
    assert (peer.received[0].method, peer.received[0].path) == ("PATCH", "/channels/5/messages/9")
    assert peer.received[0].json == {"content": "Better", "allowed_mentions": {"parse": []}}


@pytest.mark.parametrize("content", ["", "  \n", "x" * 2001, "broken \ud800"])
async def test_what_discord_cannot_take_is_not_sent(peer: Peer, rest: DiscordRest, content: str) -> None:
    for call in (
        rest.create_message(5, content, nonce="1"),
        rest.edit_message(5, 9, content),
        rest.execute_webhook(6, "tok", content),
    ):
        with pytest.raises(ValidationFailed):
            await call
    assert peer.received == []


@pytest.mark.parametrize("nonce", ["", "n" * 26])
async def test_a_nonce_has_1_to_25_characters(peer: Peer, rest: DiscordRest, nonce: str) -> None:
    with pytest.raises(ValidationFailed):
        await rest.create_message(5, "Hello", nonce=nonce)
    assert peer.received == []


async def test_the_profile_changes_only_what_is_given(peer: Peer, rest: DiscordRest) -> None:
    for _ in range(3):
        peer.answer({"nick": "Atlas", "roles": ["1"], "user": {"id": "1000", "username": "botbot"}})
    await rest.set_guild_profile(7, nick="Atlas", bio="AI character", reason="Déployé par Ada")
    await rest.set_guild_profile(7, avatar=PNG, reason="x")
    await rest.set_guild_profile(7, nick=None, bio=None, avatar=None, reason="x")
    await rest.set_guild_profile(7, reason="nothing to do")
    first, second, third = peer.received
    assert (first.method, first.path) == ("PATCH", "/guilds/7/members/@me")
    assert first.json == {"nick": "Atlas", "bio": "AI character"}
    assert unquote(first.headers["x-audit-log-reason"]) == "Déployé par Ada"
    assert second.json == {"avatar": "data:image/png;base64," + base64.b64encode(PNG).decode()}
    assert third.json == {"nick": None, "bio": None, "avatar": None}


@pytest.mark.parametrize("reason", ["é" * 600, "a\r\nX-Evil: 1", "\ud800", "界" * 512])
async def test_an_audit_reason_stays_one_header_of_512(peer: Peer, rest: DiscordRest, reason: str) -> None:
    peer.answer({"nick": None})
    await rest.set_guild_profile(7, nick=None, reason=reason)
    header = peer.received[0].headers["x-audit-log-reason"]
    assert 1 <= len(header) <= 512
    assert "x-evil" not in peer.received[0].headers
    assert unquote(header, errors="strict")


async def test_only_a_png_becomes_an_avatar(peer: Peer, rest: DiscordRest) -> None:
    with pytest.raises(ValidationFailed):
        await rest.set_guild_profile(7, avatar=b"GIF89a", reason="x")
    assert peer.received == []


async def test_a_webhook_speaks_without_the_bots_token(peer: Peer, rest: DiscordRest) -> None:
    peer.answer(MESSAGE)
    await rest.execute_webhook(
        6, "to/k?en", "Hello", username="Atlas", avatar_url="https://a.example/x.png", thread_id=8
    )
    sent = peer.received[0]
    assert "authorization" not in sent.headers
    assert sent.path == "/webhooks/6/to%2Fk%3Fen"
    assert sent.query == {"wait": "true", "thread_id": "8"}
    assert sent.json == {
        "content": "Hello",
        "allowed_mentions": {"parse": []},
        "username": "Atlas",
        "avatar_url": "https://a.example/x.png",
    }


@pytest.mark.parametrize(
    "name", ["", "n" * 81, "My Discord pal", "CLYDE", "ｃｌｙｄｅ", "Here", "everyone", "a\u202eb"]
)
async def test_names_discord_would_refuse_are_not_sent(peer: Peer, rest: DiscordRest, name: str) -> None:
    with pytest.raises(ValidationFailed):
        await rest.create_webhook(5, name, reason="x")
    with pytest.raises(ValidationFailed):
        await rest.execute_webhook(6, "tok", "Hello", username=name)
    assert peer.received == []


async def test_webhooks_are_made_listed_and_dropped(peer: Peer, rest: DiscordRest) -> None:
    hook = {"id": "6", "type": 1, "channel_id": "5", "name": "Atlas", "token": "canary", "application_id": "1000"}
    peer.answer(hook)
    peer.answer([hook])
    peer.answer(status=204)
    made = await rest.create_webhook(5, "Atlas", avatar=PNG, reason="deploy")
    listed = await rest.list_webhooks(5)
    await rest.delete_webhook(6, reason="undo")
    assert made == listed[0]
    assert (made.token, "canary" in repr(made)) == ("canary", False)
    assert peer.received[0].json["avatar"].startswith("data:image/png;base64,")
    assert [(each.method, each.path) for each in peer.received] == [
        ("POST", "/channels/5/webhooks"),
        ("GET", "/channels/5/webhooks"),
        ("DELETE", "/webhooks/6"),
    ]


async def test_the_gateway_and_the_application_are_read(peer: Peer, rest: DiscordRest) -> None:
    limit = {"total": 1000, "remaining": 998, "reset_after": 1000, "max_concurrency": 1}
    peer.answer({"url": "wss://gateway.example", "shards": 2, "session_start_limit": limit})
    peer.answer({"id": "1000", "name": "BotBot", "flags": 1 << 19, "bot_require_code_grant": True})
    gateway, application = await rest.get_gateway(), await rest.get_application()
    assert (gateway.url, gateway.shards, gateway.session_start_limit.remaining) == ("wss://gateway.example", 2, 998)
    assert application.may_read_messages
    assert application.bot_require_code_grant
    assert [each.path for each in peer.received] == ["/gateway/bot", "/applications/@me"]


async def test_a_guild_its_member_and_channels_are_read(peer: Peer, rest: DiscordRest) -> None:
    role = {"id": "7", "name": "@everyone", "permissions": "1024", "tags": {"premium_subscriber": None}}
    overwrite = {"id": "7", "type": 0, "allow": "0", "deny": "2048"}
    peer.answer({"id": "7", "name": "null", "owner_id": "1", "icon": None, "roles": [role], "nsfw_level": 3})
    peer.answer({"user": {"id": "1000", "username": "b"}, "nick": "null", "avatar": None, "roles": ["8", "9"]})
    peer.answer([{"id": "5", "type": 0, "name": "general", "parent_id": None, "permission_overwrites": [overwrite]}])
    guild, member, channels = await rest.get_guild(7), await rest.get_member(7, 1000), await rest.list_channels(7)
    assert (guild.name, guild.roles[0].permissions, guild.nsfw_level) == ("null", 1024, 3)
    assert (member.nick, member.roles) == ("null", [8, 9])
    assert (channels[0].permission_overwrites[0].deny, channels[0].parent_id) == (2048, None)
    assert [each.path for each in peer.received] == ["/guilds/7", "/guilds/7/members/1000", "/guilds/7/channels"]


@pytest.mark.parametrize(("asked", "sent"), [(0, "1"), (50, "50"), (1000, "100")])
async def test_messages_are_listed_within_discords_page(peer: Peer, rest: DiscordRest, asked: int, sent: str) -> None:
    peer.answer([MESSAGE])
    found = await rest.list_messages(5, limit=asked, after=3)
    assert found[0].nonce == "1-0"
    assert peer.received[0].query == {"limit": sent, "after": "3"}


async def test_one_message_is_read_and_deleted(peer: Peer, rest: DiscordRest) -> None:
    reply: dict[str, Any] = {**MESSAGE, "nonce": 12, "message_reference": {"message_id": "4", "channel_id": "5"}}
    peer.answer(reply)
    peer.answer(status=204)
    peer.answer(status=204)
    peer.answer(status=204)
    message = await rest.get_message(5, 9)
    await rest.delete_message(5, 9)
    await rest.trigger_typing(5)
    await rest.leave_guild(7)
    assert message.message_reference is not None
    assert message.message_reference.message_id == 4
    assert [(each.method, each.path) for each in peer.received] == [
        ("GET", "/channels/5/messages/9"),
        ("DELETE", "/channels/5/messages/9"),
        ("POST", "/channels/5/typing"),
        ("DELETE", "/users/@me/guilds/7"),
    ]
