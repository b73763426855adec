"""kill -9 at every call to Discord: whatever the moment, a restart ends the work, once, with nothing left behind.

Everyday the four most telling moments on SQLite; with `--all` every call, both databases, and random moments. The
outcomes are printed and kept in `test-artifacts/kill-points.txt`."""

import asyncio
import random
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from tests.conftest import SECRET_KEY
from tests.deployments import killing, scene
from tests.deployments.killing import DEPLOY, HEADING, REMOVE, REPLACE, Kill, Scenario, Stage
from tests.support.engines import ONLY_SQLITE
from tests.support.people import Person
from tests.support.processes import Product

from botbot.catalog.models import PersonalityTemplate
from botbot.db import Database
from botbot.sandbox import cast
from botbot.sandbox.server import Sandbox

ARTIFACT = Path(__file__).resolve().parents[2] / "test-artifacts" / "kill-points.txt"
TELLING = [
    (DEPLOY, "PATCH /guilds/:id/members/@me", "unanswered"),
    (DEPLOY, "POST /channels/:id/messages", "unheard"),
    (REMOVE, "PATCH /guilds/:id/members/@me", "unanswered"),
    (REPLACE, "PATCH /guilds/:id/members/@me", "unanswered"),
]
RANDOM_MOMENTS = 20
COPIES = 120
"""Personalities nobody has deployed: one or two are used up by each kill."""


@pytest.fixture(scope="module")
def table() -> Iterator[list[Kill]]:
    """The rows of every kill in this module; shown and kept at its end."""
    rows: list[Kill] = []
    yield rows
    text = "\n".join([HEADING, *map(str, rows)])
    ARTIFACT.parent.mkdir(exist_ok=True)
    ARTIFACT.write_text(text + "\n")
    print(f"\n{text}", file=sys.__stdout__, flush=True)


@pytest.fixture
async def stage(
    database_url: str, sandbox: Sandbox, listeners: list[socket.socket], tmp_path: Path, table: list[Kill]
) -> AsyncIterator[Stage]:
    """A running product over that database, Ada signed in, and the bot called Teapot in her Tea House."""
    settings = {**sandbox.environment, "DATABASE_URL": database_url, "BOTBOT_SECRET_KEY": SECRET_KEY}
    product = Product(tmp_path / "product", listeners[0].getsockname()[1], settings)
    sandbox.discord.limits.is_enabled = False
    scene.name_the_bot(sandbox.discord)
    database = Database(database_url)
    ada = Person("ada", cast.ADA, cast.TEA_HOUSE, product)  # type: ignore[arg-type]
    try:
        await product.start()
        await ada.sign_in()
        yield Stage(product, sandbox.discord, database, ada, await add_copies(database), table)
    finally:
        product.kill()
        await ada.aclose()
        await database.dispose()


async def add_copies(database: Database) -> list[str]:
    """The curated entries are too few for so many kills: their slugs, and those of copies of them."""
    from botbot.catalog.service import SNAPSHOT, save_new_version

    async with database.write() as session:
        curated = list(await session.scalars(select(PersonalityTemplate).order_by(PersonalityTemplate.slug)))
        for number in range(COPIES):
            source = curated[number % len(curated)]
            values = {name: getattr(source, name) for name in (*SNAPSHOT, "category", "tags", "hue", "avatar")}
            values["name"] = f"{source.name[:20]} {number}"
            copy = PersonalityTemplate(slug=f"copy-{number}", version=0, created_by="tests", **values)
            copy.content_hash = copy.slug
            await save_new_version(session, copy, "A copy.")
        assert await session.scalar(select(func.count()).select_from(PersonalityTemplate)) == len(curated) + COPIES
    return [*(each.slug for each in curated), *(f"copy-{number}" for number in range(COPIES))]


def engine_of(stage: Stage) -> str:
    return "sqlite" if stage.database.is_sqlite else "postgres"


@ONLY_SQLITE
async def test_the_telling_moments(stage: Stage) -> None:
    for scenario, wanted, moment in TELLING:
        number = (await killing.list_calls(stage, scenario)).index(wanted)
        await killing.kill_at(stage, scenario, number, wanted, moment, "sqlite")


@pytest.mark.long
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("scenario", [DEPLOY, REMOVE, REPLACE], ids=lambda scenario: scenario.name)
async def test_every_call(stage: Stage, scenario: Scenario) -> None:
    calls = await killing.list_calls(stage, scenario)
    assert any(not call.startswith("GET") for call in calls)
    for number, call in enumerate(calls):
        for moment in killing.moments(call):
            await killing.kill_at(stage, scenario, number, call, moment, engine_of(stage))


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_random_moments(stage: Stage) -> None:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for _ in range(RANDOM_MOMENTS):
        scenario = dice.choice([DEPLOY, DEPLOY, REMOVE, REPLACE])
        await killing.kill_after(stage, scenario, dice.uniform(0, 0.4), engine_of(stage))


async def test_a_key_means_the_same_deployment_after_a_restart(stage: Stage) -> None:
    """F7: the key lives in the database, not in the process."""
    slug = stage.take_slug()
    before = await scene.settled(stage.ada, (await scene.deploy(stage.ada, slug, key="mine"))["id"])
    stage.product.kill()
    await stage.product.start()
    again = await asyncio.gather(*(scene.deploy(stage.ada, slug, key="mine") for _ in range(10)))
    assert {each["id"] for each in again} == {before["id"]}
    assert {each["status"] for each in again} == {"active"}
    other = await scene.ask_deploy(stage.ada, slug, key="mine", customizations={"name": "Other"})
    assert (other.status_code, other.json()["error"]) == (422, "idempotency_key_reused")
