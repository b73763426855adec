"""The settings switch it on in a process of its own, and a process that nobody asked carries none of it."""

import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from tests.support.processes import Product
from tests.support.serving import loopback_socket
from tests.watching.receivers import Receiver, receiving

LOADED = "import sys, botbot.runtime; print(sorted({each.split('.')[0] for each in sys.modules} & {'sentry_sdk'}))"


def free_port() -> int:
    with loopback_socket() as probe:
        return int(probe.getsockname()[1])


def test_nothing_of_it_is_loaded_unless_somebody_asked() -> None:
    told = "print(sorted(each for each in sys.modules if each.startswith('opentelemetry.sdk')))"
    made = subprocess.run([sys.executable, "-c", f"{LOADED}; {told}"], capture_output=True, text=True, check=True)
    assert made.stdout.split() == ["[]", "[]"]


@pytest.mark.long
async def test_a_process_sends_its_spans_and_ends_in_time(receiver: Receiver, tmp_path: Path) -> None:
    address = f"127.0.0.1:{receiver.port}"
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{address}", "SENTRY_DSN": f"http://key@{address}/1"}
    product = Product(tmp_path / "data", free_port(), settings)
    await product.start()
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{product.url}/api/marketplace/categories")
        shown = await client.get(f"{product.url}/status", headers={"accept": "text/html"})
    began = time.monotonic()
    product.terminate()
    assert await product.wait() == 0, product.log
    assert time.monotonic() - began < 10
    assert "The shop" in shown.text
    names = {span.name for span in receiver.spans}
    assert {"GET /api/marketplace/categories", "GET /status"} <= names
    asked = {each.value.string_value for span in receiver.spans for each in span.attributes if each.key == "request"}
    assert answer.headers["x-request-id"] in asked


@pytest.mark.long
async def test_receivers_that_are_away_cost_no_start_and_no_end(tmp_path: Path) -> None:
    with receiving() as gone:
        address = f"127.0.0.1:{gone.port}"
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{address}", "SENTRY_DSN": f"http://key@{address}/1"}
    product = Product(tmp_path / "data", free_port(), settings)
    await product.start()
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(20):
            assert (await client.get(f"{product.url}/healthz")).status_code == 200
    began = time.monotonic()
    product.terminate()
    assert await product.wait() == 0, product.log
    assert time.monotonic() - began < 10
    assert "unexpected failure" not in product.log


async def test_a_dsn_that_is_none_is_named_at_the_start(tmp_path: Path) -> None:
    product = Product(tmp_path / "data", free_port(), {"SENTRY_DSN": "nonsense"})
    with pytest.raises(RuntimeError, match="SENTRY_DSN must be a DSN"):
        await product.start()
