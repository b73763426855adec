"""Servers as the bot sees them, and the face it wears in each. Source: Discord docs, resources/guild."""

from typing import Any

from botbot.sandbox import images, membership, render
from botbot.sandbox import permissions as may
from botbot.sandbox.calls import Call, Table
from botbot.sandbox.limits import Rate
from botbot.sandbox.refusals import invalid, refuse

LONGEST_REASON = 512
table = Table()


@table.on("GET", "/guilds/{guild_id}")
async def get_guild(call: Call) -> Any:
    guild = call.guild()
    return render.guild_with_counts(guild) if call.flag("with_counts") else render.guild(guild)


@table.on("GET", "/guilds/{guild_id}/channels")
async def list_channels(call: Call) -> Any:
    guild = call.guild()
    return [render.channel(call.world, each, guild) for each in guild.channels]


@table.on("GET", "/guilds/{guild_id}/roles")
async def list_roles(call: Call) -> Any:
    return [render.role(each) for each in call.guild().roles]


@table.on("GET", "/guilds/{guild_id}/members/{user_id}")
async def get_member(call: Call) -> Any:
    guild = call.guild()
    user_id = call.id("user_id")
    if user_id not in call.world.state.users:
        raise refuse(10013)
    if user_id not in guild.members:
        raise refuse(10007)
    return render.member(call.world, guild.members[user_id])


@table.on("PATCH", "/guilds/{guild_id}/members/@me", rate=Rate(10, 10.0))
async def change_my_profile(call: Call) -> Any:
    guild, body = call.guild(), call.fields
    if len(call.reason or "") > LONGEST_REASON:
        raise invalid("reason", "BASE_TYPE_MAX_LENGTH", "Must be 512 or fewer in length.")
    granted = may.in_guild(guild, call.core.bot_id)
    if "nick" in body and not granted & may.CHANGE_NICKNAME:
        raise refuse(50013)
    changes: dict[str, Any] = {name: body[name] or None for name in ("nick", "bio") if name in body}
    if "avatar" in body:
        _spend_avatar(call)
    for name in ("avatar", "banner"):
        if name in body:
            changes[name] = images.keep(call.world, body[name], name)
    me = membership.change_profile(call.world, guild, changes)
    return {**render.member(call.world, me), "permissions": str(granted)}


def _spend_avatar(call: Call) -> None:
    """Pictures have a quota of their own, refused with 400 and not with 429."""
    left = call.core.switches.avatar_changes
    if left is None:
        return
    if left <= 0:
        text = "You are changing your avatar too fast. Try again later."
        raise invalid("avatar", "AVATAR_RATE_LIMIT", text)
    call.core.switches.avatar_changes = left - 1


@table.on("DELETE", "/users/@me/guilds/{guild_id}")
async def leave(call: Call) -> None:
    membership.leave(call.world, call.guild())
