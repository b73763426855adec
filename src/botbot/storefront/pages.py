"""The marketplace, a personality's page, and the chat without a script."""

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect

from botbot.accounts.rules import Viewer
from botbot.accounts.web import is_fragment, page
from botbot.catalog.asking import read_filters
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.queries import get_personality, get_version
from botbot.catalog.rules import SORTS, Filters
from botbot.deployments.models import LIVE
from botbot.deployments.queries import list_deployments
from botbot.errors import ApiError, BotBotError, ValidationFailed
from botbot.house import House
from botbot.preview.service import Relays, answer_while_there, open_exchange
from botbot.preview.sessions import PreviewSession, PreviewSessions
from botbot.reviews.queries import find_rating, ratings_of
from botbot.security import boundary
from botbot.security.requests import StrictRequest
from botbot.storefront import views

Asker = Request[Any, Any, Any]
PER_PAGE = 24


@get("/", include_in_schema=False)
async def marketplace(
    request: Asker,
    house: House,
    viewer: Viewer | None,
    search: str = "",
    category: list[str] | None = None,
    tags: str = "",
    min_rating: Annotated[str, Parameter(query="minRating")] = "",
    sort_by: Annotated[str, Parameter(query="sortBy")] = "",
    page_number: Annotated[str, Parameter(query="page")] = "1",
) -> Response[bytes]:
    """One address, two answers: the page, or its results for htmx. A filter that can't be used is left out."""
    filters = _lenient_filters(search, category, tags, min_rating, sort_by, page_number)
    async with house.db.reading() as connection:
        context = await views.marketplace(connection, filters)
    template = "catalog/_results.html" if is_fragment(request) else "catalog/index.html"
    return page(request, viewer, template, **context)


def _lenient_filters(
    search: str, category: list[str] | None, tags: str, min_rating: str, sort_by: str, page_number: str
) -> Filters:
    """A page has no use for a 400: people type addresses. What can't be read counts as not said."""
    try:
        return read_filters(
            search=search.replace("\x00", "")[:200],
            category=category,
            tags=tags,
            min_rating=_stars(min_rating),
            sort_by=sort_by if sort_by in SORTS else None,
            page=_page(page_number),
            limit=PER_PAGE,
            cursor=None,
        )
    except ValidationFailed:
        return Filters(limit=PER_PAGE)


def _page(text: str) -> int:
    return max(1, min(int(text), 10_000)) if re.fullmatch("[0-9]{1,6}", text) else 1


def _stars(text: str) -> float | None:
    try:
        stars = float(text)
    except ValueError:
        return None
    return stars if 1 <= stars <= 5 else None


@get("/personalities/{slug:str}", include_in_schema=False)
async def personality(
    request: Asker, house: House, viewer: Viewer | None, sessions: PreviewSessions, slug: str
) -> Response[Any]:
    """The same content as the dialog; an id leads to the slug's address."""
    async with house.db.read() as session:
        found = await get_personality(session, slug)
    if found.slug != slug:
        return Redirect(f"/personalities/{found.slug}", status_code=301)
    return await _detail_page(request, house, viewer, found, None, None)


@post("/personalities/{slug:str}/try", status_code=200, include_in_schema=False)
async def try_it(
    request: StrictRequest,
    house: House,
    viewer: Viewer | None,
    sessions: PreviewSessions,
    relays: Relays,
    slug: str,
) -> Response[Any]:
    """The chat as a form: the page comes back with the whole conversation and the new reply."""
    fields = await request.fields()
    session_id = fields.get("sessionId") or None
    async with house.db.read() as session:
        found = await get_personality(session, slug)
    address = request.client.host if request.client else ""
    failure: BotBotError | None = None
    sources: dict[str, Any] = {}
    kept = sessions.find(session_id, found.id)
    try:
        exchange = await open_exchange(house, sessions, found.id, fields.get("message", ""), session_id, address)
        kept = exchange.session
        said = await answer_while_there(house, relays, exchange, request.receive)
        sources = {"source": said.source, "reason": said.reason}
    except BotBotError as refusal:
        failure = refusal
    answered = await _detail_page(
        request, house, viewer, found, kept, failure.to_api_error() if failure else None, sources
    )
    if failure is not None:
        answered.status_code = failure.status
        answered.headers.update(boundary.headers_for(failure))
    return answered


async def _detail_page(
    request: Asker,
    house: House,
    viewer: Viewer | None,
    found: PersonalityTemplate,
    chat: PreviewSession | None,
    error: ApiError | None,
    sources: dict[str, Any] | None = None,
) -> Response[Any]:
    async with house.db.read() as session:
        ratings = await ratings_of(session, found.id)
        version = await get_version(session, found.id, found.version)
        mine = await find_rating(session, found.id, viewer.user_id) if viewer else None
        homes = (await list_deployments(session, viewer, [], page=1, limit=50))[0] if viewer else []
    view = views.detail_view(found, ratings, version.changelog, mine.id if mine else None)
    at_home = [
        {"id": home.row.id, "guild_name": home.row.guild_name}
        for home in homes
        if home.row.template_id == found.id and home.row.status in LIVE and home.row.replaced_by is None
    ]
    return page(
        request,
        viewer,
        "catalog/_detail.html" if is_fragment(request) else "catalog/detail.html",
        personality=view,
        chat=_chat(house, found, chat, error, sources or {}),
        my_rating=mine,
        can_rate=views.may_rate(found, viewer),
        rate_action=f"/personalities/{found.slug}/rate",
        login_url=f"/api/auth/discord?next=/personalities/{found.slug}",
        deploy_url=f"/personalities/{found.slug}/deploy",
        more_like_this=[],
        deployments_here=at_home,
    )


def _chat(
    house: House,
    found: PersonalityTemplate,
    chat: PreviewSession | None,
    error: ApiError | None,
    sources: dict[str, Any],
) -> dict[str, Any]:
    """The conversation so far, beginning with the opening line; only the newest reply says where it came from."""
    said = chat.turns if chat else []
    turns: list[dict[str, Any]] = [{"role": "assistant", "content": found.opening_line, "source": None, "reason": None}]
    turns += [{"role": turn.role, "content": turn.content, "source": None, "reason": None} for turn in said]
    if said and sources:
        turns[-1] |= sources
    return {
        "turns": turns,
        "session_id": chat.id if chat else None,
        "action": f"/personalities/{found.slug}/try",
        "suggestions": [] if said else views.suggestions(found),
        "error": error,
        "model_configured": house.settings.has_model,
    }


@get("/privacy", include_in_schema=False)
async def privacy(request: Asker, house: House, viewer: Viewer | None) -> Response[bytes]:
    """Written from the running configuration, so that it is true here."""
    settings = house.settings
    facts = {
        "retention_days": settings.retention_days,
        "session_days": settings.session_days,
        "model_host": urlsplit(settings.effective_openai_base_url).hostname,
        "base_url": settings.public_url,
    }
    return page(request, viewer, "pages/privacy.html", facts=facts)


@get("/terms", include_in_schema=False)
async def terms(request: Asker, viewer: Viewer | None) -> Response[bytes]:
    return page(request, viewer, "pages/terms.html")


handlers: list[Any] = [marketplace, personality, try_it, privacy, terms]
