"""One call, one request, one typed failure: whatever the peer does."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.peers.discord.peer import BOT_TOKEN, DEADLINE_SECONDS, Peer

from botbot.errors import (
    BotBotError,
    DiscordBusy,
    DiscordRefused,
    DiscordUnavailable,
    DiscordUnknown,
    GuildPermissionMissing,
    NotConfigured,
)
from botbot.peers.discord.rest import DiscordRest
from botbot.settings import Settings

GUILD = {"id": "7", "name": "Ada's", "owner_id": "1"}
HTML = b"<!doctype html><title>Sorry</title>"

Call = Callable[[DiscordRest], Awaitable[Any]]
WRITES: dict[str, Call] = {
    "profile": lambda rest: rest.set_guild_profile(7, nick="Atlas", reason="deploy"),
    "message": lambda rest: rest.create_message(5, "Hello", nonce="1-0"),
    "edit": lambda rest: rest.edit_message(5, 9, "Hello"),
    "delete": lambda rest: rest.delete_message(5, 9),
    "typing": lambda rest: rest.trigger_typing(5),
    "webhook": lambda rest: rest.create_webhook(5, "Atlas", reason="deploy"),
    "execute": lambda rest: rest.execute_webhook(6, "tok", "Hello"),
    "drop": lambda rest: rest.delete_webhook(6, reason="undo"),
    "leave": lambda rest: rest.leave_guild(7),
}


async def failure_of(call: Awaitable[Any]) -> BotBotError:
    with pytest.raises(BotBotError) as caught:
        await call
    return caught.value


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 502, "body": HTML},
        {"status": 500, "json_body": {"code": 0, "message": "500: Internal Server Error"}},
        {"fault": "reset"},
        {"fault": "hang"},
        {"json_body": {"id": "9"}, "fault": "truncate"},
        {"body": HTML, "headers": {"content-type": "text/html"}},
        {"body": b'{"id": "9", '},
        {"fault": "endless"},
        {"fault": "drip"},
    ],
    ids=["502", "500", "reset", "hang", "cut", "html", "half", "endless", "drip"],
)
async def test_a_write_with_an_unknown_outcome_is_sent_once_and_says_so(
    peer: Peer, rest: DiscordRest, name: str, fault: dict[str, Any]
) -> None:
    peer.answer(**fault)
    started = time.monotonic()
    failure = await failure_of(WRITES[name](rest))
    assert type(failure) is DiscordUnavailable
    assert failure.maybe_happened
    assert not failure.permanent
    assert len(peer.received) == 1
    assert time.monotonic() - started < DEADLINE_SECONDS + 2


async def test_a_success_of_the_wrong_shape_is_an_unknown_outcome(peer: Peer, rest: DiscordRest) -> None:
    peer.answer({"id": "no number", "channel_id": "5"})
    failure = await failure_of(rest.create_message(5, "Hello", nonce="1-0"))
    assert isinstance(failure, DiscordUnavailable)
    assert failure.maybe_happened


@pytest.mark.parametrize("fault", ["reset", "truncate"])
async def test_a_read_on_a_broken_connection_is_asked_once_more(peer: Peer, rest: DiscordRest, fault: str) -> None:
    peer.answer(GUILD, fault=fault)
    peer.answer(GUILD)
    assert (await rest.get_guild(7)).owner_id == 1
    assert len(peer.received) == 2


async def test_a_read_gives_up_after_two_broken_connections(peer: Peer, rest: DiscordRest) -> None:
    for _ in range(3):
        peer.answer(GUILD, fault="reset")
    failure = await failure_of(rest.get_guild(7))
    assert isinstance(failure, DiscordUnavailable)
    assert not failure.maybe_happened
    assert len(peer.received) == 2


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 502, "body": HTML},
        {"fault": "hang"},
        {"body": HTML},
        {"body": b"[" * 100_000},
        {"body": b"\xff\xfe{}"},
        {"json_body": {"id": None}},
        {"fault": "endless"},
        {"status": 302, "headers": {"location": "http://127.0.0.1:1/"}},
        {"status": 404, "body": HTML, "headers": {"content-type": "text/html"}},
    ],
    ids=["502", "hang", "html", "deep", "bytes", "shape", "endless", "redirect", "page"],
)
async def test_a_failed_read_happens_once_and_changed_nothing(
    peer: Peer, rest: DiscordRest, fault: dict[str, Any]
) -> None:
    peer.answer(**fault)
    failure = await failure_of(rest.get_guild(7))
    assert type(failure) is DiscordUnavailable
    assert not failure.maybe_happened
    assert len(peer.received) == 1


async def test_nobody_listening_means_that_nothing_happened(settings: Settings, peer: Peer) -> None:
    await peer.stop()
    rest = DiscordRest(settings, deadline_seconds=2)
    failure = await failure_of(rest.create_message(5, "Hello", nonce="1-0"))
    await rest.aclose()
    await peer.start()
    assert type(failure) is DiscordUnavailable
    assert not failure.maybe_happened


def error(code: int, **more: Any) -> dict[str, Any]:
    return {"code": code, "message": f"says canary {BOT_TOKEN}", **more}


@pytest.mark.parametrize(
    ("status", "code", "kind", "told"),
    [
        (403, 50013, GuildPermissionMissing, "50013"),
        (403, 50001, GuildPermissionMissing, "50001"),
        (403, 0, GuildPermissionMissing, "403"),
        (403, 60003, GuildPermissionMissing, "60003"),
        (403, 40333, DiscordRefused, "40333"),
        (404, 10003, DiscordUnknown, "10003"),
        (404, 10004, DiscordUnknown, "10004"),
        (404, 0, DiscordUnknown, "404"),
        (400, 30007, DiscordRefused, "30007"),
        (400, 50035, DiscordRefused, "50035"),
        (401, 0, DiscordRefused, "401"),
        (405, 0, DiscordRefused, "405"),
        (400, 240000, DiscordRefused, "240000"),
    ],
)
async def test_refusals_are_typed(
    peer: Peer, rest: DiscordRest, status: int, code: int, kind: type[DiscordRefused], told: str
) -> None:
    peer.answer(error(code), status=status)
    failure = await failure_of(rest.create_webhook(5, "Atlas", reason="deploy"))
    assert type(failure) is kind
    assert isinstance(failure, DiscordRefused)
    assert (failure.code, failure.permanent, failure.http_status) == (told, True, status)
    assert len(peer.received) == 1


async def test_a_missing_permission_is_named(peer: Peer, rest: DiscordRest) -> None:
    peer.answer(error(50013), status=403)
    failure = await failure_of(rest.set_guild_profile(7, nick="Atlas", reason="deploy"))
    assert failure.details == {"missing": ["CHANGE_NICKNAME"]}
    assert "CHANGE_NICKNAME" in failure.message
    peer.answer(error(50001), status=403)
    failure = await failure_of(rest.create_message(5, "Hello", nonce="1-0"))
    assert failure.details == {"missing": ["VIEW_CHANNEL"]}


@pytest.mark.parametrize("call", [lambda r: r.get_guild(7), lambda r: r.get_member(7, 8), lambda r: r.list_channels(7)])
async def test_missing_access_to_a_guild_means_the_bot_is_not_there(peer: Peer, rest: DiscordRest, call: Call) -> None:
    peer.answer(error(50001), status=403)
    failure = await failure_of(call(rest))
    assert isinstance(failure, DiscordUnknown)
    assert failure.code == "50001"


async def test_the_first_inner_code_of_a_refused_form_is_told(peer: Peer, rest: DiscordRest) -> None:
    errors = {"username": {"_errors": [{"code": "USERNAME_INVALID_CONTAINS", "message": "no clyde"}]}}
    peer.answer(error(50035, errors=errors), status=400)
    failure = await failure_of(rest.execute_webhook(6, "tok", "Hello", username="Atlas"))
    assert (failure.code, failure.details) == ("USERNAME_INVALID_CONTAINS", {"field": "username"})


async def test_the_avatar_quota_is_busy_though_discord_calls_it_a_bad_form(peer: Peer, rest: DiscordRest) -> None:
    errors = {"avatar": {"_errors": [{"code": "AVATAR_RATE_LIMIT", "message": "too fast"}]}}
    peer.answer(error(50035, errors=errors), status=400)
    failure = await failure_of(rest.set_guild_profile(7, avatar=b"\x89PNG\r\n\x1a\n...", reason="deploy"))
    assert isinstance(failure, DiscordBusy)
    assert failure.code == "AVATAR_RATE_LIMIT"
    assert failure.retry_after == 600
    assert not failure.maybe_happened


async def test_a_lasting_complaint_beats_the_avatar_quota(peer: Peer, rest: DiscordRest) -> None:
    errors = {
        "avatar": {"_errors": [{"code": "AVATAR_RATE_LIMIT"}]},
        "nick": {"_errors": [{"code": "BASE_TYPE_BAD_LENGTH"}]},
    }
    peer.answer(error(50035, errors=errors), status=400)
    failure = await failure_of(rest.set_guild_profile(7, nick="x", reason="deploy"))
    assert type(failure) is DiscordRefused
    assert failure.code == "BASE_TYPE_BAD_LENGTH"


@pytest.mark.parametrize(
    "errors", [None, [], "x", {"_errors": "x"}, {"a": {"_errors": [1, {"code": 5}, {"code": "a b"}]}}]
)
async def test_a_strange_error_tree_is_still_a_refusal(peer: Peer, rest: DiscordRest, errors: Any) -> None:
    peer.answer(error(50035, errors=errors), status=400)
    failure = await failure_of(rest.set_guild_profile(7, nick="x", reason="deploy"))
    assert type(failure) is DiscordRefused
    assert failure.code == "50035"


@pytest.mark.parametrize("name", ["delete", "drop", "leave"])
async def test_what_is_gone_already_counts_as_deleted(peer: Peer, rest: DiscordRest, name: str) -> None:
    peer.answer(error(10008), status=404)
    await WRITES[name](rest)
    assert len(peer.received) == 1


async def test_a_not_found_page_does_not_count_as_deleted(peer: Peer, rest: DiscordRest) -> None:
    peer.answer(status=404, body=HTML, headers={"content-type": "text/html"})
    assert type(await failure_of(rest.delete_message(5, 9))) is DiscordUnavailable


async def test_a_dead_webhook_token_is_unknown(peer: Peer, rest: DiscordRest) -> None:
    peer.answer(error(50027), status=401)
    assert isinstance(await failure_of(rest.execute_webhook(6, "tok", "Hello")), DiscordUnknown)


@pytest.mark.parametrize(
    "fault", [{"status": 502, "body": b"x"}, {"status": 401, "body": b"{}"}, {"fault": "reset"}, {"body": b"<"}]
)
async def test_no_secret_in_a_failure_its_causes_or_the_log(
    peer: Peer, rest: DiscordRest, fault: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    peer.answer(**fault)
    failure = await failure_of(rest.execute_webhook(6, "webhook-token-canary", "private words"))
    told = [caplog.text]
    step: BaseException | None = failure
    while step is not None:
        told.append(repr(step) + repr(vars(step)))
        step = step.__cause__ or step.__context__
    for canary in ("webhook-token-canary", BOT_TOKEN, "private words"):
        assert canary not in "".join(told)


async def test_without_a_token_nothing_is_tried(peer: Peer) -> None:
    rest = DiscordRest(Settings(discord_api_url=peer.url))
    failure = await failure_of(rest.get_bot_user())
    assert isinstance(failure, NotConfigured)
    assert failure.details == {"settings": ["DISCORD_BOT_TOKEN"]}
    assert peer.received == []
