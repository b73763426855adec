"""Rate limits: obeyed before they are met, and never slept through."""

import asyncio
import time
from typing import Any

import pytest
from tests.peers.discord.peer import Peer

from botbot.errors import BotBotError, DiscordBusy
from botbot.peers.discord.limits import (
    GLOBAL_PER_SECOND,
    GROW_EVERY_SECONDS,
    INVALID_WINDOW_SECONDS,
    LEAST_PER_SECOND,
    NON_ESSENTIAL_UNTIL,
    NOTHING_UNTIL,
    Bucket,
    InvalidRequests,
    Pace,
)
from botbot.peers.discord.oauth import DiscordOAuth
from botbot.peers.discord.rest import DiscordRest
from botbot.settings import Settings

MESSAGE = {"id": "9", "channel_id": "5"}


def window(limit: int, remaining: int, reset_after: float, name: str = "abc") -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset-After": str(reset_after),
        "X-RateLimit-Bucket": name,
    }


def say(rest: DiscordRest, channel_id: int = 5) -> Any:
    return rest.create_message(channel_id, "Hello", nonce="1-0")


async def test_a_short_wait_is_waited_out(peer: Peer, patient_rest: DiscordRest) -> None:
    peer.answer(MESSAGE, headers=window(1, 0, 0.4))
    peer.answer(MESSAGE, headers=window(1, 0, 0.4))
    await say(patient_rest)
    await say(patient_rest)
    assert peer.received[1].at - peer.received[0].at >= 0.4


async def test_a_long_wait_raises_at_once_and_sends_nothing(peer: Peer, rest: DiscordRest) -> None:
    peer.answer(MESSAGE, headers=window(5, 0, 240.0))
    await say(rest)
    started = time.monotonic()
    with pytest.raises(DiscordBusy) as caught:
        await say(rest)
    assert time.monotonic() - started < 1
    assert caught.value.retry_after == pytest.approx(240, abs=1)
    assert "in about 4 minutes" in caught.value.message
    assert not caught.value.maybe_happened
    assert len(peer.received) == 1


async def test_buckets_are_separate_for_each_channel(peer: Peer, rest: DiscordRest) -> None:
    peer.answer(MESSAGE, headers=window(5, 0, 240.0))
    peer.answer(MESSAGE, headers=window(5, 4, 240.0))
    await say(rest, 5)
    await say(rest, 6)
    assert len(peer.received) == 2


async def test_routes_that_name_one_bucket_share_it(peer: Peer, rest: DiscordRest) -> None:
    peer.answer(MESSAGE, headers=window(5, 4, 240.0, "shared"))
    await rest.edit_message(5, 9, "x")
    peer.answer(MESSAGE, headers=window(5, 0, 240.0, "shared"))
    await say(rest)
    with pytest.raises(DiscordBusy):
        await rest.edit_message(5, 9, "x")
    assert len(peer.received) == 2


async def test_a_burst_never_exceeds_what_is_left(peer: Peer, patient_rest: DiscordRest) -> None:
    """Twelve at once against five per half second: the peer keeps count and never has to refuse."""
    allowed = 5
    for i in range(12):
        peer.answer(MESSAGE, headers=window(allowed, allowed - 1 - i % allowed, 0.5), delay=0.02)
    outcomes = await asyncio.gather(*(say(patient_rest) for _ in range(12)), return_exceptions=True)
    assert all(isinstance(each, DiscordBusy) for each in outcomes if isinstance(each, BaseException))
    times = [each.at for each in peer.received]
    for start in times:
        assert sum(start <= at < start + 0.45 for at in times) <= allowed
    assert len(times) >= 10


async def test_the_first_call_of_an_unknown_bucket_goes_alone(peer: Peer, patient_rest: DiscordRest) -> None:
    for delay in (0.3, 0.0, 0.0):
        peer.answer(MESSAGE, delay=delay)
    await asyncio.gather(say(patient_rest), say(patient_rest), say(patient_rest))
    times = [each.at for each in peer.received]
    assert len(times) == 3
    assert times[1] - times[0] >= 0.3


