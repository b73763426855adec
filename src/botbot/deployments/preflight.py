"""What a personality will find in a server, looked at before anything changes there."""

import asyncio
from dataclasses import dataclass

from botbot.deployments.guilds import bot_id
from botbot.errors import DiscordUnknown
from botbot.house import House
from botbot.peers.discord.permissions import Permission, channel_permissions, missing_names
from botbot.peers.discord.wire import Channel, Guild, Member

SPEAK = int(Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES)
TEXT_CHANNELS = (0, 5)
"""Text and announcements. Source: Discord docs, resources/channel, channel types."""
ANNOUNCEMENTS = 5


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
