"""What the status page says, and that it says it whatever is broken; and the beacon of page times."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.conftest import MakeSite
from tests.support.engines import ONLY_SQLITE
from tests.support.people import Person, api_client
from tests.support.serving import Site
from tests.watching.test_figures import samples

from botbot.house import House
from botbot.kit import clock
from botbot.status import service
from botbot.status.models import Presence
from botbot.status.rules import SLOW_SECONDS, Seen, moving, talking, trying

pytestmark = ONLY_SQLITE
HTML = {"accept": "text/html"}
NEVER_SHOWN = ("127.0.0.1:", "Traceback", "sqlite", "postgres", "botbot.sqlite3", service.PROCESS)


async def page(client: httpx.AsyncClient) -> str:
    answer = await client.get("/status", headers=HTML)
    assert answer.status_code == 200
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    assert not [each for each in NEVER_SHOWN if each in main]
    return main


async def beat(house: House, **states: str) -> None:
    async with house.db.write() as session:
        await service.say_present(session, states)


async def test_where_everything_is_there_it_says_so(site: Site, house: House, client: httpx.AsyncClient) -> None:
    await beat(house, worker="ok", bot="ok")
    shown = await page(client)
    assert "Everything works." in shown
    assert shown.count(">Works<") == 4


async def test_it_is_linked_on_every_page_and_signed_in_people_stay_signed_in(ada: Person) -> None:
    home = (await ada.get("/", headers=HTML)).text
    assert 'href="/status"' in home
    assert "Your account" in (await ada.get("/status", headers=HTML)).text


async def test_processes_that_fell_silent_are_missed(
    house: House, client: httpx.AsyncClient, site: Site, tick: Callable[..., None]
) -> None:
    await beat(house, worker="ok", bot="connecting")
    async with house.db.read() as session:
        seen_at = (await session.get_one(Presence, (service.PROCESS, "bot"))).seen_at
    tick(minutes=10)
    shown = await page(client)
    assert "Something isn’t working" in shown
    assert shown.count(">Not working<") == 2
    assert f'Last seen <time datetime="{seen_at.isoformat()}">' in shown


async def test_without_a_database_the_page_still_comes(site: Site, client: httpx.AsyncClient, ada: Person) -> None:
    await site.house.db.dispose()
    await site.house.bare.aclose()
    assert "Our database isn’t answering" in await page(client)
    assert (await ada.get("/status", headers=HTML)).status_code == 200


async def test_a_shop_without_discord_and_model_is_not_broken(make_site: MakeSite) -> None:
    site = await make_site(discord_bot_token="", openai_base_url="", openai_api_key="")
    async with api_client(site.url) as client:
        shown = await page(client)
    assert "Everything works." in shown
    assert shown.count(">Not set up<") == 3


async def test_a_part_that_stays_as_it_was_keeps_its_since(house: House, tick: Callable[..., None]) -> None:
    async def row() -> Any:
        async with house.db.read() as session:
            return await session.get(Presence, (service.PROCESS, "bot"))

    await beat(house, bot="ok")
    first = await row()
    tick(seconds=30)
    await beat(house, bot="ok")
    second = await row()
    assert (second.since, second.seen_at) == (first.since, first.seen_at + (second.seen_at - first.seen_at))
    assert second.seen_at - first.seen_at >= timedelta(seconds=30)
    await beat(house, bot="connecting")
    assert (await row()).since >= second.seen_at
    async with house.db.write() as session:
        await service.forget_gone(session, clock.now() + timedelta(seconds=1))
    assert await row() is None


async def test_one_of_several_bots_is_enough_and_slow_is_not_broken(site: Site) -> None:
    now = clock.now()
    hour = now - timedelta(hours=1)
    seen = [Seen("bot", "ok", hour, now), Seen("bot", "stopped", now, now), Seen("worker", "ok", hour, now)]
    assert talking(seen, now, True)[1:2] == ("works",)
    assert talking(seen[1:], now, True).state == "away"
    assert talking([Seen("bot", "connecting", now, now)], now, True).state == "slow"
    assert moving(seen, now, True, 0, rests=False) == moving(seen, now, True, SLOW_SECONDS, rests=False)
    assert moving(seen, now, True, SLOW_SECONDS + 1, rests=False).state == "slow"
    assert moving(seen, now, True, 0, rests=True).state == "slow"
    assert trying(True, False, 0).state == "slow"
    assert trying(True, True, 9).state == "slow"


BEACON = {"page": "home", "answer": 0.2, "paint": 0.9, "load": 1.4}


async def test_page_times_are_counted_only_where_they_were_asked_for(
    site: Site, client: httpx.AsyncClient, make_site: MakeSite
) -> None:
    assert (await client.post("/api/page-times", json=BEACON)).status_code == 404
    assert "page_times" not in (await client.get("/", headers=HTML)).text
    measuring = await make_site(page_times=True)
    async with api_client(measuring.url) as other:
        assert "/static/page_times" in (await other.get("/", headers=HTML)).text
        before = await samples(other)
        assert (await other.post("/api/page-times", json=BEACON)).status_code == 204
        for header in ("dnt", "sec-gpc"):
            assert (await other.post("/api/page-times", json=BEACON, headers={header: "1"})).status_code == 204
        after = await samples(other)
    name = 'botbot_page_seconds_count{moment="paint",page="home"}'
    assert after[name] - before.get(name, 0) == 1


@pytest.mark.parametrize(
    "body",
    [{"page": "/secret/ada"}, {"page": "home", "load": -1}, {"page": "home", "load": 1e9}, {"load": 1}, []],
)
async def test_page_times_that_make_no_sense_are_refused(make_site: MakeSite, body: Any) -> None:
    site = await make_site(page_times=True)
    async with api_client(site.url) as client:
        assert (await client.post("/api/page-times", json=body)).status_code == 400
