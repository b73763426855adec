"""kill -9 of the whole product in the middle of a call to Discord: a restart ends the work, once, with nothing left
behind. These are the four most telling moments; every call there is, on both databases, is in `test_kill_workers`."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.conftest import SECRET_KEY
from tests.deployments import killing, scene
from tests.deployments.killing import DEPLOY, REMOVE, REPLACE, Stage
from tests.support.engines import ONLY_SQLITE
from tests.support.people import Person
from tests.support.processes import Product

from botbot.catalog.models import PersonalityTemplate
from botbot.db import Database
from botbot.sandbox import cast
from botbot.sandbox.server import Sandbox

TELLING = [
    (DEPLOY, "PATCH /guilds/:id/members/@me", "unanswered"),
    (DEPLOY, "POST /channels/:id/messages", "unheard"),
    (REMOVE, "PATCH /guilds/:id/members/@me", "unanswered"),
    (REPLACE, "PATCH /guilds/:id/members/@me", "unanswered"),
]


@pytest.fixture
async def stage(
    database_url: str, sandbox: Sandbox, listeners: list[socket.socket], tmp_path: Path
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
        yield Stage(product, sandbox.discord, database, ada, await list_slugs(database))
    finally:
        product.kill()
        await ada.aclose()
        await database.dispose()


async def list_slugs(database: Database) -> list[str]:
    """The curated entries; each kill uses up one or two."""
    async with database.read() as session:
        return list(await session.scalars(select(PersonalityTemplate.slug).order_by(PersonalityTemplate.slug)))


@pytest.mark.long
@ONLY_SQLITE
async def test_the_telling_moments(stage: Stage) -> None:
    for scenario, wanted, moment in TELLING:
        number = (await killing.list_calls(stage, scenario)).index(wanted)
        await killing.kill_at(stage, scenario, number, wanted, moment)


@pytest.mark.long
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
