"""Brings the schema up to date, in one transaction under a lock: two processes that start at once take turns, and
one that dies in the middle leaves the schema as it was.

A schema that is newer than this code is left alone, and good enough: a release's migrations must be safe under the code
before it, so that processes may be replaced one by one, and the old ones started again."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from botbot.db.engine import Database, storage_errors

MIGRATIONS = Path(__file__).with_name("migrations")
TAKE_TURNS = text(f"select pg_advisory_xact_lock({0x0B07B07})")
"""PostgreSQL: processes that start at once do this one after the other. SQLite's write transactions do so anyway."""


def config(connection: Connection | None = None) -> Config:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes["connection"] = connection
    return made


async def migrate(database: Database) -> None:
    """Upgrade to the newest revision; a no-op when it, or a newer one, is there already."""
    with storage_errors():
        async with database.engine.connect() as connection, connection.begin():
            if not database.is_sqlite:
                await connection.execute(TAKE_TURNS)
            await connection.run_sync(upgrade)


def upgrade(connection: Connection) -> None:
    """On a connection whose transaction the caller owns, and under a lock of its own."""
    if is_enough(_current(connection)):
        return
    command.upgrade(config(connection), "head")


def is_enough(present: str | None) -> bool:
    """Whether this code can work on a schema of that revision."""
    return present is not None and present >= newest()


async def revision(database: Database) -> tuple[str | None, str]:
    """The database's revision (`None` when it is empty) and the newest one this code knows."""
    async with database.reading() as connection:
        present = await connection.run_sync(_current)
    return present, newest()


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("select version_num from alembic_version")).scalar()


@cache
def newest() -> str:
    return ScriptDirectory.from_config(config()).get_current_head() or ""
