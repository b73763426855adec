"""Small real receivers: of traces (OTLP over HTTP) and of error reports (Sentry's envelopes)."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import brotli

UNPACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "br": brotli.decompress, "": bytes}


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted to it, unpacked, with the path it came to. It runs in threads of its own, as the senders
    do."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posted: list[tuple[str, bytes]] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def spans(self) -> list[Any]:
        """Every span that came, as OpenTelemetry's own classes read it."""
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        found: list[Any] = []
        for body in (body for path, body in self.posted if path == "/v1/traces"):
            request = ExportTraceServiceRequest.FromString(body)
            found += [span for each in request.resource_spans for scope in each.scope_spans for span in scope.spans]
        return found

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every error report: an envelope is lines of JSON, header before body."""
        lines = [
            json.loads(line) for path, body in self.posted if path != "/v1/traces" for line in body.splitlines() if line
        ]
        return [line for line in lines if "event_id" in line and "level" in line]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        body = UNPACK[self.headers.get("content-encoding", "")](body)
        self.server.posted.append((self.path, body))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Not into the test's output."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        thread.join()
        receiver.server_close()
