"""The one translation of failures into HTTP: our tree, the framework's errors, and the unexpected, all as ApiError.

Pages (`Accept` prefers `text/html`) get the same object as an HTML page; `app.py` says how that is drawn."""

import logging
import math
from collections.abc import Callable
from typing import Any

import msgspec
from litestar.exceptions import HTTPException, ValidationException
from sqlalchemy.exc import IntegrityError

from botbot.errors import (
    ApiError,
    AuthenticationRequired,
    BodyTooLarge,
    BotBotError,
    Conflict,
    MethodNotAllowed,
    NotFound,
    UnsupportedMediaType,
    ValidationFailed,
)
from botbot.kit import ids
from botbot.security.requests import as_requirement

log = logging.getLogger("botbot.http")

ErrorPage = Callable[[Any, int, ApiError], str]
"""Draws a failure as HTML from (request, status, error)."""


def to_failure(error: BaseException) -> BotBotError:
    """Our own class for whatever was raised. The unexpected is logged once, here, under a reference id."""
    if isinstance(error, BotBotError):
        return error
    if isinstance(error, ValidationException):
        return ValidationFailed(fields=_fields(error.extra))
    if isinstance(error, HTTPException):
        return _from_framework(error)
    if isinstance(error, IntegrityError):
        return Conflict("Somebody was faster. Please load the page again and repeat.")
    reference = ids.new_secret()[:10]
    log.error("unexpected failure %s", reference, exc_info=error)
    return BotBotError(reference=reference)


def _from_framework(error: HTTPException) -> BotBotError:
    known: dict[int, type[BotBotError]] = {
        401: AuthenticationRequired,
        404: NotFound,
        405: MethodNotAllowed,
        413: BodyTooLarge,
        415: UnsupportedMediaType,
    }
    if made := known.get(error.status_code):
        return made()
    if error.status_code < 500:
        return ValidationFailed("That request can't be read.")
    return to_failure(RuntimeError(str(error)))


def _fields(extra: Any) -> dict[str, str]:
    if not isinstance(extra, list):
        return {}
    return {
        _camel(str(each.get("key") or "body")): as_requirement(str(each.get("message", "")).partition(" - at ")[0])
        for each in extra
        if isinstance(each, dict)
    }


def _camel(name: str) -> str:
    """The name as outsiders write it; ours are snake_case."""
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def headers_for(failure: BotBotError) -> dict[str, str]:
    seconds = failure.retry_after_seconds
    return {} if seconds is None else {"retry-after": str(max(1, math.ceil(seconds)))}


VISITED = {"/api/auth/discord", "/api/auth/callback"}
"""The two addresses under `/api` that browsers are sent to."""


def prefers_html(path: str, accept: str) -> bool:
    """Pages answer HTML to browsers; `/api` answers a page only to someone who navigates there."""
    html, json = _quality(accept, "text/html"), _quality(accept, "application/json")
    return html > json and (not path.startswith("/api/") or path in VISITED)


def _quality(accept: str, wanted: str) -> float:
    best = 0.0
    for part in accept.split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        if kind == wanted or (kind == "*/*" and wanted == "application/json"):
            weight = next((p[2:] for p in parameters if p.startswith("q=")), "1")
            best = max(best, _number(weight) if kind == wanted else min(_number(weight), 0.01))
    return best


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def encode(failure: BotBotError, login_url: str = "") -> bytes:
    """The JSON body of a failure; a 401 carries where to sign in."""
    error = failure.to_api_error()
    if failure.status == 401 and login_url:
        error.details = {**error.details, "loginUrl": login_url}
    return msgspec.json.encode(error)
