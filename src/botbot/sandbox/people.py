"""The cast at work: writing in channels and using commands, as a person in Discord would."""

import re
import time
from typing import Any

from botbot.sandbox import permissions as may
from botbot.sandbox import speaking
from botbot.sandbox.cast import BOT
from botbot.sandbox.core import Core
from botbot.sandbox.interactions import Interaction
from botbot.sandbox.overlay import LONGEST_CONTENT
from botbot.sandbox.world import Channel, Guild, Message

SLASH, MESSAGE_MENU = 1, 3
STRING_OPTION = 3


class CannotSpeak(Exception):
    """Why somebody may not write this here, in a sentence."""


def speak(
    core: Core,
    user_id: int,
    channel: Channel,
    content: str,
    *,
    mention_bot: bool = False,
    reply_to: int | None = None,
    ping: bool = True,
) -> Message:
    """Say something. A reply pings its author unless `ping` is off, as with Discord's own switch."""
    guild = core.world.state.guilds[channel.guild_id]
    content = with_mentions(core, guild, content.strip())
    if mention_bot and f"<@{BOT}>" not in content:
        content = f"<@{BOT}> {content}".strip()
    _check(guild, user_id, channel, content)
    target = core.world.find_message(channel.id, reply_to)
    message = speaking.new_message(core.world, channel, user_id, content)
    replied = speaking.reply_pings(target, None) if ping else []
    message.pings = list(dict.fromkeys([*replied, *speaking.mentioned(guild, content)]))
    message.replies_to = target.id if target else None
    core.typing.get(channel.id, {}).pop(user_id, None)
    return speaking.say(core.world, message)


def _check(guild: Guild, user_id: int, channel: Channel, content: str) -> None:
    if not may.in_channel(guild, user_id, channel) & may.SEND_MESSAGES:
        raise CannotSpeak("You may read here, but not write.")
    if not content:
        raise CannotSpeak("Write something first.")
    if len(content) > LONGEST_CONTENT:
        raise CannotSpeak(f"That is too long: at most {LONGEST_CONTENT} characters.")


def with_mentions(core: Core, guild: Guild, content: str) -> str:
    """Turn `@name` into a real mention, for every member's name and nick, in any case; the longest name wins."""
    names: dict[str, int] = {}
    for member in guild.members.values():
        user = core.world.state.users[member.user_id]
        for name in (user.username, user.name, member.nick):
            if name:
                names[name.casefold()] = member.user_id
    if not names:
        return content
    pattern = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    replace = re.compile(rf"(?<![\w<])@({pattern})(?!\w)", re.IGNORECASE)
    return replace.sub(lambda match: _mention(names, match[0], match[1]), content)


def _mention(names: dict[str, int], whole: str, name: str) -> str:
    user_id = names.get(name.casefold())
    return f"<@{user_id}>" if user_id else whole


def find_command(core: Core, name: str, kind: int) -> dict[str, Any] | None:
    commands = core.world.state.commands
    return next((each for each in commands if each["name"] == name and each["type"] == kind), None)


def use_command(
    core: Core, user_id: int, channel: Channel, name: str, text: str = "", target_id: int | None = None
) -> Interaction:
    """Start an interaction. Raises `CannotSpeak` for a command the application has not registered."""
    command = find_command(core, name, MESSAGE_MENU if target_id else SLASH)
    if command is None or BOT not in core.world.state.guilds[channel.guild_id].members:
        raise CannotSpeak(f"There is no command “{name}” here.")
    data: dict[str, Any] = {"id": command["id"], "name": name, "type": command["type"]}
    if target_id:
        data["target_id"] = str(target_id)
    else:
        data["options"] = _options(command, text)
    return core.interactions.open(core.world, channel, user_id, name, data)


def _options(command: dict[str, Any], text: str) -> list[dict[str, Any]]:
    first = next((each for each in command.get("options", []) if each["type"] == STRING_OPTION), None)
    if first is None or not text:
        return []
    return [{"name": first["name"], "type": STRING_OPTION, "value": text}]


def typing_names(core: Core, channel: Channel) -> list[str]:
    guild = core.world.state.guilds[channel.guild_id]
    now = time.monotonic()
    active = [user_id for user_id, until in core.typing.get(channel.id, {}).items() if until > now]
    return [core.world.name_of(user_id, guild) for user_id in active]
