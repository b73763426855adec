"""hikari, which the product does not use, keeps the sandbox honest: it is the strictest of the libraries."""

import asyncio
from collections.abc import AsyncIterator

import hikari
import pytest
from tests.contracts.discord.conftest import eventually

from botbot.sandbox import cast
from botbot.sandbox.server import Sandbox

PARLOUR = cast.channel_id(cast.TEA_HOUSE, 1)


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[hikari.GatewayBot]:
    made = hikari.GatewayBot(
        sandbox.environment["DISCORD_BOT_TOKEN"],
        rest_url=sandbox.environment["DISCORD_API_URL"],
        intents=hikari.Intents.GUILDS | hikari.Intents.GUILD_MESSAGES,
        banner=None,
        logs=None,
    )
    yield made
    if made.is_alive:
        await made.close()


async def test_it_connects_hears_and_replies(sandbox: Sandbox, bot: hikari.GatewayBot) -> None:
    joined: list[int] = []

    @bot.listen()
    async def available(event: hikari.GuildAvailableEvent) -> None:
        joined.append(int(event.guild_id))

    @bot.listen()
    async def answer(event: hikari.GuildMessageCreateEvent) -> None:
        if event.is_human and event.message.user_mentions_ids:
            await event.message.respond(f"heard {event.content}", reply=True)

    await asyncio.wait_for(bot.start(check_for_updates=False), 20)
    await eventually(lambda: len(joined) == 2)
    sandbox.discord.post_message(cast.ADA, PARLOUR, "hello", mention_bot=True)
    await eventually(lambda: sandbox.discord.messages(PARLOUR)[-1].author_id == cast.BOT)
    assert sandbox.discord.messages(PARLOUR)[-1].content == f"heard <@{cast.BOT}> hello"
    assert not [each for each in sandbox.discord.violations if each.is_refused]


async def test_it_resumes_after_a_lost_connection(sandbox: Sandbox, bot: hikari.GatewayBot) -> None:
    heard: list[str] = []

    @bot.listen()
    async def hear(event: hikari.GuildMessageCreateEvent) -> None:
        heard.append(event.content or "")

    await asyncio.wait_for(bot.start(check_for_updates=False), 20)
    sandbox.discord.gateway.close(4000)
    sandbox.discord.post_message(cast.ADA, PARLOUR, "@BotBot still there?")
    await eventually(lambda: any("still there" in each for each in heard), 20)
    assert len(sandbox.discord.gateway.starts.identified_at) == 1


async def test_its_rest_client_changes_the_profile(sandbox: Sandbox, bot: hikari.GatewayBot) -> None:
    await asyncio.wait_for(bot.start(check_for_updates=False), 20)
    member = await bot.rest.edit_my_member(cast.TEA_HOUSE, nickname="Orion")
    assert member.nickname == "Orion"
    webhook = await bot.rest.create_webhook(PARLOUR, "Voice")
    sent = await bot.rest.execute_webhook(webhook, webhook.token or "", "hello", username="Vega")
    assert sent.author.username == "Vega"
