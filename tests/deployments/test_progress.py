"""Progress as it happens: what a page hears while a deployment moves, what it costs, and how it ends."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from tests.conftest import MakeSite, SignIn
from tests.deployments import scene
from tests.deployments.conftest import Finish
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person
from tests.support.serving import Site

from botbot.catalog.models import PersonalityTemplate
from botbot.deployments.live import LOOK_SECONDS, MOST_OF_ONE
from botbot.sandbox.handle import DiscordHandle

STREAM = {"accept": "text/event-stream"}
LONG_SECONDS = 60


@asynccontextmanager
async def listening(who: Person, deployment_id: str) -> AsyncIterator[AsyncIterator[str]]:
    """The events' HTML, one after the other."""
    async with who.http.stream("GET", f"/deployments/{deployment_id}/progress", headers=STREAM) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield events(answer)


async def events(answer: httpx.Response) -> AsyncIterator[str]:
    event: list[str] = []
    async for line in answer.aiter_lines():
        if line.startswith("data: "):
            event.append(line.removeprefix("data: "))
        elif not line and event:
            yield "\n".join(event)
            event = []


@MOSTLY_SQLITE
async def test_every_step_is_heard_until_it_is_at_home(
    site: Site, ada: Person, personality: PersonalityTemplate, discord: DiscordHandle
) -> None:
    home = (await scene.deploy(ada, personality.id))["id"]
    discord.fail("PATCH", "/guilds/*/members/@me", delay=2)
    heard: list[str] = []
    async with asyncio.timeout(LONG_SECONDS), listening(ada, home) as told:
        heard.append(await anext(told))
        assert "is moving in" in heard[0]
        await site.start_worker()
        async for html in told:
            heard.append(html)
    assert any('Put on its name<span class="visually-hidden">: running' in html for html in heard)
    assert "is home" in heard[-1]
    assert "data-live" not in heard[-1]
    assert "First things to try" in heard[-1]
    assert len(site.state.progress) == 0


@MOSTLY_SQLITE
async def test_what_was_undone_is_heard_with_the_way_to_try_again(
    site: Site, ada: Person, personality: PersonalityTemplate, discord: DiscordHandle
) -> None:
    home = (await scene.deploy(ada, personality.id))["id"]
    discord.fail("PATCH", "/guilds/*/members/@me", status=400, code=50035)
    async with asyncio.timeout(LONG_SECONDS), listening(ada, home) as told:
        await anext(told)
        await site.start_worker()
        last = [html async for html in told][-1]
    assert "nothing has changed" in last
    assert ": undone" in last
    assert "Try again" in last


@MOSTLY_SQLITE
async def test_many_pages_cost_no_more_questions_than_one_and_silence_costs_almost_none(
    site: Site, ada: Person, sign_in: SignIn, personality: PersonalityTemplate, co_manager: int
) -> None:
    cleo = await sign_in("cleo")
    home = (await scene.deploy(ada, personality.id))["id"]
    async with contextlib.AsyncExitStack() as stack:
        pages = [
            await stack.enter_async_context(listening(who, home)) for who in [ada] * MOST_OF_ONE + [cleo] * MOST_OF_ONE
        ]
        async with asyncio.timeout(LONG_SECONDS):
            for told in pages:
                assert "is moving in" in await anext(told)
        assert len(site.state.progress) == 2 * MOST_OF_ONE
        began, before = time.monotonic(), site.state.progress.questions
        await asyncio.sleep(1.2)
        asked, took = site.state.progress.questions - before, time.monotonic() - began
        assert asked <= 1 + took / (LOOK_SECONDS / 2), "nobody asks every second"
        refused = await ada.get(f"/deployments/{home}/progress", headers=STREAM)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    async with asyncio.timeout(LONG_SECONDS):
        while len(site.state.progress):
            await asyncio.sleep(0.01)


@MOSTLY_SQLITE
async def test_strangers_hear_nothing_and_what_rests_is_told_once(
    site: Site, ada: Person, ben: Person, client: httpx.AsyncClient, personality: PersonalityTemplate
) -> None:
    home = (await scene.deploy(ada, personality.id))["id"]
    where = f"/deployments/{home}/progress"
    assert (await ben.get(where, headers=STREAM)).status_code == 404
    assert (await client.get(where, headers=STREAM)).status_code == 401
    await site.drain()
    async with asyncio.timeout(LONG_SECONDS), listening(ada, home) as told:
        assert len([html async for html in told]) == 1


