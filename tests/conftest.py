"""What every test may ask for: a database on each engine, a house, the sandbox, a running site, and the cast.

Ada owns the Tea House, where the bot is, and the Clockwork Garden, where it isn't. Ben is only a member. Cleo is an
admin and owns the Observatory. Peers are the sandbox's real servers; nothing of ours is patched.

| fixture | is |
| --- | --- |
| `database_url` | a fresh, migrated database; the test runs once on SQLite and once on PostgreSQL |
| `sandbox`, `discord`, `model` | the stand-in servers, the hand inside Discord, and the model's control |
| `settings`, `house` | for that database and that sandbox |
| `make_site`, `site` | marketplaces on real ports; `make_site(discord_pkce=False)` changes settings |
| `client`, `browser` | a visitor's API client, a visitor's browser |
| `ada`, `ben`, `cleo` | signed in by the real OAuth; `sign_in(name)` makes one more browser of theirs |
| `worker`, `bot`, `drain` | work that happens by itself, the gateway bot, or running what is due now |
| `personality` | Atlas, whose prompt holds a canary |
| `tick` | `tick(hours=1)` moves the clock; it is set right again afterwards |"""

import asyncio
import inspect
import shutil
import socket
import threading
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

with warnings.catch_warnings():
    # discord.py imports a module that Python is about to drop, and `Parameter(query=…)` has a new name in Litestar 3.
    warnings.simplefilter("ignore", DeprecationWarning)
    import botbot.runtime

from tests import factories
from tests.support import network
from tests.support.browser import Browser
from tests.support.people import Person, api_client
from tests.support.postgres import NoPostgres, Postgres
from tests.support.serving import Site, loopback_socket

from botbot.catalog import search_index
from botbot.catalog.models import PersonalityTemplate
from botbot.db import Database
from botbot.db.migrate import migrate
from botbot.house import House
from botbot.kit import clock
from botbot.sandbox import cast
from botbot.sandbox.handle import DiscordHandle
from botbot.sandbox.model.control import ModelControl, control
from botbot.sandbox.server import Sandbox
from botbot.settings import Settings

SECRET_KEY = "tests-only-key-that-is-long-enough"
PUBLIC_URL = "https://market.example"
"""Registered at the sandbox too, for tests of a marketplace behind https."""

MakeSite = Callable[..., Awaitable[Site]]
SignIn = Callable[..., Awaitable[Person]]
_GUILDS = {"ada": cast.TEA_HOUSE, "ben": cast.TEA_HOUSE, "cleo": cast.OBSERVATORY}
_IDS = {"ada": cast.ADA, "ben": cast.BEN, "cleo": cast.CLEO}


def pytest_configure(config: pytest.Config) -> None:
    network.watch()
    # These say what Litestar 3 will want spelt out; pyproject.toml holds it below 3.
    config.addinivalue_line("filterwarnings", "ignore::litestar.exceptions.LitestarDeprecationWarning")


SLOWEST_FIRST = ("deployments/test_kill", "e2e/", "guards/test_schemathesis", "bot/", "ui/test_browser", "deployments/")
"""Files that keep a core busy for minutes; begun last, they would leave the others idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every coroutine test is watched for what it leaves behind; first in, so last out."""
    items.sort(key=_place)
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            item.fixturenames.insert(0, "nothing_left_behind")


def _place(item: pytest.Item) -> int:
    return next((n for n, part in enumerate(SLOWEST_FIRST) if part in item.nodeid), len(SLOWEST_FIRST))


@pytest.fixture
async def nothing_left_behind() -> AsyncIterator[None]:
    """No task, and no thread of a SQLite connection: one that ends after its loop dies with a traceback."""
    tasks_before, threads_before = asyncio.all_tasks(), set(threading.enumerate())

    def left() -> set[Any]:
        return _tasks(tasks_before) | _connection_threads(threads_before)

    yield
    for _ in range(300):  # The machine may be busy.
        if not left():
            return
        await asyncio.sleep(0.01)
    names = sorted(repr(each) for each in left())
    tasks = _tasks(tasks_before)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    pytest.fail(f"left behind: {names}")


