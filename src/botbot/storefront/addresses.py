"""Addresses of the marketplace: one state of search and filters has one address, and defaults are left out of it."""

from urllib.parse import urlencode

from botbot.catalog.rules import Filters

Query = list[tuple[str, str]]


def query_of(filters: Filters) -> Query:
    """The filters as they stand in an address, without paging, in the order in which the page's form sends them."""
    query: Query = [("search", filters.search)] if filters.search else []
    query += [("category", slug) for slug in filters.categories]
    query += [("tags", ",".join(filters.tags))] if filters.tags else []
    query += [("excludeTags", ",".join(filters.without_tags))] if filters.without_tags else []
    query += [("minRating", f"{filters.min_rating:g}")] if filters.min_rating else []
    query += [("language", code) for code in filters.languages]
    query += [("contentRating", value) for value in filters.content_ratings]
    return query + ([("sortBy", filters.sort_by)] if filters.sort_by else [])


def page_url(filters: Filters) -> str:
    """The page that shows these filters."""
    query = query_of(filters) + ([("page", str(filters.page))] if filters.page > 1 else [])
    return f"/?{urlencode(query)}" if query else "/"


def cards_url(filters: Filters, cursor: str | None = None) -> str:
    """Cards without a page around them: all by `page` and `pages`, or the one that follows a cursor."""
    query = query_of(filters) + ([("page", str(filters.page)), ("cursor", cursor)] if cursor else [])
    return f"/cards?{urlencode(query)}"
