"""The limit: the very SQL that a path runs, sent by the bare driver without SQLAlchemy, HTTP or JSON.

What a path runs is found by asking the application once, in this process, with its statements written down."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiosqlite
import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import Engine
from tests.bench.load import CONNECTIONS, Figures, repeat

from botbot.app import build_app
from botbot.house import House
from botbot.settings import Settings

Statement = tuple[str, tuple[Any, ...]]
POOL = {"sqlite": 2, "postgres": 10}
"""As many connections as the product's own pools have."""


@contextmanager
def _written_down() -> Iterator[list[Statement]]:
    said: list[Statement] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        said.append((statement, tuple(parameters)))

    async def fetchall(self: Any, statement: str, parameters: Any = ()) -> Any:
        said.append((statement, tuple(parameters)))
        return await plain_fetchall(self, statement, parameters)

    async def fetch(self: Any, statement: str, *parameters: Any, **more: Any) -> Any:
        said.append((statement, parameters))
        return await plain_fetch(self, statement, *parameters, **more)

    plain_fetchall, plain_fetch = aiosqlite.Connection.execute_fetchall, asyncpg.Connection.fetch
    event.listen(Engine, "before_cursor_execute", note)
    setattr(aiosqlite.Connection, "execute_fetchall", fetchall)  # noqa: B010  # what `botbot.db.bare` calls
    setattr(asyncpg.Connection, "fetch", fetch)  # noqa: B010
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", note)
        setattr(aiosqlite.Connection, "execute_fetchall", plain_fetchall)  # noqa: B010
        setattr(asyncpg.Connection, "fetch", plain_fetch)  # noqa: B010


async def statements_of(database_url: str, data: Path, paths: dict[str, str]) -> dict[str, list[Statement]]:
    """What each path runs, by name."""
    house = House.build(Settings(database_url=database_url, data_dir=data, secret_key="bench-" * 8))
    app, _ = build_app(house)
    try:
        found = {}
        for name, path in paths.items():
            await _ask(app, path)  # the first time may run more: a pool that opens, a total that is kept
            with _written_down() as said:
                await _ask(app, f"{path}{'&' if '?' in path else '?'}_=once")
            found[name] = list(said)
        return found
    finally:
        await house.close()


async def _ask(app: Any, path: str) -> None:
    plain, _, query = path.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "method": "GET",
        "path": plain, "raw_path": plain.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(b"host", b"127.0.0.1")], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 1), "state": {},
    }  # fmt: skip

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start" and message["status"] != 200:
            raise SystemExit(f"{path} answered {message['status']}")

    await app(scope, receive, send)


class Driver:
    """A few bare connections, handed out in turn."""

    def __init__(self, connections: list[Any]) -> None:
        self._free: asyncio.Queue[Any] = asyncio.Queue()
        for each in connections:
            self._free.put_nowait(each)

    async def measure(self, statements: list[Statement], seconds: float) -> Figures:
        async def once(number: int) -> None:
            connection = await self._free.get()
            try:
                for statement, parameters in statements:
                    await _run(connection, statement, parameters)
            finally:
                self._free.put_nowait(connection)

        return await repeat(once, seconds, CONNECTIONS)


async def _run(connection: Any, statement: str, parameters: tuple[Any, ...]) -> None:
    if isinstance(connection, aiosqlite.Connection):
        await connection.execute_fetchall(statement, parameters)
    else:
        await connection.fetch(statement, *parameters)


@asynccontextmanager
async def driver(database_url: str) -> AsyncIterator[Driver]:
    if database_url.startswith("sqlite"):
        path = database_url.partition(":///")[2]
        connections: list[Any] = [await aiosqlite.connect(path, isolation_level=None) for _ in range(POOL["sqlite"])]
        for each in connections:
            await each.execute("pragma cache_size = -16000")
    else:
        connections = [await asyncpg.connect(database_url) for _ in range(POOL["postgres"])]
    try:
        yield Driver(connections)
    finally:
        for each in connections:
            await each.close()
