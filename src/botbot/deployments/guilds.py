"""What Discord says about a server and about who asks, read afresh: never from the session."""

import asyncio
import base64
import time
from dataclasses import dataclass
from datetime import timedelta

from botbot.accounts.discord_tokens import GuildLists
from botbot.accounts.rules import Viewer
from botbot.accounts.schemas import GuildOut
from botbot.deployments.rules import PERMISSIONS
from botbot.errors import DiscordSignInExpired, DiscordUnknown, GuildPermissionMissing
from botbot.house import House
from botbot.peers.discord.oauth import UserGuild
from botbot.peers.discord.permissions import Permission, base_permissions, is_manageable, missing_names
from botbot.peers.discord.wire import Guild

MANAGER = Permission.MANAGE_GUILD | Permission.ADMINISTRATOR
AT_ONCE = 5
SEEN_FOR_SECONDS = 10.0


@dataclass(frozen=True)
class GuildCheck:
    """One server as it stands now. `missing` is what the bot lacks there (everything when it is absent)."""

    guild_id: int
    name: str
    bot_present: bool
    missing: list[str]
    is_manager: bool
    granted: int = 0
    """What the bot's own role holds there: an invitation replaces it, so it has to ask for that again."""

    @property
    def is_ready(self) -> bool:
        return self.bot_present and not self.missing


def bits_of(names: list[str]) -> int:
    """Those permissions as an invitation asks for them."""
    return sum(int(Permission[name]) for name in names)


def bot_id(house: House) -> int:
    """The bot's own user id: the first part of its token in base64. An old application's id may be another one."""
    first = house.settings.discord_bot_token.partition(".")[0]
    try:
        return int(base64.b64decode(first + "=" * (-len(first) % 4)))
    except ValueError:
        return int(house.settings.discord_client_id or 0)


async def check_guild(house: House, guilds: GuildLists, viewer: Viewer, guild_id: int) -> GuildCheck:
    """With the bot's token where the bot is present, else with the user's own.

    Raises `DiscordSignInExpired` (401) with neither, and `DiscordUnavailable` when Discord can't say."""
    try:
        guild = await house.discord.get_guild(guild_id)
    except DiscordUnknown:
        return await _check_as_user(guilds, viewer, guild_id)
    missing, is_manager = await asyncio.gather(
        _bot_lacks(house, guild), is_manager_now(house, guild, viewer.discord_id)
    )
    own = bot_id(house)
    granted = sum(role.permissions for role in guild.roles if role.tags and role.tags.bot_id == own)
    return GuildCheck(guild_id, guild.name, True, missing, is_manager, granted)


async def _check_as_user(guilds: GuildLists, viewer: Viewer, guild_id: int) -> GuildCheck:
    mine = {guild.id: guild for guild in await guilds.of(viewer.user_id)}
    found = mine.get(guild_id)
    everything = missing_names(0, PERMISSIONS)
    if found is None:
        return GuildCheck(guild_id, "", False, everything, False)
    return GuildCheck(guild_id, found.name, False, everything, found.is_manageable)


async def is_manager_now(house: House, guild: Guild, discord_id: int) -> bool:
    """Whether that person may manage the server at this moment, as the bot sees it."""
    try:
        member = await house.discord.get_member(guild.id, discord_id)
    except DiscordUnknown:
        return False
    return is_manageable(guild.owner_id == discord_id, base_permissions(guild, member))


async def _bot_lacks(house: House, guild: Guild) -> list[str]:
    member = await house.discord.get_member(guild.id, bot_id(house))
    return missing_names(base_permissions(guild, member), PERMISSIONS)


async def require_manager(house: House, guilds: GuildLists, viewer: Viewer, guild_id: int) -> GuildCheck:
    """The server, if the viewer manages it now. Raises `GuildPermissionMissing` (403)."""
    check = await check_guild(house, guilds, viewer, guild_id)
    if not check.is_manager:
        raise GuildPermissionMissing(
            "You need the permission “Manage Server” there. Ask the owner of that server.", missing=["MANAGE_GUILD"]
        )
    return check


async def managed_ids(guilds: GuildLists, viewer: Viewer) -> set[int]:
    """The servers the viewer manages now; none when they have no Discord sign-in with us (an API token, say)."""
    try:
        return {guild.id for guild in await guilds.of(viewer.user_id) if guild.is_manageable}
    except DiscordSignInExpired:
        return set()


async def list_manageable(
    house: House, guilds: GuildLists, viewer: Viewer, *, fresher_than: timedelta | None = None
) -> list[GuildOut]:
    """The servers the viewer may manage, with whether the bot is there and what it lacks; by name.

    Two calls a server, so what the bot sees is remembered for ten seconds; deploying asks again in any case."""
    known = await (
        guilds.of(viewer.user_id) if fresher_than is None else guilds.of(viewer.user_id, fresher_than=fresher_than)
    )
    slots = asyncio.Semaphore(AT_ONCE)

    async def look(guild: UserGuild) -> GuildOut:
        seen_at, seen = guilds.seen_by_bot.get(guild.id, (0.0, None))
        if seen is not None and fresher_than is None and time.monotonic() - seen_at < SEEN_FOR_SECONDS:
            return seen
        async with slots:
            found = await _as_bot_sees(house, guild)
        guilds.seen_by_bot[guild.id] = (time.monotonic(), found)
        return found

    mine = sorted((guild for guild in known if guild.is_manageable), key=lambda guild: guild.name.casefold())
    return list(await asyncio.gather(*(look(guild) for guild in mine)))


async def _as_bot_sees(house: House, guild: UserGuild) -> GuildOut:
    try:
        missing = await _bot_lacks(house, await house.discord.get_guild(guild.id))
        present = True
    except DiscordUnknown:
        missing, present = missing_names(0, PERMISSIONS), False
    return GuildOut(
        id=str(guild.id),
        name=guild.name,
        icon=icon_url(guild),
        bot_present=present,
        missing_permissions=missing,
        member_count=guild.approximate_member_count,
    )


def icon_url(guild: UserGuild) -> str | None:
    return f"https://cdn.discordapp.com/icons/{guild.id}/{guild.icon}.png?size=64" if guild.icon else None
