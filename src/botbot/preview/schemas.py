"""What crosses the wire in a preview chat."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MAX_MESSAGE = 2000
MAX_SPEAKER = 32
Source = Literal["live", "sample"]
Reason = Literal["not_configured", "budget", "unavailable", "blocked"]


class SettingIn(msgspec.Struct, rename="camel", frozen=True):
    """The pretend server in which a preview takes place: typed by the visitor, and only data to the model."""

    server: Annotated[str, Meta(max_length=100)] | None = None
    topic: Annotated[str, Meta(max_length=200)] | None = None
    language: Annotated[str, Meta(max_length=35)] | None = None
    rules: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=3)] = []
    members: Annotated[list[Annotated[str, Meta(max_length=32)]], Meta(max_length=3)] = []


class ChatIn(msgspec.Struct, rename="camel"):
    """`sessionId` continues a conversation; an unknown one begins a new one. History sent along is ignored.

    `regenerate` answers the conversation's last message again; then `message` may be left out. `speaker` is which of
    the setting's pretend members says it."""

    message: Annotated[str, Meta(max_length=MAX_MESSAGE)] = ""
    session_id: Annotated[str, Meta(max_length=100)] | None = None
    regenerate: bool = False
    setting: SettingIn | None = None
    speaker: Annotated[str, Meta(max_length=MAX_SPEAKER)] | None = None


class UsageOut(msgspec.Struct, rename="camel"):
    prompt_tokens: int
    completion_tokens: int


class SessionEvent(msgspec.Struct, rename="camel"):
    """`remaining` messages may still be sent this minute; `resetAfterSeconds` says when there will be more again."""

    session_id: str
    remaining: int
    reset_after_seconds: int


class TokenEvent(msgspec.Struct, rename="camel"):
    text: str


class RefusalEvent(TokenEvent):
    """A `token` event of its own, never joined to the words before it: what stands in place of the reply."""


class DoneEvent(msgspec.Struct, rename="camel", omit_defaults=True):
    """`reason` says why no model answered: `budget` comes with `resetAt`, `blocked` with its `category`."""

    source: Source
    finish_reason: str
    usage: UsageOut | None
    reason: Reason | None = None
    category: str | None = None
    reset_at: str | None = None


class ChatOut(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """The whole reply, with what the events say."""

    session_id: str
    reply: str
    source: Source
    usage: UsageOut | None
    finish_reason: str
    remaining: int
    reset_after_seconds: int
    reason: Reason | None
    category: str | None = None
    reset_at: str | None = None
