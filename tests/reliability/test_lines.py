"""Lines to PostgreSQL notice a server that is gone without a word, on every loop we run on."""

import asyncio
import os
import socket
import sys

import pytest
import uvloop
from tests.support.engines import ONLY_POSTGRES

from botbot.db import Database
from botbot.db.lines import ASK_AFTER_SECONDS, UNHEARD_MS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's limits are Linux's")


async def limits(url: str) -> tuple[int, int, int]:
    database = Database(url)
    try:
        async with database.reading() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            view = driver._transport.get_extra_info("socket")
            with socket.socket(fileno=os.dup(view.fileno())) as line:
                return (
                    line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                    line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                    line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
                )
    finally:
        await database.dispose()


@ONLY_POSTGRES
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_the_kernel_knows_how_long_silence_may_last(database_url: str, loop: str) -> None:
    if loop == "asyncio":
        found = await limits(database_url)
    else:
        found = await asyncio.to_thread(_on_uvloop, database_url)
    assert found == (1, ASK_AFTER_SECONDS, UNHEARD_MS)


def _on_uvloop(url: str) -> tuple[int, int, int]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(limits(url))
