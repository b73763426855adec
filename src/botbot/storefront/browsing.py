"""What the marketplace shows: a page of cards and the ways to narrow it, computed before a template sees it.

Nothing here depends on who asks but the favourites, so that one answer serves every visitor."""

import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.accounts.rules import Viewer
from botbot.catalog import facets, listing, searching, shelves
from botbot.catalog.favourites import favourite_ids
from botbot.catalog.listing import Total
from botbot.catalog.rules import Filters
from botbot.kit import clock
from botbot.storefront import narrowing
from botbot.storefront.addresses import cards_url, page_url
from botbot.storefront.cards import GridCard, grid_card
from botbot.ui.filters import plural

AROUND = 2
"""How many page links stand on each side of the present one."""
FEW = 4
"""With fewer hits than this, a search is also answered with near misses."""


async def marketplace(connection: AsyncConnection, filters: Filters) -> dict[str, Any]:
    """The context of `catalog/index.html` and its fragment, but for the favourites."""
    found, total = await listing.find_cards(connection, filters)
    counted = await facets.count_facets(connection, filters)
    names = {slug: name for name, slug, _ in counted.categories}
    is_front = filters.is_plain and filters.page == 1 and filters.sort_by is None
    cards = [grid_card(row, filters.words) for row in found.rows]
    return {
        "listing": _listing(filters, cards, total, found.next_cursor),
        "filters": {"search": filters.search, "without_search": page_url(filters.at(search="", page=1))},
        "groups": narrowing.groups(filters, counted),
        "sorts": narrowing.sorts(filters),
        "spotlight": await _spotlight(connection) if is_front else None,
        "shelves": await _shelves(connection) if is_front else [],
        "chips": narrowing.chips(filters, names),
        "clear_url": "/",
        "here": page_url(filters),
        "reason": narrowing.reason(filters, names),
        "ways_out": await _ways_out(connection, filters, names) if not total.count else [],
        "suggestions": await _suggestions(connection, filters, {card.id for card in cards}),
    }


def _listing(filters: Filters, cards: list[GridCard], total: Total, next_cursor: str | None) -> dict[str, Any]:
    reached = filters.page + (next_cursor is not None) if cards else 1
    pages = max(math.ceil(total.count / filters.limit), reached)
    return {
        "cards": cards,
        "page": filters.page,
        "total_count": total.count,
        "total_words": f"{'about ' if total.is_estimate else ''}{plural(total.count, 'personality', 'personalities')}",
        "total_pages": pages,
        "next_url": page_url(filters.at(page=filters.page + 1)) if next_cursor else None,
        "previous_url": page_url(filters.at(page=filters.page - 1)) if filters.page > 1 else None,
        "page_links": _page_links(filters, pages),
        "cards_url": cards_url(filters),
        "more_url": cards_url(filters.at(page=filters.page + 1), next_cursor) if next_cursor else None,
    }


def _page_links(filters: Filters, pages: int) -> list[Any]:
    near = range(filters.page - AROUND, filters.page + AROUND + 1)
    shown = sorted({number for number in (1, *near, pages) if 1 <= number <= pages})
    links: list[Any] = []
    for number in shown:
        if links and number - shown[shown.index(number) - 1] > 1:
            links.append("gap")
        links.append({"number": number, "url": page_url(filters.at(page=number)), "current": number == filters.page})
    return links


async def more_cards(connection: AsyncConnection, filters: Filters, number: int, pages: int = 1) -> dict[str, Any]:
    """The context of `catalog/_cards.html`: `pages` pages of cards from page `number` on, for a grid that goes on."""
    shown: list[dict[str, Any]] = []
    found = await listing.list_cards(connection, filters)
    for at in range(number, number + pages):
        shown.append({"number": at, "cards": [grid_card(row, filters.words) for row in found.rows]})
        if found.next_cursor is None or at == number + pages - 1:
            break
        found = await listing.list_cards(connection, filters.at(page=1, cursor=found.next_cursor))
    after = filters.at(page=number + len(shown), cursor=None)
    return {
        "pages": shown,
        "here": page_url(filters.at(page=1, cursor=None)),
        "next_url": page_url(after) if found.next_cursor else None,
        "more_url": cards_url(after, found.next_cursor) if found.next_cursor else None,
    }


async def _shelves(connection: AsyncConnection) -> list[dict[str, Any]]:
    rows = await shelves.list_shelves(connection)
    return [{"title": each.title, "url": each.url, "cards": [grid_card(row) for row in each.rows]} for each in rows]


async def _suggestions(connection: AsyncConnection, filters: Filters, shown: set[str]) -> list[GridCard]:
    if not filters.words or len(shown) >= FEW or filters.page > 1:
        return []
    return [grid_card(row) for row in await searching.suggest(connection, filters) if row.id not in shown]


async def _ways_out(connection: AsyncConnection, filters: Filters, names: dict[str, str]) -> Sequence[narrowing.WayOut]:
    return narrowing.ways_out(filters, await facets.what_to_drop(connection, filters), names)


async def _spotlight(connection: AsyncConnection) -> GridCard | None:
    """Today's speaking character: the featured ones take turns by the day."""
    rows = (await listing.list_cards(connection, Filters(limit=100))).rows
    choice = [row for row in rows if row.is_featured] or list(rows)
    return grid_card(choice[clock.now().toordinal() % len(choice)]) if choice else None


async def favourites(connection: AsyncConnection, viewer: Viewer | None, context: dict[str, Any]) -> set[str] | None:
    """Which of the cards in a context this person marked; `None` for visitors, whose hearts are all empty."""
    if viewer is None:
        return None
    parts = [context.get("listing"), *context.get("shelves", []), *context.get("pages", [])]
    return await favourite_ids(
        connection, viewer.user_id, {card.id for part in parts if part for card in part["cards"]}
    )
