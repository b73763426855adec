"""The bot's life on the gateway: coming late, being cut off, and stopping for what no retry can mend."""

import asyncio
import time
from typing import Any

import httpx
import pytest
from tests.bot.talk import Room, until
from tests.conftest import MakeSite
from tests.support.browser import TLS
from tests.support.engines import ONLY_SQLITE
from tests.support.serving import Site

from botbot.bot.runner import BotRunner
from botbot.sandbox import cast
from botbot.sandbox.handle import DiscordHandle
from botbot.sandbox.world import Message

pytestmark = ONLY_SQLITE
BACK_SECONDS = 60.0


async def gateway_check(site: Site) -> dict[str, Any]:
    async with httpx.AsyncClient(verify=TLS) as http:
        answer = await http.get(f"{site.url}/readyz")
    assert answer.status_code == 200  # the site is ready without its bot
    return dict(answer.json()["checks"]["discord_gateway"])


async def run_bot(site: Site) -> "asyncio.Task[None]":
    """Start the bot without waiting for it to be ready."""
    site.bot = BotRunner(site.house)
    site.state.health.parts["discord_gateway"] = site.bot.state
    return asyncio.create_task(site.bot.run_forever())


async def end(running: "asyncio.Task[None]") -> None:
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_ready_says_so(bot: Site, discord: DiscordHandle) -> None:
    assert await gateway_check(bot) == {"state": "ok", "reason": None}
    assert [session.intents for session in discord.gateway.sessions] == [513]


async def test_without_settings_it_says_which_are_missing(make_site: MakeSite) -> None:
    site = await make_site(discord_bot_token="")
    running = await run_bot(site)
    await asyncio.wait_for(running, 5)
    check = await gateway_check(site)
    assert check["state"] == "not_configured"
    assert "DISCORD_BOT_TOKEN" in check["reason"]


async def test_a_wrong_token_stops_it_with_a_reason(make_site: MakeSite, discord: DiscordHandle) -> None:
    site = await make_site(discord_bot_token="not.the.token")
    running = await run_bot(site)
    await asyncio.wait_for(running, 5)
    check = await gateway_check(site)
    assert check["state"] == "stopped"
    assert "DISCORD_BOT_TOKEN" in check["reason"]
    assert len(discord.calls) <= 2
    assert discord.gateway.starts.identified_at == []


@pytest.mark.parametrize(("code", "word"), [(4004, "DISCORD_BOT_TOKEN"), (4014, "DISCORD_MESSAGE_CONTENT")])
async def test_a_close_that_is_final_stops_it(bot: Site, discord: DiscordHandle, code: int, word: str) -> None:
    """F16: a token that was reset, an intent that was taken away. No loop."""
    discord.gateway.close(code)
    assert bot.bot is not None
    await until(lambda: bot.bot is not None and bot.bot.state()["state"] == "stopped", 10, "it goes on")
    assert word in (await gateway_check(bot))["reason"]
    started = len(discord.gateway.starts.identified_at)
    await asyncio.sleep(1.5)
    assert len(discord.gateway.starts.identified_at) == started


async def test_an_intent_that_is_not_allowed_stops_it(make_site: MakeSite) -> None:
    site = await make_site(discord_message_content=True)
    running = await run_bot(site)
    await asyncio.wait_for(running, 10)
    check = await gateway_check(site)
    assert check["state"] == "stopped"
    assert "DISCORD_MESSAGE_CONTENT" in check["reason"]


@pytest.mark.parametrize("down", ["gateway", "rest"])
async def test_down_at_start_it_comes_later(site: Site, discord: DiscordHandle, down: str) -> None:
    discord.moods.refuse_connect = down == "gateway"
    if down == "rest":
        discord.fail("GET", "/gateway/bot", status=503, times=1)
    running = await run_bot(site)
    try:
        await until(lambda: site.bot is not None and site.bot.state()["reason"] is not None, 30, "no reason given")
        assert (await gateway_check(site))["state"] == "connecting"
        discord.moods.refuse_connect = False
        await until(lambda: site.bot is not None and site.bot.state()["state"] == "ok", 60, "it never came")
        assert site.bot is not None
        assert site.bot.state()["reason"] is None
    finally:
        await end(running)


