"""An entry as the panel's lists and heads show it."""

from typing import Any

from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.schemas import card_view

STATES = {
    "all": "All", "public": "Public", "hidden": "Hidden", "scheduled": "Scheduled", "featured": "Featured",
    "archived": "Archived",
}  # fmt: skip


def entry_row(row: PersonalityTemplate) -> dict[str, Any]:
    return {
        "card": card_view(row), "id": row.id, "slug": row.slug, "version": row.version, "updated_at": row.updated_at,
        "state": state_of(row), "is_featured": row.is_featured, "publish_at": row.publish_at, "hue": row.hue,
    }  # fmt: skip


def state_of(row: PersonalityTemplate) -> str:
    if row.archived_at is not None:
        return "archived"
    return "public" if row.is_public else "scheduled" if row.publish_at else "hidden"
