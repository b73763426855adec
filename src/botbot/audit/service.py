"""Writing the trail, in the transaction of the deed itself."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from botbot.audit.models import AuditEntry


def record(session: AsyncSession, actor_id: str | None, action: str, subject: tuple[str, str], **details: Any) -> None:
    """Note that `actor_id` (a user's id, or `None` for the product itself) did `action` (`deployment.remove`) to
    `subject` (its kind and id). Never put tokens or chat text into `details`."""
    session.add(
        AuditEntry(actor_id=actor_id, action=action, subject_type=subject[0], subject_id=subject[1], details=details)
    )
