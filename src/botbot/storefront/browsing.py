"""What the marketplace's pages show, computed before a template sees it."""

import math
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.accounts.rules import Viewer
from botbot.agents.sampling import kind_of
from botbot.catalog import queries, rules
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.rules import SORTS, Filters
from botbot.catalog.schemas import CardView, Compatibility, Ratings, card_view
from botbot.kit import clock

AROUND = 2
"""How many page links stand on each side of the present one."""


async def marketplace(connection: AsyncConnection, filters: Filters) -> dict[str, Any]:
    """The context of `catalog/index.html` and its results fragment."""
    found = await queries.list_cards(connection, filters)
    total = await queries.count_cards(connection, filters)
    categories = await queries.list_categories(connection)
    cards = [card_view(row) for row in found.rows]
    is_front = filters.is_plain and filters.page == 1 and filters.sort_by is None
    return {
        "listing": _listing(filters, cards, total),
        "filters": _filters(filters),
        "categories": _categories(filters, categories),
        "sorts": _sorts(filters),
        "spotlight": await _spotlight(connection) if is_front else None,
        "shelves": [],
        "chips": _chips(filters, {slug: name for name, slug, _ in categories}),
        "clear_url": "/",
        "suggestions": [],
    }


def url_of(filters: Filters) -> str:
    """The page's address with these filters; defaults are left out, so one state has one address."""
    query: list[tuple[str, str]] = [("search", filters.search)] if filters.search else []
    query += [("category", slug) for slug in filters.categories]
    query += [("tags", ",".join(filters.tags))] if filters.tags else []
    query += [("minRating", f"{filters.min_rating:g}")] if filters.min_rating else []
    query += [("sortBy", filters.sort_by)] if filters.sort_by else []
    query += [("page", str(filters.page))] if filters.page > 1 else []
    return f"/?{urlencode(query)}" if query else "/"


def _listing(filters: Filters, cards: list[CardView], total: int) -> dict[str, Any]:
    pages = math.ceil(total / filters.limit)
    return {
        "cards": cards,
        "page": filters.page,
        "total_count": total,
        "total_pages": pages,
        "next_url": url_of(filters.at(page=filters.page + 1)) if filters.page < pages else None,
        "previous_url": url_of(filters.at(page=filters.page - 1)) if filters.page > 1 else None,
        "page_links": _page_links(filters, pages),
    }


def _page_links(filters: Filters, pages: int) -> list[Any]:
    near = range(filters.page - AROUND, filters.page + AROUND + 1)
    shown = sorted({number for number in (1, *near, pages) if 1 <= number <= pages})
    links: list[Any] = []
    for number in shown:
        if links and number - shown[shown.index(number) - 1] > 1:
            links.append("gap")
        links.append({"number": number, "url": url_of(filters.at(page=number)), "current": number == filters.page})
    return links


def _filters(filters: Filters) -> dict[str, Any]:
    return {
        "search": filters.search,
        "categories": [rules.slugify(name) for name in filters.categories],
        "tags": list(filters.tags),
        "min_rating": filters.min_rating,
        "sort_by": filters.sort_by or filters.order,
    }


def _categories(filters: Filters, categories: list[tuple[str, str, int]]) -> list[dict[str, Any]]:
    chosen = {rules.slugify(name) for name in filters.categories}
    return [
        {
            "name": name,
            "slug": slug,
            "count": count,
            "is_selected": slug in chosen,
            "url": url_of(filters.at(categories=tuple(sorted(chosen ^ {slug})), page=1)),
        }
        for name, slug, count in categories
    ]


def _sorts(filters: Filters) -> list[dict[str, Any]]:
    options: list[tuple[Any, str]] = [*SORTS.items()]
    if filters.words:
        options.insert(0, ("", "Best match"))
    return [
        {
            "value": value,
            "label": label,
            "is_selected": (filters.sort_by or ("" if filters.words else "popular")) == value,
            "url": url_of(filters.at(sort_by=value or None, page=1)),
        }
        for value, label in options
    ]


def _chips(filters: Filters, names: dict[str, str]) -> list[dict[str, str]]:
    chips = []
    for name in filters.categories:
        slug = rules.slugify(name)
        rest = tuple(each for each in filters.categories if each != name)
        chips.append({"label": names.get(slug, name), "remove_url": url_of(filters.at(categories=rest, page=1))})
    for tag in filters.tags:
        rest = tuple(each for each in filters.tags if each != tag)
        chips.append({"label": f"#{tag}", "remove_url": url_of(filters.at(tags=rest, page=1))})
    if filters.min_rating:
        url = url_of(filters.at(min_rating=None, page=1))
        chips.append({"label": f"{filters.min_rating:g} stars and up", "remove_url": url})
    return chips


async def _spotlight(connection: AsyncConnection) -> CardView | None:
    """Today's speaking character: the featured ones take turns by the day."""
    featured = (await queries.list_cards(connection, Filters(limit=100))).rows
    choice = [row for row in featured if row.is_featured] or list(featured)
    return card_view(choice[clock.now().toordinal() % len(choice)]) if choice else None


class DetailView(CardView, kw_only=True):
    """A personality as its own page shows it."""

    persona: str
    sample_messages: list[str]
    sample_conversations: list[list[dict[str, str]]]
    compatibility: Compatibility
    requirements: str | None
    version: int
    changelog: str | None
    author_name: str | None
    histogram: dict[int, int]
    reviews: list[dict[str, Any]]
    scales: list[dict[str, Any]]
    labels: list[dict[str, str]]


def detail_view(
    personality: PersonalityTemplate, ratings: Ratings, changelog: str | None, my_review_id: str | None
) -> DetailView:
    card = card_view(personality)
    return DetailView(
        **{name: getattr(card, name) for name in card.__struct_fields__},
        persona=personality.persona,
        sample_messages=personality.sample_messages,
        sample_conversations=personality.sample_conversations,
        compatibility=_compatibility(personality.compatibility),
        requirements=personality.requirements,
        version=personality.version,
        changelog=changelog,
        author_name="BotBot" if card.is_ours else None,
        histogram={int(star): count for star, count in ratings.histogram.items()},
        reviews=[_review(each, my_review_id) for each in ratings.newest],
        scales=rules.scales(personality.traits),
        labels=rules.labels(personality.traits),
    )


def _compatibility(stored: dict[str, Any]) -> Compatibility:
    return Compatibility(
        permissions=stored.get("permissions", []),
        intents=stored.get("intents", []),
        languages=stored.get("languages", []),
        min_context_tokens=stored.get("minContextTokens", 0),
    )


def _review(review: Any, my_review_id: str | None) -> dict[str, Any]:
    fields = {name: getattr(review, name) for name in review.__struct_fields__}
    return {**fields, "is_mine": review.id == my_review_id}


def suggestions(personality: PersonalityTemplate) -> list[str]:
    """First messages to try: what people asked in its sample conversations."""
    asked = [turns[0]["content"] for turns in personality.sample_conversations if turns]
    return [line for line in asked if len(line) <= 120 and _is_cheerful(line, personality.language)][:3]


def _is_cheerful(line: str, language: str) -> bool:
    """Some samples show how it refuses or comforts; nobody should begin with those."""
    return kind_of(line, language) in {"greeting", "how_are_you", "who_are_you", "question", "opinion", "joke", "story"}


def may_rate(personality: PersonalityTemplate, viewer: Viewer | None) -> bool:
    return viewer is not None and personality.created_by != viewer.user_id
