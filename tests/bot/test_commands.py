"""/forget and /privacy: for whoever uses them, to them alone, with an account here or without."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select
from tests.bot.talk import Room, until
from tests.deployments import scene

from botbot.agents.models import ChannelMessage
from botbot.catalog.models import PersonalityUse
from botbot.house import House
from botbot.sandbox import cast
from botbot.sandbox.handle import DiscordHandle
from botbot.sandbox.world import Message


async def kept_of(house: House) -> list[int | None]:
    async with house.db.read() as session:
        return list(await session.scalars(select(ChannelMessage.discord_user_id).order_by(ChannelMessage.id)))


async def use(room: Room, user: int, name: str, text: str = "") -> Message:
    """The bot's answer to a command."""
    discord = room.discord
    channel = room.channel()
    await until(lambda: {"forget", "privacy"} <= names(discord), 30, "no commands were registered")
    asked = int(discord.run_command(user, channel, name, text))

    def answers() -> list[Message]:
        return [each for each in discord.messages(channel) if each.interaction_id == asked and not each.is_thinking]

    await until(lambda: bool(answers()), 30, "no answer to the command")
    return answers()[0]


def names(discord: DiscordHandle) -> set[str]:
    return {each["name"] for each in discord._core.world.state.commands}


@pytest.fixture
async def spoken(room: Room, house: House) -> Room:
    for who in (cast.BEN, cast.ADA):
        await room.ask("Tell me something.", user=who)
    async with asyncio.timeout(30):
        while len(await kept_of(house)) < 4:
            await asyncio.sleep(0.02)
    return room


async def test_forget_deletes_ones_own_talk_there_and_nobody_elses(spoken: Room, house: House) -> None:
    answer = await use(spoken, cast.BEN, "forget")
    assert "2 turns" in answer.content
    assert answer.only_for == cast.BEN
    assert await kept_of(house) == [cast.ADA, cast.ADA]
    again = await use(spoken, cast.BEN, "forget")
    assert "nothing of yours" in again.content
    assert scene.rule_breaks(spoken.discord) == []


async def test_forget_everywhere_takes_along_that_one_ever_talked(spoken: Room, house: House) -> None:
    await use(spoken, cast.BEN, "forget", "everywhere")
    assert await kept_of(house) == [cast.ADA, cast.ADA]
    async with house.db.read() as session:
        users = set(await session.scalars(select(PersonalityUse.discord_user_id)))
    assert cast.BEN not in users


@pytest.mark.parametrize("where", ["", "everywhere"])
async def test_an_answer_that_is_on_its_way_is_not_kept_either(spoken: Room, house: House, where: str) -> None:
    asked_before = len(spoken.model.recorded)
    spoken.model.words_per_second = 2
    said = spoken.say("One thing more.", user=cast.BEN)
    await until(lambda: len(spoken.model.recorded) > asked_before, 30, "the model was never asked")
    await use(spoken, cast.BEN, "forget", where)
    spoken.model.words_per_second = 40
    await spoken.reply_to(said, 30)
    await spoken.ask("And you?", user=cast.ADA)  # In the same channel, so it is answered after that.
    async with asyncio.timeout(30):
        while len(await kept_of(house)) < 4:
            await asyncio.sleep(0.02)
    assert await kept_of(house) == [cast.ADA] * 4


async def test_privacy_leads_to_the_page(spoken: Room, house: House) -> None:
    answer = await use(spoken, cast.BEN, "privacy")
    assert f"{house.settings.public_url}/privacy" in answer.content
    assert answer.only_for == cast.BEN


async def test_commands_are_registered_once(room: Room, house: House, discord: DiscordHandle) -> None:
    from botbot.bot.commands import register

    await until(lambda: {"forget", "privacy"} <= names(discord), 30, "no commands were registered")
    before: Any = len(discord.calls_to("PUT", "/applications/*/commands"))
    await register(house, int(house.settings.discord_client_id))
    assert len(discord.calls_to("PUT", "/applications/*/commands")) == before == 1
