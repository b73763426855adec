"""The product as a real process: its own ports, its own data, nothing of the surroundings but the path."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2

READY_SECONDS = 60.0
OURS = ("BOTBOT_", "DISCORD_", "OPENAI_", "DATABASE_URL", "REDIS_URL", "SENTRY_", "OTEL_")


class Product:
    """One running product; `base` and `sandbox` are its origins."""

    def __init__(self, data_dir: Path, *, sandbox: bool = True, **settings: str) -> None:
        self.data_dir = data_dir
        port, sandbox_port = _free_ports(2)
        self.base, self.sandbox = (f"http://127.0.0.1:{each}" for each in (port, sandbox_port))
        self._arguments = ["serve", "--sandbox"] if sandbox else ["serve"]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        own = {"BOTBOT_DATA_DIR": str(data_dir), "BOTBOT_PORT": str(port), "BOTBOT_SANDBOX_PORT": str(sandbox_port)}
        self._environment = {**clean, **own, "BOTBOT_PREVIEW_PER_MINUTE": "600", **settings}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Answers once `/readyz` does, and the bot is on its gateway where there is one. Raises with the log."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "botbot.cli", *self._arguments],
                cwd=self.data_dir,  # where no .env of a developer lies
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the product did not get ready:\n{self.log_file.read_text()}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            checks = httpx2.get(f"{self.base}/readyz", timeout=5).json()["checks"]
        except httpx2.TransportError:
            return False
        return "--sandbox" not in self._arguments or checks.get("discord_gateway", {}).get("state") == "ok"

    def kill(self) -> None:
        """As the out-of-memory killer would: no warning, no tidying up."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self._process is not None
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(15)
        self.kill()
        return -9

    @property
    def log_file(self) -> Path:
        return self.data_dir / "product.log"

    def tell_sandbox(self, path: str, body: dict[str, Any] | None = None, method: str = "POST") -> Any:
        """The sandbox's own controls, below `/_sandbox`; answers its JSON."""
        answer = httpx2.request(method, f"{self.sandbox}/_sandbox{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()


def _free_ports(count: int) -> list[int]:
    """Held open together, so that no two are the same."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


@contextmanager
def running(*, sandbox: bool = True, **settings: str) -> Iterator[Product]:
    """A product in a data directory of its own, stopped and cleared away at the end."""
    with tempfile.TemporaryDirectory(prefix="botbot-e2e-", ignore_cleanup_errors=True) as made:
        product = Product(Path(made), sandbox=sandbox, **settings)
        try:
            product.start()
            yield product
        finally:
            product.stop()