def _tasks(before: set[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    return {
        task
        for task in asyncio.all_tasks() - before - {asyncio.current_task()}
        if not task.done() and "RequestHandler." not in repr(task)  # the stand-in's, held by a hang on purpose
    }


def _connection_threads(before: set[threading.Thread]) -> set[threading.Thread]:
    return {each for each in set(threading.enumerate()) - before if "_connection_worker_thread" in each.name}


@pytest.fixture(autouse=True)
def clean_test() -> Iterator[None]:
    """The right time afterwards, and nothing that left this machine."""
    network.refused.clear()
    yield
    clock.reset()
    assert not network.refused, f"left this machine: {network.refused}"


@pytest.fixture
def tick() -> Callable[..., None]:
    return lambda **by: clock.move(timedelta(**by))


# Databases


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    try:
        server = Postgres()
    except NoPostgres as reason:
        pytest.skip(f"PostgreSQL: {reason}")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a migrated, empty SQLite file, made by whoever needs it first."""
    return tmp_path_factory.mktemp("sqlite") / "template.sqlite3"


@pytest.fixture
async def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    if not sqlite_template.exists():
        database = Database(f"sqlite:///{sqlite_template}")
        await migrate(database)
        await search_index.ensure(database)
        await database.dispose()
    shutil.copyfile(sqlite_template, tmp_path / "botbot.sqlite3")
    return f"sqlite:///{tmp_path / 'botbot.sqlite3'}"


@pytest.fixture
async def postgres_url(postgres: Postgres) -> AsyncIterator[str]:
    url = await postgres.copy()
    yield url
    await postgres.drop(url)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database of its own for this test, once per engine."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(params=["sqlite", "postgres"])
async def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """A database without any table, once per engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.url(await server.create())
    yield url
    await server.drop(url)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.dispose()


# Peers


@pytest.fixture
def listeners() -> Iterator[list[socket.socket]]:
    """Ports for a few marketplaces, known before anybody serves, so that the sandbox can be told their addresses."""
    made = [loopback_socket() for _ in range(5)]
    yield list(made)
    for each in made:
        each.close()


@pytest.fixture
async def sandbox(listeners: list[socket.socket]) -> AsyncIterator[Sandbox]:
    origins = [f"http://127.0.0.1:{each.getsockname()[1]}" for each in listeners]
    running = Sandbox(redirect_uris=[f"{origin}/api/auth/callback" for origin in [*origins, PUBLIC_URL]])
    running.discord.gateway.starts.seconds_apart = 0.05
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def discord(sandbox: Sandbox) -> DiscordHandle:
    return sandbox.discord


@pytest.fixture
def model(sandbox: Sandbox) -> ModelControl:
    """What the stand-in model does next; it speaks fast."""
    assert sandbox._runner is not None
    found = control(sandbox._runner.app)
    found.words_per_second = 4000
    return found


# The marketplace


@pytest.fixture
def settings(
    database_url: str, sandbox: Sandbox, model: ModelControl, listeners: list[socket.socket], tmp_path: Path
) -> Settings:
    return botbot.runtime.sandboxed(
        Settings(
            database_url=database_url,
            data_dir=tmp_path / "data",
            port=listeners[0].getsockname()[1],
            secret_key=SECRET_KEY,
            admins=(cast.CLEO,),
            log="text",
            deployments_per_person=100_000,  # Tests move more in an hour than people do.
            deployments_per_server=100_000,
        ),
        sandbox,
    )


@pytest.fixture
async def make_site(settings: Settings, sandbox: Sandbox, listeners: list[socket.socket]) -> AsyncIterator[MakeSite]:
    """Start a marketplace with changed settings; several of one test share database and sandbox."""
    import dataclasses

    running: list[Site] = []

    async def make(**changes: Any) -> Site:
        listener = listeners[len(running)]
        chosen = dataclasses.replace(settings, **({"port": listener.getsockname()[1]} | changes))
        site = Site(chosen, listener, sandbox_url=sandbox.url)
        running.append(site)
        await site.start()
        return site

    yield make
    for site in running:
        await site.stop()


@pytest.fixture
async def site(make_site: MakeSite) -> Site:
    return await make_site()


@pytest.fixture
def house(site: Site) -> House:
    """The running site's own house: rows made here are what it serves."""
    return site.house


@pytest.fixture
def drain(site: Site) -> Callable[[], Awaitable[None]]:
    return site.drain


@pytest.fixture
async def worker(site: Site) -> Site:
    await site.start_worker()
    return site


@pytest.fixture
async def bot(site: Site) -> Site:
    await site.start_bot()
    return site


# People


@pytest.fixture
async def client(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """A visitor's script: no cookies, no origin."""
    async with api_client(site.url) as opened:
        yield opened


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    opened = Browser()
    yield opened
    await opened.aclose()


@pytest.fixture
async def sign_in(site: Site) -> AsyncIterator[SignIn]:
    """`await sign_in("ada")`: one more browser of somebody's, at this site or at another."""
    signed_in: list[Person] = []

    async def go(name: str, at: Site | None = None) -> Person:
        person = Person(name, _IDS[name], _GUILDS[name], at or site)
        signed_in.append(person)
        await person.sign_in()
        return person

    yield go
    for person in signed_in:
        await person.aclose()


@pytest.fixture
async def ada(sign_in: SignIn) -> Person:
    return await sign_in("ada")


@pytest.fixture
async def ben(sign_in: SignIn) -> Person:
    return await sign_in("ben")


@pytest.fixture
async def cleo(sign_in: SignIn) -> Person:
    return await sign_in("cleo")


@pytest.fixture
async def personality(house: House) -> PersonalityTemplate:
    return await factories.add_personality(house)
