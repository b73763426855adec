"""Several workers over one database, each with the connections of a process of its own."""

from collections.abc import AsyncIterator, Callable

import pytest

from botbot.db import Database


@pytest.fixture
async def another(database_url: str) -> AsyncIterator[Callable[[], Database]]:
    """`another()` is the same database as one more process would open it."""
    opened: list[Database] = []

    def open_one() -> Database:
        opened.append(Database(database_url))
        return opened[-1]

    yield open_one
    for each in opened:
        await each.dispose()
