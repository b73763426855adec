"""The small print's facts, from the settings in force."""

from typing import Any

from botbot.privacy.columns import Kept
from botbot.settings import Settings


def small_print(settings: Settings, model_host: str | None) -> dict[str, Any]:
    """What `/privacy` and `/terms` say about this very installation."""
    return {
        "base_url": settings.public_url,
        "operator": settings.operator,
        "contact": settings.contact,
        "contact_url": contact_url(settings.contact),
        "model_host": model_host,
        "models": [settings.openai_model, *settings.openai_fallback_models] if model_host else [],
        "retention_days": settings.retention_days,
        "session_days": settings.session_days,
        "guild_tokens": settings.guild_tokens_per_day,
        "reads_content": settings.discord_message_content,
        "has_page_times": settings.page_times,
        "has_sentry": bool(settings.sentry_dsn),
        "has_traces": bool(settings.otel_endpoint),
    }


def contact_url(contact: str) -> str:
    """An address as a link; empty for one that is neither a page's nor a mail's."""
    if contact.startswith(("https://", "http://")):
        return contact
    is_mail = "@" in contact and not any(char.isspace() or char in "<>?&" for char in contact)
    return f"mailto:{contact}" if is_mail else ""


def table_words(kept: Kept, settings: Settings) -> dict[str, str]:
    periods = {"retention_days": _days(settings.retention_days), "session_days": _days(settings.session_days)}
    return {"what": kept.what, "why": kept.why, "how_long": kept.how_long.format(**periods)}


def _days(count: int) -> str:
    return "a day" if count == 1 else f"{count} days"
