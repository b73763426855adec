"""Webhooks: made with the bot's token, spoken through with their own. Source: Discord docs, resources/webhook."""

import secrets
from typing import Any

from botbot.sandbox import images, render, speaking
from botbot.sandbox import permissions as may
from botbot.sandbox.calls import Call, Table
from botbot.sandbox.limits import Rate
from botbot.sandbox.refusals import invalid, refuse
from botbot.sandbox.rest import followups, messages
from botbot.sandbox.world import Guild, Message, Webhook

PER_CHANNEL, PER_GUILD = 15, 1000
SPEAKING = Rate(5, 2.0)
BY_TOKEN = "/webhooks/{webhook_id}/{webhook_token}"  # noqa: S105 - a path
table = Table()


@table.on("POST", "/channels/{channel_id}/webhooks", rate=Rate(10, 10.0))
async def create(call: Call) -> Any:
    guild, channel = call.channel()
    messages.allowed(call, guild, channel, may.MANAGE_WEBHOOKS)
    require_second_factor(call, guild)
    name = checked_name(call.fields["name"], "name")
    if len(call.world.webhooks_of(channel_id=channel.id)) >= PER_CHANNEL:
        raise refuse(30007)
    if len(call.world.webhooks_of(guild_id=guild.id)) >= PER_GUILD:
        raise refuse(30058)
    avatar = images.keep(call.world, call.fields.get("avatar"), "avatar")
    token = secrets.token_urlsafe(51)
    made = Webhook(call.world.new_id(), channel.id, guild.id, name, token, call.core.bot_id, avatar)
    call.world.state.webhooks[made.id] = made
    return _changed(call, made)


def require_second_factor(call: Call, guild: Guild) -> None:
    """Starred permissions need the application owner's second factor in servers that ask for it."""
    if guild.requires_2fa and not call.core.switches.owner_has_2fa:
        raise refuse(60003)


def checked_name(name: str, field: str) -> str:
    """The name as Discord keeps it. `clyde` and `discord` may not occur in it, in any case."""
    name = " ".join(name.split())
    for word in ("clyde", "discord"):
        if word in name.casefold():
            raise invalid(field, "USERNAME_INVALID_CONTAINS", f'Username cannot contain "{word}"')
    if name.casefold() in ("here", "everyone"):
        raise invalid(field, "USERNAME_INVALID", "Username is invalid")
    if not name:
        raise invalid(field, "BASE_TYPE_REQUIRED", "This field is required")
    return name


def _changed(call: Call, webhook: Webhook) -> dict[str, Any]:
    call.world.touch()
    call.world.emit("WEBHOOKS_UPDATE", guild_id=webhook.guild_id, channel_id=webhook.channel_id)
    return render.webhook(call.world, webhook, with_token=True)


@table.on("GET", "/channels/{channel_id}/webhooks")
async def list_in_channel(call: Call) -> Any:
    guild, channel = call.channel()
    messages.allowed(call, guild, channel, may.MANAGE_WEBHOOKS)
    found = call.world.webhooks_of(channel_id=channel.id)
    return [render.webhook(call.world, each, with_token=True) for each in found]


@table.on("GET", "/guilds/{guild_id}/webhooks")
async def list_in_guild(call: Call) -> Any:
    guild = call.guild()
    if not may.in_guild(guild, call.core.bot_id) & may.MANAGE_WEBHOOKS:
        raise refuse(50013)
    found = call.world.webhooks_of(guild_id=guild.id)
    return [render.webhook(call.world, each, with_token=True) for each in found]


def _managed(call: Call) -> Webhook:
    """The webhook of the path, for the bot that may manage it."""
    webhook = call.world.state.webhooks.get(call.id("webhook_id"))
    if webhook is None:
        raise refuse(10015)
    guild = call.world.state.guilds[webhook.guild_id]
    if not may.in_guild(guild, call.core.bot_id) & may.MANAGE_WEBHOOKS:
        raise refuse(50013)
    return webhook


def _by_token(call: Call) -> Webhook:
    webhook = call.world.state.webhooks.get(call.id("webhook_id"))
    if webhook is None:
        raise refuse(10015)
    if not secrets.compare_digest(webhook.token.encode(), call.request.match_info["webhook_token"].encode()):
        raise refuse(50027)
    return webhook