@pytest.mark.long
async def test_a_session_lost_again_and_again_spends_no_more_than_one_in_five_seconds(room: Room) -> None:
    """F18 within one process."""
    gateway = room.discord.gateway
    (began,) = gateway.starts.identified_at
    while time.monotonic() - began < 4:
        gateway.invalidate(is_resumable=False)
        await asyncio.sleep(0.05)
    await until(lambda: len(gateway.starts.identified_at) == 2, BACK_SECONDS, "it never came back")
    first, second = gateway.starts.identified_at
    assert second - first >= 5


async def test_few_sessions_left_are_left_for_a_person(site: Site, discord: DiscordHandle) -> None:
    """F18: below 50 no IDENTIFY at all."""
    discord.gateway.starts.remaining = 49
    running = await run_bot(site)
    try:
        await until(lambda: site.bot is not None and site.bot.state()["reason"] is not None, 30, "no reason given")
        assert discord.gateway.starts.identified_at == []
        assert "sessions" in (await gateway_check(site))["reason"]
    finally:
        await end(running)


async def test_a_cut_connection_is_resumed_and_nothing_is_missed(room: Room) -> None:
    await room.ask("before?")
    room.discord.gateway.drop()
    said = room.say("while you were away?")
    await room.reply_to(said, BACK_SECONDS)
    await asyncio.sleep(0.3)
    assert len(room.replies(said)) == 1
    assert len(room.discord.gateway.starts.identified_at) == 1


async def test_while_it_is_away_it_says_so(bot: Site, discord: DiscordHandle) -> None:
    discord.moods.refuse_connect = discord.moods.refuse_resume_url = True
    discord.gateway.drop()
    await until(lambda: bot.bot is not None and bot.bot.state()["state"] == "connecting", 5, "it believes to be there")
    assert (await gateway_check(bot))["reason"]


async def test_asked_to_reconnect_it_does(room: Room) -> None:
    """Op 7."""
    room.discord.gateway.ask_to_reconnect()
    await asyncio.sleep(0.1)
    await room.reply_to(room.say("still there?"), BACK_SECONDS)


@pytest.mark.long
@pytest.mark.parametrize("is_resumable", [True, False])
async def test_an_invalid_session_is_begun_anew(room: Room, is_resumable: bool) -> None:
    """Op 9."""
    room.discord.gateway.invalidate(is_resumable=is_resumable)
    await comes_back(room)


@pytest.mark.long
async def test_a_resume_address_that_is_broken_is_given_up(room: Room) -> None:
    room.discord.moods.refuse_resume_url = True
    room.discord.gateway.drop()
    await comes_back(room)
    assert len(room.discord.gateway.starts.identified_at) <= 3


@pytest.mark.long
async def test_a_connection_that_went_silent_is_left(room: Room) -> None:
    """It takes what we send and says nothing more, not even that it heard our heartbeats."""
    gateway = room.discord.gateway
    gateway.moods.heartbeat_interval_ms = 1000
    gateway.ask_to_reconnect()  # the interval is told in the greeting
    await comes_back(room)
    await room.ask("still there?")
    gateway.moods.silent = True
    await asyncio.sleep(8)
    gateway.moods.silent = False
    await comes_back(room)
    assert len(gateway.starts.identified_at) <= 3


@pytest.mark.long
async def test_an_outage_passes(room: Room) -> None:
    room.discord.moods.refuse_connect = True
    room.discord.gateway.drop()
    await asyncio.sleep(8)
    room.discord.moods.refuse_connect = False
    await comes_back(room)


async def comes_back(room: Room) -> None:
    """F16: within a minute somebody who asks is answered. What was said meanwhile may be lost."""
    began = time.monotonic()
    said: list[Message] = []
    while not any(room.replies(each) for each in said):
        passed = time.monotonic() - began
        assert passed < BACK_SECONDS, f"not back after {BACK_SECONDS} s"
        if passed > 2 * len(said):  # A slow machine answers one after the other, and each in its time.
            said.append(room.say("are you back?", user=cast.ADA))
        await asyncio.sleep(0.05)
    print(f"back after {time.monotonic() - began:.1f} s")
