"""How a model's failures become ours. Nothing the server wrote, and nothing we sent, gets into an error."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import aiohttp
import msgspec

from botbot.errors import ModelUnavailable
from botbot.kit import clock
from botbot.peers.llm.events import TooLarge

LONGEST_RETRY_AFTER_SECONDS = 3600.0
TRANSPORT_FAULTS = (
    aiohttp.ClientError,
    aiohttp.http_exceptions.HttpProcessingError,
    OSError,
    UnicodeError,  # the reply is not UTF-8
    TooLarge,
    msgspec.MsgspecError,
)
OF_SERVER = frozenset({"unauthorized", "unreachable", "misconfigured"})
ABOUT_ONE_REQUEST = frozenset({400, 413, 422})  # says nothing about the health of the server

_SLOW = "The model took too long to answer. Please try again in a moment."
_CUT_OFF = "The model's reply was cut off. Please try again."
_BUSY = "The model is busy right now. Please try again in a moment."
_REFUSED = "The model refused this request. The operator of this site can see why with `botbot doctor`."


class AttemptFailed(ModelUnavailable):
    """One model failed. `blames_server` is false when the fault may lie in this one request; `was_silence` is true
    when somebody waited in vain until a deadline."""

    blames_server = True
    was_silence = False

    @property
    def is_of_server(self) -> bool:
        """Whether every model there would fail alike; else this one alone is blamed."""
        return self.code in OF_SERVER

    @property
    def may_cost(self) -> bool:
        """Whether a server took the call and may have read it, for which most ask money."""
        return self.code in {"timeout", "bad_reply"} and self.blames_server


def not_permitted() -> AttemptFailed:
    """Our own budget forbids the call; the server has nothing to do with it."""
    failure = AttemptFailed(permanent=True, code="budget")
    failure.blames_server = False
    return failure


def too_slow(*, started: bool) -> AttemptFailed:
    failure = AttemptFailed(_SLOW, started=started, code="timeout")
    failure.was_silence = True
    return failure


def permit_too_slow() -> AttemptFailed:
    """Our own budget took all the time there was; the server was not even asked."""
    failure = AttemptFailed(_SLOW, code="timeout")
    failure.blames_server = False
    return failure


def misconfigured() -> AttemptFailed:
    """No request could be made of these settings."""
    return AttemptFailed(permanent=True, code="misconfigured")


def bad_reply(*, started: bool) -> AttemptFailed:
    """The server answered, but not with a whole and sensible stream."""
    return AttemptFailed(_CUT_OFF if started else "", started=started, code="bad_reply")


def from_fault(fault: BaseException, *, started: bool) -> AttemptFailed:
    """Translate anything in `TRANSPORT_FAULTS`; `TimeoutError` (an `OSError`) included."""
    if isinstance(fault, TimeoutError):
        return too_slow(started=started)
    if isinstance(fault, aiohttp.ClientConnectorError):
        return AttemptFailed(code="unreachable")
    if isinstance(fault, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return misconfigured()
    return bad_reply(started=started)


def from_status(status: int, headers: Mapping[str, str]) -> AttemptFailed:
    """A status other than 200. 401, 403, 404 and their like are permanent: somebody has to change something."""
    if status == 429 or status >= 500 or status == 408:
        message, code = (_BUSY, "rate_limited") if status == 429 else ("", "upstream_error")
        return AttemptFailed(message, code=code, retry_after=retry_after(headers))
    failure = AttemptFailed(_REFUSED, permanent=True, code="unauthorized" if status in {401, 403} else "refused")
    failure.blames_server = status not in ABOUT_ONE_REQUEST
    return failure


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from `Retry-After` (a number or an HTTP date, RFC 9110 10.2.3), within 0 and an hour."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value) if value[0].isdigit() else _seconds_until(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


def _seconds_until(http_date: str) -> float:
    return (parsedate_to_datetime(http_date) - clock.now()).total_seconds()
