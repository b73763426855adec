"""What crosses the wire in a preview chat."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MAX_MESSAGE = 2000
Source = Literal["live", "sample"]
Reason = Literal["not_configured", "budget", "unavailable"]


class ChatIn(msgspec.Struct, rename="camel"):
    """`sessionId` continues a conversation; an unknown one begins a new one. History sent along is ignored."""

    message: Annotated[str, Meta(max_length=MAX_MESSAGE)]
    session_id: Annotated[str, Meta(max_length=100)] | None = None


class UsageOut(msgspec.Struct, rename="camel"):
    prompt_tokens: int
    completion_tokens: int


class SessionEvent(msgspec.Struct, rename="camel"):
    session_id: str


class TokenEvent(msgspec.Struct, rename="camel"):
    text: str


class DoneEvent(msgspec.Struct, rename="camel", omit_defaults=True):
    """`reason` says why a sample answered."""

    source: Source
    finish_reason: str
    usage: UsageOut | None
    reason: Reason | None = None


class ChatOut(msgspec.Struct, rename="camel"):
    session_id: str
    reply: str
    source: Source
    usage: UsageOut | None
    reason: Reason | None = None
