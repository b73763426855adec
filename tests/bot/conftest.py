"""Atlas lives in the Tea House, and the bot listens there over the real gateway."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.bot.talk import Room, move_in
from tests.deployments import scene
from tests.support.people import Person
from tests.support.serving import Site

from botbot.catalog.models import PersonalityTemplate
from botbot.sandbox.handle import DiscordHandle
from botbot.sandbox.model.control import ModelControl


@pytest.fixture(autouse=True)
def honest(discord: DiscordHandle, model: ModelControl) -> Iterator[None]:
    """Nothing we sent to Discord or to the model broke a rule."""
    discord.limits.is_enabled = False  # so much talk in so few seconds is no person's
    yield
    assert scene.rule_breaks(discord) == []
    assert model.violations == []


@pytest.fixture
async def tenant(site: Site, ada: Person, personality: PersonalityTemplate) -> dict[str, Any]:
    return await move_in(site, ada, personality)


@pytest.fixture
async def room(tenant: dict[str, Any], bot: Site, discord: DiscordHandle, model: ModelControl) -> Room:
    return Room(discord, model)
