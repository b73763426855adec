"""Ada as somebody with a past here: a home, talk, a review, a vote, a favourite, a report, a token, a notice."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select
from tests import factories
from tests.deployments.scene import deploy
from tests.support.people import Person
from tests.support.serving import Site

from botbot.accounts.models import User
from botbot.agents.models import Agent
from botbot.agents.service import remember_turn
from botbot.audit import service as audit
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.service import note_use
from botbot.desk.models import Decision, Notice
from botbot.privacy.jobs import settle_due
from botbot.sandbox import cast

API = "/api/marketplace/personalities"
WORDS = "the-blue-flowerpot"
"""In everything that Ada ever wrote."""


@dataclass
class Past:
    user_id: str
    deployment_id: str
    personality: PersonalityTemplate
    other: PersonalityTemplate


@pytest.fixture
async def past(site: Site, ada: Person, ben: Person, personality: PersonalityTemplate, discord: Any) -> Past:
    discord.limits.is_enabled = False
    other = await factories.add_personality(site.house, "Nova of the Stars")
    home = await deploy(ada, personality.id, customizations={"name": f"Dot {WORDS}"})
    await site.drain()
    assert (await ada.post(f"{API}/{personality.id}/rate", json={"rating": 5, "review": WORDS})).status_code == 200
    await ben.post(f"{API}/{personality.id}/rate", json={"rating": 2, "review": "Ben was here."})
    reviews = (await ada.get(f"{API}/{personality.id}/reviews")).json()["reviews"]
    theirs = next(each["id"] for each in reviews if each["rating"] == 2)
    assert (await ada.put(f"{API}/{personality.id}/reviews/{theirs}/helpful")).status_code < 300
    assert (await ada.put(f"{API}/{other.id}/favourite")).status_code < 300
    report = {"reason": "spam", "words": WORDS}
    assert (await ada.post(f"{API}/{other.id}/report", json=report)).status_code < 300
    await ada.by_token()
    user_id = await ada.user_id()
    await _talk(site, user_id)
    return Past(user_id, home["id"], personality, other)


async def _talk(site: Site, user_id: str) -> None:
    async with site.house.db.write() as session:
        agent = (await session.scalars(select(Agent))).one()
        for number, (who, text) in enumerate([(cast.ADA, WORDS), (cast.BEN, "Ben speaks.")]):
            for role in ("user", "assistant"):
                remember_turn(session, site.house.cipher, agent.id, 77, role=role, text=f"{text} {role}", user_id=who)
            await note_use(session, agent.template_id, who)
            assert number < 2
        decision = Decision(subject_type="review", subject_id="x", verdict="hide", reason="spam", words="Be kind.")
        session.add(decision)
        await session.flush()
        session.add(Notice(user_id=user_id, decision_id=decision.id, kind="author", about="Atlas"))
        audit.record(session, "somebody", "account.change_role", ("user", user_id), reason=WORDS)


@pytest.fixture
async def settle(site: Site, tick: Callable[..., None]) -> Callable[[], Awaitable[None]]:
    """Let everything happen that an erasure still owes."""

    async def go() -> None:
        for _ in range(6):
            await site.drain()
            await settle_due(site.house)
            tick(seconds=20)

    return go


async def user_named(site: Site, discord_id: int) -> User | None:
    async with site.house.db.read() as session:
        return (await session.scalars(select(User).where(User.discord_id == discord_id))).one_or_none()
