"""The product as a process of its own, on a database that is filled before."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

BOTBOT = Path(sys.executable).with_name("botbot")


@dataclass
class Server:
    port: int
    process: "subprocess.Popen[bytes]"
    ready_seconds: float
    stop_seconds: float = 0.0
    exit_code: int = 0

    @property
    def pid(self) -> int:
        return self.process.pid


@asynccontextmanager
async def serving(role: str, data: Path, database_url: str = "") -> AsyncIterator[Server]:
    """`botbot <role>` until the block ends; what it says is thrown away."""
    port = _free_port()
    chosen = {"BOTBOT_DATA_DIR": str(data), "BOTBOT_PORT": str(port), "BOTBOT_LOG": "json"}
    settings = {**os.environ, **chosen, **({"DATABASE_URL": database_url} if database_url else {})}
    process = subprocess.Popen(
        [BOTBOT, role], env=settings, cwd=data, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        server = Server(port, process, await _ready(port))
        yield server
    finally:
        process.terminate()
        began = time.perf_counter()
        code = await asyncio.to_thread(process.wait, 15)
    server.exit_code, server.stop_seconds = code, time.perf_counter() - began


async def _ready(port: int) -> float:
    """Seconds until /readyz answers 200."""
    began = time.perf_counter()
    while time.perf_counter() - began < 60:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            head = await reader.readline()
            writer.close()
            if b" 200 " in head:
                return time.perf_counter() - began
        except OSError:
            pass
        await asyncio.sleep(0.02)
    raise SystemExit("it did not become ready within 60 s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
