"""Channels, their messages and the typing indicator. Source: Discord docs, resources/channel and resources/message."""

import time
from typing import Any

from botbot.sandbox import permissions as may
from botbot.sandbox import render, sight, speaking
from botbot.sandbox.calls import Call, Table
from botbot.sandbox.limits import Rate
from botbot.sandbox.refusals import invalid, refuse
from botbot.sandbox.world import Channel, Guild, Message

TYPING_SECONDS = 10
table = Table()


def allowed(call: Call, guild: Guild, channel: Channel, *needed: int) -> int:
    """The bot's permissions here; 50001 when it may not see the channel, 50013 when it lacks one of the needed."""
    granted = may.in_channel(guild, call.core.bot_id, channel)
    if not granted & may.VIEW_CHANNEL:
        raise refuse(50001)
    if any(not granted & each for each in needed):
        raise refuse(50013)
    return granted


def shown(call: Call, message: Message) -> dict[str, Any]:
    sees_all = call.core.switches.message_content
    return sight.message(call.world, message, call.core.url, sees_all=sees_all)


def find(call: Call, channel: Channel) -> Message:
    message = call.world.find_message(channel.id, call.id("message_id"))
    if message is None or message.only_for is not None:
        raise refuse(10008)
    return message


@table.on("GET", "/channels/{channel_id}")
async def get_channel(call: Call) -> Any:
    guild, channel = call.channel()
    allowed(call, guild, channel)
    return render.channel(call.world, channel, guild)


@table.on("POST", "/channels/{channel_id}/typing", rate=Rate(5, 5.0))
async def type_in(call: Call) -> None:
    guild, channel = call.channel()
    allowed(call, guild, channel, may.SEND_MESSAGES)
    until = time.monotonic() + TYPING_SECONDS
    call.core.typing.setdefault(channel.id, {})[call.core.bot_id] = until
    call.world.emit("TYPING_START", channel=channel, user_id=call.core.bot_id)


@table.on("GET", "/channels/{channel_id}/messages")
async def list_messages(call: Call) -> Any:
    guild, channel = call.channel()
    granted = allowed(call, guild, channel)
    if not granted & may.READ_MESSAGE_HISTORY:
        return []
    kept = [each for each in call.world.state.messages.get(channel.id, []) if each.only_for is None]
    limit = call.number("limit", 50, 1, 100)
    return [shown(call, each) for each in _page(call, kept, limit)]


def _page(call: Call, kept: list[Message], limit: int) -> list[Message]:
    """Newest first; `around`, `before` and `after` exclude each other, as documented."""
    edge = {
        name: call.number(name, 0, 0, 1 << 63) for name in ("around", "before", "after") if name in call.request.query
    }
    if len(edge) > 1:
        raise invalid("", "INVALID", "around, before and after are mutually exclusive")
    if "after" in edge:
        return [each for each in kept if each.id > edge["after"]][:limit][::-1]
    if "around" in edge:
        older = [each for each in kept if each.id <= edge["around"]][-(limit // 2 + 1) :]
        newer = [each for each in kept if each.id > edge["around"]][: limit // 2]
        return (older + newer)[::-1][:limit]
    before = edge.get("before", 1 << 63)
    return [each for each in kept if each.id < before][-limit:][::-1]


@table.on("POST", "/channels/{channel_id}/messages", rate=Rate(5, 5.0))
async def create_message(call: Call) -> Any:
    guild, channel = call.channel()
    body = call.fields
    granted = allowed(call, guild, channel, *_needed(call))
    speaking.require_something(body, call.files)
    if body.get("message_reference") and not granted & may.READ_MESSAGE_HISTORY:
        raise refuse(160002)
    target = speaking.referenced(call.world, channel, body)
    nonce = None if body.get("nonce") is None else str(body["nonce"])
    if nonce and body.get("enforce_nonce"):
        repeat = speaking.find_repeat(call.world, channel, call.core.bot_id, nonce)
        if repeat:
            return shown(call, repeat)
    message = speaking.new_message(call.world, channel, call.core.bot_id, "")
    speaking.fill(call.world, message, body, call.files)
    mentions = body.get("allowed_mentions")
    pings = [*speaking.reply_pings(target, mentions), *speaking.pinged(guild, message.content, mentions)]
    message.pings = list(dict.fromkeys(pings))
    message.replies_to = target.id if target else None
    message.nonce = nonce
    call.core.typing.get(channel.id, {}).pop(call.core.bot_id, None)
    return shown(call, speaking.say(call.world, message))


def _needed(call: Call) -> list[int]:
    needed = [may.SEND_MESSAGES]
    if call.files:
        needed.append(may.ATTACH_FILES)
    if call.fields.get("embeds"):
        needed.append(may.EMBED_LINKS)
    return needed


@table.on("GET", "/channels/{channel_id}/messages/{message_id}")
async def get_message(call: Call) -> Any:
    guild, channel = call.channel()
    allowed(call, guild, channel, may.READ_MESSAGE_HISTORY)
    return shown(call, find(call, channel))


@table.on("PATCH", "/channels/{channel_id}/messages/{message_id}", rate=Rate(5, 5.0))
async def edit_message(call: Call) -> Any:
    guild, channel = call.channel()
    allowed(call, guild, channel)
    message = find(call, channel)
    if message.author_id != call.core.bot_id or message.webhook_id is not None:
        raise refuse(50005)
    return shown(call, edit(call, guild, message))


def edit(call: Call, guild: Guild, message: Message) -> Message:
    """Change a message by a request's body; an edit without `allowed_mentions` is parsed with the defaults again."""
    body = call.fields
    if "content" in body:
        rest = {"embeds": message.embeds, "components": message.components, **body}
        speaking.require_something(rest, call.files)
    speaking.fill(call.world, message, body, call.files)
    message.pings = speaking.pinged(guild, message.content, body.get("allowed_mentions"))
    return speaking.edited(call.world, message)


@table.on("DELETE", "/channels/{channel_id}/messages/{message_id}", rate=Rate(5, 5.0))
async def delete_message(call: Call) -> None:
    guild, channel = call.channel()
    granted = allowed(call, guild, channel)
    message = find(call, channel)
    is_own = message.author_id == call.core.bot_id and message.webhook_id is None
    if not is_own and not granted & may.MANAGE_MESSAGES:
        raise refuse(50013)
    speaking.unsay(call.world, message)
