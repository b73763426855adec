"""A database in trouble, seen from outside: never a success that was not stored, never a 500, and well again after."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from tests import factories
from tests.conftest import MakeSite
from tests.support.engines import ONLY_POSTGRES, ONLY_SQLITE
from tests.support.people import Person
from tests.support.postgres import Postgres

from botbot.accounts.models import User
from botbot.catalog.models import PersonalityTemplate
from botbot.errors import StorageFull
from botbot.house import House

COMMIT_FAILS = {
    "sqlite": (
        "create table parents (id integer primary key)",
        "create table children (parent_id integer references parents (id) deferrable initially deferred)",
        "create trigger spoil after insert on personality_ratings begin insert into children values (42); end",
    ),
    "postgresql": (
        "create table parents (id integer primary key)",
        "create table children (parent_id integer references parents (id) deferrable initially deferred)",
        "create function spoil() returns trigger language plpgsql as "
        "$$ begin insert into children values (42); return new; end $$",
        "create trigger spoil after insert on personality_ratings for each row execute function spoil()",
    ),
}
MEND = {
    "sqlite": ("drop trigger spoil",),
    "postgresql": ("drop trigger spoil on personality_ratings",),
}


async def run(house: House, statements: Any) -> None:
    async with house.db.write() as session:
        for statement in statements[session.get_bind().dialect.name]:
            await session.execute(text(statement))


async def count_ratings(house: House) -> Any:
    async with house.db.read() as session:
        return await session.scalar(text("select count(*) from personality_ratings"))


async def test_a_commit_that_fails_is_no_success_and_harms_nobody_later(
    house: House, ada: Person, ben: Person, personality: PersonalityTemplate
) -> None:
    path = f"/api/marketplace/personalities/{personality.id}/rate"
    await run(house, COMMIT_FAILS)
    for _ in range(3):
        answer = await ada.post(path, json={"rating": 5})
        assert answer.status_code in {503, 507}, answer.text
        assert int(answer.headers["retry-after"]) >= 1
        assert set(answer.json()) == {"error", "message", "code", "details"}
    assert await count_ratings(house) == 0
    await run(house, MEND)
    for n in range(20):
        answer = await ben.post(path, json={"rating": n % 5 + 1})
        assert answer.status_code == 200, answer.text
    shown = (await ada.get(f"/api/marketplace/personalities/{personality.id}")).json()
    assert (shown["avgRating"], shown["ratingCount"]) == (5.0, 1)


async def until_full(house: House, personality: PersonalityTemplate, filler: User) -> None:
    """Rate until there is no room for another rating."""
    for n in range(300):
        try:
            await factories.add_rating(house, personality, filler, 3, f"{n} " + "word " * 190)
        except StorageFull:
            return
    raise AssertionError("it never got full")


@ONLY_SQLITE
async def test_a_full_disk_is_507_while_reading_goes_on(
    house: House, ada: Person, personality: PersonalityTemplate
) -> None:
    """SQLite's page limit answers exactly as a full disk does."""
    path = f"/api/marketplace/personalities/{personality.id}"
    filler = await factories.add_user(house, 900)
    async with house.db.write() as session:
        used = await session.scalar(text("pragma page_count"))
        await session.execute(text(f"pragma max_page_count = {used}"))
    await until_full(house, personality, filler)
    stored = await count_ratings(house)
    for n in range(5):
        answer = await ada.post(f"{path}/rate", json={"rating": 4, "review": f"{n} " + "word " * 190})
        assert answer.status_code == 507, answer.text
        assert int(answer.headers["retry-after"]) >= 1
    assert (await ada.get(path)).status_code == 200
    assert await count_ratings(house) == stored
    async with house.db.write() as session:
        await session.execute(text("pragma max_page_count = 1000000"))
    assert (await ada.post(f"{path}/rate", json={"rating": 4, "review": "word " * 190})).status_code == 200
    async with house.db.read() as session:
        assert await session.scalar(text("pragma integrity_check")) == "ok"


@ONLY_SQLITE
async def test_another_writer_that_holds_the_pen_is_waited_for(
    house: House, ada: Person, personality: PersonalityTemplate, database_url: str
) -> None:
    from botbot.db import Database

    other = Database(database_url)
    path = f"/api/marketplace/personalities/{personality.id}/rate"
    async with other.write():
        waiting = asyncio.create_task(ada.post(path, json={"rating": 3}))
        await asyncio.sleep(0.3)
        assert (await ada.get("/api/marketplace/personalities")).status_code == 200
        assert not waiting.done()
    assert (await waiting).status_code == 200
    await other.dispose()


@pytest.fixture
def own_server() -> Any:
    """A PostgreSQL of this test's own, to be stopped and started."""
    server = Postgres()
    yield server
    server.stop()


@ONLY_POSTGRES
async def test_a_postgres_restart_is_503_and_then_over(
    own_server: Postgres, make_site: MakeSite, tmp_path: Path
) -> None:
    from tests.support.people import api_client

    site = await make_site(database_url=await own_server.copy(), data_dir=tmp_path / "other")
    await factories.add_personality(site.house)
    path = "/api/marketplace/personalities"
    async with api_client(site.url) as client:
        assert (await client.get(path)).status_code == 200
        await asyncio.to_thread(own_server.end, signal.SIGQUIT)
        down = await client.get(f"{path}?limit=7")  # nobody has asked that yet, so no kept answer stands in
        assert (down.status_code, down.json()["error"]) == (503, "storage_unavailable")
        assert int(down.headers["retry-after"]) >= 1
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        starting = asyncio.create_task(asyncio.to_thread(own_server.start))
        answers: list[int] = []
        while not starting.done() or len(answers) < 20:
            answers.append((await client.get(path)).status_code)
            await asyncio.sleep(0.01)
        await starting
        assert set(answers) <= {200, 503}
        assert answers[-5:] == [200] * 5
        assert (await client.get("/readyz")).status_code == 200


@ONLY_POSTGRES
async def test_a_postgres_without_free_connections_is_503(
    own_server: Postgres, make_site: MakeSite, tmp_path: Path
) -> None:
    import asyncpg
    from tests.support.people import api_client

    site = await make_site(database_url=await own_server.copy(), data_dir=tmp_path / "other")
    taken = []
    async with api_client(site.url) as client:
        try:
            while True:
                taken.append(await asyncpg.connect(own_server.url("postgres")))
        except asyncpg.TooManyConnectionsError:
            pass
        full = await client.get("/api/marketplace/categories")
        for connection in taken:
            await connection.close()
        assert (full.status_code, full.json()["error"]) == (503, "storage_unavailable")
        assert (await client.get("/api/marketplace/categories")).status_code == 200


@ONLY_POSTGRES
async def test_a_postgres_that_restarts_between_two_requests_goes_unnoticed(
    own_server: Postgres, make_site: MakeSite, tmp_path: Path
) -> None:
    from tests.support.people import api_client

    site = await make_site(database_url=await own_server.copy(), data_dir=tmp_path / "other")
    async with api_client(site.url) as client:
        assert (await client.get("/api/marketplace/categories")).status_code == 200
        await asyncio.to_thread(own_server.end, signal.SIGQUIT)
        await asyncio.to_thread(own_server.start)
        assert (await client.get("/api/marketplace/categories")).status_code == 200
