"""What the trail keeps of each deed: what was there before, and what came of it."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import select
from tests.deployments import scene
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person

from botbot.audit.models import AuditEntry
from botbot.catalog.models import PersonalityTemplate
from botbot.house import House

pytestmark = MOSTLY_SQLITE
Drain = Callable[[], Awaitable[None]]


async def noted(house: House, deployment_id: str) -> list[tuple[str, Any, Any]]:
    """(verb, before, after) of everything that was done with it, oldest first."""
    async with house.db.read() as session:
        found = select(AuditEntry).where(AuditEntry.subject_id == deployment_id).order_by(AuditEntry.at, AuditEntry.id)
        return [(each.action.partition(".")[2], each.before, each.after) for each in await session.scalars(found)]


async def test_a_change_is_noted_with_what_was_there_before(
    ada: Person, personality: PersonalityTemplate, drain: Drain, house: House
) -> None:
    home = (await scene.deploy(ada, personality.id, customizations={"name": "Dot"}))["id"]
    await drain()
    await ada.patch(f"{scene.DEPLOYMENTS}/{home}", json={"customizations": {"name": "Dash"}, "channelIds": []})
    assert (await noted(house, home))[-1] == (
        "change", {"customizations": {"name": "Dot"}}, {"customizations": {"name": "Dash"}},
    )  # fmt: skip


async def test_whoever_made_room_was_paused_by_somebody(
    ada: Person, personality: PersonalityTemplate, drain: Drain, house: House
) -> None:
    first = (await scene.deploy(ada, personality.id))["id"]
    await drain()
    second = (await scene.deploy(ada, personality.id, replace=True))["id"]
    assert (await noted(house, first))[-1] == (
        "pause", {"status": "active", "replaced_by": None}, {"status": "paused", "replaced_by": second},
    )  # fmt: skip


async def test_every_verb_is_noted_with_both_states(
    ada: Person, personality: PersonalityTemplate, drain: Drain, house: House
) -> None:
    home = (await scene.deploy(ada, personality.id))["id"]
    await drain()
    for verb in ("pause", "resume"):
        assert (await scene.verb(ada, home, verb)).status_code == 202
    assert (await ada.delete(f"{scene.DEPLOYMENTS}/{home}")).status_code == 202
    assert [(verb, before, after) for verb, before, after in await noted(house, home)][1:] == [
        ("pause", {"status": "active"}, {"status": "paused"}),
        ("resume", {"status": "paused"}, {"status": "active"}),
        ("remove", {"status": "active"}, {"status": "rolling_back"}),
    ]
