"""`./dev bench`: starts the product on a fresh SQLite database and prints what it can do.

The load comes from this process (raw HTTP/1.1 over asyncio, 32 connections), so it shares the machine with the
server; server CPU per request, read from the process's own counters, is the steady measure."""

import asyncio
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 32
SECONDS = 5.0
BOTBOT = Path(sys.executable).with_name("botbot")
PATHS = {
    "empty handler (/healthz)": "/healthz",
    "list API, 24 entries": "/api/marketplace/personalities",
    "list API, search": "/api/marketplace/personalities?search=the",
    "detail API": "/api/marketplace/personalities/atlas-the-scientist",
    "list page (HTML)": "/",
    "detail page (HTML)": "/personalities/atlas-the-scientist",
}


@dataclass
class Figures:
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, from /proc."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


async def wait_ready(port: int) -> float:
    """Seconds until /readyz answers 200."""
    started = time.perf_counter()
    while time.perf_counter() - started < 30:
        try:
            status, _ = await one_request(port, "/readyz")
            if status == 200:
                return time.perf_counter() - started
        except OSError:
            pass
        await asyncio.sleep(0.02)
    raise SystemExit("it did not become ready within 30 s")


async def one_request(port: int, path: str) -> tuple[int, int]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await exchange(reader, writer, request_bytes(path))
    finally:
        writer.close()


def request_bytes(path: str) -> bytes:
    accept = "application/json" if path.startswith("/api") or path.endswith("z") else "text/html"
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accept}\r\nAccept-Encoding: gzip\r\n\r\n".encode()


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[int, int]:
    """One request on an open connection; (status, bytes of the body)."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(length)
    return int(head[9:12]), length


async def load(port: int, pid: int, path: str) -> Figures:
    latencies: list[float] = []
    end = time.perf_counter() + SECONDS
    before = cpu_seconds(pid)
    await asyncio.gather(*(connection(port, path, end, latencies) for _ in range(CONNECTIONS)))
    cpu = cpu_seconds(pid) - before
    latencies.sort()
    count = len(latencies)
    return Figures(
        per_second=count / SECONDS,
        p50_ms=latencies[count // 2] * 1000,
        p99_ms=latencies[count * 99 // 100] * 1000,
        cpu_ms=cpu / count * 1000,
    )


async def connection(port: int, path: str, end: float, latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = request_bytes(path)
    while time.perf_counter() < end:
        started = time.perf_counter()
        status, _ = await exchange(reader, writer, request)
        if status != 200:
            raise SystemExit(f"{path} answered {status}")
        latencies.append(time.perf_counter() - started)
    writer.close()


async def main() -> None:
    with tempfile.TemporaryDirectory() as data:
        port = free_port()
        settings = {**os.environ, "BOTBOT_DATA_DIR": data, "BOTBOT_PORT": str(port), "BOTBOT_LOG": "json"}
        server = subprocess.Popen([BOTBOT, "serve"], env=settings, cwd=data, stdout=subprocess.DEVNULL)
        try:
            print(f"ready after {await wait_ready(port):.2f} s (first start: migrated and seeded)")
            print(f"memory when ready: {memory_mb(server.pid):.0f} MB\n")
            await table(port, server.pid)
            print(f"\nmemory after the load: {memory_mb(server.pid):.0f} MB")
        finally:
            server.terminate()
            started = time.perf_counter()
            code = await asyncio.to_thread(server.wait, 15)
            print(f"SIGTERM: exit code {code} after {time.perf_counter() - started:.2f} s")


async def table(port: int, pid: int) -> None:
    print(f"{CONNECTIONS} connections, {SECONDS:.0f} s each, one process, SQLite")
    print(f"{'':28}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms/req':>12}{'of empty':>10}")
    empty = 0.0
    for name, path in PATHS.items():
        found = await load(port, pid, path)
        empty = empty or found.per_second
        share = f"{found.per_second / empty:9.0%}"
        print(f"{name:28}{found.per_second:9.0f}{found.p50_ms:9.1f}{found.p99_ms:9.1f}{found.cpu_ms:12.2f}{share:>10}")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    asyncio.run(main())
