"""Rules the official description leaves out. `coerced` accepts what Discord accepts, `refusal` refuses what it
refuses, `lapses` names what Discord would let pass but a careful bot never sends."""

from typing import Any

from botbot.sandbox.refusals import Refusal, invalid

LONGEST_CONTENT = 2000  # code points; the description still says 4000
ALLOWED_FLAGS = 4 | 64 | 4096 | 32768
_SPEAKING = {
    ("POST", "/channels/{channel_id}/messages"),
    ("PATCH", "/channels/{channel_id}/messages/{message_id}"),
    ("POST", "/webhooks/{webhook_id}/{webhook_token}"),
    ("PATCH", "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"),
    ("PATCH", "/webhooks/{webhook_id}/{webhook_token}/messages/@original"),
}
_CALLBACK = ("POST", "/interactions/{interaction_id}/{interaction_token}/callback")
_COMMANDS = ("PUT", "/applications/{application_id}/commands")


def coerced(operation: tuple[str, str], body: Any) -> Any:
    """Numbers where strings belong (discord.py sends ids as integers) and the reverse, as Discord tolerates them."""
    if operation == _COMMANDS and isinstance(body, list):
        return [_command(each) for each in body]
    if not isinstance(body, dict):
        return body
    body = dict(body)
    if isinstance(body.get("message_reference"), dict):
        body["message_reference"] = {key: _id(value) for key, value in body["message_reference"].items()}
    if isinstance(body.get("allowed_mentions"), dict):
        body["allowed_mentions"] = {key: _ids(value) for key, value in body["allowed_mentions"].items()}
    return body


def _id(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and value > 9 else value


def _ids(value: Any) -> Any:
    return [_id(each) for each in value] if isinstance(value, list) else value


def _command(command: Any) -> Any:
    """`default_member_permissions` is described as a number and documented as a string; both are sent."""
    if not isinstance(command, dict):
        return command
    bits = command.get("default_member_permissions")
    if isinstance(bits, str) and bits.isascii() and bits.isdigit():
        return {**command, "default_member_permissions": int(bits)}
    return command


def refusal(operation: tuple[str, str], body: Any) -> Refusal | None:
    message = spoken(operation, body)
    if message is None:
        return None
    content = message.get("content")
    if isinstance(content, str) and len(content) > LONGEST_CONTENT:
        return invalid("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")
    return _mention_conflict(message.get("allowed_mentions"))


def _mention_conflict(allowed: Any) -> Refusal | None:
    if not isinstance(allowed, dict):
        return None
    for kind in ("users", "roles"):
        if kind in (allowed.get("parse") or []) and allowed.get(kind):
            code, text = (
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.',
            )
            return invalid("allowed_mentions", code, text)
    return None


def lapses(operation: tuple[str, str], body: Any, known: set[str] | None) -> list[str]:
    found = []
    if isinstance(body, dict) and known:
        found += [f"unknown field {key!r}" for key in body if key not in known]
    message = spoken(operation, body)
    if message is not None and _says_something(message):
        allowed = message.get("allowed_mentions")
        if not isinstance(allowed, dict) or allowed.get("parse") != []:
            found.append('allowed_mentions must be given, with "parse": []')
        if (message.get("flags") or 0) & ~ALLOWED_FLAGS:
            found.append(f"flags {message['flags']} are not among those a bot may set")
    return found


def _says_something(message: dict[str, Any]) -> bool:
    return any(message.get(part) for part in ("content", "embeds", "components"))


def spoken(operation: tuple[str, str], body: Any) -> dict[str, Any] | None:
    """The part of a body that becomes a message, if there is one."""
    if not isinstance(body, dict):
        return None
    if operation in _SPEAKING:
        return body
    if operation == _CALLBACK and body.get("type") == 4 and isinstance(body.get("data"), dict):
        data: dict[str, Any] = body["data"]
        return data
    return None
