"""What a personality's own page shows, computed before a template sees it."""

from typing import Any
from urllib.parse import urlencode

from botbot.accounts.rules import Viewer
from botbot.agents.sampling import kind_of
from botbot.catalog import rules
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.schemas import CardView, Compatibility, card_view
from botbot.exchange.exporting import may_be_taken_along
from botbot.reviews.queries import ReviewPage
from botbot.reviews.rules import SORTS
from botbot.reviews.rules import pages as pages_of
from botbot.reviews.schemas import Review
from botbot.storefront.queries import Numbers, VersionNote
from botbot.ui.petals import Petal

REVIEWS = 10
"""How many reviews stand on the page before "Show more"."""
LABEL_LENGTH = 48


class DetailView(CardView, kw_only=True):
    """A personality as its own page shows it. `talks` are its sample conversations, each under what it begins with."""

    persona: str
    sample_messages: list[str]
    talks: list[dict[str, Any]]
    compatibility: Compatibility
    requirements: str | None
    version: int
    versions: list[VersionNote]
    author_name: str | None
    histogram: dict[int, int]
    reviews: list[Review]
    scales: list[dict[str, Any]]
    petals: list[Petal]
    labels: list[dict[str, str]]
    numbers: Numbers
    picture: str
    may_be_taken: bool
    """Whether everybody may have it as a card."""


def detail_view(
    personality: PersonalityTemplate,
    *,
    histogram: dict[str, int],
    reviews: list[Review],
    versions: list[VersionNote],
    author: str | None,
    numbers: Numbers,
    picture: str,
) -> DetailView:
    card = card_view(personality)
    scales = rules.scales(personality.traits)
    return DetailView(
        **{name: getattr(card, name) for name in card.__struct_fields__ if name != "sample_messages"},
        persona=personality.persona,
        sample_messages=personality.sample_messages,
        talks=talks(personality.sample_conversations),
        compatibility=_compatibility(personality.compatibility),
        requirements=personality.requirements,
        version=personality.version,
        versions=versions,
        author_name="BotBot" if card.is_ours else author,
        histogram={int(star): count for star, count in histogram.items()},
        reviews=reviews,
        scales=scales,
        petals=petals(scales),
        labels=rules.labels(personality.traits),
        numbers=numbers,
        picture=picture,
        may_be_taken=may_be_taken_along(personality),
    )


def talks(conversations: list[list[dict[str, str]]]) -> list[dict[str, Any]]:
    """Each conversation with a short name: how somebody began it."""
    return [{"name": _shortened(turns[0]["content"]), "turns": turns} for turns in conversations if turns]


def _shortened(line: str) -> str:
    line = " ".join(line.split())
    if len(line) <= LABEL_LENGTH:
        return line
    return line[:LABEL_LENGTH].rsplit(" ", 1)[0].rstrip(",.;:–—-") + "…"


def petals(scales: list[dict[str, Any]]) -> list[Petal]:
    """The traits that everybody may have, each in the place that it has in everybody's picture."""
    places = {name: place for place, name in enumerate(rules.SCALES)}
    return [
        Petal(places[each["name"]], each["high"], each["low"], each["value"])
        for each in scales
        if each["name"] in places
    ]


def _compatibility(stored: dict[str, Any]) -> Compatibility:
    return Compatibility(
        permissions=stored.get("permissions", []),
        intents=stored.get("intents", []),
        languages=stored.get("languages", []),
        min_context_tokens=stored.get("minContextTokens", 0),
    )


def review_list(url: str, found: ReviewPage, sort: str, number: int) -> dict[str, Any]:
    """How the reviews are sorted, and where there are more of them."""

    def at(sort_by: str, page: int) -> str:
        query = {**({"reviews": sort_by} if sort_by != "helpful" else {}), **({"page": page} if page > 1 else {})}
        return f"{url}?{urlencode(query)}#reviews" if query else f"{url}#reviews"

    pages = pages_of(found.total, REVIEWS)
    return {
        "total": found.total,
        "page": number,
        "sorts": [
            {"label": label, "url": at(name, 1), "is_selected": name == sort} for name, label in SORTS.items()
        ],
        "more_url": at(sort, number + 1) if number < pages else None,
        "first_url": at(sort, 1) if number > 1 else None,
    }  # fmt: skip


def suggestions(personality: PersonalityTemplate) -> list[str]:
    """First messages to try: what people asked in its sample conversations."""
    asked = [turns[0]["content"] for turns in personality.sample_conversations if turns]
    return [line for line in asked if len(line) <= 120 and _is_cheerful(line, personality.language)][:3]


def _is_cheerful(line: str, language: str) -> bool:
    """Some samples show how it refuses or comforts; nobody should begin with those."""
    return kind_of(line, language) in {"greeting", "how_are_you", "who_are_you", "question", "opinion", "joke", "story"}


def may_rate(personality: PersonalityTemplate, viewer: Viewer | None) -> bool:
    """Everybody but the author; visitors are asked to sign in once they have."""
    return viewer is None or personality.created_by != viewer.user_id


def linked_data(view: DetailView, url: str, picture_url: str) -> dict[str, Any]:
    """What search engines read: schema.org's SoftwareApplication, with the ratings that exist."""
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "SoftwareApplication",
        "name": view.name,
        "description": view.description,
        "url": url,
        "image": picture_url,
        "applicationCategory": view.category,
        "operatingSystem": "Discord",
        "inLanguage": view.language,
        "datePublished": f"{view.created_at:%Y-%m-%d}",
        "dateModified": f"{view.updated_at:%Y-%m-%d}",
        "offers": {"@type": "Offer", "price": 0, "priceCurrency": "EUR"},
    }
    if view.avg_rating is not None:
        rating = {"@type": "AggregateRating", "ratingValue": view.avg_rating, "ratingCount": view.rating_count}
        data["aggregateRating"] = rating
    return data
