"""OpenTelemetry traces, sent by OTLP over HTTP where `OTEL_EXPORTER_OTLP_ENDPOINT` says so; otherwise next to nothing.

The SDK is imported only then: it costs a tenth of a second at the start. Spans carry routes, names of steps and ids, no
text, no addresses, no query strings. They leave in batches from a thread of their own; a receiver that is away costs
spans, never an answer."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

log = logging.getLogger("botbot.watching")

STOP_SECONDS = 2.0
EXPORT_SECONDS = 5


class _Kit(msgspec.Struct):
    """What of the SDK is used, once it is there."""

    provider: Any
    tracer: Any
    trace: Any
    propagator: Any


_kit: _Kit | None = None


def is_on() -> bool:
    return _kit is not None


def set_up(endpoint: str, role: str, version: str) -> None:
    """Begin to send spans to `endpoint` + `/v1/traces`. `OTEL_EXPORTER_OTLP_HEADERS` and the like are heeded by the
    exporter itself."""
    global _kit
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    resource = Resource({"service.name": "botbot", "service.version": version, "botbot.role": role})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    _kit = _Kit(provider, provider.get_tracer("botbot", version), trace, TraceContextTextMapPropagator())


def stop() -> None:
    """Send what waits, for a moment; a receiver that doesn't answer must not hold up the end of the process."""
    global _kit
    if _kit is not None:
        ending = threading.Thread(target=_kit.provider.shutdown, name="last spans", daemon=True)
        _kit = None
        ending.start()
        ending.join(STOP_SECONDS)


@contextmanager
def span(name: str, *, kind: str = "internal", parent: str = "", **attributes: str | int) -> Iterator[None]:
    """A span around the block, below the present one or below `parent` (a W3C `traceparent`). A failure marks it with
    its class alone, since messages may quote people."""
    kit = _kit  # `stop` may come while the block runs
    if kit is None:
        yield
        return
    found = kit.propagator.extract({"traceparent": parent}) if parent else None
    with kit.tracer.start_as_current_span(
        name,
        context=found,
        kind=getattr(kit.trace.SpanKind, kind.upper()),
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as made:
        try:
            yield
        except BaseException as error:
            made.set_attribute("error.type", type(error).__name__)
            made.set_status(kit.trace.StatusCode.ERROR)
            raise


def note(**attributes: str | int) -> None:
    """Add to the present span what is known only now; `name` renames it, `failed` marks it."""
    if _kit is None:
        return
    present = _kit.trace.get_current_span()
    if name := attributes.pop("name", ""):
        present.update_name(str(name))
    if attributes.pop("failed", 0):
        present.set_status(_kit.trace.StatusCode.ERROR)
    present.set_attributes(attributes)


def traceparent() -> str:
    """Where the trace stands, as W3C writes it; empty without one."""
    if _kit is None:
        return ""
    carrier: dict[str, str] = {}
    _kit.propagator.inject(carrier)
    return carrier.get("traceparent", "")
