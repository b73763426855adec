"""What a saga that got stuck left behind, as a person looks for it: a kind and an id."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from botbot.jobs.engine import may_have_happened, was_not_done
from botbot.jobs.models import SagaStep

MOVING_OUT = "remove"
_PROFILE, _PICTURE, _MESSAGE, _AGENT = "member_profile", "member_avatar", "message", "agent"
KINDS = {
    "set_profile": _PROFILE, "restore_profile": _PROFILE, "set_avatar": _PICTURE, "restore_avatar": _PICTURE,
    "say_hello": _MESSAGE, "take_back_hello": _MESSAGE, "create_agent": _AGENT, "register_agent": _AGENT,
}  # fmt: skip
"""What each step makes. One that makes nothing leaves nothing."""
WORDS = {
    _PROFILE: "The bot’s name and bio in the server",
    _PICTURE: "The bot’s picture in the server",
    _MESSAGE: "A message",
    _AGENT: "The personality’s own record here",
}


class Leftover(msgspec.Struct, rename="camel", frozen=True):
    """`id` is Discord's, or ours for an agent. A member's profile has none of its own: it is named by its server. A
    message whose answer was lost has none either, and is found in its channel."""

    step: str
    kind: str
    id: str | None
    guild_id: str
    channel_id: str | None = None


def left_behind(saga_kind: str, steps: Sequence[SagaStep], guild_id: int) -> list[Leftover]:
    """The traces of a saga that can't go on, in the order of its steps."""
    is_left = was_not_done if saga_kind == MOVING_OUT else may_have_happened
    return [_leftover(row, guild_id) for row in steps if row.name in KINDS and is_left(row)]


def _leftover(row: SagaStep, guild_id: int) -> Leftover:
    kind = KINDS[row.name]
    channel_id = row.result.get("channelId") if kind == _MESSAGE else None
    return Leftover(row.name, kind, _id_of(kind, row.result, guild_id), str(guild_id), channel_id)


def _id_of(kind: str, result: Mapping[str, Any], guild_id: int) -> str | None:
    if kind in (_PROFILE, _PICTURE):
        return str(guild_id)
    return result.get("messageId" if kind == _MESSAGE else "agentId")
