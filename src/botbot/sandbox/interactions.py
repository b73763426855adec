"""Slash commands and menu commands: asked on the page, answered by the bot within 3 seconds, followed up for 15
minutes. Source: Discord docs, interactions/receiving-and-responding."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botbot.kit import clock
from botbot.sandbox import permissions as may
from botbot.sandbox import render, sight
from botbot.sandbox.cast import APPLICATION, BOT
from botbot.sandbox.refusals import refuse
from botbot.sandbox.world import Channel, Guild, Message, World

FIRST_ANSWER = timedelta(seconds=3)
TOKEN_LIFE = timedelta(minutes=15)


@dataclass
class Interaction:
    """`original_id` is the message that answers it, once there is one."""

    id: int
    token: str
    guild_id: int
    channel_id: int
    user_id: int
    name: str
    data: dict[str, Any]
    asked_at: datetime
    is_acknowledged: bool = False
    is_ephemeral: bool = False
    original_id: int | None = None


class Interactions:
    def __init__(self) -> None:
        self._by_token: dict[str, Interaction] = {}

    def open(self, world: World, channel: Channel, user_id: int, name: str, data: dict[str, Any]) -> Interaction:
        asked = Interaction(
            world.new_id(), secrets.token_urlsafe(48), channel.guild_id, channel.id, user_id, name, data, clock.now()
        )
        self._by_token[asked.token] = asked
        world.touch()
        world.emit("INTERACTION_CREATE", interaction=asked)
        return asked

    def acknowledge(self, interaction_id: int, token: str) -> Interaction:
        """10062 when it is unknown or older than 3 seconds, 40060 the second time."""
        asked = self._by_token.get(token)
        if asked is None or asked.id != interaction_id:
            raise refuse(10062)
        if asked.is_acknowledged:
            raise refuse(40060)
        if clock.now() - asked.asked_at > FIRST_ANSWER:
            raise refuse(10062)
        asked.is_acknowledged = True
        return asked

    def follow(self, token: str) -> Interaction:
        """The acknowledged interaction of a token that still lives; 10015 before, 50027 after."""
        asked = self._by_token.get(token)
        if asked is None or not asked.is_acknowledged:
            raise refuse(10015)
        if clock.now() - asked.asked_at > TOKEN_LIFE:
            raise refuse(50027)
        return asked


def event(world: World, asked: Interaction, base_url: str) -> dict[str, Any]:
    """INTERACTION_CREATE as the gateway sends it."""
    guild = world.state.guilds[asked.guild_id]
    channel = next(each for each in guild.channels if each.id == asked.channel_id)
    member = render.member(world, guild.members[asked.user_id])
    return {
        "id": str(asked.id),
        "application_id": str(APPLICATION),
        "type": 2,
        "token": asked.token,
        "version": 1,
        "data": _with_resolved(world, asked, base_url),
        "guild_id": str(guild.id),
        "guild": {"id": str(guild.id), "locale": "en-US", "features": []},
        "channel_id": str(channel.id),
        "channel": {**render.channel(world, channel, guild), "permissions": _bits(guild, asked.user_id, channel)},
        "member": {**member, "permissions": _bits(guild, asked.user_id, channel)},
        "app_permissions": _bits(guild, BOT, channel),
        "locale": "en-US",
        "guild_locale": "en-US",
        "entitlements": [],
        "authorizing_integration_owners": {"0": str(guild.id)},
        "context": 0,
        "attachment_size_limit": 10_485_760,
    }


def _bits(guild: Guild, user_id: int, channel: Channel) -> str:
    return str(may.in_channel(guild, user_id, channel))


def _with_resolved(world: World, asked: Interaction, base_url: str) -> dict[str, Any]:
    """A message command brings its target with it, content included."""
    target_id = asked.data.get("target_id")
    target = world.find_message(asked.channel_id, int(target_id)) if target_id else None
    if target is None:
        return asked.data
    shown = sight.message(world, target, base_url, sees_all=True)
    return {**asked.data, "resolved": {"messages": {target_id: shown}}}


def answer_message(world: World, asked: Interaction) -> Message:
    """An empty message of the bot's that belongs to the interaction; the caller fills and says it."""
    message = Message(world.new_id(), asked.channel_id, asked.guild_id, BOT, "", clock.now())
    message.interaction_id = asked.id
    message.interaction_user_id = asked.user_id
    message.interaction_name = asked.name
    return message