@MOSTLY_SQLITE
async def test_a_process_that_goes_down_ends_every_stream(
    site: Site, ada: Person, personality: PersonalityTemplate
) -> None:
    home = (await scene.deploy(ada, personality.id))["id"]
    async with asyncio.timeout(LONG_SECONDS), listening(ada, home) as told:
        await anext(told)
        site.state.progress.interrupt()
        assert [html async for html in told] == []
    assert (await ada.get(f"/deployments/{home}/progress", headers=STREAM)).status_code == 429


@pytest.mark.long
@pytest.mark.parametrize("is_heard", [True, False])
async def test_what_another_process_does_is_heard_here(
    is_heard: bool, site: Site, make_site: MakeSite, ada: Person, personality: PersonalityTemplate
) -> None:
    """By PostgreSQL's notification, and by the slow look where that is lost."""
    if is_heard:
        site.listen()
    second = await make_site()
    home = (await scene.deploy(ada, personality.id))["id"]
    async with asyncio.timeout(LONG_SECONDS), listening(ada, home) as told:
        await anext(told)
        await second.drain()
        assert "is home" in [html async for html in told][-1]


@MOSTLY_SQLITE
async def test_a_change_of_one_that_lives_there_is_heard_too(
    site: Site, ada: Person, personality: PersonalityTemplate, discord: DiscordHandle
) -> None:
    home = (await scene.deploy(ada, personality.id))["id"]
    await site.drain()
    await ada.patch(f"{scene.DEPLOYMENTS}/{home}", json={"customizations": {"name": "Dash"}})
    async with asyncio.timeout(LONG_SECONDS), listening(ada, home) as told:
        discord.clear_calls()
        assert "It is learning the changes" in await anext(told)
        assert discord.calls == [], "what is drawn so often asks Discord nothing"
        await site.drain()
        last = [html async for html in told][-1]
    assert "It is learning" not in last
    assert "Dash" in last


@MOSTLY_SQLITE
async def test_a_change_that_was_taken_back_keeps_nobody_listening(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, finish: Finish
) -> None:
    """Its last steps stay pending for ever."""
    home = (await scene.deploy(ada, personality.id))["id"]
    await finish(ada, home)
    await ada.patch(f"{scene.DEPLOYMENTS}/{home}", json={"customizations": {"name": "Dash"}})
    discord.fail("PATCH", "/guilds/*/members/@me", status=403, code=50013)
    shown = await finish(ada, home)
    assert shown["status"] == "active"
    assert "pending" in {step["status"] for step in shown["steps"]}
    page = (await ada.get(f"/deployments/{home}", headers={"accept": "text/html"})).text
    assert "data-live" not in page
    assert "It is learning" not in page


@MOSTLY_SQLITE
async def test_who_only_asks_for_the_head_holds_no_place(
    site: Site, ada: Person, personality: PersonalityTemplate
) -> None:
    home = (await scene.deploy(ada, personality.id))["id"]
    async with asyncio.timeout(LONG_SECONDS):
        answer = await ada.http.head(f"/deployments/{home}/progress", headers=STREAM)
        assert answer.status_code == 200
        while len(site.state.progress):
            await asyncio.sleep(0.01)


@MOSTLY_SQLITE
async def test_twenty_at_once_get_the_places_that_there_are(
    site: Site, ada: Person, personality: PersonalityTemplate
) -> None:
    home = (await scene.deploy(ada, personality.id))["id"]
    heard = 0

    async def listen() -> int:
        nonlocal heard
        async with ada.http.stream("GET", f"/deployments/{home}/progress", headers=STREAM) as answer:
            async for _ in events(answer):
                heard += 1
        return answer.status_code

    pages = [asyncio.create_task(listen()) for _ in range(20)]
    async with asyncio.timeout(LONG_SECONDS):
        while sum(page.done() for page in pages) < 20 - MOST_OF_ONE:
            await asyncio.sleep(0.01)
    assert len(site.state.progress) == MOST_OF_ONE
    site.state.progress.interrupt()
    assert set(await asyncio.gather(*pages)) <= {200, 429}
    assert heard == MOST_OF_ONE
