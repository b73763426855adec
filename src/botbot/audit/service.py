"""Writing the trail, in the transaction of the deed itself."""

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, null, update
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.audit.models import ERASED, KEEP_DAYS, AuditEntry
from botbot.audit.rules import differing, small
from botbot.kit import clock, ids


def record(
    session: AsyncSession,
    actor_id: str | None,
    action: str,
    subject: tuple[str, str],
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    **details: Any,
) -> None:
    """Note that `actor_id` (a user's id, or `None` for the product itself) did `action` (`deployment.remove`) to
    `subject` (its kind and id).

    `before` and `after` hold the fields that changed, as plain data; equal ones are left out when both are given, and
    long texts are cut. Never put tokens or chat text into any of them."""
    was, became = differing(before, after)
    session.add(
        AuditEntry(
            actor_id=actor_id,
            action=action,
            subject_type=subject[0],
            subject_id=subject[1],
            details=small(details),
            before=None if was is None else small(was),
            after=None if became is None else small(became),
        )
    )


OWN_WORDS = "deployment."
"""Entries of these deeds may hold words of whoever did them, such as a name they chose."""


async def forget_person(session: AsyncSession, user_id: str) -> str:
    """Put one pseudonym in the place of somebody who leaves, wherever they did something or something was done to
    their account; what was noted of their account, and in their own words, goes. Answers the pseudonym."""
    pseudonym = f"{ERASED}{ids.new_id()}"
    emptied = {"details": {}, "before": null(), "after": null()}
    about = update(AuditEntry).where(AuditEntry.subject_type == "user", AuditEntry.subject_id == user_id)
    await session.execute(about.values(subject_id=pseudonym, **emptied))
    theirs = update(AuditEntry).where(AuditEntry.actor_id == user_id)
    worded = theirs.where(AuditEntry.action.startswith(OWN_WORDS, autoescape=True))
    await session.execute(worded.values(actor_id=pseudonym, **emptied))
    await session.execute(theirs.values(actor_id=pseudonym))
    return pseudonym


async def forget_old(session: AsyncSession) -> None:
    """Delete what is older than the trail reaches back."""
    await session.execute(delete(AuditEntry).where(AuditEntry.at < clock.now() - timedelta(days=KEEP_DAYS + 1)))
