"""Load over raw HTTP/1.1 from this process, and the figures it gives.

A protocol without streams or tasks: what the generator costs is what the server does not get on a small machine."""

import asyncio
import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

CONNECTIONS = 32


@dataclass
class Figures:
    """Of one run: latencies in ms; `cpu_ms` is the server's own CPU time for a request, the steadiest of them."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float = 0.0


class Asker(asyncio.Protocol):
    """One connection that asks again as soon as it has its answer."""

    def __init__(self, requests: Iterator[bytes], until: float, latencies: list[float]) -> None:
        self._requests = requests
        self._until = until
        self._latencies = latencies
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._seen = b""
        self._missing = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by name
        self._ask()

    def _ask(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        if self._missing < 0:
            self._seen += data
            head, found, body = self._seen.partition(b"\r\n\r\n")
            if not found:
                return None
            if head[9:12] != b"200":
                return self._fail(head.decode("latin-1"))
            length = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
            self._missing, data, self._seen = int(length), body, b""
        self._missing -= len(data)
        if self._missing == 0:
            self._finish()
        return None

    def _finish(self) -> None:
        now = time.perf_counter()
        self._latencies.append(now - self._began)
        self._missing = -1
        if now < self._until:
            self._ask()
        else:
            self._transport.close()

    def _fail(self, head: str) -> None:
        self._transport.close()
        self.done.set_exception(SystemExit(f"the server answered: {head}"))

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            if error or time.perf_counter() < self._until:
                self.done.set_exception(ConnectionError("the server closed the connection"))
            else:
                self.done.set_result(None)


@dataclass(frozen=True)
class Path_:
    """What is asked for. A cold one is another question each time, so that nothing kept answers it."""

    path: str
    is_cold: bool = False

    def requests(self) -> Iterator[bytes]:
        if not self.is_cold:
            return itertools.repeat(_request(self.path))
        mark = "&" if "?" in self.path else "?"
        return (_request(f"{self.path}{mark}_={next(_NUMBERS)}") for _ in itertools.count())


_NUMBERS = itertools.count(int(time.time()))


def _request(path: str) -> bytes:
    accept = "text/html" if path == "/" or path.startswith(("/?", "/personalities/")) else "application/json"
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accept}\r\nAccept-Encoding: gzip, br\r\n"
        "User-Agent: bench\r\nAccept-Language: en\r\n\r\n"
    ).encode()


async def load(port: int, pid: int, path: Path_, seconds: float, connections: int = CONNECTIONS) -> Figures:
    latencies: list[float] = []
    requests = path.requests()
    before, began = cpu_seconds(pid), time.perf_counter()
    until = began + seconds
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Asker(requests, until, latencies), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(asker.done for _, asker in made))
    found = figures(latencies, time.perf_counter() - began)
    found.cpu_ms = (cpu_seconds(pid) - before) / len(latencies) * 1000
    return found


def figures(latencies: list[float], seconds: float) -> Figures:
    latencies.sort()
    count = len(latencies)
    return Figures(count / seconds, latencies[count // 2] * 1000, latencies[count * 99 // 100] * 1000)


async def repeat(work: Callable[[int], object], seconds: float, workers: int) -> Figures:
    """The same figures of work in this process: `workers` tasks that each await `work(their number)` over and over."""
    latencies: list[float] = []
    began = time.perf_counter()

    async def worker(number: int) -> None:
        while time.perf_counter() < began + seconds:
            start = time.perf_counter()
            await work(number)  # type: ignore[misc]
            latencies.append(time.perf_counter() - start)

    await asyncio.gather(*(worker(number) for number in range(workers)))
    return figures(latencies, time.perf_counter() - began)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, from /proc."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))
