"""Error reports to a Sentry (or anything that speaks its protocol), where `SENTRY_DSN` says so.

What is sent is what the log says: errors with their frames and the trail's id. No request, no user, no variables, no
breadcrumbs, no message of an exception that may quote somebody. The SDK is imported only where there is a DSN: it
costs a quarter of a second at the start."""

import logging
from typing import Any

from botbot.watching import plain, trails

KEPT = {
    "event_id", "timestamp", "level", "logger", "platform", "release", "environment", "sdk", "tags", "exception",
    "logentry", "fingerprint",
}  # fmt: skip
"""The parts of an event that may leave; whatever the SDK adds in a later version stays here."""
FRAME = {"filename", "function", "module", "lineno", "in_app", "abs_path"}


def set_up(dsn: str, role: str, version: str) -> None:
    """Raises `ValueError` for a DSN that is none."""
    import sentry_sdk
    from sentry_sdk.integrations.logging import LoggingIntegration
    from sentry_sdk.utils import BadDsn

    try:
        sentry_sdk.init(
            dsn=dsn,
            release=f"botbot@{version}",
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[LoggingIntegration(level=None, event_level=logging.ERROR)],
            before_send=scrub,
            include_local_variables=False,
            include_source_context=False,
            max_breadcrumbs=0,
            server_name="",
            shutdown_timeout=2,
            auto_session_tracking=False,
            send_client_reports=False,
        )
    except BadDsn as error:
        raise ValueError("must be a DSN such as https://key@errors.example.org/1") from error
    sentry_sdk.set_tag("role", role)


def stop(timeout_seconds: float = 2.0) -> None:
    """Send what waits, for a moment."""
    import sentry_sdk

    sentry_sdk.get_client().close(timeout=timeout_seconds)


def scrub(event: Any, hint: dict[str, Any]) -> Any:
    """The event, made of nothing but what may leave."""
    kept = {name: value for name, value in event.items() if name in KEPT}
    behind = _behind(hint)
    for told in kept.get("exception", {}).get("values", []):
        told["value"] = next((plain.one_line(each) for each in behind if type(each).__name__ == told.get("type")), "")
        told.pop("mechanism", None)
        for frame in told.get("stacktrace", {}).get("frames", []):
            for name in set(frame) - FRAME:
                del frame[name]
    if "logentry" in kept:
        kept["logentry"] = _entry(kept["logentry"], str(kept.get("logger", "")))
    if trail_id := trails.current_id():
        kept["tags"] = {**kept.get("tags", {}), "trail": trail_id}
    return kept


def _entry(entry: dict[str, Any], logger: str) -> dict[str, Any]:
    """Our own lines hold events and ids; of others' only the sentence is known to be harmless, not what they put in."""
    message = plain.said(logger, str(entry.get("message", "")))
    is_ours = logger.split(".")[0] == plain.OURS
    return {"message": message, "formatted": entry.get("formatted", message)} if is_ours else {"message": message}


def _behind(hint: dict[str, Any]) -> list[BaseException]:
    info = hint.get("exc_info")
    return list(plain.chain(info[1])) if info and info[1] is not None else []
