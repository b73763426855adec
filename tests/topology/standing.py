"""What `compose.yaml` describes, as real processes on loopback: the same commands and settings, nginx in front."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.commands import botbot
from tests.support.postgres import Postgres
from tests.support.processes import Product

ROOT = Path(__file__).resolve().parents[2]
NGINX = """
daemon off; master_process off; pid {home}/nginx.pid; error_log {home}/nginx.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/f;
    uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
    upstream botbot_web {{ ip_hash; {servers} keepalive 32; }}
    include {home}/botbot.conf;
}}
"""


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


PLACES = {"BOTBOT_HOST", "BOTBOT_PORT", "BOTBOT_DATA_DIR"}
"""Where a container listens and writes. Processes of one machine each have their own (`Product`)."""


class Standing:
    """All of it; `url` is nginx's. `webs`, `workers` and `bots` are processes that may be killed."""

    def __init__(self, home: Path, postgres: Postgres, port: int, peers: dict[str, str]) -> None:
        self.home, self.postgres, self.port = home, postgres, port
        self.url = f"http://127.0.0.1:{port}"
        self._compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
        self._peers = peers
        self.redis_port = free_ports(1)[0]
        self.webs: list[Product] = []
        self.workers: list[Product] = []
        self.bots: list[Product] = []
        self._helpers: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def products(self) -> list[Product]:
        return [*self.webs, *self.workers, *self.bots]

    async def start(self, database_url: str) -> None:
        """In compose's order: redis, migrate, the processes, nginx."""
        self.start_redis()
        self.settings = self._settings(database_url)
        done = await botbot("migrate", cwd=self.home, BOTBOT_DATA_DIR=str(self.home / "migrate"), **self.settings)
        assert done.code == 0, done.err
        self.webs, self.workers, self.bots = (self._make(name) for name in ("web", "worker", "bot"))
        await self.webs[0].start()  # It fills the empty catalogue.
        await asyncio.gather(*(each.start() for each in self.products[1:]))
        await self.start_nginx()

    def _settings(self, database_url: str) -> dict[str, str]:
        """Compose's own names, with the values of this machine, and what `.env` would say of the peers."""
        here = {
            "DATABASE_URL": database_url,
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "BOTBOT_SECRET_KEY": "a-key-for-the-topology-that-is-long-enough",
            "BOTBOT_BASE_URL": self.url,
            "BOTBOT_TRUSTED_PROXIES": "127.0.0.1",
        }
        assert set(self._compose["services"]["web"]["environment"]) == set(here) | PLACES
        return {**self._peers, **here, "BOTBOT_LOG": "text"}

    def _make(self, name: str) -> list[Product]:
        told = self._compose["services"][name]
        ports = free_ports(told["deploy"]["replicas"])
        return [Product(self.home / f"{name}{port}", port, self.settings, *told["command"]) for port in ports]

    def start_redis(self) -> None:
        command = list(self._compose["services"]["redis"]["command"])
        command[0] = need("redis-server", "Redis")
        here = ["--port", str(self.redis_port), "--bind", "127.0.0.1", "--dir", str(self.home)]
        self._helpers["redis"] = subprocess.Popen([*command, *here], stdout=subprocess.DEVNULL)

    async def start_nginx(self) -> None:
        text = (ROOT / "deploy" / "nginx" / "botbot.conf").read_text()
        assert text.count("listen 8080;") == 1
        (self.home / "botbot.conf").write_text(text.replace("listen 8080;", f"listen 127.0.0.1:{self.port};"))
        servers = " ".join(f"server {each.url[7:]} max_fails=1 fail_timeout=5s;" for each in self.webs)
        user = "user root;" if os.geteuid() == 0 else ""
        (self.home / "nginx.conf").write_text(user + NGINX.format(home=self.home, servers=servers))
        command = [need("nginx", "nginx"), "-c", str(self.home / "nginx.conf"), "-p", str(self.home)]
        self._helpers["nginx"] = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        await until_open(self.port)

    def end(self, helper: str, how: signal.Signals = signal.SIGKILL) -> None:
        process = self._helpers.pop(helper)
        process.send_signal(how)
        process.wait(10)

    def stop(self) -> None:
        for product in self.products:
            product.kill()
        for helper in list(self._helpers):
            self.end(helper)


def need(program: str, name: str) -> str:
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    if found is None:
        pytest.skip(f"{name}: {program} is not installed")
    return found


async def until_open(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            await asyncio.sleep(0.02)


@contextmanager
def own_postgres() -> Iterator[Postgres]:
    """One that keeps what it acknowledged when it is killed, as an operator's does."""
    server = Postgres(synchronous_commit="on", full_page_writes="on")
    try:
        yield server
    finally:
        server.stop()


def counted(metrics: str) -> float:
    """Requests that a process has answered, whatever came of them."""
    lines: Any = [line for line in metrics.splitlines() if line.startswith("botbot_requests_total{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)
