"""Killed and started again in a loop, by the real process; and two processes that hear the same."""

import asyncio
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.bot.talk import Room, until
from tests.conftest import MakeSite
from tests.support.engines import MOSTLY_SQLITE, ONLY_SQLITE
from tests.support.processes import Product
from tests.support.serving import Site

from botbot.sandbox.handle import DiscordHandle
from botbot.sandbox.server import Sandbox
from botbot.settings import Settings

pytestmark = pytest.mark.long

KILLS, EVERY_SECONDS = 20, 2.5


@pytest.fixture
def port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@ONLY_SQLITE
async def test_a_bot_killed_twenty_times_in_fifty_seconds_identifies_ten_times_at_most(
    tmp_path: Path, port: int, sandbox: Sandbox, discord: DiscordHandle, settings: Settings
) -> None:
    """F18. Discord's own five seconds hold here, so coming too soon would be answered with op 9."""
    discord.gateway.starts.seconds_apart = 5.0
    product = Product(tmp_path / "killed", port, {**sandbox.environment, "DATABASE_URL": settings.database_url}, "bot")
    loop = asyncio.get_running_loop()
    for _ in range(KILLS):
        next_at = loop.time() + EVERY_SECONDS
        await product.start()
        await asyncio.sleep(max(0, next_at - loop.time()))
        product.kill()
    await product.start()
    try:
        await until(lambda: discord.gateway.connected == 1, 60, "it never came back")
        assert [session.intents for session in discord.gateway.sessions if session.link] == [513]
    finally:
        product.kill()
    assert most_within(discord.gateway.starts.identified_at, 50) <= 10


def most_within(moments: list[float], seconds: float) -> int:
    """A slow machine takes longer for its twenty lives, so we look at every stretch of that length."""
    return max(sum(0 <= other - each < seconds for other in moments) for each in moments)


@MOSTLY_SQLITE
async def test_heard_twice_by_two_bots_every_message_has_one_answer(
    make_site: MakeSite, tenant: dict[str, Any], bot: Site, room: Room
) -> None:
    """F17: Discord may deliver anything twice, and two processes of one shard hear the same."""
    second = await make_site()
    await second.start_bot()
    room.discord.moods.copies = 2
    said = [room.say(f"question {n}", channel) for n in range(50) for channel in ("parlour", "kitchen")]
    for each in said:
        await room.reply_to(each, 60)
    await asyncio.sleep(1)
    assert [len(room.replies(each)) for each in said] == [1] * len(said)
    calls = [call for call in room.discord.calls_to("POST", "/channels/*/messages") if "message_reference" in call.json]
    assert len(calls) == len(said)
    assert all(call.json["enforce_nonce"] and call.json["nonce"] for call in calls)
    assert len({call.json["nonce"] for call in calls}) == len(said)
