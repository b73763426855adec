"""Many at once: streams that hold no transaction, writers on one file, and connections that say nothing."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import text
from tests import factories
from tests.conftest import MakeSite
from tests.support.engines import ONLY_POSTGRES, ONLY_SQLITE
from tests.support.people import Person, api_client
from tests.support.serving import Site

from botbot.accounts.service import create_api_token
from botbot.catalog.models import PersonalityTemplate
from botbot.db.engine import WAIT_SECONDS
from botbot.sandbox.model.control import ModelControl
from botbot.security.patience import HEAD_SECONDS

STREAMS = 60
RATERS = 50


@ONLY_POSTGRES
async def test_open_streams_hold_no_transaction_and_keep_nobody_from_writing(
    make_site: MakeSite, model: ModelControl, ada: Person
) -> None:
    site = await make_site(preview_per_minute=1000)
    personality = await factories.add_personality(site.house)
    model.words_per_second = 1
    async with api_client(site.url) as client, contextlib.AsyncExitStack() as open_streams:
        chat = f"/api/marketplace/preview/{personality.id}/chat"
        told = {"accept": "text/event-stream"}
        for _ in range(STREAMS):
            stream = client.stream("POST", chat, json={"message": "Tell me a long story."}, headers=told)
            answer = await open_streams.enter_async_context(stream)
            assert answer.status_code == 200
            assert await anext(answer.aiter_raw())
        async with asyncio.timeout(10):  # Somebody may be between two statements just now; a stream would stay there.
            while await count_open_transactions(site):
                await asyncio.sleep(0.02)
        rated = await ada.post(f"/api/marketplace/personalities/{personality.id}/rate", json={"rating": 5})
        assert rated.status_code == 200


async def count_open_transactions(site: Site) -> int:
    """Those that wait for their next statement."""
    waiting = "select count(*) from pg_stat_activity where state like 'idle in transaction%' "
    async with site.house.db.reading() as connection:
        return int(await connection.scalar(text(waiting + "and datname = current_database()")) or 0)


@pytest.mark.long
@ONLY_POSTGRES
async def test_when_every_connection_is_taken_a_write_is_503_and_no_hang(
    site: Site, ada: Person, personality: PersonalityTemplate
) -> None:
    path = f"/api/marketplace/personalities/{personality.id}/favourite"
    signed_in = await ada.by_token()
    async with contextlib.AsyncExitStack() as taken:
        for _ in range(10):
            await taken.enter_async_context(site.house.db.reading())
        async with asyncio.timeout(WAIT_SECONDS * 2):
            assert (await ada.http.get("/healthz")).status_code == 200
            refused = await signed_in.put(path)
        assert (refused.status_code, refused.json()["error"]) == (503, "storage_unavailable")
        assert int(refused.headers["retry-after"]) >= 1
    assert (await signed_in.put(path)).status_code == 204


@pytest.fixture
async def raters(site: Site) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Scripts of fifty people."""
    opened = []
    async with site.house.db.write() as session:
        tokens = [await create_api_token(session, 9000 + n, "tests") for n in range(RATERS)]
    for token in tokens:
        opened.append(api_client(site.url, headers={"authorization": f"Bearer {token}"}))
    yield opened
    for client in opened:
        await client.aclose()


@pytest.mark.long
@ONLY_SQLITE
async def test_fifty_raters_a_worker_and_a_bot_on_one_file_meet_no_lock(
    worker: Site, bot: Site, ada: Person, raters: list[httpx.AsyncClient], personality: PersonalityTemplate
) -> None:
    path = f"/api/marketplace/personalities/{personality.id}"
    asked = await ada.post(f"{path}/deploy", json={"discordGuildId": str(ada.guild)})
    assert asked.status_code == 202
    async with asyncio.timeout(120):
        codes = [
            answer.status_code
            for stars in range(1, 6)
            for answer in await asyncio.gather(*(each.post(f"{path}/rate", json={"rating": stars}) for each in raters))
        ]
        while (shown := (await ada.get(asked.headers["location"])).json())["status"] in {"queued", "running"}:
            await asyncio.sleep(0.05)
    assert set(codes) == {200}
    assert shown["status"] == "active"
    after = (await ada.get(path)).json()
    assert (after["avgRating"], after["ratingCount"]) == (5.0, RATERS)


@pytest.mark.long
@ONLY_SQLITE
async def test_connections_that_never_finish_their_head_are_closed_and_others_served(site: Site) -> None:
    where, began, silent = urlsplit(site.url), time.monotonic(), []
    for said in (b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ") * 150:
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(said)
        silent.append((reader, writer))
    async with api_client(site.url) as client:
        assert (await client.get("/healthz")).status_code == 200
    async with asyncio.timeout(HEAD_SECONDS * 6):
        assert {await reader.read() for reader, _ in silent} <= {b""}
    assert time.monotonic() - began >= HEAD_SECONDS
    for _, writer in silent:
        writer.close()
