"""Trending: a formula that decays and can't be gamed, and a recomputation that touches only what changed."""

import asyncio
import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import factories
from tests.support.statements import recorded

from botbot import runtime
from botbot.catalog import trending
from botbot.catalog.models import PersonalityGuild, PersonalityTalk, PersonalityTemplate
from botbot.catalog.service import count_deployment, note_talk
from botbot.catalog.trending import MOST_BY_ONE_SERVER, WINDOW_DAYS, recompute, score
from botbot.house import House
from botbot.kit import clock

AGES = st.integers(0, 90)
SERVERS = st.integers(1, 5)
TALKS = st.lists(st.tuples(SERVERS, AGES), max_size=40)
NEW = st.lists(AGES, max_size=20)


# The formula


@pytest.mark.parametrize(
    ("new_servers", "talks", "expected"),
    [
        ([], [], 0.0),
        ([0], [], 3.0),
        ([7], [], 1.5),
        ([14], [], 0.75),
        ([], [(1, 0)], 1.0),
        ([], [(1, 7)], 0.5),
        ([], [(1, 0), (1, 0), (1, 0)], 1.0),
        ([], [(1, 0), (2, 0), (3, 0)], 3.0),
        ([0], [(1, 0), (1, 7)], 4.5),
        ([WINDOW_DAYS], [(1, WINDOW_DAYS)], 0.0),
        ([-1], [(1, -1)], 4.0),
    ],
)
def test_the_formula(new_servers: list[int], talks: list[tuple[int, int]], expected: float) -> None:
    assert score(new_servers, talks) == pytest.approx(expected)


@given(NEW, TALKS, AGES, st.tuples(SERVERS, AGES))
def test_more_never_means_less(
    new_servers: list[int], talks: list[tuple[int, int]], age: int, talk: tuple[int, int]
) -> None:
    before = score(new_servers, talks)
    assert score([*new_servers, age], talks) >= before
    assert score(new_servers, [*talks, talk]) >= before - 1e-9


@given(NEW, TALKS, st.integers(1, 30))
def test_time_only_takes_away(new_servers: list[int], talks: list[tuple[int, int]], days: int) -> None:
    later = score([age + days for age in new_servers], [(server, age + days) for server, age in talks])
    before = score(new_servers, talks)
    assert later <= before * 0.5 ** (days / 7) + 1e-9
    assert (
        score([age + WINDOW_DAYS for age in new_servers], [(server, age + WINDOW_DAYS) for server, age in talks]) == 0
    )


@given(NEW, TALKS, st.lists(AGES, max_size=200))
def test_one_busy_server_cannot_lift_it_far(
    new_servers: list[int], talks: list[tuple[int, int]], busy: list[int]
) -> None:
    """A server that joined today and talked on as many days as it likes, as often as it likes."""
    lifted = score([0, *new_servers], [*talks, *((99, age) for age in busy for _ in range(3))])
    assert lifted - score(new_servers, talks) <= MOST_BY_ONE_SERVER + 1e-9


def test_many_servers_beat_a_busy_one() -> None:
    busy = score([0], [(1, age) for age in range(WINDOW_DAYS)])
    assert busy == pytest.approx(MOST_BY_ONE_SERVER)
    assert score([0] * 4, [(server, 0) for server in range(4)]) > busy


# The recomputation


async def add_events(
    house: House, personality: PersonalityTemplate, *, new_servers: Iterable[int] = (), talks: Any = ()
) -> None:
    """Ages in days, as the formula takes them."""
    now = clock.now()
    async with house.db.write() as session:
        for n, age in enumerate(new_servers):
            session.add(
                PersonalityGuild(
                    personality_id=personality.id, discord_guild_id=900 + n, created_at=now - timedelta(days=age)
                )
            )
        for server, age in set(talks):
            day = (now.date() - timedelta(days=age)).isoformat()
            session.add(PersonalityTalk(personality_id=personality.id, discord_guild_id=server, day=day))


async def score_of(house: House, personality: PersonalityTemplate) -> float:
    async with house.db.read() as session:
        found = await session.get(PersonalityTemplate, personality.id)
        assert found is not None
        return found.trend_score


