"""Messages coming into being, whoever sends them: mentions, replies, repeats, edits."""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from botbot.kit import clock
from botbot.sandbox import images
from botbot.sandbox.calls import File
from botbot.sandbox.refusals import invalid, refuse
from botbot.sandbox.world import Attachment, Channel, Guild, Message, World

NONCE_REMEMBERED = timedelta(minutes=5)
_MENTION = re.compile(r"<@!?(\d{1,20})>")
_PARTS = ("content", "embeds", "components", "sticker_ids", "poll")


def mentioned(guild: Guild, content: str) -> list[int]:
    """The members a text mentions, each once, in order."""
    ids = dict.fromkeys(int(each) for each in _MENTION.findall(content))
    return [each for each in ids if each in guild.members]


def pinged(guild: Guild, content: str, allowed: dict[str, Any] | None) -> list[int]:
    """Those of the mentioned whom `allowed_mentions` lets be pinged; without it, everybody."""
    ids = mentioned(guild, content)
    if allowed is None or "users" in (allowed.get("parse") or []):
        return ids
    named = {str(each) for each in allowed.get("users") or []}
    return [each for each in ids if str(each) in named]


def require_something(body: dict[str, Any], files: Iterable[File] = ()) -> None:
    said = isinstance(body.get("content"), str) and body["content"].strip()
    if not said and not any(body.get(part) for part in _PARTS[1:]) and not list(files):
        raise refuse(50006)


def referenced(world: World, channel: Channel, body: dict[str, Any]) -> Message | None:
    """The message that is replied to; 50035 when it is gone and that matters to the sender."""
    reference = body.get("message_reference")
    if not reference:
        return None
    target = world.find_message(channel.id, int(reference["message_id"]))
    if target is None and reference.get("fail_if_not_exists") is not False:
        raise invalid("message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")
    return target


def reply_pings(target: Message | None, allowed: dict[str, Any] | None) -> list[int]:
    """Replying pings the author, unless told not to; nobody is pinged for a webhook's or an interaction's message."""
    if target is None or target.webhook_id is not None or target.interaction_id is not None:
        return []
    return [target.author_id] if allowed is None or allowed.get("replied_user") else []


def find_repeat(world: World, channel: Channel, author_id: int, nonce: str) -> Message | None:
    """The message the same author already sent with this nonce, in the past few minutes."""
    since = clock.now() - NONCE_REMEMBERED
    kept = world.state.messages.get(channel.id, [])
    recent = (each for each in kept if each.sent_at > since and each.author_id == author_id)
    return next((each for each in recent if each.nonce == nonce), None)


def new_message(world: World, channel: Channel, author_id: int, content: str) -> Message:
    """A message that is not said yet; `say` makes it heard."""
    return Message(world.new_id(), channel.id, channel.guild_id, author_id, content, clock.now())


def fill(world: World, message: Message, body: dict[str, Any], files: Iterable[File] = ()) -> None:
    """Put the parts of a request's body into a message; parts that are not in the body stay."""
    for part in ("content", "embeds", "components"):
        if part in body:
            setattr(message, part, body[part] or ("" if part == "content" else []))
    if body.get("flags") is not None:
        message.flags = body["flags"]
    message.attachments += [_attachment(world, file) for file in files]


def _attachment(world: World, file: File) -> Attachment:
    kept = images.keep_bytes(world, file.content_type, file.data)
    return Attachment(world.new_id(), file.name, len(file.data), file.content_type, kept)


def say(world: World, message: Message) -> Message:
    world.keep_message(message)
    world.emit("MESSAGE_CREATE", message=message)
    return message


def edited(world: World, message: Message) -> Message:
    message.edited_at = clock.now()
    message.is_thinking = False
    world.touch()
    world.emit("MESSAGE_UPDATE", message=message)
    return message


def unsay(world: World, message: Message) -> None:
    world.state.messages[message.channel_id].remove(message)
    world.touch()
    world.emit("MESSAGE_DELETE", message=message)
