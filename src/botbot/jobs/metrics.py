"""What sagas did in this process, for `/metrics`: how they ended, how long steps took, how often one was repeated.

The success rate of deployments is `botbot_sagas_total{kind="deploy",outcome="done"}` over all its outcomes."""

from prometheus_client import Counter, Histogram

from botbot.watching.figures import REGISTRY

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 12.0)
"""Up to the longest that a step may take."""

_ended = Counter(
    "botbot_sagas",
    "Sagas by how they ended: done, undone, or stuck until a person looks.",
    ("kind", "outcome"),
    registry=REGISTRY,
)
_took = Histogram(
    "botbot_saga_step_seconds",
    "How long one attempt of a step took, Discord's answers included.",
    ("step", "direction"),
    buckets=SECONDS,
    registry=REGISTRY,
)
_repeated = Counter(
    "botbot_saga_step_retries",
    "Attempts of a step after its first one.",
    ("step", "direction"),
    registry=REGISTRY,
)


def saga_ended(kind: str, outcome: str) -> None:
    _ended.labels(kind, outcome).inc()


def step_tried(step: str, direction: str, attempt: int, seconds: float) -> None:
    """`direction` is `forward` or `back`; `attempt` counts from 1."""
    _took.labels(step, direction).observe(seconds)
    if attempt > 1:
        _repeated.labels(step, direction).inc()
