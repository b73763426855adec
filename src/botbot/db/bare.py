"""Prebuilt reads straight through the driver, for the addresses that are asked most.

SQLAlchemy spends several times as long on running a prebuilt SELECT as the driver does: greenlets, contexts, result
objects, JSON that nobody looks at. Here a statement is compiled once into SQL, the order of its parameters and what is
to be done to its columns; after that only the driver works, on a few connections of its own. Whatever is no plain
prebuilt SELECT goes the ordinary way."""

import asyncio
from collections import namedtuple
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import aiosqlite
import asyncpg
import msgspec
from sqlalchemy import JSON, Dialect, Float, Numeric, Select
from sqlalchemy.ext.asyncio import AsyncEngine

from botbot.db.base import Moment
from botbot.db.engine import BUSY_TIMEOUT_MS, Database, driver_url, storage_errors
from botbot.errors import StorageUnavailable
from botbot.kit.tasks import settle

Convert = Callable[[Any], Any]
ConvertAll = Callable[[Iterable[Any]], Iterable[Any]]
CONNECTIONS = {"sqlite": 2, "postgresql": 5}
WAIT_SECONDS = 10.0
ANSWER_SECONDS = 15.0


class BareReader:
    """The connections, opened when they are needed. Close it when the process ends: aiosqlite's threads outlive it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns = asyncio.Semaphore(CONNECTIONS["sqlite" if database.is_sqlite else "postgresql"])
        self._idle: list[Any] = []
        self._is_closed = False

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["BareConnection"]:
        """Each statement sees the newest committed rows. Raises `StorageUnavailable` as `Database.reading` does."""
        with storage_errors():
            await self._wait()
            try:
                driver = await self._open()
                try:
                    async with AsyncExitStack() as stack:
                        yield BareConnection(self._database, driver, stack)
                finally:
                    await self._give_back(driver)
            finally:
                self._turns.release()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._turns.acquire()
        except TimeoutError as error:
            raise StorageUnavailable(retry_after=2) from error

    async def _open(self) -> Any:
        while self._idle:
            driver = self._idle.pop()
            if self._database.is_sqlite or not driver.is_closed():
                return driver
        return await (_open_sqlite if self._database.is_sqlite else _open_postgres)(self._database.url)

    async def _give_back(self, driver: Any) -> None:
        if not self._is_closed:
            self._idle.append(driver)
        elif self._database.is_sqlite:
            await driver.close()
        else:
            driver.terminate()

    async def aclose(self) -> None:
        self._is_closed = True
        while self._idle:
            await self._give_back(self._idle.pop())


async def _open_sqlite(url: str) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(url.partition(":///")[2], isolation_level=None)
    try:
        for pragma in (f"busy_timeout = {BUSY_TIMEOUT_MS}", "cache_size = -16000", "query_only = on"):
            await connection.execute(f"pragma {pragma}")
    except BaseException:  # the file is opened by the first of them; without this its thread would stay
        await settle(connection.close())
        raise
    return connection


async def _open_postgres(url: str) -> Any:
    plain = driver_url(url)
    options = {"default_transaction_read_only": "on"}
    return await asyncpg.connect(plain, timeout=5, command_timeout=ANSWER_SECONDS, server_settings=options)


class BareConnection:
    """Answers what is asked of an `AsyncConnection` by reads. Columns of JSON come as `msgspec.Raw`, to be sent on
    without being looked at. What the driver can't be told goes over an ordinary connection, opened for it."""

    def __init__(self, database: Database, driver: Any, stack: AsyncExitStack) -> None:
        self._database = database
        self._driver = driver
        self._stack = stack
        self._ordinary: Any = None

    @property
    def engine(self) -> AsyncEngine:
        return self._database._reader

    @property
    def sync_engine(self) -> Any:
        return self.engine.sync_engine

    @property
    def dialect(self) -> Dialect:
        return self.engine.dialect

    async def execute(self, statement: Any, values: Any = None) -> Any:
        plan = _plan(statement, self.dialect)
        if plan is None:
            return await (await self._other()).execute(statement, values)
        parameters = plan.parameters(values or {})
        if self._database.is_sqlite:
            found = await self._driver.execute_fetchall(plan.sql, parameters)
        else:
            found = await self._driver.fetch(plan.sql, *parameters)
        return Rows(plan.rows(found))

    async def scalar(self, statement: Any, values: Any = None) -> Any:
        return (await self.execute(statement, values)).scalar()

    async def _other(self) -> Any:
        if self._ordinary is None:
            self._ordinary = await self._stack.enter_async_context(self._database.reading())
        return self._ordinary


