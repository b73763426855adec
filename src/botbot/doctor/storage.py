"""What the database says of itself, and what its rows say of us."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.accounts.models import User
from botbot.catalog import search_index
from botbot.catalog.models import PersonalityTemplate
from botbot.db import Database
from botbot.db.engine import CHANNEL, driver_url
from botbot.db.migrate import is_enough, revision
from botbot.doctor.findings import Finding, fine, found
from botbot.errors import BotBotError, StorageUnavailable
from botbot.house import House
from botbot.jobs import budgets
from botbot.jobs.models import Budget, OutboxEntry, Saga
from botbot.kit import clock
from botbot.privacy import rotation

CHECK_SECONDS = 20.0
OVERDUE = timedelta(minutes=5)
CLOCK_SECONDS = 30.0
CONNECT_SECONDS = 10.0
NEWS_SECONDS = 8.0
OLDEST_POSTGRES = 13
PER_PROCESS = 17
"""Connections: ten of the pool, five for hot reads, one to hear news, one in hand."""
WITHOUT_TRIGRAMS = (
    f"works, but slowly in a big catalogue: PostgreSQL's extension {search_index.EXTENSION} is missing. Install the "
    "server's contrib package if it hasn't it, run `create extension pg_trgm` in this database as its owner or a "
    "superuser, and restart BotBot, which makes the index then"
)


async def look(house: House) -> list[Finding]:
    if not house.db.is_sqlite and (findings := await _news(house.db)):
        return findings
    try:
        await house.db.ping()
        present, newest = await revision(house.db)
        stands = _schema(present, newest)
        findings = [stands, *await _engine(house.db)]
        if is_enough(present):
            findings += [each async for each in _rows(house)]
    except BotBotError as error:
        return [found("database_unreachable", f"{error.message} Check DATABASE_URL and that the server runs.")]
    return findings


def _schema(present: str | None, newest: str) -> Finding:
    if present is None:
        return found("database_empty", "nothing is in it; `botbot serve` or `botbot migrate` fills it")
    if present > newest:
        text = f"its schema is {present}, this code knows {newest}: a newer BotBot was here. Update this one too"
        return found("database_newer", text)
    if present != newest:
        return found("database_outdated", f"its schema is {present}, this code wants {newest}: run `botbot migrate`")
    return fine("database", f"up to date ({present})")


async def _engine(database: Database) -> list[Finding]:
    if database.is_sqlite:
        return await asyncio.to_thread(check_file, database.url.partition(":///")[2])
    async with database.reading() as connection:
        return [each async for each in _postgres(connection)]


def check_file(path: str, seconds: float = CHECK_SECONDS) -> list[Finding]:
    """SQLite's own check, for so long at most."""
    until = time.monotonic() + seconds
    reading = f"{Path(path).absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(reading, uri=True)) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > until, 1000)
            said = connection.execute("pragma quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if "interrupted" not in str(error):
            raise StorageUnavailable from error
        return [found("database_not_checked", f"too big to be checked in {seconds:.0f} s; nothing else is wrong")]
    except sqlite3.DatabaseError as error:
        said = str(error)
    damage = f"SQLite says: {said}. Stop BotBot, keep the file, and restore the last backup"
    return [] if said == "ok" else [found("database_damaged", damage)]


async def _postgres(connection: AsyncConnection) -> AsyncIterator[Finding]:
    asked = (
        "server_version_num", "server_encoding", "fsync", "synchronous_commit", "full_page_writes", "is_superuser",
        "max_connections",
    )  # fmt: skip
    told = {name: await connection.scalar(text("select current_setting(:name)"), {"name": name}) for name in asked}
    for finding in of_postgres(told):
        yield finding
    limits = "select datconnlimit from pg_database where datname = current_database() union all "
    limits += "select rolconnlimit from pg_roles where rolname = current_user"
    own = [limit for limit in (await connection.execute(text(limits))).scalars() if limit >= 0]
    if (most := min([*own, int(told["max_connections"])])) < PER_PROCESS * 2:
        advice = f"{most} connections are allowed; each process uses up to {PER_PROCESS}. Raise max_connections"
        yield found("postgres_connections_few", advice)
    theirs = await connection.scalar(text("select extract(epoch from clock_timestamp())"))
    if abs(apart := float(theirs) - clock.now().timestamp()) > CLOCK_SECONDS:
        yield found("clock_differs", f"the database's clock is {apart:+.0f} s from this machine's: set both by NTP")


def of_postgres(told: dict[str, Any]) -> Iterator[Finding]:
    """What a server's settings mean, by their names in `pg_settings`."""
    version = int(told["server_version_num"]) // 10_000
    if version < OLDEST_POSTGRES:
        yield found("postgres_old", f"the server is version {version}; {OLDEST_POSTGRES} is the oldest that works")
    if told["server_encoding"] != "UTF8":
        text = f"the database's encoding is {told['server_encoding']}; make one with `encoding 'UTF8'` and move to it"
        yield found("postgres_encoding", text)
    off = [name for name in ("fsync", "synchronous_commit", "full_page_writes") if told[name] == "off"]
    if off:
        text = f"{' and '.join(off)} off: what was stored may be lost when the machine loses power"
        yield found("postgres_not_synced", text)
    if told["is_superuser"] == "on":
        text = "DATABASE_URL signs in as a superuser: an owner of this one database is enough"
        yield found("postgres_superuser", text)


async def _news(database: Database) -> list[Finding]:
    """Whether a notification arrives. Through a pooler that shares sessions it never does, and little else works there;
    only the plainest of statements are used here."""
    heard = asyncio.Event()
    with ExitStack() as opened:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                listening, speaking = [await _open(database, opened) for _ in range(2)]
                await listening.add_listener(CHANNEL, lambda *told: heard.set())
                await speaking.execute(f"notify {CHANNEL}, 'doctor'")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return []  # The database's own finding says so.
        with suppress(TimeoutError):
            async with asyncio.timeout(NEWS_SECONDS):
                await heard.wait()
    advice = "notifications don't arrive, so work waits for seconds. Behind PgBouncer use pool_mode = session"
    return [] if heard.is_set() else [found("postgres_no_news", advice)]


async def _open(database: Database, opened: ExitStack) -> Any:
    connection = await asyncpg.connect(driver_url(database.url))
    opened.callback(connection.terminate)
    return connection


async def _rows(house: House) -> AsyncIterator[Finding]:
    async with house.db.reading() as connection:
        yield await _search(house, connection)
        for finding in [*await _sealed(house), *await _waiting(connection)]:
            yield finding
        if await connection.scalar(select(PersonalityTemplate.id).limit(1)) is None:
            yield found("catalogue_empty", "no personality is in it: run `botbot seed`")
        admin = await connection.scalar(select(User.id).where(User.role == "admin").limit(1))
        if not house.settings.admins and admin is None:
            yield found("nobody_is_admin", "name yourself in BOTBOT_ADMINS, or run `botbot grant --role admin`")
        spent = await connection.scalar(select(Budget.used).where(Budget.key == budgets.day_key("preview")))
        if house.settings.preview_per_day and (spent or 0) >= house.settings.preview_per_day:
            yield found(
                "preview_budget_spent",
                "today's calls by previews are used up; sample replies answer until UTC midnight",
            )


async def _search(house: House, connection: AsyncConnection) -> Finding:
    """Search is right without its index, and slow in a big catalogue."""
    if await search_index.is_complete(connection):
        return fine("search", "its index is in place")
    if house.db.is_sqlite:
        return found("search_index_pending", "its index is made at the next start")
    return found("search_index_missing", WITHOUT_TRIGRAMS)


async def _sealed(house: House) -> list[Finding]:
    """Whether what we sealed can be opened with the keys in force, and whether the older of them may go."""
    standing = await rotation.look(house.db, house.cipher)
    if standing.unreadable:
        text = f"{', '.join(standing.unreadable)} was sealed with another key: bring back the old one, second in"
        return [found("secret_key_unfit", f"{text} BOTBOT_SECRET_KEY (`new,old`)")]
    if standing.old:
        text = "rows are still under an older key of BOTBOT_SECRET_KEY: run `botbot rotate-keys` before it goes"
        return [found("secret_key_old_rows", text)]
    return []


async def _waiting(connection: AsyncConnection) -> list[Finding]:
    late, findings = clock.now() - OVERDUE, []
    free = or_(Saga.lease_until.is_(None), Saga.lease_until < late)
    due = (
        select(func.count()).select_from(Saga).where(Saga.status.in_(["running", "undoing"]), Saga.run_at < late, free)
    )
    if count := await connection.scalar(due):
        findings.append(found("work_waits", f"{count} deployments are due and nobody works: start `botbot worker`"))
    unheard = select(func.count()).select_from(OutboxEntry)
    unheard = unheard.where(OutboxEntry.handled_at.is_(None), OutboxEntry.created_at < late)
    if count := await connection.scalar(unheard):
        findings.append(found("news_waits", f"{count} pieces of news wait for the bot: start `botbot bot`"))
    stuck = select(func.count()).select_from(Saga).where(Saga.status == "stuck")
    if count := await connection.scalar(stuck):
        text = f"{count} could not be undone; each page says what is left over, and has a button to try again"
        findings.append(found("deployments_need_attention", text))
    return findings
