"""Receipts as their holders see them, and what an erasure would take along."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.models import ApiToken
from botbot.accounts.rules import Viewer
from botbot.agents.models import ChannelMessage
from botbot.catalog.models import PersonalityFavourite, PersonalityTemplate
from botbot.deployments.models import PersonalityDeployment
from botbot.errors import NotFound
from botbot.kit import ids
from botbot.privacy.models import Erasure
from botbot.privacy.schemas import LeavingOut, ReceiptOut, leaving_state
from botbot.reviews.models import PersonalityRating

D = PersonalityDeployment


async def get_receipt(session: AsyncSession, secret: str) -> ReceiptOut:
    """Raises `NotFound` for an address that is none, or whose receipt is gone by now."""
    erasure = await session.get(Erasure, ids.hash_secret(secret))
    if erasure is None:
        raise NotFound("There is no such receipt. Receipts are kept for 90 days after everything is done.")
    found = select(D.id, D.status, PersonalityTemplate.name).join(PersonalityTemplate).where(
        D.id.in_(erasure.deployment_ids)
    )  # fmt: skip
    leaving = [
        LeavingOut(id=row[0], personality=row[2], status=leaving_state(row[1]))
        for row in await session.execute(found.order_by(D.id))
    ]
    return ReceiptOut(
        url=f"/account/receipts/{secret}",
        erased_at=erasure.erased_at,
        erased=erasure.counts,
        discord_tokens=erasure.revocation,
        deployments=leaving,
        finished_at=erasure.finished_at,
    )


async def what_goes(session: AsyncSession, who: Viewer) -> dict[str, int]:
    """How much of each kind an erasure would take along, for the page that asks whether they are sure."""

    async def count(model: Any, condition: Any) -> int:
        return await session.scalar(select(func.count()).select_from(model).where(condition)) or 0

    return {
        "reviews": await count(PersonalityRating, PersonalityRating.user_id == who.user_id),
        "favourites": await count(PersonalityFavourite, PersonalityFavourite.user_id == who.user_id),
        "turns": await count(ChannelMessage, ChannelMessage.discord_user_id == who.discord_id),
        "tokens": await count(ApiToken, ApiToken.user_id == who.user_id),
        "deployments": await count(D, (D.user_id == who.user_id) & D.status.in_(("active", "paused", "running"))),
    }
