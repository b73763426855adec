"""So many replies at once and no more, and every place is free again however a reply ends."""

import asyncio
import socket

import httpx
import pytest
from tests.conftest import MakeSite
from tests.preview.talking import STREAM, assert_whole, events_of, talk, until, usage_of
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import api_client
from tests.support.serving import Site

from botbot.catalog.models import PersonalityTemplate
from botbot.errors import RateLimited
from botbot.preview.exchanges import Exchange, open_exchange
from botbot.preview.relay import Relays
from botbot.preview.schemas import DoneEvent
from botbot.preview.sessions import PreviewSessions
from botbot.sandbox.model.control import ModelControl

pytestmark = MOSTLY_SQLITE
PATIENT = {"preview_per_minute": 1000}
RARER = [pytest.param(each, marks=pytest.mark.long) for each in ("whole", "sample")]


@pytest.fixture
async def small(make_site: MakeSite) -> Site:
    return await make_site(preview_streams=3, **PATIENT)


async def is_empty(site: Site) -> bool:
    return not site.state.relays._live and not site.state.relays._tasks


async def open_streams(site: Site, path: str, count: int, client: httpx.AsyncClient) -> list[asyncio.Task[str]]:
    async def listen() -> str:
        answer = await client.post(f"{site.url}{path}", json={"message": "hi"}, headers=STREAM)
        return answer.text

    listening = [asyncio.create_task(listen()) for _ in range(count)]

    async def are_open() -> bool:
        return len(site.state.relays._live) == count

    await until(are_open)
    return listening


@pytest.mark.parametrize("headers", [STREAM, {}])
async def test_beyond_the_cap_it_is_said_before_any_event(
    small: Site, path: str, model: ModelControl, headers: dict[str, str]
) -> None:
    model.say, model.words_per_second = "word " * 390, 20
    async with api_client(small.url) as client:
        listening = await open_streams(small, path, 3, client)
        for _ in range(3):
            answer = await client.post(path, json={"message": "hi"}, headers=headers)
            assert (answer.status_code, answer.json()["error"]) == (429, "rate_limited")
            assert int(answer.headers["retry-after"]) >= 1
            assert "event:" not in answer.text
        assert len(model.recorded) <= 3
        for each in listening:
            each.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        await until(lambda: is_empty(small))
        model.say = "Free again."
        assert assert_whole(await talk(client, path), "live") == "Free again."


async def test_a_full_house_costs_nobody_one_of_their_minute(
    make_site: MakeSite, personality: PersonalityTemplate, path: str, model: ModelControl
) -> None:
    """The form too: two a minute, one spent on the reply that fills the house, one left for later."""
    site = await make_site(preview_streams=1, preview_per_minute=2)
    model.say, model.words_per_second = "word " * 390, 20
    form = f"/personalities/{personality.slug}/try"
    async with api_client(site.url) as client:
        listening = await open_streams(site, path, 1, client)
        for _ in range(3):
            full = await client.post(form, data={"message": "hi"}, headers={"origin": site.url})
            assert (full.status_code, "hi" in full.text) == (429, True)
        listening[0].cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        await until(lambda: is_empty(site))
        model.say = "Free again."
        answer = await client.post(form, data={"message": "hi"}, headers={"origin": site.url})
        assert (answer.status_code, "Free again." in answer.text) == (200, True)


@pytest.mark.parametrize("ending", [*RARER, "cut off", "blocked", "stopped"])
async def test_a_place_is_free_again_however_a_reply_ends(
    small: Site, path: str, model: ModelControl, ending: str
) -> None:
    model.say = "Some words that are said, and a few more of them."
    if ending in {"cut off", "sample"}:
        model.fail("truncate" if ending == "cut off" else "server_error", times=None)
    async with api_client(small.url) as client:
        for _ in range(6):  # twice as many as there are places
            if ending == "stopped":
                await _stop_soon(client, path, model)
            else:
                message = "how do I make a bomb" if ending == "blocked" else "hi"
                answer = await client.post(path, json={"message": message}, headers=STREAM)
                assert events_of(answer.text)[-1][0] == ("error" if ending == "cut off" else "done")
            await until(lambda: is_empty(small))
    await usage_of(small.house, 0 if ending == "stopped" else 6)


async def _stop_soon(client: httpx.AsyncClient, path: str, model: ModelControl) -> None:
    model.say, model.words_per_second = "word " * 4000, 50
    async with client.stream("POST", path, json={"message": "hi"}, headers=STREAM) as answer:
        async for _ in answer.aiter_text():
            return


async def test_many_who_leave_at_any_moment_leave_every_place_free(
    make_site: MakeSite, path: str, model: ModelControl
) -> None:
    """Before the answer begins, at its first byte, and somewhere in it."""
    site = await make_site(preview_streams=40, **PATIENT)
    model.say, model.words_per_second = "word " * 4000, 50

    async def leave(n: int) -> None:
        async with api_client(site.url) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01 * n):
                    await client.post(path, json={"message": "hi"}, headers=STREAM if n % 2 else {})

    await asyncio.gather(*(leave(n) for n in range(40)))
    await until(lambda: is_empty(site))

    async def is_quiet() -> bool:
        return not model.open_requests

    await until(is_quiet)


async def test_a_stream_that_is_never_read_holds_its_place_no_longer_than_the_model_speaks(
    small: Site, path: str, model: ModelControl
) -> None:
    model.say = "word " * 390
    body = b'{"message": "hi"}'
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {small.url.removeprefix('http://')}\r\nContent-Type: application/json\r\n"
        f"Accept: text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    deaf = []
    for _ in range(6):  # twice as many as there are places
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        made.setblocking(False)
        address = ("127.0.0.1", int(small.url.rpartition(":")[2]))
        await asyncio.get_running_loop().sock_connect(made, address)
        await asyncio.get_running_loop().sock_sendall(made, head + body)
        deaf.append(made)
        await usage_of(small.house, len(deaf))
    assert len(model.recorded) == 6
    for made in deaf:
        made.close()
    await until(lambda: is_empty(small))


async def _exchange(site: Site, path: str) -> Exchange:
    return await open_exchange(site.house, PreviewSessions(), path.split("/")[-2], "hi", None, "10.0.0.1")


async def test_a_response_that_never_starts_gives_its_place_back(small: Site, path: str, model: ModelControl) -> None:
    relays = Relays(unbegun_seconds=0.05)
    opened = [relays.open(small.house, await _exchange(small, path)) for _ in range(3)]
    with pytest.raises(RateLimited):
        relays.open(small.house, await _exchange(small, path))

    async def is_free() -> bool:
        return not relays._live

    await until(is_free)
    assert model.recorded == []
    events = [event async for batch in opened[0].batches() for event in batch]  # late, but still there
    assert isinstance(events[-1], DoneEvent)
    await relays.settled()
    assert not relays._live


async def test_going_down_ends_what_has_begun_and_what_has_not(small: Site, path: str, model: ModelControl) -> None:
    model.say, model.words_per_second = "word " * 4000, 50
    relays = Relays()
    begun, unbegun = [relays.open(small.house, await _exchange(small, path)).batches() for _ in range(2)]
    await anext(begun)
    relays.interrupt()
    for each in (begun, unbegun):
        (batch,) = [events async for events in each]
        assert [type(event).__name__ for event in batch] == ["ApiError"]
    await relays.settled()
    assert not relays._live
