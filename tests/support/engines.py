"""Which databases a test sees, where once on each is more than its question needs."""

import pytest
from sqlalchemy import text

from botbot.db import Database

MOSTLY_SQLITE = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgres", marks=pytest.mark.long)], indirect=True
)
"""For many cases that hardly touch the database: the second engine only with `--all`."""
ONLY_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ONLY_POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


async def has_trigrams(database: Database) -> bool:
    """Whether substrings can have an index: the wheel's PostgreSQL comes without `pg_trgm`."""
    if database.is_sqlite:
        return True
    async with database.reading() as connection:
        found = await connection.scalar(text("select 1 from pg_available_extensions where name = 'pg_trgm'"))
    return found is not None
