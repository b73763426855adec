"""Telling the moderators that something should not stand as it does: once per person and subject."""

from typing import Literal

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.rules import Viewer
from botbot.audit import service as audit
from botbot.catalog.queries import get_personality
from botbot.errors import Conflict
from botbot.kit import clock, ids
from botbot.reviews.models import Report
from botbot.reviews.queries import get_review
from botbot.reviews.schemas import ReportIn


async def report_personality(session: AsyncSession, viewer: Viewer, id_or_slug: str, data: ReportIn) -> None:
    """Raises `Conflict` when the viewer has reported it before."""
    personality = await get_personality(session, id_or_slug)
    await _report(session, viewer, "personality", personality.id, data)


async def report_review(session: AsyncSession, viewer: Viewer, id_or_slug: str, review_id: str, data: ReportIn) -> None:
    """Raises `Conflict` when the viewer has reported it before, `NotFound` when it is gone."""
    personality = await get_personality(session, id_or_slug)
    review = await get_review(session, personality.id, review_id)
    await _report(session, viewer, "review", review.id, data)


async def _report(
    session: AsyncSession, viewer: Viewer, kind: Literal["personality", "review"], subject_id: str, data: ReportIn
) -> None:
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    added = await session.scalar(
        insert(Report)
        .values(
            id=ids.new_id(),
            subject_type=kind,
            subject_id=subject_id,
            reporter_id=viewer.user_id,
            reason=data.reason,
            words=data.words.strip(),
            state="open",
            created_at=clock.now(),
        )
        .on_conflict_do_nothing()
        .returning(Report.id)
    )
    if added is None:
        raise Conflict("You have reported this before. A moderator will look at it.")
    audit.record(session, viewer.user_id, "report.file", (kind, subject_id), reason=data.reason)