class Rows:
    """What was found, all of it, under the names that SQLAlchemy's results have. Rows are named tuples."""

    def __init__(self, rows: list[Any]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> Sequence[Any]:
        return self._rows

    def first(self) -> Any:
        return self._rows[0] if self._rows else None

    def one(self) -> Any:
        (only,) = self._rows
        return only

    def scalar(self) -> Any:
        return self._rows[0][0] if self._rows else None

    def scalar_one(self) -> Any:
        return self.one()[0]


class _Plan:
    """A statement as the driver takes it."""

    def __init__(self, compiled: Any, dialect: Dialect) -> None:
        self.sql = str(compiled)
        binds: dict[str, Convert] = compiled._bind_processors
        self._order = [(name, binds.get(name)) for name in compiled.positiontup]
        self._given = compiled.construct_params(None, _check=False)
        columns = compiled._result_columns
        converters = [_converter(column.type, dialect) for column in columns]
        self._convert = [(place, each) for place, each in enumerate(converters) if each is not None]
        names: Any = [column.keyname for column in columns]
        made: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # known only here
        self._make = partial(tuple.__new__, made)

    def parameters(self, values: dict[str, Any]) -> list[Any]:
        given = {**self._given, **values}
        return [given[name] if bind is None else bind(given[name]) for name, bind in self._order]

    def rows(self, found: Sequence[Any]) -> list[Any]:
        """Column by column, because a hundred small calls for each row cost more than the question did."""
        if not self._convert or not found:
            return list(map(self._make, found))
        columns: list[Iterable[Any]] = list(zip(*found, strict=True))
        for place, convert in self._convert:
            columns[place] = convert(columns[place])
        return list(map(self._make, zip(*columns, strict=True)))


def _converter(kind: Any, dialect: Dialect) -> ConvertAll | None:
    """What must be done to a column's values; both drivers give numbers as they are, and asyncpg aware moments."""
    if isinstance(kind, JSON):
        return _as_raw
    if isinstance(kind, Moment):
        return _as_moments if dialect.name == "sqlite" else None
    if isinstance(kind, (Float, Numeric)):
        return None
    found: Convert | None = kind.dialect_impl(dialect).result_processor(dialect, None)
    return None if found is None else partial(map, found)


def _as_raw(texts: Iterable[str | None]) -> list[Any]:
    raw = msgspec.Raw
    return [None if text is None else raw(text) for text in texts]


def _as_moments(texts: Iterable[str | None]) -> list[Any]:
    read = datetime.fromisoformat
    return [None if text is None else read(f"{text}+00:00") for text in texts]


_plans: WeakKeyDictionary[Any, dict[str, _Plan | None]] = WeakKeyDictionary()


def _plan(statement: Any, dialect: Dialect) -> _Plan | None:
    """`None` for what is no SELECT, or one whose SQL depends on its values (an IN over a list)."""
    if not isinstance(statement, Select):
        return None
    known = _plans.setdefault(statement, {})
    if dialect.name not in known:
        compiled: Any = statement.compile(dialect=dialect)
        known[dialect.name] = None if compiled.post_compile_params else _Plan(compiled, dialect)
    return known[dialect.name]
