"""Who asks, for controllers; and the page frame that every HTML answer shares."""

import contextlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response

from botbot.accounts import queries, service
from botbot.accounts.rules import SEEN_EVERY, Viewer
from botbot.errors import AuthenticationRequired, StorageUnavailable
from botbot.house import House
from botbot.kit import clock, ids
from botbot.kit.coding import accepted, pack
from botbot.ui.render import render

THEMES = {"auto", "light", "dark"}
HTML = "text/html"


class Site(msgspec.Struct):
    """What every page's frame needs to know."""

    path: str
    user: Viewer | None
    login_url: str
    theme: str
    notice: str | None
    sandbox_url: str | None
    configured: bool
    model_configured: bool
    canonical: str
    news: Sequence[Any] = ()
    unread: int = 0
    nonce: str = ""
    measures: bool = False

    @property
    def is_sandbox(self) -> bool:
        return self.sandbox_url is not None


def session_cookie(house: House) -> str:
    return _cookie_name(house, "botbot_session")


def theme_cookie(house: House) -> str:
    return _cookie_name(house, "botbot_theme")


def _cookie_name(house: House, name: str) -> str:
    """Over https with the prefix that binds a cookie to this very host."""
    return f"__Host-{name}" if house.settings.is_https else name


async def provide_house(request: Request[Any, Any, Any]) -> House:
    house: House = request.app.state.house
    return house


async def provide_viewer(request: Request[Any, Any, Any]) -> Viewer | None:
    """The person behind a bearer token, else behind the session cookie; `None` for a visitor.

    A bearer token that isn't ours is refused rather than ignored, so that a script notices."""
    house: House = request.app.state.house
    authorization = request.headers.get("authorization", "")
    if authorization:
        return await _by_token(house, authorization)
    secret = request.cookies.get(session_cookie(house), "")
    viewer = await _by_session(house, secret) if secret else None
    if viewer is not None and _is_page(request):
        state = request.scope["state"]
        state["news"], state["unread"] = await request.app.state.news_of(house, viewer)
    return viewer


def _is_page(request: Request[Any, Any, Any]) -> bool:
    """Whether the answer is a whole page, which tells its reader what happened while they were elsewhere."""
    is_read = request.method == "GET" and not request.url.path.startswith("/api/")
    return is_read and HTML in request.headers.get("accept", "") and not is_fragment(request)


async def _by_token(house: House, authorization: str) -> Viewer:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "bearer" and token.startswith("bbt_"):
        async with house.db.reading() as connection:
            viewer = await queries.find_viewer_by_token(
                connection, ids.hash_secret(token.strip()), admins=house.settings.admins
            )
        if viewer is not None:
            return viewer
    raise AuthenticationRequired("That API token isn't valid. Make a new one with `botbot token create`.")


async def _by_session(house: House, secret: str) -> Viewer | None:
    async with house.db.reading() as connection:
        found = await queries.find_viewer_by_session(
            connection,
            ids.hash_secret(secret),
            session_days=house.settings.session_days,
            admins=house.settings.admins,
        )
    if found is None:
        return None
    viewer, last_seen_at = found
    await _note_use(house, viewer, last_seen_at)
    return viewer


async def _note_use(house: House, viewer: Viewer, last_seen_at: datetime) -> None:
    """Reading goes on when this can't be stored."""
    if viewer.session_id and clock.now() - last_seen_at > SEEN_EVERY:
        with contextlib.suppress(StorageUnavailable):
            async with house.db.write() as session:
                await service.touch_session(session, viewer.session_id)


def login_url(request: Request[Any, Any, Any]) -> str:
    """Where to sign in and come back to this very page, or to the one that the handler named."""
    if named := request.scope["state"].get("login_url"):
        return str(named)
    query = request.url.query
    return f"/api/auth/discord?next={quote(request.url.path + (f'?{query}' if query else ''), safe='/')}"


def site_for(request: Request[Any, Any, Any], viewer: Viewer | None) -> Site:
    house: House = request.app.state.house
    theme = request.cookies.get(theme_cookie(house), "auto")
    return Site(
        path=request.url.path,
        user=viewer,
        login_url=login_url(request),
        theme=theme if theme in THEMES else "auto",
        notice=notice_named(request.query_params.get("notice", "")),
        sandbox_url=request.app.state.sandbox_url,
        configured=house.settings.has_discord,
        model_configured=house.settings.has_model,
        canonical=house.settings.public_url + request.url.path,
        news=request.scope["state"].get("news", ()),
        unread=request.scope["state"].get("unread", 0),
        measures=house.settings.page_times,
    )


NOTICES = {
    "signed-in": "You're signed in.",
    "signed-out": "You're signed out.",
    "cancelled": "Nothing was changed: you cancelled on Discord's page.",
    "rated": "Thank you. Your rating counts from now on.",
    "rated-waiting": "Thank you. Your stars count from now on; a moderator looks at your words before they show.",
    "unrated": "Your rating is gone.",
    "put-back": "Your rating is back, as it was.",
    "helpful": "Thank you. Your vote counts.",
    "reported": "Thank you. A moderator will look at it.",
    "saved": "Saved.",
    "everywhere": "Every browser is signed out, this one too.",
    "favourite": "Saved. You find it among your favourites.",
    "favourite-gone": "It is no longer among your favourites.",
    "unfinished": "You’re signed in, but what you wanted to do didn’t work out. Please try it once more.",
    "unfinished-not_found": "You’re signed in. That personality has left the marketplace meanwhile.",
    "unfinished-permission_denied": "You’re signed in, but that isn’t yours to do.",
    "unfinished-conflict": "You’re signed in, but your favourites are full. Take one away first.",
    "unfinished-validation_failed": "You’re signed in, but what you wrote can’t be used like that. Please try again.",
    "unfinished-storage_unavailable": "You’re signed in, but we could not save that just now. Please try again.",
    "unfinished-storage_full": "You’re signed in, but our disk is full, so nothing was saved.",
}
"""Short messages a redirect may ask the next page to show, by name: no text from a URL ever reaches a page."""


def notice_named(name: str) -> str | None:
    """What a notice says. A failure without words of its own has the general ones."""
    return NOTICES.get(name) or (NOTICES["unfinished"] if name.startswith("unfinished-") else None)


def page(
    request: Request[Any, Any, Any], viewer: Viewer | None, template: str, *, status: int = 200, **context: Any
) -> Response[bytes]:
    """An HTML answer, compressed where the browser takes it. A signed-in person's page is private; one URL answers
    page and fragment, hence `Vary`."""
    body = render(template, site=site_for(request, viewer), **context).encode()
    headers = {
        "vary": "HX-Request, Cookie, Accept-Encoding",
        "cache-control": "private, no-store" if viewer else "no-cache",
    }
    for coding in accepted(request.headers.get("accept-encoding", ""))[:1]:
        if packed := pack(body, coding):
            body, headers["content-encoding"] = packed, coding
    return Response(body, status_code=status, media_type=HTML, headers=headers)


def is_fragment(request: Request[Any, Any, Any]) -> bool:
    """Whether htmx or our dialog asks for the page's inner part only."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-history-restore-request") != "true"
