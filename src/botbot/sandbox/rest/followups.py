"""Answers to interactions: the first one, the @original, and what follows. Source: Discord docs,
interactions/receiving-and-responding."""

from typing import Any

from botbot.sandbox import interactions, render, speaking
from botbot.sandbox.calls import Call, Table
from botbot.sandbox.interactions import Interaction
from botbot.sandbox.refusals import invalid, refuse
from botbot.sandbox.rest import messages
from botbot.sandbox.world import Message

MESSAGE, DEFERRED = 4, 5
table = Table()


@table.on(
    "POST",
    "/interactions/{interaction_id}/{interaction_token}/callback",
    auth=["none"],
    is_outside_global=True,
)
async def answer(call: Call) -> Any:
    kind = call.fields.get("type")
    if kind not in (MESSAGE, DEFERRED):
        raise invalid("type", "BASE_TYPE_CHOICES", "Value must be one of (4, 5).")
    data = call.fields.get("data") or {}
    if kind == MESSAGE:
        speaking.require_something(data, call.files)
    asked = call.core.interactions.acknowledge(call.id("interaction_id"), call.request.match_info["interaction_token"])
    asked.is_ephemeral = bool((data.get("flags") or 0) & render.EPHEMERAL)
    message = _said(call, asked, data if kind == MESSAGE else {}, is_thinking=kind == DEFERRED)
    asked.original_id = message.id
    return _receipt(call, asked, message) if call.flag("with_response") else None


def _said(call: Call, asked: Interaction, body: dict[str, Any], *, is_thinking: bool = False) -> Message:
    message = interactions.answer_message(call.world, asked)
    speaking.fill(call.world, message, body, call.files)
    message.is_thinking = is_thinking
    if asked.is_ephemeral:
        message.flags |= render.EPHEMERAL
        message.only_for = asked.user_id
    return speaking.say(call.world, message)


def _receipt(call: Call, asked: Interaction, message: Message) -> dict[str, Any]:
    """The description knows no type 5 here: a deferred answer, too, has made a message."""
    return {
        "interaction": {
            "id": str(asked.id),
            "type": 2,
            "response_message_id": str(message.id),
            "response_message_loading": message.is_thinking,
            "response_message_ephemeral": asked.is_ephemeral,
            "channel_id": str(asked.channel_id),
            "guild_id": str(asked.guild_id),
        },
        "resource": {"type": MESSAGE, "message": messages.shown(call, message)},
    }


def _asked(call: Call) -> Interaction:
    if call.id("webhook_id") != call.core.application_id:
        raise refuse(10015)
    return call.core.interactions.follow(call.request.match_info["webhook_token"])


def _original(call: Call, asked: Interaction) -> Message:
    message = call.world.find_message(asked.channel_id, asked.original_id)
    if message is None:
        raise refuse(10008)
    return message


async def create(call: Call) -> Any:
    """A follow-up. The first one after deferring takes the place of the "thinking" message."""
    asked, body = _asked(call), call.fields
    speaking.require_something(body, call.files)
    first = call.world.find_message(asked.channel_id, asked.original_id)
    if first is not None and first.is_thinking:
        return messages.shown(call, _filled(call, first))
    asked.is_ephemeral = bool((body.get("flags") or 0) & render.EPHEMERAL)
    return messages.shown(call, _said(call, asked, body))


def _filled(call: Call, message: Message) -> Message:
    kept_flags = message.flags & render.EPHEMERAL
    guild = call.world.state.guilds[message.guild_id]
    edited = messages.edit(call, guild, message)
    edited.flags |= kept_flags
    return edited


def get_original(call: Call) -> Any:
    return messages.shown(call, _original(call, _asked(call)))


def edit_original(call: Call) -> Any:
    return messages.shown(call, _filled(call, _original(call, _asked(call))))


def delete_original(call: Call) -> None:
    speaking.unsay(call.world, _original(call, _asked(call)))
