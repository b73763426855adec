"""What time makes superfluous about people, beyond what each room tidies of its own."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.models import NOBODY, UsedOAuthState
from botbot.accounts.rules import STATE_LIFETIME
from botbot.deployments import leaving
from botbot.deployments.models import PersonalityDeployment as D
from botbot.desk.models import Notice
from botbot.kit import clock
from botbot.privacy.service import ensure_nobody, forget_old_receipts
from botbot.reviews.models import Report

KEEP = timedelta(days=400)
"""Reports after they were handled, notices, and whose a deployment was after it moved out: a little over a year, so
that somebody who asks "what happened last year" still gets an answer."""
AT_ONCE = 200


async def forget_old(session: AsyncSession) -> None:
    """Delete or detach what has had its time."""
    before = clock.now() - KEEP
    await session.execute(delete(Report).where(Report.handled_at < before))
    await session.execute(delete(Notice).where(Notice.created_at < before))
    await session.execute(delete(UsedOAuthState).where(UsedOAuthState.used_at < clock.now() - 2 * STATE_LIFETIME))
    await _detach_deployments(session, before)
    await forget_old_receipts(session)


async def _detach_deployments(session: AsyncSession, before: datetime) -> None:
    """Those that were over long ago belong to nobody and say nothing any more; some of them at a time."""
    old = select(D).where(D.status.in_(leaving.OVER), D.updated_at < before, D.user_id != NOBODY)
    rows = list(await session.scalars(old.order_by(D.updated_at).limit(AT_ONCE).with_for_update(skip_locked=True)))
    if not rows:
        return
    await ensure_nobody(session)
    await session.execute(
        update(D).where(D.id.in_([row.id for row in rows])).values(user_id=NOBODY, updated_at=D.updated_at)
    )
    await leaving.forget(session, rows)
