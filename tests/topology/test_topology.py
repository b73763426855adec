"""The whole house as several processes behind nginx as in `compose.yaml`, and what happens when parts of it die."""

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import httpx
import pytest
from tests.deployments import scene
from tests.support.people import Person, api_client
from tests.support.postgres import NoPostgres, Postgres
from tests.topology.standing import Standing, counted, need, own_postgres

from botbot.accounts.service import create_api_token
from botbot.db import Database
from botbot.sandbox import cast
from botbot.sandbox.model.control import ModelControl
from botbot.sandbox.server import Sandbox

pytestmark = [pytest.mark.long, pytest.mark.timeout(500)]
LISTED = "/api/marketplace/personalities"
PACE = 0.05
"""Between two writes: twenty a second."""
BACK_SECONDS = 5.0


@pytest.fixture
def own_server() -> Iterator[Postgres]:
    need("nginx", "nginx")
    need("redis-server", "Redis")
    try:
        with own_postgres() as server:
            yield server
    except NoPostgres as reason:
        pytest.skip(f"PostgreSQL: {reason}")


@pytest.fixture
async def standing(
    own_server: Postgres, sandbox: Sandbox, model: ModelControl, listeners: list[socket.socket], tmp_path: Path
) -> AsyncIterator[Standing]:
    port = listeners[0].getsockname()[1]
    listeners.pop(0).close()  # nginx takes it; the sandbox knows its address.
    scene.name_the_bot(sandbox.discord)
    made = Standing(tmp_path, own_server, port, dict(sandbox.environment))
    try:
        await made.start(own_server.url(await own_server.create()))
        yield made
    finally:
        made.stop()


@pytest.fixture
async def ada(standing: Standing) -> AsyncIterator[Person]:
    person = Person("ada", cast.ADA, cast.TEA_HOUSE, standing)  # type: ignore[arg-type]
    await person.sign_in()
    yield person
    await person.aclose()


async def first_of(client: httpx.AsyncClient) -> dict[str, str]:
    answer = await client.get(f"{LISTED}?limit=1")
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["personalities"][0])


async def test_the_main_job_goes_through_nginx_and_over_all_processes(
    standing: Standing, ada: Person, sandbox: Sandbox, model: ModelControl
) -> None:
    personality = (await first_of(ada.http))["id"]
    model.words_per_second = 15
    arrived = [moment async for moment in heard(ada, personality)]
    assert len(arrived) > 4
    assert arrived[-1] - arrived[0] > 0.2, "nginx held the words back"

    asked = await ada.post(f"{LISTED}/{personality}/deploy", json={"discordGuildId": str(ada.guild)})
    assert asked.status_code == 202, asked.text
    shown = await scene.settled(ada, asked.json()["id"], 60)
    assert shown["status"] == "active", shown

    channel = sandbox.discord.channel(cast.TEA_HOUSE, "parlour")
    before = len(scene.said_by_bot(sandbox.discord))
    sandbox.discord.post_message(cast.BEN, channel.id, "@BotBot good morning!", mention_bot=True)
    async with asyncio.timeout(60):
        while len(scene.said_by_bot(sandbox.discord)) == before:
            await asyncio.sleep(0.05)

    assert (await ada.get("/metrics")).status_code == 404
    assert (await ada.get("/healthz")).status_code == 200
    assert scene.rule_breaks(sandbox.discord) == []
    for product in standing.products:
        product.terminate()
    codes = await asyncio.gather(*(product.wait() for product in standing.products))
    assert codes == [0] * len(standing.products)
    down = await ada.get(LISTED)
    assert (down.status_code, down.headers["retry-after"]) == (503, "5")
    assert set(down.json()) == {"error", "message", "code", "details"}
    page = await ada.get("/", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")


async def heard(who: Person, personality: str) -> AsyncIterator[float]:
    """The moments at which pieces of a preview's reply arrive."""
    told = {"accept": "text/event-stream", "origin": who.site.url}
    path = f"/api/marketplace/preview/{personality}/chat"
    async with who.http.stream("POST", path, json={"message": "Why is the sky blue?"}, headers=told) as answer:
        assert answer.status_code == 200
        async for _ in answer.aiter_raw():
            yield time.monotonic()


async def test_parts_that_die_are_not_missed_for_long(standing: Standing, ada: Person) -> None:
    await lose_a_web(standing, ada)
    await lose_redis(standing, ada)
    await restart_postgres(standing, ada)


async def lose_a_web(standing: Standing, ada: Person) -> None:
    """Reading goes to the other one in the same request; the sign-in counts there too."""
    counts = []
    async with api_client("") as inside:
        for web in standing.webs:
            counts.append(counted((await inside.get(f"{web.url}/metrics")).text))
    dead = standing.webs[counts.index(max(counts))]
    dead.kill()
    codes = [(await ada.get(f"{LISTED}?limit={1 + n % 5}")).status_code for n in range(30)]
    assert codes == [200] * 30
    assert (await ada.get("/api/auth/session")).json()["user"] is not None
    await dead.start()


async def lose_redis(standing: Standing, ada: Person) -> None:
    """Everything stays open meanwhile, and limits are shared again soon after."""
    first = await first_of(ada.http)
    personality = first["id"]
    standing.end("redis")
    paths = ("/", LISTED, f"/personalities/{first['slug']}", "/readyz", "/api/auth/session")
    assert [(await ada.get(path)).status_code for path in paths] == [200] * 5
    ben = Person("ben", cast.BEN, cast.TEA_HOUSE, standing)  # type: ignore[arg-type]
    await ben.sign_in()
    await ben.aclose()
    asked = await ada.post(f"{LISTED}/{personality}/deploy", json={"discordGuildId": str(ada.guild)})
    assert (await scene.settled(ada, asked.json()["id"], 60))["status"] == "active"
    standing.start_redis()
    began = time.monotonic()
    n = 0
    while await keys_in(standing.redis_port) == 0:
        n += 1
        assert (await ada.post(f"{LISTED}/{personality}/rate", json={"rating": 1 + n % 5})).status_code in {200, 429}
        await asyncio.sleep(PACE)
        assert time.monotonic() - began < BACK_SECONDS, "limits are still not shared"


async def keys_in(port: int) -> int:
    """How many limits stand in Redis; 0 while it isn't there."""
    with suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"DBSIZE\r\n")
        said = (await reader.readline()).decode()
        writer.close()
        return int(said[1:]) if said.startswith(":") else 0
    return 0


