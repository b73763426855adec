"""An answer makes a personality trend: one note a day and server, with nobody in it."""

import asyncio
from typing import Any

from tests.bot.talk import Room
from tests.support.engines import MOSTLY_SQLITE

from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.trending import recompute
from botbot.house import House
from botbot.kit import clock
from botbot.sandbox import cast

pytestmark = MOSTLY_SQLITE


async def notes(house: House) -> list[Any]:
    async with house.db.reading() as connection:
        return [tuple(row) for row in await connection.exec_driver_sql("select * from personality_talks")]


async def turns(house: House) -> int:
    async with house.db.reading() as connection:
        return int((await connection.exec_driver_sql("select count(*) from channel_messages")).scalar_one())


async def test_however_often_it_answers_a_day_is_noted_once(
    room: Room, house: House, personality: PersonalityTemplate
) -> None:
    for n in range(3):
        await room.ask(f"question {n}?")
    async with asyncio.timeout(8):  # The answer is remembered once it was sent.
        while await turns(house) < 6:
            await asyncio.sleep(0.01)
    assert await notes(house) == [(personality.id, cast.TEA_HOUSE, clock.now().date().isoformat())]
    await recompute(house.db)
    async with house.db.read() as session:
        found = await session.get(PersonalityTemplate, personality.id)
        assert found is not None
        assert found.trend_score == 4.0, "a new server, and a day of talk"


async def test_a_sample_reply_is_no_talk(room: Room, house: House) -> None:
    room.model.fail("server_error")
    assert "sample reply" in await room.ask("hello?")
    assert await notes(house) == []
