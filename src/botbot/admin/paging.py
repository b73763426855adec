"""Pages of the panel's lists."""

import math

import msgspec


class PanelPagination(msgspec.Struct, rename="camel"):
    page: int
    limit: int
    total_count: int
    total_pages: int
    has_next_page: bool
    has_previous_page: bool


def pagination(page: int, limit: int, total: int) -> PanelPagination:
    pages = math.ceil(total / limit)
    return PanelPagination(page, limit, total, pages, page < pages, page > 1 and total > 0)
