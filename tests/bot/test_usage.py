"""What answers in a server cost: noted for that server, asked for as the personality wants it."""

import asyncio
from typing import Any

from tests import factories
from tests.bot.talk import REPLY, Room, move_in
from tests.conftest import MakeSite, SignIn

from botbot.kit import clock
from botbot.sandbox import cast
from botbot.sandbox.handle import DiscordHandle
from botbot.sandbox.model.control import ModelControl
from botbot.usage.queries import DayOfUsage, list_usage

PATIENCE_SECONDS = 15.0


async def usage_of(house: Any, exchanges: int) -> list[DayOfUsage]:
    today = clock.now().date()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with house.db.read() as session:
                rows = await list_usage(session, today, today)
            if sum(each.live + each.samples for each in rows) >= exchanges:
                return rows
            await asyncio.sleep(0.02)


async def test_tokens_and_money_are_the_servers_and_the_model_is_asked_as_the_personality_wants(
    make_site: MakeSite, sign_in: SignIn, discord: DiscordHandle, model: ModelControl
) -> None:
    site = await make_site(openai_prices=("*=1000/2000",))
    options = {"temperature": 0.2, "max_tokens": 77}
    personality = await factories.add_personality(site.house, model_options=options)
    await move_in(site, await sign_in("ada", site), personality)
    await site.start_bot()
    room = Room(discord, model)
    assert await room.ask("hello?") == REPLY
    body = model.recorded[-1].body
    assert (body["temperature"], body["max_tokens"]) == (0.2, 77)
    (row,) = await usage_of(site.house, 1)
    assert (row.discord_guild_id, row.kind, row.personality_id) == (cast.TEA_HOUSE, "bot", personality.id)
    assert row.completion_tokens == len(REPLY.split())
    assert row.micro_dollars == 1000 * row.prompt_tokens + 2000 * row.completion_tokens
    model.fail("server_error")
    await room.ask("and now?")
    rows = await usage_of(site.house, 2)
    assert sorted((each.model, each.live, each.samples, each.micro_dollars > 0) for each in rows) == [
        ("", 0, 1, False),
        (row.model, 1, 0, True),
    ]