@table.on("GET", "/webhooks/{webhook_id}")
async def get(call: Call) -> Any:
    return render.webhook(call.world, _managed(call), with_token=True)


@table.on("PATCH", "/webhooks/{webhook_id}")
async def change(call: Call) -> Any:
    return _change(call, _managed(call))


@table.on("DELETE", "/webhooks/{webhook_id}")
async def delete(call: Call) -> None:
    _delete(call, _managed(call))


@table.on("GET", BY_TOKEN, auth=["none"])
async def get_by_token(call: Call) -> Any:
    return render.webhook(call.world, _by_token(call), with_token=True, with_user=False)


@table.on("PATCH", BY_TOKEN, auth=["none"])
async def change_by_token(call: Call) -> Any:
    return _change(call, _by_token(call))


@table.on("DELETE", BY_TOKEN, auth=["none"])
async def delete_by_token(call: Call) -> None:
    _delete(call, _by_token(call))


def _change(call: Call, webhook: Webhook) -> dict[str, Any]:
    body = call.fields
    if body.get("name") is not None:
        webhook.name = checked_name(body["name"], "name")
    if "avatar" in body:
        webhook.avatar = images.keep(call.world, body["avatar"], "avatar")
    return _changed(call, webhook)


def _delete(call: Call, webhook: Webhook) -> None:
    del call.world.state.webhooks[webhook.id]
    _changed(call, webhook)


@table.on("POST", BY_TOKEN, auth=["none"], rate=SPEAKING)
async def execute(call: Call) -> Any:
    if call.id("webhook_id") == call.core.application_id:
        return await followups.create(call)
    webhook, body = _by_token(call), call.fields
    if call.request.query.get("thread_id"):
        raise refuse(10003)  # this little world has no threads
    speaking.require_something(body, call.files)
    face = checked_name(body["username"], "username") if body.get("username") else webhook.name
    message = _spoken(call, webhook, face)
    return messages.shown(call, message) if call.flag("wait") else None


def _spoken(call: Call, webhook: Webhook, face: str) -> Message:
    channel = call.world.find_channel(webhook.channel_id)
    if channel is None:
        raise refuse(10003)
    guild = call.world.state.guilds[webhook.guild_id]
    message = speaking.new_message(call.world, channel, call.core.bot_id, "")
    speaking.fill(call.world, message, call.fields, call.files)
    message.webhook_id = webhook.id
    message.face = face
    message.face_avatar = call.fields.get("avatar_url") or webhook.avatar
    message.pings = speaking.pinged(guild, message.content, call.fields.get("allowed_mentions"))
    return speaking.say(call.world, message)


def _own_message(call: Call) -> tuple[Guild, Message]:
    webhook = _by_token(call)
    message = call.world.find_message(webhook.channel_id, call.id("message_id"))
    if message is None or message.webhook_id != webhook.id:
        raise refuse(10008)
    return call.world.state.guilds[webhook.guild_id], message


@table.on("GET", BY_TOKEN + "/messages/@original", auth=["none"], is_outside_global=True)
async def get_original(call: Call) -> Any:
    return followups.get_original(call)


@table.on("PATCH", BY_TOKEN + "/messages/@original", auth=["none"], rate=SPEAKING, is_outside_global=True)
async def edit_original(call: Call) -> Any:
    return followups.edit_original(call)


@table.on("DELETE", BY_TOKEN + "/messages/@original", auth=["none"], is_outside_global=True)
async def delete_original(call: Call) -> None:
    followups.delete_original(call)


@table.on("GET", BY_TOKEN + "/messages/{message_id}", auth=["none"])
async def get_message(call: Call) -> Any:
    return messages.shown(call, _own_message(call)[1])


@table.on("PATCH", BY_TOKEN + "/messages/{message_id}", auth=["none"], rate=SPEAKING)
async def edit_message(call: Call) -> Any:
    return messages.shown(call, messages.edit(call, *_own_message(call)))


@table.on("DELETE", BY_TOKEN + "/messages/{message_id}", auth=["none"], rate=SPEAKING)
async def delete_message(call: Call) -> None:
    speaking.unsay(call.world, _own_message(call)[1])
