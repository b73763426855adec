"""Builds the web application: the only place where the rooms are wired together."""

from collections.abc import Callable
from copy import copy
from functools import cache, partial
from typing import Any

from litestar import Litestar, MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi.config import OpenAPIConfig

from botbot import health
from botbot.accounts import api as accounts_api
from botbot.accounts import pages as accounts_pages
from botbot.accounts.discord_tokens import GuildLists
from botbot.accounts.pending import Finisher
from botbot.accounts.rules import Viewer
from botbot.accounts.signin import Arrival
from botbot.accounts.web import HTML, provide_house, provide_viewer, session_cookie, site_for, theme_cookie
from botbot.admin import api as admin_api
from botbot.admin import (
    audit_api,
    audit_pages,
    desk_api,
    desk_pages,
    editor_pages,
    homes_api,
    homes_pages,
    import_api,
    import_pages,
    overview_api,
    overview_pages,
    people_api,
    people_pages,
    personalities_api,
    personalities_pages,
    versions_pages,
)
from botbot.admin import pages as admin_pages
from botbot.catalog import api as catalog_api
from botbot.catalog.answers import Answers
from botbot.catalog.kept import LIST, KeptAnswers, Short
from botbot.catalog.lists import usual_list
from botbot.catalog.pictures import Pictures
from botbot.deployments import api as deployments_api
from botbot.deployments import flow
from botbot.deployments import pages as deployments_pages
from botbot.deployments.live import Progress
from botbot.deployments.notices import News, list_news
from botbot.desk.queries import count_unread
from botbot.errors import ApiError, BotBotError, NotFound
from botbot.house import House
from botbot.preview import api as preview_api
from botbot.preview.service import Relays
from botbot.preview.sessions import PreviewSessions
from botbot.privacy import api as privacy_api
from botbot.privacy import pages as privacy_pages
from botbot.reviews import api as reviews_api
from botbot.reviews import pages as reviews_pages
from botbot.security import boundary
from botbot.security.caching import file_answer
from botbot.security.gate import App, Gate
from botbot.security.requests import MAX_BODY, MOST_ROWS, StrictRequest
from botbot.status import api as status_api
from botbot.status import pages as status_pages
from botbot.status.facts import Facts
from botbot.storefront import api as storefront_api
from botbot.storefront import detail_pages, favourites_api, favourites_pages, postcards, sitemaps, taking
from botbot.storefront import pages as storefront_pages
from botbot.storefront.details import usual_detail
from botbot.ui.assets import find_asset
from botbot.ui.render import render

TITLE, VERSION = "BotBot's Personality Marketplace", "1.0"


LENT = ("guilds", "sessions", "relays", "progress")
"""What handlers may ask for by name, of the application's state."""


def build_app(house: House, *, sandbox_url: str | None = None, only_health: bool = False) -> tuple[App, Litestar]:
    """The whole site as (the guarded ASGI application, the Litestar application inside it).

    `only_health` is what a worker or bot serves: alive, ready, metrics."""
    guilds = GuildLists(house)

    async def on_install(house: House, viewer: Viewer, arrival: Arrival) -> None:
        await flow.on_install(house, guilds, viewer, arrival)

    site = copy(_drawn(only_health))
    site.state = State(
        {
            "house": house,
            "health": health.Health(house),
            "facts": Facts(house),
            "sandbox_url": sandbox_url,
            "news_of": _news_of,
            "on_install": on_install,
            "finishers": FINISHERS,
            "guilds": guilds,
            "sessions": PreviewSessions(),
            "relays": Relays(),
            "progress": Progress(house),
            "easel": postcards.Easel(),
            "chunks": sitemaps.Chunks(),
            "pictures": Pictures(),
        }
    )
    own_origin = house.settings.public_url
    kept = _with_kept_answers(house, site)
    return Gate(kept, own_origin=own_origin, error_page=_refusal_page(site)), site


async def _news_of(house: House, viewer: Viewer) -> tuple[list[News], int]:
    """What a person's next page tells them first: of their servers, and how many words of moderators are unread."""
    news = await list_news(house, viewer)
    try:
        async with house.db.reading() as connection:
            return news, await count_unread(connection, viewer.user_id)
    except BotBotError:  # No page may fail for it.
        return news, 0


@cache
def _drawn(only_health: bool) -> Litestar:
    """The routes, registered once a process: it takes a tenth of a second. A site is a copy with a state of its own."""
    return Litestar(
        route_handlers=health.handlers if only_health else [*health.handlers, *ROUTES],
        dependencies={
            "house": Provide(provide_house),
            "viewer": Provide(provide_viewer),
            **{name: Provide(_from_state(name), sync_to_thread=False) for name in LENT},
        },
        exception_handlers={Exception: answer_failure},
        request_class=StrictRequest,
        request_max_body_size=MAX_BODY,
        multipart_form_part_limit=MOST_ROWS,
        openapi_config=OpenAPIConfig(
            title="BotBot's Personality Marketplace", version=VERSION, enabled_endpoints=set()
        ),
        debug=False,
        logging_config=None,
    )


