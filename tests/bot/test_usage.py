"""What answers in a server cost: noted for that server, asked for as the personality wants it."""

import asyncio
from typing import Any

from sqlalchemy import select, update
from tests import factories
from tests.bot.talk import REPLY, Room, move_in
from tests.conftest import MakeSite, SignIn

from botbot.jobs.models import Budget
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


async def test_a_model_that_took_the_prompt_and_fell_silent_is_paid_for_too(
    make_site: MakeSite, sign_in: SignIn, discord: DiscordHandle, model: ModelControl
) -> None:
    """In money, and in the words that the server has for the day."""
    site = await make_site(openai_prices=("*=1000/2000",), openai_fallback_models=("second",))
    await move_in(site, await sign_in("ada", site), await factories.add_personality(site.house))
    await site.start_bot()
    room = Room(discord, model)
    model.fail("empty", times=1)
    assert await room.ask("hello?") == REPLY
    rows = {each.model: each for each in await usage_of(site.house, 1)}
    lost, live = rows[site.settings.openai_model], rows["second"]
    assert (lost.live, lost.samples, lost.completion_tokens, live.live) == (0, 0, 0, 1)
    assert lost.micro_dollars == 1000 * lost.prompt_tokens > 0
    async with site.house.db.read() as session:
        used = await session.scalar(select(Budget.used).where(Budget.key.startswith("guild/")))
    assert used is not None
    assert used > live.prompt_tokens + live.completion_tokens + lost.prompt_tokens, "the lost call whole"


async def test_a_second_model_is_not_asked_when_the_server_has_no_words_left_for_it(
    make_site: MakeSite, sign_in: SignIn, discord: DiscordHandle, model: ModelControl
) -> None:
    cap = 100_000
    site = await make_site(openai_fallback_models=("second",), guild_tokens_per_day=cap)
    await move_in(site, await sign_in("ada", site), await factories.add_personality(site.house))
    await site.start_bot()
    room = Room(discord, model)
    model.fail("empty", times=2)
    assert "answering right now" in await room.ask("hello?")
    of_guild = Budget.key.startswith("guild/")
    async with site.house.db.write() as session:
        two_calls = await session.scalar(select(Budget.used).where(of_guild))
        assert two_calls is not None
        left = two_calls * 3 // 4  # room for one call, not for two
        await session.execute(update(Budget).where(of_guild).values(used=cap - left))
    model.fail("empty", times=1)
    assert "answering right now" in await room.ask("hello?")
    assert len(model.recorded) == 3
