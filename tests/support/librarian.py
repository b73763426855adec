"""Answers questions to the catalogue as CONTRACT states them, by looking at every entry. Slow and simple."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from botbot.catalog.facets import MOST_TAGS, STARS
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.ordering import EXACT, NAMES, RANKED, STARTS
from botbot.catalog.rules import Filters, fold, slugify
from botbot.db import Database

Entry = PersonalityTemplate


async def read_all(database: Database) -> list[Entry]:
    async with database.read() as session:
        return list(await session.scalars(select(Entry)))


def matching(entries: Sequence[Entry], filters: Filters) -> list[Entry]:
    return [each for each in entries if is_match(each, filters)]


def is_match(entry: Entry, filters: Filters) -> bool:
    tags = {fold(tag) for tag in entry.tags}
    fields = [fold(entry.name), fold(entry.description), *tags]
    return all(
        [
            entry.is_public and entry.archived_at is None,
            all(any(word in field for field in fields) for word in filters.words),
            not filters.categories or entry.category_slug in {slugify(name) for name in filters.categories},
            all(fold(tag) in tags for tag in filters.tags),
            all(fold(tag) not in tags for tag in filters.without_tags),
            not filters.languages or entry.language in filters.languages,
            not filters.content_ratings or entry.content_rating in filters.content_ratings,
            filters.min_rating is None or (entry.avg_rating or 0) >= filters.min_rating,
        ]
    )


def rank(entry: Entry, words: list[str]) -> int:
    name, whole = fold(entry.name), " ".join(words)
    if name == whole:
        return 0
    if name.startswith(whole):
        return 1
    if all(any(part.startswith(word) for part in _starts(name)) for word in words):
        return 2
    if all(word in name for word in words):
        return 3
    return 4 if all(any(word in fold(tag) for tag in entry.tags) for word in words) else 5


def _starts(name: str) -> list[str]:
    """The name from each of its words on; a hyphen begins a word too."""
    spaced = " " + name.replace("-", " ")
    return [spaced[place + 1 :] for place, char in enumerate(spaced) if char == " "]


def ordered(entries: Sequence[Entry], filters: Filters, mode: int = RANKED) -> list[Entry]:
    """Everything that matches, in order; `mode` is how well many matches are ranked."""

    def by_match(each: Entry) -> Any:
        place = rank(each, filters.words)
        most = {RANKED: 6, NAMES: 4, STARTS: 2, EXACT: 1}[mode]
        return min(place, most), -each.deploy_count, each.id

    keys: dict[str, Any] = {
        "match": by_match,
        "popular": lambda each: (-each.deploy_count, each.id),
        "newest": lambda each: (-each.created_at.timestamp(), each.id),
        "rating": lambda each: (-each.rating_score, each.id),
        "name": lambda each: (each.name_folded, each.id),
    }
    return sorted(matching(entries, filters), key=keys[filters.order])


def facets(entries: Sequence[Entry], filters: Filters) -> dict[str, Any]:
    """As `count_facets` has them, while nothing is estimated."""

    def without(**group: Any) -> list[Entry]:
        return matching(entries, filters.at(**group))

    def counted(values: Any) -> list[tuple[Any, int]]:
        return sorted(Counter(values).items(), key=lambda each: (-each[1], each[0]))

    rated = [each.avg_rating or 0 for each in without(min_rating=None)]
    tags = [fold(tag) for each in matching(entries, filters) for tag in {fold(tag): tag for tag in each.tags}]
    return {
        "categories": dict(counted(each.category_slug for each in without(categories=()))),
        "tags": counted(tags)[:MOST_TAGS],
        "languages": counted(each.language for each in without(languages=())),
        "content_ratings": counted(each.content_rating for each in without(content_ratings=())),
        "ratings": [(stars, sum(value >= stars for value in rated)) for stars in STARS],
    }