def _from_state(name: str) -> Callable[[Request[Any, Any, Any]], Any]:
    def provide(request: Request[Any, Any, Any]) -> Any:
        return request.app.state[name]

    return provide


def _with_kept_answers(house: House, site: Litestar) -> App:
    site.state.answers = answers = Answers()
    house.signal.on_wake("catalogue", answers.drop)
    cookies = session_cookie(house), theme_cookie(house)
    short: dict[str, Short] = {LIST: partial(usual_list, house), f"{LIST}/": partial(usual_detail, house)}
    return KeptAnswers(site, answers, cookies=cookies, short=short)


@get("/static/{file_name:str}", include_in_schema=False)
async def static(request: Request[Any, Any, Any], file_name: str) -> Response[bytes]:
    """A stylesheet, script or picture under its hashed name: it never changes, so it may be kept for ever."""
    asset = find_asset(file_name)
    if asset is None:
        raise NotFound
    return await file_answer(request, asset.forms, asset.etag, asset.content_type)


@get("/openapi.json", include_in_schema=False, media_type=MediaType.JSON)
async def openapi(request: Request[Any, Any, Any]) -> dict[str, Any]:
    return describe(request.app)


def describe(site: Litestar) -> dict[str, Any]:
    """The OpenAPI 3.1 document, with the one shape of every failure."""
    from botbot.openapi import document

    return document(site)


ROUTES: list[Any] = [
    static,
    openapi,
    accounts_api.router,
    *accounts_pages.handlers,
    *privacy_api.handlers,
    *privacy_pages.handlers,
    *catalog_api.handlers,
    *status_api.handlers,
    *status_pages.handlers,
    *storefront_api.handlers,
    *storefront_pages.handlers,
    *detail_pages.handlers,
    *postcards.handlers,
    *taking.handlers,
    *sitemaps.handlers,
    *favourites_api.handlers,
    *favourites_pages.handlers,
    *reviews_api.handlers,
    *reviews_pages.handlers,
    preview_api.router,
    *deployments_api.handlers,
    *deployments_pages.handlers,
    admin_api.router,
    personalities_api.router,
    *personalities_pages.handlers,
    *editor_pages.handlers,
    *versions_pages.handlers,
    import_api.router,
    *import_pages.handlers,
    *admin_pages.handlers,
    audit_api.router,
    *audit_pages.handlers,
    people_api.router,
    *people_pages.handlers,
    homes_api.router,
    *homes_pages.handlers,
    desk_api.router,
    *desk_pages.handlers,
    overview_api.router,
    *overview_pages.handlers,
]

FINISHERS: dict[str, Finisher] = {
    "favourite": favourites_pages.finish_favourite,
    "rate": reviews_pages.finish_rating,
    "helpful": reviews_pages.finish_helpful,
}
"""What a visitor can ask for before signing in (`accounts.pending`), by name."""


def answer_failure(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Every failure inside the application, as a page or as JSON."""
    failure = boundary.to_failure(error)
    headers = {**boundary.headers_for(failure), "cache-control": "no-store"}
    if isinstance(error, HTTPException) and error.headers:
        headers |= {name: value for name, value in error.headers.items() if name.lower() == "allow"}
    if boundary.prefers_html(request.url.path, request.headers.get("accept", "")):
        body = draw_failure(request, failure)
        return Response(body, status_code=failure.status, media_type=HTML, headers=headers)
    encoded = boundary.encode(failure, _login_url(request))
    return Response(encoded, status_code=failure.status, media_type="application/json", headers=headers)


def _login_url(request: Request[Any, Any, Any]) -> str:
    house: House = request.app.state.house
    return f"{house.settings.public_url}/api/auth/discord"


def draw_failure(request: Request[Any, Any, Any], failure: BotBotError) -> str:
    """The failure as a page. It needs no database, so it can be drawn when that is what failed."""
    error: ApiError = failure.to_api_error()
    return render(
        "errors/error.html",
        site=site_for(request, None),
        error=error,
        status=failure.status,
        reference=failure.details.get("reference"),
    )


def _refusal_page(site: Litestar) -> Any:
    def draw(scope: Any, failure: BotBotError) -> bytes:
        scope = {**scope, "app": site, "litestar_app": site, "state": scope.get("state", {})}
        return draw_failure(StrictRequest(scope), failure).encode()

    return draw
