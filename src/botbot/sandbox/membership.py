"""Bots coming and going, and what they wear in a server."""

from typing import Any

from botbot.kit import clock
from botbot.sandbox.cast import BOT
from botbot.sandbox.world import Guild, Member, Role, World


def join(world: World, guild: Guild, permissions: int) -> None:
    """Let the bot in. If it is there already, the permissions of its role are replaced, not added to."""
    if BOT in guild.members:
        _set_role(world, guild, permissions)
        world.emit("GUILD_ROLE_UPDATE", guild=guild, role=guild.bot_role(BOT))
        return
    guild.members[BOT] = Member(BOT, clock.now())
    _set_role(world, guild, permissions)
    world.emit("GUILD_CREATE", guild=guild)


def _set_role(world: World, guild: Guild, permissions: int) -> None:
    role = guild.bot_role(BOT)
    if role is None:
        role = Role(world.new_id(), "BotBot", 0, position=len(guild.roles), bot_id=BOT)
        guild.roles.append(role)
        guild.members[BOT].role_ids.append(role.id)
    role.permissions = permissions
    world.touch()


def leave(world: World, guild: Guild) -> None:
    """Take the bot out: its role and its face in this server go with it, its webhooks stay."""
    role = guild.bot_role(BOT)
    if role:
        guild.roles.remove(role)
    guild.members.pop(BOT, None)
    world.touch()
    world.emit("GUILD_DELETE", guild=guild)


def change_profile(world: World, guild: Guild, changes: dict[str, Any]) -> Member:
    """`changes` holds any of nick, avatar, banner (hashes), bio; `None` takes one off."""
    me = guild.members[BOT]
    for name, value in changes.items():
        setattr(me, name, value)
    world.touch()
    world.emit("GUILD_MEMBER_UPDATE", guild=guild, member=me)
    return me
