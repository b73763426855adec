"""From what happened in the world to what one session gets to hear of it."""

import time
from collections.abc import Callable
from typing import Any

from botbot.sandbox import interactions, render, sight
from botbot.sandbox import permissions as may
from botbot.sandbox.cast import BOT
from botbot.sandbox.core import Core
from botbot.sandbox.world import Message

GUILDS, GUILD_WEBHOOKS, GUILD_MESSAGES, TYPING, MESSAGE_CONTENT = 1, 1 << 5, 1 << 9, 1 << 11, 1 << 15
PRIVILEGED = 1 << 1 | 1 << 8
EVERY_INTENT = (1 << 17) - 1 | 1 << 20 | 1 << 21 | 1 << 24 | 1 << 25

NEEDS = {
    "GUILD_CREATE": GUILDS,
    "GUILD_DELETE": GUILDS,
    "GUILD_ROLE_UPDATE": GUILDS,
    "MESSAGE_CREATE": GUILD_MESSAGES,
    "MESSAGE_UPDATE": GUILD_MESSAGES,
    "MESSAGE_DELETE": GUILD_MESSAGES,
    "TYPING_START": TYPING,
    "WEBHOOKS_UPDATE": GUILD_WEBHOOKS,
    "GUILD_MEMBER_UPDATE": 0,  # about the bot itself it comes without the members intent
    "INTERACTION_CREATE": 0,
}

Maker = Callable[[int], dict[str, Any]]


def prepare(core: Core, event: str, facts: dict[str, Any]) -> tuple[int, Maker] | None:
    """The server it happened in and a maker of the payload for given intents; `None` when bots hear nothing."""
    if event not in NEEDS:
        return None
    if event.startswith("MESSAGE_"):
        return _message(core, event, facts["message"])
    if event == "INTERACTION_CREATE":
        asked = facts["interaction"]
        return asked.guild_id, lambda _: interactions.event(core.world, asked, core.url)
    if event == "WEBHOOKS_UPDATE":
        shown = {name: str(value) for name, value in facts.items()}
        return facts["guild_id"], lambda _: shown
    if event == "TYPING_START":
        return _typing(core, facts)
    return _guild(core, event, facts)


def _guild(core: Core, event: str, facts: dict[str, Any]) -> tuple[int, Maker]:
    guild = facts["guild"]
    if event == "GUILD_CREATE":
        return guild.id, lambda _: render.guild_create(core.world, guild)
    if event == "GUILD_DELETE":
        outage = {"unavailable": True} if facts.get("unavailable") else {}
        return guild.id, lambda _: {"id": str(guild.id), **outage}
    if event == "GUILD_ROLE_UPDATE":
        role = facts["role"]
        return guild.id, lambda _: {"guild_id": str(guild.id), "role": render.role(role)}
    member = facts["member"]
    return guild.id, lambda _: {"guild_id": str(guild.id), **render.member(core.world, member)}


def _message(core: Core, event: str, message: Message) -> tuple[int, Maker] | None:
    guild = core.world.state.guilds[message.guild_id]
    channel = core.world.find_channel(message.channel_id)
    if channel is None or message.only_for is not None:
        return None
    if not may.in_channel(guild, BOT, channel) & may.VIEW_CHANNEL:
        return None
    if event == "MESSAGE_DELETE":
        ids = {"id": message.id, "channel_id": message.channel_id, "guild_id": message.guild_id}
        return guild.id, lambda _: {name: str(value) for name, value in ids.items()}

    def make(intents: int) -> dict[str, Any]:
        return sight.event(core.world, message, core.url, sees_all=bool(intents & MESSAGE_CONTENT))

    return guild.id, make


def _typing(core: Core, facts: dict[str, Any]) -> tuple[int, Maker]:
    channel, user_id = facts["channel"], facts["user_id"]
    member = core.world.state.guilds[channel.guild_id].members[user_id]
    shown = {
        "channel_id": str(channel.id),
        "guild_id": str(channel.guild_id),
        "user_id": str(user_id),
        "timestamp": int(time.time()),
        "member": render.member(core.world, member),
    }
    return channel.guild_id, lambda _: shown
