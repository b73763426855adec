"""What this process counts for `/metrics`. Every metric is declared here, in `jobs.metrics` or in `botbot.gauges`, and
`docs/api/health.md` names each with its meaning; a test holds them together.

Labels are bounded: routes as they are written in code, names of steps and models, classes of status. Never an id, an
address or a word of anybody."""

import re
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()
PEER_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
WEB_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PAGE_SECONDS = (0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 4.0, 6.0, 10.0)
MOST_MODELS = 20
OTHER = "other"
ELSEWHERE = "(none)"
"""The route of an address that isn't one."""

_requests = Counter("botbot_requests", "Requests by status class.", ("status",), registry=REGISTRY)
_answers = Histogram(
    "botbot_request_seconds",
    "From a request's head to the head of its answer.",
    ("method", "route"),
    buckets=WEB_SECONDS,
    registry=REGISTRY,
)
_failures = Counter(
    "botbot_request_failures",
    "Requests answered with 429 or 5xx.",
    ("method", "route", "status"),
    registry=REGISTRY,
)
_streams = Gauge("botbot_streams_open", "Event streams that somebody reads now.", ("route",), registry=REGISTRY)
_replies = Counter(
    "botbot_replies",
    "Exchanges with a personality by how they ended: live, sample, blocked or failed.",
    ("kind", "outcome"),
    registry=REGISTRY,
)
_tokens = Counter("botbot_tokens", "Tokens of the model.", ("kind", "model", "part"), registry=REGISTRY)
_discord = Histogram(
    "botbot_discord_call_seconds",
    "Calls to Discord's REST API, by the class of their answer; lost where none came.",
    ("route", "status"),
    buckets=PEER_SECONDS,
    registry=REGISTRY,
)
_first_word = Histogram(
    "botbot_model_first_word_seconds",
    "From asking the model to its first word, fallbacks included; failed where none came.",
    ("outcome",),
    buckets=PEER_SECONDS,
    registry=REGISTRY,
)
_messages = Histogram(
    "botbot_message_seconds",
    "From a message in Discord to the end of what became of it.",
    buckets=PEER_SECONDS,
    registry=REGISTRY,
)
_log_lines = Counter("botbot_log_lines", "Lines written to the log.", ("level",), registry=REGISTRY)
_pages = Histogram(
    "botbot_page_seconds",
    "What visitors' browsers measured, where the operator asked for it.",
    ("moment", "page"),
    buckets=PAGE_SECONDS,
    registry=REGISTRY,
)
ProcessCollector(namespace="botbot", registry=REGISTRY)

_models: set[str] = set()


def answered(method: str, template: str, status: int, seconds: float) -> None:
    """One request; `status` is 0 where nothing was answered, because the visitor left."""
    route = route_of(template)
    _of_class(status // 100).inc()
    _of_route(method if method in METHODS else OTHER, route).observe(seconds)
    if status == 429 or status >= 500:
        _failures.labels(method if method in METHODS else OTHER, route, str(status)).inc()


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@cache
def _of_class(hundreds: int) -> Counter:
    return _requests.labels(f"{hundreds}xx")


@cache
def _of_route(method: str, route: str) -> Histogram:
    return _answers.labels(method, route)


@cache
def route_of(template: str) -> str:
    """`/personalities/{slug:str}` as `/personalities/{slug}`."""
    return re.sub(r":\w+\}", "}", template) or ELSEWHERE


def stream_opened(template: str) -> None:
    _streams.labels(route_of(template)).inc()


def stream_closed(template: str) -> None:
    _streams.labels(route_of(template)).dec()


def exchanged(kind: str, outcome: str | None, model: str, prompt_tokens: int, completion_tokens: int) -> None:
    """One exchange, `preview` or `bot`; without an `outcome` only what a call cost that came to nothing."""
    if outcome:
        _replies.labels(kind, outcome).inc()
    if prompt_tokens or completion_tokens:
        name = _bounded(model)
        _tokens.labels(kind, name, "prompt").inc(max(0, prompt_tokens))
        _tokens.labels(kind, name, "completion").inc(max(0, completion_tokens))


def _bounded(model: str) -> str:
    """The server names its models itself, so there may be as many as it likes to say."""
    if model not in _models and len(_models) >= MOST_MODELS:
        return OTHER
    _models.add(model)
    return model


def discord_called(route: str, status: int, seconds: float) -> None:
    """`route` is a method and a path with its places named; `status` is 0 where no answer came."""
    told = "lost" if not status else "429" if status == 429 else f"{status // 100}xx"
    _discord.labels(route, told).observe(seconds)


def model_asked(outcome: str, seconds: float) -> None:
    """`outcome` is `ok` or `failed`."""
    _first_word.labels(outcome).observe(seconds)


def message_handled(seconds: float) -> None:
    _messages.observe(seconds)


def logged(level: str) -> None:
    _log_lines.labels(level).inc()


def page_shown(page: str, moment: str, seconds: float) -> None:
    """What one browser measured. Both names come from short lists (`status.rules`)."""
    _pages.labels(moment, page).observe(seconds)
