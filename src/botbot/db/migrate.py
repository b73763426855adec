"""Brings the schema up to date, in one transaction under a lock: two processes that start at once take turns, and
one that dies in the middle leaves the schema as it was."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from botbot.db.engine import Database

MIGRATIONS = Path(__file__).with_name("migrations")
LOCK = 0x0B07B07


def config(connection: Connection | None = None) -> Config:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes["connection"] = connection
    return made


async def migrate(database: Database) -> None:
    """Upgrade to the newest revision; a no-op when it is there already."""
    async with database.engine.connect() as connection, connection.begin():
        if not database.is_sqlite:
            await connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    command.upgrade(config(connection), "head")


async def revision(database: Database) -> tuple[str | None, str]:
    """The database's revision (`None` when it is empty) and the newest one this code knows."""

    def current(connection: Connection) -> Any:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("select version_num from alembic_version")).scalar()

    async with database.reading() as connection:
        present = await connection.run_sync(current)
    return present, ScriptDirectory.from_config(config()).get_current_head() or ""
