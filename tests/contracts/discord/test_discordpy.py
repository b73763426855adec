"""discord.py, unchanged except for its addresses, lives in the sandbox as it does at Discord."""

import asyncio
from collections.abc import AsyncIterator

import discord
import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route
from tests.contracts.discord.conftest import eventually

from botbot.sandbox import cast
from botbot.sandbox.server import Sandbox

PARLOUR = cast.channel_id(cast.TEA_HOUSE, 1)


class Echo(discord.Client):
    """Answers every mention, and remembers what it heard."""

    def __init__(self) -> None:
        intents = discord.Intents.none()
        intents.guilds = intents.guild_messages = True
        super().__init__(
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            guild_ready_timeout=0.1,
        )
        self.heard: list[discord.Message] = []
        self.tree = discord.app_commands.CommandTree(self)

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(message)
        if self.user in message.mentions and not message.author.bot:
            async with message.channel.typing():
                await message.reply(f"You said: {message.content}", mention_author=False)


@pytest.fixture
async def client(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Echo]:
    monkeypatch.setattr(Route, "BASE", sandbox.environment["DISCORD_API_URL"])
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(sandbox.url.replace("http", "ws") + "/gateway"))
    echo = Echo()
    running = asyncio.create_task(echo.start(sandbox.environment["DISCORD_BOT_TOKEN"]))
    await eventually(lambda: echo.is_ready() or running.done())
    yield echo
    await echo.close()
    await asyncio.gather(running, return_exceptions=True)


async def test_it_hears_a_mention_and_answers(sandbox: Sandbox, client: Echo) -> None:
    sandbox.discord.post_message(cast.ADA, PARLOUR, "@BotBot are you there?")
    await eventually(lambda: len(sandbox.discord.messages(PARLOUR)) >= 4)
    answer = sandbox.discord.messages(PARLOUR)[-1]
    assert answer.author_id == cast.BOT
    assert answer.content == f"You said: <@{cast.BOT}> are you there?"
    assert answer.replies_to == sandbox.discord.messages(PARLOUR)[-2].id
    assert not [each for each in sandbox.discord.violations if each.is_refused]


async def test_what_is_not_meant_for_it_arrives_empty(sandbox: Sandbox, client: Echo) -> None:
    sandbox.discord.post_message(cast.BEN, PARLOUR, "a secret between people")
    await eventually(lambda: client.heard)
    assert client.heard[0].content == ""
    assert client.heard[0].author.name == "ben"


@pytest.mark.parametrize("trouble", ["close", "op 7"])
async def test_it_resumes_and_misses_nothing(sandbox: Sandbox, client: Echo, trouble: str) -> None:
    gateway = sandbox.discord.gateway
    if trouble == "close":
        gateway.close(4000)
    else:
        gateway.ask_to_reconnect()
    sandbox.discord.post_message(cast.ADA, PARLOUR, "@BotBot said while you were away")
    await eventually(lambda: any("away" in each.content for each in client.heard), 15)
    assert len(gateway.starts.identified_at) == 1


async def test_an_invalid_session_makes_it_identify_anew(sandbox: Sandbox, client: Echo) -> None:
    sandbox.discord.gateway.invalidate()
    await eventually(lambda: len(sandbox.discord.gateway.starts.identified_at) == 2, 15)
    await eventually(lambda: sandbox.discord.gateway.connected == 1)


async def test_a_rate_limit_is_waited_for(sandbox: Sandbox, client: Echo) -> None:
    sandbox.discord.fail("POST", "/channels/*/messages", retry_after=0.3)
    channel = client.get_channel(PARLOUR)
    assert isinstance(channel, discord.TextChannel)
    await channel.send("after a pause")
    statuses = [each.status for each in sandbox.discord.calls_to("POST", "/channels/*/messages")]
    assert statuses == [429, 200]


async def test_it_wears_another_face(sandbox: Sandbox, client: Echo) -> None:
    guild = client.get_guild(cast.TEA_HOUSE)
    assert guild is not None
    await guild.me.edit(nick="Hypatia", bio="AI character. Thinks aloud.")
    member = sandbox.discord.guilds[cast.TEA_HOUSE].members[cast.BOT]
    assert (member.nick, member.bio) == ("Hypatia", "AI character. Thinks aloud.")


async def test_a_webhook_speaks_with_its_own_name(sandbox: Sandbox, client: Echo) -> None:
    channel = client.get_channel(PARLOUR)
    assert isinstance(channel, discord.TextChannel)
    webhook = await channel.create_webhook(name="Second voice")
    sent = await webhook.send("Good evening.", username="Baker", wait=True)
    assert sent.author.name == "Baker"
    await eventually(lambda: any(each.webhook_id == webhook.id for each in client.heard))


async def test_a_slash_command_is_deferred_and_answered(sandbox: Sandbox, client: Echo) -> None:
    @client.tree.command(description="Ask something")
    async def ask(interaction: discord.Interaction[Echo], text: str) -> None:
        await interaction.response.defer()
        await interaction.followup.send(f"About {text}: yes.")

    await client.tree.sync()
    sandbox.discord.run_command(cast.ADA, PARLOUR, "ask", "tea")
    await eventually(lambda: sandbox.discord.messages(PARLOUR)[-1].content == "About tea: yes.")
    assert sandbox.discord.messages(PARLOUR)[-1].interaction_name == "ask"


async def test_a_menu_command_sees_its_target(sandbox: Sandbox, client: Echo) -> None:
    seen: list[str] = []

    @client.tree.context_menu(name="Ask this personality")
    async def ask_this(interaction: discord.Interaction[Echo], message: discord.Message) -> None:
        seen.append(message.content)
        await interaction.response.send_message("I read it.", ephemeral=True)

    await client.tree.sync()
    target = sandbox.discord.post_message(cast.BEN, PARLOUR, "words for people")
    sandbox.discord.run_command(cast.ADA, PARLOUR, "Ask this personality", target=target.id)
    await eventually(lambda: seen)
    await eventually(lambda: sandbox.discord.messages(PARLOUR)[-1].only_for == cast.ADA)
    assert seen == ["words for people"]


async def test_a_disallowed_intent_is_refused(sandbox: Sandbox, client: Echo) -> None:
    intents = discord.Intents.none()
    intents.message_content = True
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with discord.Client(intents=intents) as greedy:
            await greedy.start(sandbox.environment["DISCORD_BOT_TOKEN"])


async def test_a_wrong_token_is_refused(sandbox: Sandbox, client: Echo) -> None:
    with pytest.raises(discord.LoginFailure):
        async with discord.Client(intents=discord.Intents.none()) as stranger:
            await stranger.start("MzAw.wrong.token")
