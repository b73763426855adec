"""The engines, and the one way to write: commit, then answer.

SQLite (one writer by nature) has a write engine of one connection whose transactions start with BEGIN IMMEDIATE,
and a small read engine in autocommit. The stock set-up starts no transaction on SELECT and silently loses
read-then-write updates; a deferred transaction that turns into a write fails at once and ignores the busy timeout.
PostgreSQL shares one pool; reads run in autocommit, which saves a round trip on each side.

After a failed COMMIT SQLAlchemy puts a SQLite connection back with its transaction still open, and every other
process then meets "database is locked". So a connection whose COMMIT failed is thrown away."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import event, inspect, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql.dml import UpdateBase

from botbot.db.lines import make_alert
from botbot.errors import StorageFull, StorageUnavailable
from botbot.kit import clock
from botbot.kit.tasks import settle

log = logging.getLogger("botbot.db")

BUSY_TIMEOUT_MS = 5000
SQLITE_READERS = 2
LAST_SECONDS = 3
WAIT_SECONDS = 10
"""For a connection that others hold."""
ASK_AFTER = timedelta(seconds=5)
"""A PostgreSQL connection that rested longer is asked whether it lives before it is handed out."""
CHANNEL = "botbot"
"""The one PostgreSQL notification channel; its payload is a topic."""


class Database:
    """Both engines over one URL (`sqlite:///path` or `postgresql://…`), and the hook that wakes sleepers."""

    def __init__(self, url: str) -> None:
        self.url = _async_url(url)
        self.is_sqlite = self.url.startswith("sqlite")
        if self.is_sqlite:
            Path(self.url.partition(":///")[2]).parent.mkdir(parents=True, exist_ok=True)
            self._turns = {"writer": asyncio.Semaphore(1), "reader": asyncio.Semaphore(SQLITE_READERS)}
            self._writer = _sqlite_writer(self.url)
            self._reader = _sqlite_reader(self.url)
        else:
            self._writer = _postgres(self.url)
            self._reader = self._writer.execution_options(isolation_level="AUTOCOMMIT")
        self._is_closed = False
        self.on_wake: Callable[[str], None] = lambda topic: None

    @property
    def engine(self) -> AsyncEngine:
        """The writing engine, for migrations."""
        return self._writer

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session that only reads: each statement sees the newest committed rows."""
        with storage_errors():
            async with self._connected(self._reader) as connection:
                session = AsyncSession(bind=connection, autoflush=False, expire_on_commit=False)
                try:
                    yield session
                finally:
                    await settle(session.close())

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A bare connection for prebuilt Core statements on hot paths."""
        with storage_errors():
            async with self._connected(self._reader) as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """One short transaction, committed when the block ends; nothing is stored if it raises.

        Raises `StorageUnavailable` (503) or `StorageFull` (507) when the database can't take it. Never keep it open
        over a call to a peer: on SQLite it holds the only pen."""
        with storage_errors():
            async with self._connected(self._writer) as connection:
                topics = await self._in_transaction_begin(connection)
                session = AsyncSession(
                    bind=connection, sync_session_class=_Session, expire_on_commit=False, info={"topics": topics}
                )
                try:
                    yield session
                    await session.flush()
                    await self._announce(session, topics)
                except BaseException:
                    await settle(_give_up(connection, session))
                    raise
                await settle(self._commit(connection, session))
        for topic in topics:
            self.on_wake(topic)

    @asynccontextmanager
    async def _connected(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        """On SQLite nobody begins before it is their turn, so that `dispose` can wait for those at work and turn away
        the rest. Whoever is cancelled keeps their turn until their connection is back, and opens it to its end: on a
        busy machine an opening that was cut off left its thread, and its lock, behind."""
        if not self.is_sqlite:
            async with engine.connect() as connection:
                yield connection
            return
        async with self._turn(engine):
            connection = engine.connect()
            try:
                await settle(connection.start())
            except asyncio.CancelledError:
                if connection.sync_connection is not None:
                    await settle(connection.close())
                raise
            try:
                yield connection
            finally:
                await settle(connection.close())

    @asynccontextmanager
    async def _turn(self, engine: AsyncEngine) -> AsyncIterator[None]:
        if self._is_closed:
            raise StorageUnavailable("We are just closing. Please try again in a moment.", retry_after=2)
        turns = self._turns["writer" if engine is self._writer else "reader"]
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await turns.acquire()
        except TimeoutError as error:
            raise StorageUnavailable(retry_after=2) from error
        try:
            yield
        finally:
            turns.release()

    async def _in_transaction_begin(self, connection: AsyncConnection) -> set[str]:
        await connection.begin()
        return set()

    async def _announce(self, session: AsyncSession, topics: set[str]) -> None:
        """On PostgreSQL the notification is part of the transaction, so it never comes before the commit."""
        if not self.is_sqlite:
            for topic in topics:
                await session.execute(text("select pg_notify(:channel, :topic)"), {"channel": CHANNEL, "topic": topic})

    async def _commit(self, connection: AsyncConnection, session: AsyncSession) -> None:
        try:
            await connection.commit()
        except Exception as error:
            await connection.invalidate()
            raise _told(error) from error
        finally:
            await session.close()

    async def ping(self) -> None:
        """Raises `StorageUnavailable` when the database doesn't answer within 2 s."""
        try:
            async with asyncio.timeout(2), self.reading() as connection:
                await connection.execute(text("select 1"))
        except TimeoutError as error:
            raise StorageUnavailable from error

    def pools(self) -> dict[tuple[str, str], int]:
        """How many connections each pool has lent, and how many rest in it, by (pool, `in_use` or `idle`)."""
        engines = {"writer": self._writer, "reader": self._reader} if self.is_sqlite else {"all": self._writer}
        found: dict[tuple[str, str], int] = {}
        for name, engine in engines.items():
            pool = engine.pool
            if isinstance(pool, QueuePool):
                found[name, "in_use"], found[name, "idle"] = pool.checkedout(), pool.checkedin()
        return found

    async def dispose(self) -> None:
        """Close every connection; without it aiosqlite's thread keeps the process alive. On SQLite whoever is at work
        is waited for, for a while, because what comes back later is closed by nobody; and nobody begins."""
        self._is_closed = True
        if self.is_sqlite:
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_SECONDS):
                    for turns, count in ((self._turns["writer"], 1), (self._turns["reader"], SQLITE_READERS)):
                        for _ in range(count):
                            await turns.acquire()
        await self._writer.dispose()
        if self.is_sqlite:
            await self._reader.dispose()