async def test_a_silent_call_does_not_hold_up_the_others_for_long(peer: Peer, patient_rest: DiscordRest) -> None:
    peer.answer(fault="hang")
    peer.answer(MESSAGE)
    silent = asyncio.create_task(say(patient_rest))
    await asyncio.sleep(0.1)
    started = time.monotonic()
    await say(patient_rest)
    assert 1.5 < time.monotonic() - started < 4
    silent.cancel()
    with pytest.raises(asyncio.CancelledError):
        await silent


async def test_a_429_is_told_exactly_and_blocks_only_its_bucket(peer: Peer, rest: DiscordRest) -> None:
    peer.answer(
        {"message": "slow", "retry_after": 1337.25, "global": False}, status=429, headers={"Retry-After": "1338"}
    )
    with pytest.raises(DiscordBusy) as caught:
        await say(rest)
    assert caught.value.retry_after == 1337.25
    assert "in about 23 minutes" in caught.value.message
    with pytest.raises(DiscordBusy):
        await say(rest)
    assert len(peer.received) == 1
    peer.answer(MESSAGE)
    await say(rest, 6)
    assert len(peer.received) == 2


async def test_the_message_caps_what_the_attribute_keeps(peer: Peer, rest: DiscordRest) -> None:
    peer.answer({"message": "slow", "retry_after": 90_000.0, "global": False}, status=429)
    with pytest.raises(DiscordBusy) as caught:
        await say(rest)
    assert caught.value.retry_after == 90_000
    assert "an hour or more" in caught.value.message


async def test_a_global_429_stops_everything_of_this_token(peer: Peer, rest: DiscordRest) -> None:
    peer.answer(
        {"message": "slow", "retry_after": 30.0, "global": True}, status=429, headers={"X-RateLimit-Global": "true"}
    )
    with pytest.raises(DiscordBusy):
        await say(rest)
    with pytest.raises(DiscordBusy):
        await rest.get_guild(7)
    assert len(peer.received) == 1
    peer.answer(MESSAGE)
    await rest.execute_webhook(6, "tok", "Hello")
    assert len(peer.received) == 2


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({"Retry-After": "45"}, 45),
        ({}, 60),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 60),
        ({"Retry-After": "-5"}, 60),
    ],
)
async def test_a_429_page_stops_everything(peer: Peer, rest: DiscordRest, header: dict[str, str], seconds: int) -> None:
    peer.answer(status=429, body=b"<html>error code: 1015</html>", headers={"content-type": "text/html", **header})
    with pytest.raises(DiscordBusy) as caught:
        await say(rest)
    assert caught.value.retry_after == seconds
    with pytest.raises(DiscordBusy):
        await rest.execute_webhook(6, "tok", "Hello")
    assert len(peer.received) == 1


async def test_invalid_requests_are_counted_but_shared_limits_are_not(peer: Peer, rest: DiscordRest) -> None:
    peer.answer({"code": 50013}, status=403)
    peer.answer({"code": 0}, status=401)
    peer.answer({"retry_after": 0.0, "global": False}, status=429)
    peer.answer({"retry_after": 0.0, "global": False}, status=429, headers={"X-RateLimit-Scope": "shared"})
    peer.answer({"code": 10003}, status=404)
    for channel_id in range(5):
        with pytest.raises(BotBotError):
            await say(rest, channel_id)
    assert rest.invalid_requests == 3


async def test_typing_is_left_out_when_too_much_was_refused(peer: Peer, rest: DiscordRest) -> None:
    peer.answer(status=204)
    await rest.trigger_typing(5)
    assert len(peer.received) == 1
    for _ in range(NON_ESSENTIAL_UNTIL):
        rest._caller._limits.invalid.add(asyncio.get_running_loop().time())
    await rest.trigger_typing(5)
    assert len(peer.received) == 1
    peer.answer(MESSAGE)
    await say(rest)
    assert len(peer.received) == 2


