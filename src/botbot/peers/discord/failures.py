"""Every answer that is not a success, as one class of `botbot.errors`.

What a peer says goes no further than its code: bodies may hold what we sent, tokens included, so messages are ours.
Codes are Discord's own (`50013`), the HTTP status where it gives none (`401`), or the first inner code of a refused
form (`USERNAME_INVALID_CONTAINS`)."""

import re
from collections.abc import Iterator
from typing import Any

from botbot.errors import (
    BotBotError,
    DiscordBusy,
    DiscordRefused,
    DiscordSignInExpired,
    DiscordUnavailable,
    DiscordUnknown,
    GuildPermissionMissing,
    PeerError,
)
from botbot.peers.discord.ask import Ask
from botbot.peers.discord.limits import is_invalid, read_slowdown
from botbot.peers.discord.line import Answer, Lost
from botbot.peers.discord.wire import ErrorBody, Nonsense, OAuthErrorBody, decode

INVALID_FORM = 50035
MISSING_ACCESS = 50001
GONE = frozenset({10003, 10004, 10007, 10008, 10013, 10015, 50027})
"""Unknown channel, guild, member, message, user, webhook; a webhook token that no longer works."""
OPERATOR_MESSAGES = {
    401: "Discord refuses the bot's token. The operator has to check DISCORD_BOT_TOKEN.",
    60003: "Discord wants two-factor sign-in on the account that owns this bot before it may do that here.",
}
REFUSALS = {
    240000: "Discord's link filter refused that message.",
    30007: "That channel has all the webhooks it may have. Remove one, then try again.",
    30046: "That message is too old to be edited this often.",
    30058: "That server has all the webhooks it may have. Remove one, then try again.",
    40333: "The network in front of Discord refused us.",
    50006: "Discord does not take empty messages.",
}
AVATAR_PAUSE_SECONDS = 600.0
"""The quota on pictures says nothing about its length; ten minutes is a first guess, and the caller backs off."""
SAFE_CODE = re.compile(r"[A-Za-z0-9_]{1,64}")
DEEPEST = 12


def from_lost(ask: Ask, lost: Lost) -> DiscordUnavailable:
    return DiscordUnavailable(maybe_happened=lost.sent and not ask.is_read)


def nonsense(ask: Ask, answer: Answer) -> DiscordUnavailable:
    """A success that can't be read: HTML from something in between, half a JSON document, the wrong shape."""
    return DiscordUnavailable(code=str(answer.status), maybe_happened=not ask.is_read)


def busy(seconds: float, code: str | None = None) -> DiscordBusy:
    return DiscordBusy(_busy_message(seconds), retry_after=seconds, code=code)


def _busy_message(seconds: float) -> str:
    if seconds < 60:
        return DiscordBusy.default_message
    when = f"in about {-(-int(seconds) // 60)} minutes" if seconds < 3600 else "in an hour or more"
    return f"Discord asks us to slow down. It goes on {when}."


def from_answer(ask: Ask, answer: Answer) -> BotBotError:
    """The failure behind any status that is not 2xx."""
    failure = _from_status(ask, answer)
    if isinstance(failure, PeerError):
        failure.is_invalid = is_invalid(answer)
    return failure


def _from_status(ask: Ask, answer: Answer) -> BotBotError:
    if answer.status == 429:
        return busy(read_slowdown(answer).seconds)
    if answer.status >= 500 or answer.status == 408:
        return DiscordUnavailable(code=str(answer.status), maybe_happened=not ask.is_read)
    if answer.status < 400 or (answer.status == 404 and is_page(answer)):
        return DiscordUnavailable(code=str(answer.status))
    return _from_refusal(ask, answer.status, _read_error(answer))


def is_page(answer: Answer) -> bool:
    """A "not found" that is a web page comes from something in between, and proves nothing about a guild."""
    return answer.body.lstrip()[:1] == b"<" or "html" in answer.headers.get("content-type", "").lower()


def _read_error(answer: Answer) -> ErrorBody | None:
    try:
        return decode(answer.body, ErrorBody)
    except Nonsense:
        return None


def _from_refusal(ask: Ask, status: int, error: ErrorBody | None) -> BotBotError:
    number = (error.code if error else 0) or status
    if status == 404 or number in GONE or (number == MISSING_ACCESS and ask.is_guild_read):
        return DiscordUnknown(code=str(number), http_status=status)
    if status == 401:
        return _unauthorized(ask)
    if number == INVALID_FORM and error is not None:
        return _invalid_form(status, error)
    if status == 403 and error is not None and ask.who == "bot" and number not in REFUSALS:
        return _forbidden(ask, number)
    return DiscordRefused(REFUSALS.get(number, ""), code=str(number), http_status=status)


def _unauthorized(ask: Ask) -> BotBotError:
    if ask.who == "user":
        return DiscordSignInExpired(code="401", permanent=True)
    return DiscordRefused(OPERATOR_MESSAGES[401], code="401", http_status=401)


def _forbidden(ask: Ask, number: int) -> GuildPermissionMissing:
    missing = ["VIEW_CHANNEL"] if number == MISSING_ACCESS else list(ask.needs)
    message = OPERATOR_MESSAGES.get(number) or _permission_message(missing)
    return GuildPermissionMissing(message, code=str(number), http_status=403, missing=missing)


def _permission_message(missing: list[str]) -> str:
    if not missing:
        return GuildPermissionMissing.default_message
    return f"BotBot lacks a permission in that server ({', '.join(missing)}). Ask a server admin to allow it."


def _invalid_form(status: int, error: ErrorBody) -> BotBotError:
    """Of several complaints the first that waiting does not cure decides; a quota only where nothing else is wrong."""
    found = list(inner_codes(error.errors))
    lasting = [each for each in found if not each[1].endswith("_RATE_LIMIT")]
    if found and not lasting:
        return busy(AVATAR_PAUSE_SECONDS, code=found[0][1])
    path, code = lasting[0] if lasting else ("", str(INVALID_FORM))
    return DiscordRefused(code=code, http_status=status, **({"field": path} if path else {}))


def inner_codes(tree: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """(dotted field, code) for every complaint in a form's error tree, in Discord's order."""
    if not isinstance(tree, dict) or depth > DEEPEST:
        return
    for name, below in tree.items():
        if name == "_errors" and isinstance(below, list):
            yield from ((path, code) for each in below if (code := _code_of(each)))
        elif SAFE_CODE.fullmatch(str(name)):
            yield from inner_codes(below, f"{path}.{name}" if path else str(name), depth + 1)


def _code_of(complaint: Any) -> str:
    code = complaint.get("code") if isinstance(complaint, dict) else None
    return code if isinstance(code, str) and SAFE_CODE.fullmatch(code) else ""


def from_token_answer(ask: Ask, answer: Answer) -> BotBotError:
    """The token endpoint speaks OAuth (`{"error": "invalid_grant"}`), not Discord's own tongue."""
    if answer.status not in {400, 401, 403}:
        return from_answer(ask, answer)
    try:
        code = decode(answer.body, OAuthErrorBody).error
    except Nonsense:
        code = ""
    if code == "invalid_grant":
        return DiscordSignInExpired(
            "That sign-in was used already or took too long. Please sign in again.", code=code, permanent=True
        )
    message = "Discord refuses our client secret. The operator has to check DISCORD_CLIENT_SECRET."
    known = code if SAFE_CODE.fullmatch(code) else str(answer.status)
    return DiscordRefused(
        message if answer.status == 401 or code == "invalid_client" else "",
        code=known,
        http_status=answer.status,
    )
