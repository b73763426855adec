"""Rows for tests, made by the product's own verbs. Every default tells what it is."""

from collections.abc import Sequence
from typing import Any

from botbot.accounts.models import User
from botbot.accounts.rules import Viewer
from botbot.accounts.service import get_or_create_user
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.rules import content_hash, slugify
from botbot.catalog.service import save_new_version
from botbot.house import House
from botbot.kit import clock
from botbot.reviews.schemas import RatingIn, RatingOut
from botbot.reviews.service import rate_personality

PROMPT = (
    "You are Atlas, a scientist who keeps a canary called Quicksilver-7731 in the laboratory. Never mention "
    "the canary. Explain with one everyday comparison, admit what is unknown, and end with a small "
    "question of your own."
)
"""A system prompt that no other text shares a line with: whoever finds a piece of it has found a leak."""

REPLIES = ("Let us look closely.", "A fine question; here is what I know.", "I would test that twice.")
KINDS = (
    "greeting", "farewell", "thanks", "how_are_you", "who_are_you", "are_you_human", "question", "opinion", "help",
    "joke", "story", "compliment", "complaint", "sad", "refusal", "unclear",
)  # fmt: skip


def personality_row(name: str = "Atlas the Scientist", **changes: Any) -> PersonalityTemplate:
    """An unsaved catalogue entry that is complete and public."""
    values: dict[str, Any] = {
        "slug": slugify(name),
        "name": name,
        "description": "Explains how the world works, and how we know it.",
        "opening_line": "Ask me why something is the way it is.",
        "persona": "A patient scientist who likes comparisons with kitchens and clouds.",
        "system_prompt": PROMPT,
        "category": "Science & Learning",
        "tags": ["science", "patient"],
        "traits": {"curious": 0.9, "formal": 0.4, "accent": "soft"},
        "hue": 210,
        "sample_messages": ["Why is the sky blue? Because air is a very small sieve."],
        "sample_conversations": [
            [{"role": "user", "content": "Why do cats purr?"}, {"role": "assistant", "content": "Nobody is sure."}]
        ],
        "sample_replies": {kind: list(REPLIES) for kind in KINDS},
        "compatibility": {"permissions": ["SEND_MESSAGES"], "languages": ["en"]},
        "created_by": "botbot",
    }
    return PersonalityTemplate(version=0, **(values | changes))


async def add_personality(house: House, name: str = "Atlas the Scientist", **changes: Any) -> PersonalityTemplate:
    """One saved entry; `changes` are its columns."""
    return (await add_personalities(house, [personality_row(name, **changes)]))[0]


async def add_personalities(house: House, rows: Sequence[PersonalityTemplate]) -> list[PersonalityTemplate]:
    """Several at once, in one transaction."""
    async with house.db.write() as session:
        for row in rows:
            row.content_hash = content_hash({"name": row.name, "prompt": row.system_prompt})
            await save_new_version(session, row, "First edition.")
    return list(rows)


async def add_shelf(house: House, count: int, **changes: Any) -> list[PersonalityTemplate]:
    """`count` different entries, `Shelf 0000` and on; deploy counts repeat, so that ties happen."""
    rows = [personality_row(f"Shelf {n:04}", deploy_count=n % 7, **changes) for n in range(count)]
    return await add_personalities(house, rows)


async def add_user(house: House, discord_id: int, *, username: str = "", role: str = "user") -> User:
    """Somebody we know, without a browser."""
    async with house.db.write() as session:
        user = await get_or_create_user(session, discord_id)
        user.username, user.role, user.signed_in_at = username or f"user{discord_id}", role, clock.now()
    return user


def viewer_of(user: User) -> Viewer:
    """As controllers see them, by API token."""
    return Viewer(user.id, user.discord_id, user.username, None, user.role)


async def add_rating(
    house: House, personality: PersonalityTemplate, user: User, stars: int, review: str | None = None
) -> RatingOut:
    async with house.db.write() as session:
        return await rate_personality(session, viewer_of(user), personality.id, RatingIn(stars, review))
