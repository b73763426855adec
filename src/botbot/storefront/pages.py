"""The marketplace."""

from typing import Any

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


handlers: list[Any] = [marketplace, cards]
