"""What a visitor asked for before signing in, done once they have.

The wish travels sealed in a short-lived cookie of the browser that posted the form; nothing is stored here. A sign-in
that this browser begins while the cookie is there takes the wish's number along in its own sealed state, and only that
sign-in, when it succeeds, does it: once, as the person who signed in. So neither a link nor a copied cookie does
anything by itself, and a failed or cancelled sign-in leaves the wish for the next try, until it is too old."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie

from botbot.accounts import service
from botbot.accounts.rules import OAuthState, Viewer, safe_next
from botbot.accounts.web import page
from botbot.errors import AuthenticationRequired, BotBotError
from botbot.house import House
from botbot.kit import clock, ids
from botbot.security import boundary

log = logging.getLogger("botbot.accounts")

LIFETIME = timedelta(minutes=15)
LONGEST = 3900
"""Browsers drop a cookie above 4,096 bytes, name and value together."""

Finisher = Callable[[House, Viewer, dict[str, str]], Awaitable[str]]
"""Does what was asked for, as that person; answers the name of the notice to show (`accounts.web.NOTICES`). What it
can't do it raises, as everywhere. Wired by name in `app.py`."""


class PendingAction(msgspec.Struct, frozen=True):
    """`name` is a finisher's; `args` are the fields of the form that was posted. `purpose` keeps any other thing we
    seal from being taken for one."""

    purpose: Literal["pending"]
    name: str
    args: dict[str, str]
    nonce: str
    expires_at: datetime


def cookie_name(house: House) -> str:
    return "__Host-botbot_pending" if house.settings.is_https else "botbot_pending"


def _cookie(house: House, value: str, max_age: int) -> Cookie:
    return Cookie(
        key=cookie_name(house),
        value=value,
        path="/",
        httponly=True,
        secure=house.settings.is_https,
        samesite="lax",
        max_age=max_age,
    )


def forget(house: House) -> Cookie:
    return _cookie(house, "", 0)


def ask_to_sign_in(
    request: Request[Any, Any, Any], house: House, name: str, args: dict[str, str], *, next_path: str, promise: str
) -> Response[bytes]:
    """Answer a visitor's form with the page "Sign in and it's done", and remember what they asked for.

    `name` is a finisher's and `args` what it gets; `next_path` is where they land; `promise` half a sentence: "Sign
    in, and …". Raises `AuthenticationRequired` for programs, and for what is too long for a cookie."""
    if not boundary.prefers_html(request.url.path, request.headers.get("accept", "")):
        raise AuthenticationRequired
    action = PendingAction("pending", name, args, ids.new_secret(), clock.now() + LIFETIME)
    sealed = house.cipher.pack(action)
    if len(sealed) > LONGEST:
        raise AuthenticationRequired
    target = safe_next(next_path)
    login_url = f"/api/auth/discord?next={quote(target, safe='/')}"
    request.scope["state"]["login_url"] = login_url
    answer = page(request, None, "accounts/pending.html", status=401, promise=promise, next_url=target)
    answer.headers["cache-control"] = "no-store"
    answer.cookies.append(_cookie(house, sealed, int(LIFETIME.total_seconds())))
    return answer


def find_pending(house: House, cookies: Mapping[str, str]) -> PendingAction | None:
    """What this browser's cookie holds, unless it is foreign or too old."""
    try:
        found = house.cipher.unpack(cookies.get(cookie_name(house), ""), PendingAction)
    except ValueError:
        return None
    return found if clock.now() < found.expires_at else None


async def finish(
    house: House,
    finishers: Mapping[str, Finisher],
    viewer: Viewer,
    state: OAuthState,
    cookies: Mapping[str, str],
) -> str | None:
    """After a sign-in: do what it was begun for, at most once; the name of the notice, or `None` when there is nothing
    to do. Never raises: whoever signed in is signed in."""
    action = find_pending(house, cookies)
    if state.pending is None or action is None or action.nonce != state.pending or action.name not in finishers:
        return None
    try:
        async with house.db.write() as session:
            if not await service.use_state(session, action.nonce):
                return None
        return await finishers[action.name](house, viewer, action.args)
    except BotBotError as refusal:
        return f"unfinished-{refusal.error}"
    except Exception:
        log.exception("%s could not be finished after a sign-in", action.name)
        return "unfinished"
