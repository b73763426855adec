"""The marketplace, and the two pages of small print."""

from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response, get

from botbot.accounts.rules import Viewer
from botbot.accounts.web import is_fragment, page
from botbot.house import House
from botbot.storefront import browsing
from botbot.storefront.asking import lenient_filters, page_count

Asker = Request[Any, Any, Any]


@get("/", include_in_schema=False)
async def marketplace(request: Asker, house: House, viewer: Viewer | None) -> Response[bytes]:
    """One address, two answers: the page, or its results and filters for the script."""
    asked = lenient_filters(request.query_params)
    async with house.db.reading() as connection:
        context = await browsing.marketplace(connection, asked)
        context["favourites"] = await browsing.favourites(connection, viewer, context)
    template = "catalog/_answer.html" if is_fragment(request) else "catalog/index.html"
    return page(request, viewer, template, **context)


@get("/cards", include_in_schema=False)
async def cards(request: Asker, house: House, viewer: Viewer | None) -> Response[bytes]:
    """More cards for a grid that goes on: `page` and `pages`, or `cursor` with the number of the page it begins."""
    asked = lenient_filters(request.query_params)
    number, cursor = asked.page, request.query_params.get("cursor")
    filters = asked.at(page=1, cursor=cursor) if cursor else asked
    async with house.db.reading() as connection:
        context = await browsing.more_cards(connection, filters, number, page_count(request.query_params))
        context["favourites"] = await browsing.favourites(connection, viewer, context)
    return page(request, viewer, "catalog/_cards.html", **context)


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


handlers: list[Any] = [marketplace, cards, privacy, terms]
