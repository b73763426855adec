"""The product as a process that may be killed, while the Discord it talks to lives on in the test."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
from tests.support.browser import TLS

READY_SECONDS = 60.0
STOP_SECONDS = 20.0
MANY_MOVES = {"BOTBOT_DEPLOYMENTS_PER_PERSON": "100000", "BOTBOT_DEPLOYMENTS_PER_SERVER": "100000"}
"""Tests move more in an hour than people do."""
OURS = ("BOTBOT_", "DISCORD_", "OPENAI_", "DATABASE_URL", "REDIS_URL", "SENTRY_", "OTEL_")


class Product:
    """`botbot serve` (or another command) on a port of its own; nothing of the surroundings reaches it.

    `url` stays the same over restarts. `start` answers the seconds until `/readyz` was content."""

    def __init__(self, data_dir: Path, port: int, settings: dict[str, str], *arguments: str) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self.data_dir = data_dir
        self.url = f"http://127.0.0.1:{port}"
        self._arguments = arguments or ("serve",)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        own = {"BOTBOT_DATA_DIR": str(data_dir), "BOTBOT_PORT": str(port), "BOTBOT_LOG": "text", **MANY_MOVES}
        self._environment = {**clean, **own, **settings}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return self._log_file.read_text(errors="replace") if self._log_file.exists() else ""

    @property
    def _log_file(self) -> Path:
        return self.data_dir / "product.log"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def start(self) -> float:
        """Raises with the log when it doesn't become ready."""
        began = time.monotonic()
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "botbot.cli", *self._arguments],
                cwd=self.data_dir,  # where no .env of a developer lies
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        async with httpx.AsyncClient(verify=TLS, timeout=5, trust_env=False) as http:
            while not await self._is_ready(http):
                if not self.is_running or time.monotonic() - began > READY_SECONDS:
                    raise RuntimeError(f"the product did not get ready:\n{self.log}")
                await asyncio.sleep(0.02)
        return time.monotonic() - began

    async def _is_ready(self, http: httpx.AsyncClient) -> bool:
        try:
            return (await http.get(f"{self.url}/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """As the out-of-memory killer would: no warning, no tidying up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)

    def terminate(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    async def wait(self) -> int:
        """The exit code, once it ended by itself. Raises `TimeoutExpired`."""
        assert self._process is not None
        return await asyncio.to_thread(self._process.wait, STOP_SECONDS)
