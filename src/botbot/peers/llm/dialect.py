"""The dialects of OpenAI-compatible servers, learned from their refusals.

Everybody takes `max_tokens` but the newer OpenAI models, which answer 400 and want `max_completion_tokens`; the same
models refuse a `temperature`, some small servers refuse `stream_options`, and Mistral answers 422 to a message's
`name`. We ask in the common dialect first, and when a refusal names a parameter we ask again without it. What worked
is remembered."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from botbot.peers.llm.messages import Message, decode_refusal

Permit = Callable[[], Awaitable[bool]]
"""Asked before every single call to a server, also to a fallback and in another dialect; false forbids it."""


_NAME = re.compile(r"""["'`.\]]name(?![\w.])""")
_OF_A_MESSAGE = re.compile(r"messages|extra_forbidden|\bloc\b")
"""`name` is part of many words and of many errors: it has to be quoted or at the end of a path, and of a message."""


class Request(msgspec.Struct, frozen=True):
    """One call as its caller means it."""

    messages: Sequence[Message]
    max_tokens: int
    temperature: float | None
    permit: Permit | None = None
    lost: Callable[[str], None] | None = None

    def lose(self, model: str) -> None:
        """That model took the call and gave nothing for it."""
        if self.lost is not None:
            self.lost(model)


class Dialect(msgspec.Struct, frozen=True):
    """What one model takes."""

    limit_name: str = "max_tokens"
    has_temperature: bool = True
    has_stream_options: bool = True
    has_effort: bool = False
    has_names: bool = True

    def body(self, model: str, request: Request) -> bytes:
        """The request's JSON."""
        fields: dict[str, Any] = {"model": model, "messages": self._messages(request), "stream": True}
        fields[self.limit_name] = request.max_tokens
        if self.has_stream_options:
            fields["stream_options"] = {"include_usage": True}
        if self.has_temperature and request.temperature is not None:
            fields["temperature"] = request.temperature
        if self.has_effort:
            fields["reasoning_effort"] = "low"
        return msgspec.json.encode(fields)

    def adapted(self, error_body: bytes) -> "Dialect | None":
        """The dialect to try after this refusal; `None` when it names nothing we could leave out."""
        changes: tuple[tuple[str, dict[str, Any], bool], ...] = (
            # Models that want the new name think before they speak. Chat has to be quick: low effort.
            ("max_tokens", {"limit_name": "max_completion_tokens", "has_effort": True}, self._has_old_limit),
            ("reasoning_effort", {"has_effort": False}, self.has_effort),
            ("temperature", {"has_temperature": False}, self.has_temperature),
            ("stream_options", {"has_stream_options": False}, self.has_stream_options),
        )
        for named in _named_parameters(error_body):
            if self.has_names and _OF_A_MESSAGE.search(named) and _NAME.search(named):
                return msgspec.structs.replace(self, has_names=False)
            for name, change, applies in changes:
                if applies and name in named:
                    return msgspec.structs.replace(self, **change)
        return None

    def _messages(self, request: Request) -> Sequence[Message]:
        if self.has_names:
            return request.messages
        return [Message(each.role, each.content) for each in request.messages]

    @property
    def _has_old_limit(self) -> bool:
        return self.limit_name == "max_tokens"


def _named_parameters(error_body: bytes) -> list[str]:
    """Where a refusal names its parameter, the surest place first: `error.param` alone if there is one, else
    `error.message`, else anywhere in the body, as validators of other houses nest it."""
    body = error_body.decode(errors="replace")
    try:
        refusal = decode_refusal(error_body).error
    except msgspec.MsgspecError:
        return [body]
    return [refusal.param] if refusal.param else [refusal.message, body]
