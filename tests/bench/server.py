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
ROOT = Path(__file__).parents[2]


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
async def serving(
    role: str, data: Path, database_url: str = "", *, settings: dict[str, str] | None = None, inside: Path | None = None
) -> AsyncIterator[Server]:
    """`botbot <role>` until the block ends; what it says is thrown away. With `inside`, a directory, it can be asked
    about itself (`tests.bench.inside`)."""
    port = free_port()
    chosen = {"BOTBOT_DATA_DIR": str(data), "BOTBOT_PORT": str(port), "BOTBOT_LOG": "json"}
    environment = {**os.environ, **chosen, **({"DATABASE_URL": database_url} if database_url else {})}
    command = [str(BOTBOT), role]
    if inside is not None:
        command = [sys.executable, "-m", "tests.bench.inside", str(inside), role]
        environment["PYTHONPATH"] = f"{ROOT / 'src'}{os.pathsep}{ROOT}"
    process = start(command, {**environment, **(settings or {})}, data)
    try:
        server = Server(port, process, await ready(port, "/readyz"))
        yield server
    finally:
        process.terminate()
        began = time.perf_counter()
        code = await asyncio.to_thread(process.wait, 15)
    server.exit_code, server.stop_seconds = code, time.perf_counter() - began


@asynccontextmanager
async def model(data: Path) -> AsyncIterator[int]:
    """`botbot sandbox` until the block ends; answers its port."""
    port = free_port()
    chosen = {"BOTBOT_DATA_DIR": str(data), "BOTBOT_SANDBOX_PORT": str(port)}
    process = start([str(BOTBOT), "sandbox"], {**os.environ, **chosen}, data)
    try:
        await ready(port, "/v1/models")
        yield port
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 15)


def start(command: list[str], environment: dict[str, str], directory: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command, env=environment, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


async def ready(port: int, path: str) -> float:
    """Seconds until that path answers 200."""
    began = time.perf_counter()
    while time.perf_counter() - began < 60:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            head = await reader.readline()
            writer.close()
            if b" 200 " in head:
                return time.perf_counter() - began
        except OSError:
            pass
        await asyncio.sleep(0.02)
    raise SystemExit("it did not become ready within 60 s")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
