"""The ways to narrow the marketplace, as its page draws them: groups of options, chips, sorts, and ways out."""

from collections.abc import Callable
from typing import Any, NamedTuple

from botbot.catalog import rules
from botbot.catalog.facets import Facets
from botbot.catalog.rules import CONTENT_RATINGS, SORTS, Filters
from botbot.storefront.addresses import page_url
from botbot.ui.filters import language_name

AT_FIRST = 10
"""How many tags are seen before one asks for more."""


class Option(NamedTuple):
    """`n` is how many it would show under the other filters; `None` when nobody counted it. `state` is `with`,
    `without` (tags only) or empty."""

    value: str
    label: str
    n: int | None
    state: str = ""


class Group(NamedTuple):
    """`name` is what the query calls it; `kind` is `any` (checkboxes), `one` (radios) or `tags` (with and without)."""

    name: str
    legend: str
    kind: str
    options: list[Option]
    more: tuple[Option, ...] = ()
    is_hidden: bool = False


def groups(filters: Filters, facets: Facets) -> list[Group]:
    return [
        _any_of("category", "Category", [(slug, name, n) for name, slug, n in facets.categories], _slugs(filters)),
        _tags(filters, dict(facets.tags)),
        _ratings(filters, dict(facets.ratings)),
        _any_of(
            "language",
            "Speaks",
            [(code, language_name(code), n) for code, n in facets.languages],
            [*filters.languages],
            is_hidden=len(facets.languages) < 2 and not filters.languages,
        ),
        _any_of(
            "contentRating",
            "Made for",
            [(value, label, dict(facets.content_ratings).get(value, 0)) for value, label in CONTENT_RATINGS.items()],
            [*filters.content_ratings],
        ),
    ]


def _slugs(filters: Filters) -> list[str]:
    return [rules.slugify(name) for name in filters.categories]


def _any_of(
    name: str, legend: str, known: list[tuple[str, str, int]], chosen: list[str], *, is_hidden: bool = False
) -> Group:
    """What was chosen stays on offer, also when nothing has it."""
    lost = [value for value in chosen if value not in {value for value, _, _ in known}]
    options = [Option(value, label, n, "with" if value in chosen else "") for value, label, n in known]
    options += [Option(value, value.replace("-", " ").capitalize(), 0, "with") for value in lost]
    return Group(name, legend, "any", options, is_hidden=is_hidden)


def _tags(filters: Filters, counts: dict[str, int]) -> Group:
    """The chosen ones first: they may be rarer than what is usually offered."""
    states = dict.fromkeys(map(rules.fold, filters.tags), "with")
    states |= dict.fromkeys(map(rules.fold, filters.without_tags), "without")
    rare = [tag for tag in states if tag not in counts]
    options = [Option(tag, tag, counts.get(tag), states.get(tag, "")) for tag in [*rare, *counts]]
    shown = max(AT_FIRST, *(place + 1 for place, each in enumerate(options) if each.state), 0)
    return Group("tags", "Tags", "tags", options[:shown], tuple(options[shown:]), is_hidden=not options)


def _ratings(filters: Filters, counts: dict[float, int]) -> Group:
    steps = sorted({*counts} | ({filters.min_rating} if filters.min_rating else set()))
    options = [Option("", "Any", None, "" if filters.min_rating else "with")]
    options += [
        Option(f"{stars:g}", f"{stars:g} and up", counts.get(stars), "with" if filters.min_rating == stars else "")
        for stars in steps
    ]
    return Group("minRating", "Rating", "one", options)


class Chip(NamedTuple):
    """One filter in use. `label` is said with its sign (`not #loud`), `kind` tells what it narrows."""

    kind: str
    label: str
    remove_url: str


def chips(filters: Filters, names: dict[str, str]) -> list[Chip]:
    """The filters in use but the search, which has a box of its own. `names` are the categories' by slug."""
    return [
        Chip(each.field, each.label, page_url(each.without))
        for each in _parts(filters, names)
        if each.field != "search"
    ]


class _Part(NamedTuple):
    """One value of one filter, in words, and the filters without it."""

    field: str
    value: Any
    label: str
    without: Filters


def _parts(filters: Filters, names: dict[str, str]) -> list[_Part]:
    first = filters.at(page=1, cursor=None)
    labels: dict[str, Callable[[str], str]] = {
        "categories": lambda name: names.get(rules.slugify(name), name.replace("-", " ").capitalize()),
        "tags": lambda tag: f"#{tag}",
        "without_tags": lambda tag: f"not #{tag}",
        "languages": language_name,
        "content_ratings": lambda value: f"for {CONTENT_RATINGS[value].lower()}{'' if value == 'everyone' else 's'}",
    }
    parts = [_Part("search", filters.search, f"“{filters.search}”", first.at(search=""))] if filters.search else []
    for field, label in labels.items():
        values: tuple[str, ...] = getattr(filters, field)
        rest = {each: tuple(other for other in values if other != each) for each in values}
        parts += [_Part(field, each, label(each), first.at(**{field: rest[each]})) for each in values]
    if filters.min_rating:
        words = f"{filters.min_rating:g} stars and up"
        parts.append(_Part("min_rating", filters.min_rating, words, first.at(min_rating=None)))
    return parts


class WayOut(NamedTuple):
    """A filter to let go of when nothing is found, and how many that brings."""

    label: str
    n: int
    url: str


def ways_out(filters: Filters, wider: list[tuple[Filters, int]], names: dict[str, str]) -> list[WayOut]:
    """As `catalog.facets.what_to_drop` has them: the most promising first."""
    return [WayOut(_gone(filters, each, names), n, page_url(each.at(page=1))) for each, n in wider]


def _gone(filters: Filters, wider: Filters, names: dict[str, str]) -> str:
    """What `wider` has let go of."""
    gone = [each.label for each in _parts(filters, names) if not _has(wider, each)]
    return " and ".join(gone)


def _has(filters: Filters, part: _Part) -> bool:
    kept = getattr(filters, part.field)
    return part.value in kept if isinstance(kept, tuple) else part.value == kept


SAID = {
    "search": "for {}",
    "categories": "in {}",
    "tags": "with {}",
    "without_tags": "{}",
    "languages": "speaking {}",
    "content_ratings": "{}",
    "min_rating": "with {}",
}
"""How each kind of filter joins a sentence."""


def reason(filters: Filters, names: dict[str, str]) -> str:
    """Why nothing is shown, in one sentence."""
    told: dict[str, list[str]] = {}
    for each in _parts(filters, names):
        told.setdefault(each.field, []).append(each.label)
    clauses = [
        SAID[field].format((" and " if field in {"tags", "without_tags"} else " or ").join(labels))
        for field, labels in told.items()
    ]
    return f"I found nobody {', '.join(clauses)}." if clauses else ""


class Sort(NamedTuple):
    value: str
    label: str
    is_selected: bool


def sorts(filters: Filters) -> list[Sort]:
    """The default is sent as nothing: best match for a search, else by deployments."""
    options = [("", "Best match")] if filters.words else []
    options += [("" if value == "popular" and not filters.words else value, label) for value, label in SORTS.items()]
    chosen = "" if filters.sort_by == "popular" and not filters.words else filters.sort_by or ""
    return [Sort(value, label, value == chosen) for value, label in options]