class _Session(Session):
    """A session that notes which tables its transaction changes: a table says itself whom its changes wake, by
    `info={"wakes": topic}`, so that no writer can forget."""


@event.listens_for(_Session, "before_flush")
def _note_objects(session: Session, context: Any, instances: Any) -> None:
    for changed in (session.new, session.dirty, session.deleted):
        for each in changed:
            _note(session, inspect(each).mapper.local_table)


@event.listens_for(_Session, "do_orm_execute")
def _note_statements(state: ORMExecuteState) -> None:
    if isinstance(state.statement, UpdateBase):
        _note(state.session, state.statement.table)


def _note(session: Session, table: Any) -> None:
    topic = table.info.get("wakes")
    if topic and "topics" in session.info:
        session.info["topics"].add(topic)


def wake_on_commit(session: AsyncSession, topic: str) -> None:
    """Wake whoever waits for `topic` (`sagas`, `outbox`) once this transaction is committed."""
    session.info["topics"].add(topic)


async def _give_up(connection: AsyncConnection, session: AsyncSession) -> None:
    try:
        await session.close()
        await connection.rollback()
    except Exception:
        await connection.invalidate()
        log.warning("A transaction could not be rolled back; its connection was thrown away.", exc_info=True)


class storage_errors:
    """Turns the driver's failures into ours; integrity errors pass, services decide what they mean."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and _is_storage(error):
            raise _told(error) from error


def _told(error: Exception) -> StorageUnavailable:
    """What a failure of the database is to us, whatever the driver calls it."""
    log.warning("The database refused: %s", getattr(error, "orig", error) or type(error).__name__)
    if "disk is full" in str(error) or "No space left" in str(error):
        return StorageFull(retry_after=30)
    return StorageUnavailable(retry_after=2)


STORAGE = (OperationalError, InterfaceError, PoolTimeout, OSError, asyncpg.InterfaceError, sqlite3.OperationalError)
LOST = ("08", "53", "57", "28", "3D", "40", "55P03")
"""PostgreSQL's failures that are not about the statement: connection, resources, intervention, sign-in, unknown
database; and those that a repetition mends: deadlocks, serialization, locks."""


def _is_storage(error: Exception) -> bool:
    """The database is away, full, locked or out of connections; not: our statement was wrong."""
    if isinstance(error, STORAGE):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    return isinstance(state, str) and state.startswith(LOST)


def _async_url(url: str) -> str:
    for plain, driver in (
        ("postgres://", "postgresql+asyncpg://"),
        ("postgresql://", "postgresql+asyncpg://"),
        ("sqlite:///", "sqlite+aiosqlite:///"),
    ):
        if url.startswith(plain):
            return driver + url.removeprefix(plain).replace("sslmode=", "ssl=")
    return url


def driver_url(url: str) -> str:
    """`Database.url` as asyncpg itself reads it."""
    return url.replace("+asyncpg", "").replace("ssl=", "sslmode=")


def _sqlite_writer(url: str) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=1, max_overflow=0, pool_timeout=10)
    _on_sqlite_connect(engine, "FULL")

    @event.listens_for(engine.sync_engine, "begin")
    def begin_immediate(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _sqlite_reader(url: str) -> AsyncEngine:
    engine = create_async_engine(
        url, pool_size=SQLITE_READERS, max_overflow=0, pool_timeout=WAIT_SECONDS, isolation_level="AUTOCOMMIT"
    )
    _on_sqlite_connect(engine, "NORMAL")
    return engine


def _on_sqlite_connect(engine: AsyncEngine, synchronous: str) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def connect(dbapi_connection: Any, record: Any) -> None:
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        for pragma in (
            f"busy_timeout = {BUSY_TIMEOUT_MS}",
            "journal_mode = WAL",
            "foreign_keys = ON",
            f"synchronous = {synchronous}",
            "cache_size = -16000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


def _postgres(url: str) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=10, max_overflow=0, pool_timeout=10)
    _replace_the_dead(engine)

    @event.listens_for(engine.sync_engine, "connect")
    def connect(dbapi_connection: Any, record: Any) -> None:
        make_alert(dbapi_connection.driver_connection)

    return engine


def _replace_the_dead(engine: AsyncEngine) -> None:
    """Hand out living connections only. SQLAlchemy's own ping asks the server each time, three round trips that cost
    more than a short read; here the driver says for nothing whether the line was cut, and the server is only asked
    about a connection that rested, which may have been forgotten on the way without a word."""

    @event.listens_for(engine.sync_engine, "checkin")
    def rest(dbapi_connection: Any, record: Any) -> None:
        record.info["rests_since"] = clock.now()

    @event.listens_for(engine.sync_engine, "checkout")
    def look(dbapi_connection: Any, record: Any, proxy: Any) -> None:
        rests_since = record.info.get("rests_since")
        rested_long = rests_since is not None and clock.now() - rests_since > ASK_AFTER
        is_cut = dbapi_connection.driver_connection.is_closed()
        if is_cut or (rested_long and not _answers(engine, dbapi_connection)):
            raise DisconnectionError  # The pool replaces it, and fails only where that does.


def _answers(engine: AsyncEngine, dbapi_connection: Any) -> bool:
    try:
        return bool(engine.dialect.do_ping(dbapi_connection))
    except Exception:  # Whatever it died of.
        return False
