"""What is kept of a conversation: unreadable without the key, and not for longer than promised."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from tests.bot.talk import REPLY, Room
from tests.deployments import scene
from tests.support.people import Person
from tests.support.serving import Site

from botbot.agents.models import ChannelMessage, HandledMessage
from botbot.house import House
from botbot.runtime import tidy

SECRET = "the spare key lies under the blue flowerpot"


async def kept(house: House) -> list[ChannelMessage]:
    async with house.db.read() as session:
        return list(await session.scalars(select(ChannelMessage).order_by(ChannelMessage.id)))


async def everything_stored(house: House) -> bytes:
    """Every byte of the SQLite files, or every row of every table in PostgreSQL."""
    if house.db.is_sqlite:
        path = Path(house.db.url.partition(":///")[2])
        return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    async with house.db.read() as session:
        tables = await session.scalars(
            text("select table_name from information_schema.tables where table_schema = 'public'")
        )
        rows = [await session.scalars(text(f'select t::text from "{name}" t')) for name in tables]
        return "\n".join(row for each in rows for row in each).encode()


@pytest.fixture
async def spoken(room: Room, site: Site) -> Room:
    await room.ask(SECRET)
    async with asyncio.timeout(30):
        while len(await kept(site.house)) < 2:  # it is answered first, and remembered then
            await asyncio.sleep(0.01)
    return room


async def test_talk_is_encrypted(spoken: Room, site: Site) -> None:
    rows = await kept(site.house)
    assert [site.house.cipher.decrypt(row.content) for row in rows] == [SECRET, REPLY]
    stored = await everything_stored(site.house)
    assert rows[0].content.encode() in stored  # we looked in the right place
    for words in (SECRET, "flowerpot", REPLY, "forgotten its cup"):
        assert words.encode() not in stored


async def test_talk_is_forgotten_after_the_promised_time(spoken: Room, site: Site, tick: Callable[..., None]) -> None:
    days = site.settings.retention_days
    tick(days=days, hours=-1)
    await tidy(site.house)
    assert len(await kept(site.house)) == 2
    tick(hours=2)
    await tidy(site.house)
    assert await kept(site.house) == []
    async with site.house.db.read() as session:
        assert list(await session.scalars(select(HandledMessage))) == []


async def test_talk_is_forgotten_when_it_moves_out(
    spoken: Room, site: Site, ada: Person, tenant: dict[str, Any]
) -> None:
    await ada.delete(f"{scene.DEPLOYMENTS}/{tenant['id']}")
    await site.drain()
    assert await kept(site.house) == []


async def test_what_was_a_sample_or_a_remark_is_not_kept(room: Room, site: Site) -> None:
    room.model.fail("server_error")
    await room.ask(SECRET)
    await asyncio.sleep(0.1)
    assert await kept(site.house) == []
