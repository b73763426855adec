"""What crosses the wire of `/chat/completions`, and what we make of it.

The reading structs name only what we use, so that a server's extras pass by undecoded. Where the OpenAI description
and its imitators differ (`choices: null`, a chunk without `delta`), both are taken."""

from collections.abc import Sequence
from typing import Literal

import msgspec

CHARACTERS_PER_TOKEN = 4  # the usual rule of thumb for English; used only when a server reports nothing
TOKENS_PER_MESSAGE = 4  # what role and separators cost


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One turn of the conversation as the model reads it. `name` tells an example (`example_…`) from what was said."""

    role: Literal["system", "user", "assistant"]
    content: str
    name: str | None = None


class Usage(msgspec.Struct, frozen=True):
    """Tokens one call cost, as the server counted them or as `estimate_usage` guessed."""

    prompt_tokens: int
    completion_tokens: int

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class Reply(msgspec.Struct, frozen=True):
    """A finished reply. `finish_reason` is the server's word: `stop`, `length`, `content_filter`, …"""

    text: str
    finish_reason: str
    usage: Usage
    model: str
    usage_is_estimate: bool = False


class Delta(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None

    @property
    def text(self) -> str:
        return self.content or self.refusal or ""


class Choice(msgspec.Struct):
    delta: Delta | None = None
    finish_reason: str | None = None


class ReportedUsage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int = 0


class Chunk(msgspec.Struct):
    """One event of the stream. `error` is whatever a server sends when it gives up half way."""

    choices: list[Choice] | None = None
    usage: ReportedUsage | None = None
    model: str | None = None
    error: object = None

    @property
    def text(self) -> str:
        delta = self.choices[0].delta if self.choices else None
        return delta.text if delta else ""

    @property
    def finish_reason(self) -> str:
        return (self.choices[0].finish_reason if self.choices else None) or ""


class Refusal(msgspec.Struct):
    """The part of an error body we look at, to learn which parameter was refused. It is never shown."""

    message: str = ""
    param: str | None = None


class RefusalBody(msgspec.Struct):
    error: Refusal


decode_chunk = msgspec.json.Decoder(Chunk).decode
decode_refusal = msgspec.json.Decoder(RefusalBody).decode


def estimate_usage(messages: Sequence[Message], reply_characters: int) -> Usage:
    """A guess from lengths, rounded up, for servers that report no usage."""
    prompt = sum(TOKENS_PER_MESSAGE + _tokens(len(message.content)) for message in messages)
    return Usage(prompt, _tokens(reply_characters))


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_PER_TOKEN)