async def test_the_database_counts_like_the_formula(house: House) -> None:
    chance = random.Random(7)
    saved = await factories.add_shelf(house, 30)
    expected = []
    for each in saved:
        new_servers = [chance.randrange(75) for _ in range(chance.randrange(6))]
        talks = {(chance.randrange(4), chance.randrange(75)) for _ in range(chance.randrange(30))}
        await add_events(house, each, new_servers=new_servers, talks=talks)
        expected.append(score(new_servers, talks))
    await recompute(house.db)
    assert [await score_of(house, each) for each in saved] == pytest.approx(expected, abs=0.0001)
    assert await recompute(house.db) == 0


async def test_only_what_changed_is_written_and_readers_are_woken_only_then(house: House, tick: Any) -> None:
    quiet, busy = await factories.add_shelf(house, 2)
    await add_events(house, busy, talks=[(1, 0), (2, 3)])
    woken: list[str] = []
    house.db.on_wake = woken.append
    assert await recompute(house.db) == 1
    assert woken == ["catalogue"]
    with recorded() as asked:
        assert await recompute(house.db) == 0
    assert not [statement for statement, _ in asked if statement.lower().startswith(("update", "select pg_notify"))]
    assert woken == ["catalogue"]
    before = await score_of(house, busy)
    tick(hours=24)
    assert await recompute(house.db) == 1
    assert 0 < await score_of(house, busy) < before
    assert await score_of(house, quiet) == 0


async def test_a_score_falls_to_nothing(house: House, tick: Any) -> None:
    personality = await factories.add_personality(house)
    await add_events(house, personality, new_servers=[0], talks=[(1, 0)])
    await recompute(house.db)
    assert await score_of(house, personality) == pytest.approx(4.0)
    tick(days=WINDOW_DAYS)
    assert await recompute(house.db) == 1
    assert await score_of(house, personality) == 0
    assert await recompute(house.db) == 0


async def test_what_is_off_the_shelf_waits_until_it_is_back(house: House) -> None:
    hidden = await factories.add_personality(house, "Hidden", is_public=False)
    await add_events(house, hidden, talks=[(1, 0)])
    assert await recompute(house.db) == 0


async def test_a_talk_counts_once_a_day_and_is_forgotten(house: House, tick: Any) -> None:
    personality = await factories.add_personality(house)
    for hours in (0, 1, 26):
        tick(hours=hours)
        async with house.db.write() as session:
            await note_talk(session, personality.id, 1)
            await note_talk(session, personality.id, 1)
            await note_talk(session, personality.id, 2)
    assert len(await _talks(house)) in {4, 6}, "two servers on two days, or three over a midnight"
    tick(days=WINDOW_DAYS - 1)
    async with house.db.write() as session:
        await trending.forget_old_talks(session)
    assert len(await _talks(house)) == 2
    tick(days=1)
    async with house.db.write() as session:
        await trending.forget_old_talks(session)
    assert await _talks(house) == []


async def _talks(house: House) -> list[Any]:
    async with house.db.reading() as connection:
        return list(await connection.exec_driver_sql("select * from personality_talks"))


async def test_a_deployment_makes_it_trend(house: House) -> None:
    personality = await factories.add_personality(house)
    async with house.db.write() as session:
        await count_deployment(session, personality.id, 1)
        await count_deployment(session, personality.id, 1)
    await recompute(house.db)
    assert await score_of(house, personality) == 3.0


async def test_more_rows_than_one_batch(house: House) -> None:
    saved = await factories.add_shelf(house, trending.BATCH + 3)
    today = clock.now().date().isoformat()
    async with house.db.write() as session:
        session.add_all(PersonalityTalk(personality_id=each.id, discord_guild_id=1, day=today) for each in saved)
    assert await recompute(house.db) == trending.BATCH + 3
    assert await score_of(house, saved[-1]) == 1.0


async def test_the_worker_does_it_by_itself_and_tidies_up(house: House, tick: Any) -> None:
    personality = await factories.add_personality(house)
    await add_events(house, personality, new_servers=[0], talks=[(1, 0)])
    work = asyncio.create_task(runtime.watch_trends_forever(house))
    async with asyncio.timeout(10):
        while await score_of(house, personality) == 0:
            await asyncio.sleep(0.02)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    tick(days=WINDOW_DAYS)
    await runtime.tidy(house)
    assert await _talks(house) == []
