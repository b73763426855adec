"""What a test may tell the stand-in model, and what it may ask it afterwards.

State belongs to one aiohttp application and dies with it. It is kept beside the applications and not in them, because
an application that already runs must not be changed."""

from typing import Any, Literal
from weakref import WeakKeyDictionary

import msgspec
from aiohttp import web

Mode = Literal[
    "unauthorized",  # 401
    "rate_limited",  # 429 with a long Retry-After
    "server_error",  # 500
    "unsupported_parameter",  # 400 that names `parameter`, while the request has it
    "html",  # 200 with a page, as a captive proxy answers
    "reset",  # the connection is reset before any header
    "hang",  # the request is taken, and nothing follows
    "stall",  # some words, then nothing
    "comments",  # event-stream comments for ever, and no word
    "truncate",  # some words, then a tidy end of the body without finish_reason and [DONE]
    "reset_midstream",  # some words, then a reset
    "bad_json",
    "bad_utf8",
    "wrong_types",
    "error_event",
    "huge_line",  # 10 MB without a line break
    "split_bytes",  # a right answer, its bytes cut anywhere into TCP segments
    "no_usage",  # a right answer that ignores `include_usage`
    "empty",  # finish_reason without a word
    "endless",  # the answer again and again, with no end
    "echo",  # the answer is everything the request held
]


class Fault(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """`times` is for how many requests it holds (`None`: until cleared), `model` whom it strikes (empty: all)."""

    mode: Mode
    times: int | None = 1
    model: str = ""
    after_words: int = 3
    retry_after: int = 1337
    parameter: str = "max_tokens"

    def strikes(self, body: dict[str, Any]) -> bool:
        if self.times == 0 or (self.model and self.model != body.get("model")):
            return False
        return self.mode != "unsupported_parameter" or body.get(self.parameter) is not None


class Recorded(msgspec.Struct, rename="camel"):
    """A request as it came; the headers in lower case, the key left out."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return list(self.body.get("messages") or [])


class Orders(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The body of `POST /_sandbox/model/faults`. What is left out stays as it is; `clear` comes first."""

    clear: bool = False
    faults: list[Fault] = []
    words_per_second: float | None = None
    say: str | None = None


class ModelControl:
    """`recorded` are the requests for a reply, `judged` those for a judgement; `violations` holds one line for each
    part of any request that is against the official description."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.words_per_second = 40.0
        self.say: str | None = None
        self.recorded: list[Recorded] = []
        self.judged: list[Recorded] = []
        self.violations: list[str] = []
        self.open_requests = 0

    def fail(self, mode: Mode, **rest: Any) -> None:
        """Order a fault; the rest are `Fault`'s fields. Orders are used up in the order they were given."""
        self.faults.append(Fault(mode, **rest))

    def clear(self) -> None:
        """Behave again, and forget what was recorded. Running requests end as they were told to."""
        self.faults.clear()
        self.recorded.clear()
        self.judged.clear()
        self.violations.clear()
        self.words_per_second, self.say = 40.0, None

    def take_fault(self, body: dict[str, Any]) -> Fault | None:
        """The fault for this request, one use of it spent."""
        fault = next((fault for fault in self.faults if fault.strikes(body)), None)
        if fault is not None and fault.times is not None:
            fault.times -= 1
        return fault

    def obey(self, orders: Orders) -> None:
        if orders.clear:
            self.clear()
        self.faults.extend(orders.faults)
        self.words_per_second = orders.words_per_second or self.words_per_second
        self.say = orders.say if orders.say is not None else self.say

    def report(self) -> dict[str, Any]:
        return {
            "faults": self.faults,
            "wordsPerSecond": self.words_per_second,
            "say": self.say,
            "openRequests": self.open_requests,
            "recorded": self.recorded,
            "judged": self.judged,
            "violations": self.violations,
        }


_controls: WeakKeyDictionary[web.Application, ModelControl] = WeakKeyDictionary()


def control(app: web.Application) -> ModelControl:
    """The control of the model that this application serves."""
    return _controls.setdefault(app, ModelControl())
