"""What a personality will find in a server, looked at before anything changes there."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botbot.agents.rules import HISTORY_CHARACTERS, asking, conversation
from botbot.deployments.guilds import bot_id
from botbot.deployments.rules import PERMISSIONS
from botbot.errors import DiscordUnknown
from botbot.house import House
from botbot.peers.discord.permissions import Permission, channel_permissions, missing_names
from botbot.peers.discord.wire import Channel, Guild, Member
from botbot.peers.llm.messages import estimate_usage
from botbot.settings import Settings
from botbot.usage.rules import micro_dollars, price_of

SPEAK = int(Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES)
TEXT_CHANNELS = (0, 5)
"""Text and announcements. Source: Discord docs, resources/channel, channel types."""
ANNOUNCEMENTS = 5
TRAFFIC = {"A few friends": 10, "A lively server": 100, "A busy server": 1000}
"""Messages a day to reckon with."""
DAYS = 30
USUAL_MESSAGE, USUAL_ANSWER = 80, 200
"""Characters that somebody writes to it, and tokens that it answers with."""


@dataclass(frozen=True)
class Place:
    """A text channel. `missing` is what the bot lacks to speak there, in Discord's names."""

    id: int
    name: str
    missing: list[str]
    is_nsfw: bool
    is_for_news: bool

    @property
    def can_speak(self) -> bool:
        return not self.missing


async def list_places(house: House, guild_id: int, *, seen_by: int | None = None) -> list[Place]:
    """The text channels, as the server sorts them; with `seen_by` (a Discord user's id) those that they may see.

    Raises `DiscordUnknown` where the bot isn't a member, or `seen_by` isn't."""
    discord = house.discord
    guild, me, channels = await asyncio.gather(
        discord.get_guild(guild_id), discord.get_member(guild_id, bot_id(house)), discord.list_channels(guild_id)
    )
    person = await discord.get_member(guild_id, seen_by) if seen_by is not None else None
    found = sorted(channels, key=lambda channel: (channel.position, channel.id))
    return [
        _place(guild, me, channel)
        for channel in found
        if channel.type in TEXT_CHANNELS and (person is None or _sees(guild, person, channel))
    ]


async def find_places(house: House, guild_id: int, *, seen_by: int) -> list[Place]:
    """None where the bot isn't yet."""
    try:
        return await list_places(house, guild_id, seen_by=seen_by)
    except DiscordUnknown:
        return []


def _sees(guild: Guild, person: Member, channel: Channel) -> bool:
    return bool(channel_permissions(guild, person, channel) & Permission.VIEW_CHANNEL)


def _place(guild: Guild, me: Member, channel: Channel) -> Place:
    lacking = missing_names(channel_permissions(guild, me, channel), SPEAK)
    return Place(channel.id, channel.name or "", lacking, channel.nsfw, channel.type == ANNOUNCEMENTS)


# What it may do and hear there, and what that costs


@dataclass(frozen=True)
class Right:
    """A permission that it needs, in Discord's name."""

    name: str
    is_held: bool


def list_rights(missing: list[str]) -> list[Right]:
    return [Right(name, name not in missing) for name in missing_names(0, PERMISSIONS)]


@dataclass(frozen=True)
class Month:
    """So many messages a day, and what their answers cost in a month in US dollars; `None` where no price is known."""

    label: str
    a_day: int
    dollars: float | None


@dataclass(frozen=True)
class Costs:
    """Tokens that go to the model with each message, half of what it may remember included, and tokens of a usual
    answer. `prompt` is the personality's own part of it. All guessed from lengths."""

    model: str
    prompt: int
    each: int
    answer: int
    months: list[Month]
    is_priced: bool


def reckon(settings: Settings, snapshot: Mapping[str, Any], name: str, traits: Mapping[str, Any]) -> Costs | None:
    """What it would cost to have it in a server. `None` without a model: sample replies cost nothing."""
    if not settings.has_model:
        return None
    prompt = estimate_usage(conversation(snapshot, name, traits, [], ""), 0).prompt_tokens
    remembered = estimate_usage([], HISTORY_CHARACTERS // 2 + USUAL_MESSAGE).completion_tokens
    answer = min(asking(snapshot, USUAL_ANSWER).max_tokens, USUAL_ANSWER)
    prices, model = settings.openai_prices, settings.openai_model
    is_priced = price_of(prices, model) is not None

    def month(label: str, a_day: int) -> Month:
        messages = a_day * DAYS
        paid = micro_dollars(prices, model, (prompt + remembered) * messages, answer * messages)
        return Month(label, a_day, paid / 1_000_000 if is_priced else None)

    return Costs(model, prompt, prompt + remembered, answer, [month(*each) for each in TRAFFIC.items()], is_priced)