async def test_nothing_is_asked_when_far_too_much_was_refused(
    peer: Peer, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Long before Discord's 10,000, for every token of the process, and said once."""
    shared = InvalidRequests()
    rest, oauth = DiscordRest(settings, invalid=shared), DiscordOAuth(settings, invalid=shared)
    now = asyncio.get_running_loop().time()
    for _ in range(NOTHING_UNTIL):
        shared.add(now - INVALID_WINDOW_SECONDS + 300)
    for ask in (say(rest), rest.get_guild(1), oauth.list_guilds("token")):
        with pytest.raises(DiscordBusy) as caught:
            await ask
        assert caught.value.retry_after == pytest.approx(300, abs=5)
        assert not caught.value.is_invalid
    assert peer.received == []
    assert rest.rest_seconds == pytest.approx(300, abs=5)
    assert caplog.text.count("or it bars us") == 1
    await rest.aclose()
    await oauth.aclose()


def test_after_the_rest_it_goes_on() -> None:
    counted = InvalidRequests()
    for _ in range(NOTHING_UNTIL):
        counted.add(0.0)
    assert counted.rest_seconds(1.0) == INVALID_WINDOW_SECONDS - 1
    assert counted.rest_seconds(INVALID_WINDOW_SECONDS) == 0


def test_one_token_is_never_used_more_than_45_times_in_any_second() -> None:
    pace, left = Pace(), list[float]()
    now = 100.0
    while len(left) < 5 * GLOBAL_PER_SECOND:
        now += pace.wait_seconds(now)
        pace.enter(now)
        left.append(now)
        now += 0.003
    assert max(sum(start <= at < start + 1 for at in left) for start in left) == GLOBAL_PER_SECOND


def test_a_shared_token_is_used_half_as_much_and_little_by_little_more() -> None:
    """Several 429 in one second are one message: somebody else is there."""
    pace, started = Pace(), 1000.0
    for late in (0.0, 0.1, 0.9):
        pace.halve(started + late)
    share = pace.share(started + 1)
    assert share == GLOBAL_PER_SECOND // 2
    left = 0
    while pace.wait_seconds(started + 1) == 0.0:
        pace.enter(started + 1)
        left += 1
    assert left == share
    assert 0 < pace.wait_seconds(started + 1.5) <= 0.5
    assert pace.share(started + 4 * GROW_EVERY_SECONDS) == share + 4
    assert pace.share(started + 3600) == GLOBAL_PER_SECOND
    for n in range(20):
        pace.halve(started + 4000 + 2 * n)
    assert pace.share(started + 4039) == LEAST_PER_SECOND


async def test_the_pace_holds_over_all_buckets(peer: Peer, patient_rest: DiscordRest) -> None:
    """Fifty channels, each with room of its own: the last few wait for the second to be over."""
    count = GLOBAL_PER_SECOND + 5
    for _ in range(count):
        peer.answer(MESSAGE)
    started = time.monotonic()
    await asyncio.gather(*(say(patient_rest, channel_id) for channel_id in range(1, count + 1)))
    assert time.monotonic() - started >= 1
    assert len(peer.received) == count


def test_the_window_of_invalid_requests_slides() -> None:
    counted = InvalidRequests()
    for moment in (0.0, 1.0, 300.0):
        counted.add(moment)
    assert counted.count(300.0) == 3
    assert counted.count(INVALID_WINDOW_SECONDS + 0.5) == 2
    assert counted.count(INVALID_WINDOW_SECONDS + 301) == 0


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "", "1e999", "many"])
async def test_limit_headers_of_nonsense_are_ignored(peer: Peer, rest: DiscordRest, text: str) -> None:
    for _ in range(2):
        peer.answer(MESSAGE, headers=window(5, 0, 240.0) | {"X-RateLimit-Reset-After": text})
        await say(rest)
    assert len(peer.received) == 2


def test_a_new_window_gives_back_only_what_is_not_on_its_way() -> None:
    bucket = Bucket(known=True, limit=5, remaining=0, reset_at=10.0, in_flight=2)
    assert bucket.wait_seconds(9.0) == 1.0
    assert bucket.wait_seconds(10.0) == 0.0
    assert bucket.remaining == 3


def test_a_full_new_window_waits_for_an_answer() -> None:
    bucket = Bucket(known=True, limit=2, remaining=0, reset_at=10.0, in_flight=2)
    assert bucket.wait_seconds(11.0) is None
