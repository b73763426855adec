"""The dialects of OpenAI-compatible servers, learned from their refusals.

Everybody takes `max_tokens` but the newer OpenAI models, which answer 400 and want `max_completion_tokens`; the same
models refuse a `temperature`, and some small servers refuse `stream_options`. We ask in the common dialect first, and
when a 400 names a parameter we ask again without it. What worked is remembered."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from botbot.peers.llm.messages import Message, decode_refusal

Permit = Callable[[], Awaitable[bool]]
"""Asked before every single call to a server, also to a fallback and in another dialect; false forbids it."""


class Request(msgspec.Struct, frozen=True):
    """One call as its caller means it."""

    messages: Sequence[Message]
    max_tokens: int
    temperature: float | None
    permit: Permit | None = None


class Dialect(msgspec.Struct, frozen=True):
    """What one model takes."""

    limit_name: str = "max_tokens"
    has_temperature: bool = True
    has_stream_options: bool = True
    has_effort: bool = False

    def body(self, model: str, request: Request) -> bytes:
        """The request's JSON."""
        fields: dict[str, Any] = {"model": model, "messages": request.messages, "stream": True}
        fields[self.limit_name] = request.max_tokens
        if self.has_stream_options:
            fields["stream_options"] = {"include_usage": True}
        if self.has_temperature and request.temperature is not None:
            fields["temperature"] = request.temperature
        if self.has_effort:
            fields["reasoning_effort"] = "low"
        return msgspec.json.encode(fields)

    def adapted(self, error_body: bytes) -> "Dialect | None":
        """The dialect to try after this 400; `None` when it names nothing we could leave out."""
        changes: tuple[tuple[str, dict[str, Any], bool], ...] = (
            # Models that want the new name think before they speak. Chat has to be quick: low effort.
            ("max_tokens", {"limit_name": "max_completion_tokens", "has_effort": True}, self._has_old_limit),
            ("reasoning_effort", {"has_effort": False}, self.has_effort),
            ("temperature", {"has_temperature": False}, self.has_temperature),
            ("stream_options", {"has_stream_options": False}, self.has_stream_options),
        )
        named = _named_parameter(error_body)
        for name, change, applies in changes:
            if applies and name in named:
                return msgspec.structs.replace(self, **change)
        return None

    @property
    def _has_old_limit(self) -> bool:
        return self.limit_name == "max_tokens"


def _named_parameter(error_body: bytes) -> str:
    """Where a refusal names its parameter: `error.param`, else somewhere in `error.message`."""
    try:
        refusal = decode_refusal(error_body).error
    except msgspec.MsgspecError:
        return ""
    return refusal.param or refusal.message