async def restart_postgres(standing: Standing, ada: Person) -> None:
    """Twenty favourites a second through nginx while the server is killed at once and started again."""
    listed = (await ada.get(f"{LISTED}?limit=60")).json()["personalities"]
    pids = [product.pid for product in standing.products]
    answers: dict[tuple[int, str], int] = {}
    restarting = asyncio.create_task(restart(standing.postgres))
    after: list[float] = []
    async with people(standing) as scripts:
        for n in range(len(scripts) * len(listed)):
            (who, script), each = scripts[n % len(scripts)], listed[n % len(listed)]["id"]
            is_back = restarting.done()
            answer = await script.put(f"{LISTED}/{each}/favourite")
            answers[who, each] = answer.status_code
            assert answer.status_code in {204, 503}, answer.text
            assert answer.status_code == 204 or int(answer.headers["retry-after"]) >= 1
            if is_back and answer.status_code == 204:
                after.append(time.monotonic())
            if len(after) == 20:
                break
            await asyncio.sleep(PACE)
    assert after[0] - await restarting < BACK_SECONDS
    assert len(after) == 20
    assert [product.pid for product in standing.products if product.is_running] == pids
    acknowledged = {key for key, code in answers.items() if code == 204}
    assert acknowledged <= await favourites(standing.settings["DATABASE_URL"])
    assert (await ada.get("/readyz")).status_code == 200


@asynccontextmanager
async def people(standing: Standing) -> AsyncIterator[list[tuple[int, httpx.AsyncClient]]]:
    """So many that no limit is met: each one's id at Discord, and a script of theirs. Each number of theirs and of an
    entry makes another pair, since neither count divides the other."""
    database = Database(standing.settings["DATABASE_URL"])
    async with database.write() as session:
        tokens = {7000 + n: await create_api_token(session, 7000 + n, "tests") for n in range(13)}
    await database.dispose()
    async with AsyncExitStack() as stack:
        yield [
            (
                who,
                await stack.enter_async_context(api_client(standing.url, headers={"authorization": f"Bearer {token}"})),
            )
            for who, token in tokens.items()
        ]


async def restart(server: Postgres) -> float:
    """Killed a second from now, and back; the moment it was."""
    await asyncio.sleep(1)
    await asyncio.to_thread(server.end, signal.SIGQUIT)
    await asyncio.to_thread(server.start)
    return time.monotonic()


async def favourites(url: str) -> set[tuple[int, str]]:
    """Whose (by the id at Discord), and of which entry."""
    connection = await asyncpg.connect(url)
    try:
        rows = "select discord_id, personality_id from personality_favourites join users on users.id = user_id"
        return {(row[0], row[1]) for row in await connection.fetch(rows)}
    finally:
        await connection.close()
