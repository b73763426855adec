"""How Discord says no: `{"code", "message", "errors"}` with a status. Codes and sentences as in Discord's docs,
topics/opcodes-and-status-codes."""

from typing import Any

CODES: dict[int, tuple[int, str]] = {
    10002: (404, "Unknown Application"),
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    30007: (400, "Maximum number of webhooks reached (15)"),
    30058: (400, "Maximum number of webhooks per guild reached (1000)"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    40333: (403, "internal network error"),
    50001: (403, "Missing Access"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50013: (403, "Missing Permissions"),
    50025: (401, "Invalid OAuth2 access token"),
    50026: (403, "Missing required OAuth2 scope"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
    50109: (400, "The request body contains invalid JSON."),
    60003: (403, "Two factor is required for this operation"),
    160002: (400, "You cannot reply without permission to read message history"),
}


class Refusal(Exception):
    """An answer that is not a success; `body` is its JSON."""

    def __init__(self, status: int, body: dict[str, Any] | None, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.body = body
        self.headers = headers or {}
        super().__init__(f"{status} {body}")


def refuse(code: int, **rest: Any) -> Refusal:
    status, message = CODES[code]
    return Refusal(status, {"message": message, "code": code, **rest})


def plain(status: int, reason: str) -> Refusal:
    return Refusal(status, {"message": f"{status}: {reason}", "code": 0})


def unauthorized() -> Refusal:
    return plain(401, "Unauthorized")


def invalid(field: str, code: str, message: str) -> Refusal:
    """50035 for one field; `field` may be a dotted path (`message_reference.message_id`)."""
    errors: dict[str, Any] = {"_errors": [{"code": code, "message": message}]}
    for part in reversed(field.split(".") if field else []):
        errors = {part: errors}
    return refuse(50035, errors=errors)
