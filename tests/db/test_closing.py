"""A closing database waits for those at work, and lets nobody in any more."""

import asyncio

import pytest
from sqlalchemy import text

from botbot.db import Database
from botbot.errors import StorageUnavailable


async def test_a_read_in_progress_is_waited_for_and_newcomers_are_turned_away(sqlite_url: str) -> None:
    """Its connection would come back to a pool that is gone, and be closed by nobody."""
    database = Database(sqlite_url)
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def read() -> int:
        async with database.read() as session:
            begun.set()
            await may_end.wait()
            return int(await session.scalar(text("select 7")) or 0)

    reading = asyncio.create_task(read())
    await begun.wait()
    closing = asyncio.create_task(database.dispose())
    await asyncio.sleep(0)
    with pytest.raises(StorageUnavailable):
        async with database.read():
            pass
    with pytest.raises(StorageUnavailable):
        async with database.write():
            pass
    assert not closing.done()
    may_end.set()
    assert await reading == 7
    await closing
