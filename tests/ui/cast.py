"""A cast of characters, as cards and in full."""

from datetime import timedelta
from types import SimpleNamespace as Thing
from typing import Any

from botbot.kit import clock
from botbot.kit.avatars import choices_from_seed, draw_svg
from botbot.ui.petals import Petal

CAST = (
    (
        "Halvard the Ferryman",
        200,
        "Travel",
        "He has crossed one river eleven thousand times and still notes the weather.",
        "Sit in the middle, friend. The river likes to see who it is carrying.",
        "Calm water today. That makes me suspicious.",
    ),
    (
        "Madame Quill",
        330,
        "Writing",
        "An editor who loves your sentence and will cut it anyway.",
        "Darling, the first paragraph is you clearing your throat. Begin at the second.",
        "A comma is a breath. You are hyperventilating.",
    ),
    (
        "Tock",
        40,
        "Productivity",
        "A small brass alarm clock with large opinions about your afternoon.",
        "It is ten past two. You said two. I forgive you, but I have written it down.",
        None,
    ),
    (
        "Professor Umbra",
        270,
        "Education",
        "Explains the night sky as if she had hung it up herself.",
        "Look up. No, higher. That light left home before your language existed.",
        "Questions first, answers later, cocoa throughout.",
    ),
    (
        "Grit",
        20,
        "Coaching",
        "A retired boxing coach who measures progress in breakfasts.",
        "Up. Shoes. We will argue about motivation on the way.",
        "You did four. Yesterday you did three. That is how it works.",
    ),
    (
        "Fenn of the Hedge",
        130,
        "Nature",
        "Knows what grows where, and what it thinks of you.",
        "Mind the nettles, they have had a hard week.",
        "Rain by evening. The snails have already packed.",
    ),
    (
        "Captain Brisk",
        230,
        "Gaming",
        "Runs your raid night like a lifeboat drill, with better jokes.",
        "Right, crew! Who has the map, who has the snacks, and who is pretending to read this?",
        "We lost with style. Again!",
    ),
    (
        "Ossian",
        90,
        "Stories",
        "A storyteller by a fire that never needs wood.",
        "There was a door in the hill, and the hill was not pleased about it.",
        "Stop me if you know how it ends. Nobody has, so far.",
    ),
)


def slug_of(name: str) -> str:
    return name.lower().replace(" ", "-")


def portrait(name: str, hue: int) -> str:
    return draw_svg(choices_from_seed(name), hue, seed=name)


def card(index: int = 0, **changes: Any) -> Thing:
    name, hue, category, description, line, second = CAST[index % len(CAST)]
    slug = slug_of(name)
    made = {
        "id": f"0198-{index}",
        "slug": slug,
        "url": f"/personalities/{slug}",
        "name": name,
        "description": description,
        "opening_line": line,
        "second_line": second,
        "avatar": f"/avatars/{slug}.svg",
        "category": category,
        "category_slug": category.lower(),
        "tags": ["calm", "patient", "old-fashioned", "river"],
        "traits": {"patient": 0.9},
        "language": "en",
        "content_rating": "teen" if index == 6 else "everyone",
        "deploy_count": (12400, 803, 0, 5210, 96, 1, 2300000, 340)[index % 8],
        "avg_rating": (4.72, 4.5, None, 4.91, 3.25, 5.0, 4.08, 4.4)[index % 8],
        "rating_count": (318, 64, 0, 1290, 4, 1, 48210, 17)[index % 8],
        "hue": hue,
        "is_new": index in (2, 5),
        "is_featured": index == 0,
    }
    shown = made | changes
    shown = {
        "name_pieces": pieces(shown["name"]),
        "what_pieces": pieces(shown["description"]),
        "tags_hit": [],
        "line": shown["opening_line"],
        "keys": ["patient", "curious", "plain"],
    } | shown
    return Thing(**shown)


def pieces(text: str, hit: str = "") -> list[tuple[str, bool]]:
    """A text in pieces, with `hit` marked where it is."""
    before, found, after = text.partition(hit) if hit else (text, "", "")
    return [piece for piece in ((before, False), (found, True), (after, False)) if piece[0]]


def personality(index: int = 0, **changes: Any) -> Thing:
    count = card(index).rating_count
    more = {
        "persona": "He rows people across and asks for nothing but a *true sentence*. Most passengers find that dearer "
        "than coin.\n\nHalvard listens longer than is comfortable, answers in a few words, and remembers what the "
        "river was like on the day you last spoke.\n\n- never hurries\n- never flatters\n- **always** arrives",
        "sample_messages": [
            "You may row, if it helps you to talk.",
            "I have carried kings. They fidget.",
            "The far bank is only far from here.",
        ],
        "talks": [
            {
                "name": name,
                "turns": [
                    {"role": "user", "content": name},
                    {"role": "assistant", "content": "Good. Then we can *stop* pretending and look at the water."},
                ],
            }
            for name in ("I don't know what to do next.", "Have you ever left the river?")
        ],
        "compatibility": Thing(
            permissions=["VIEW_CHANNEL", "SEND_MESSAGES", "READ_MESSAGE_HISTORY"],
            intents=["GUILDS"],
            languages=["en", "de"],
            min_context_tokens=4096,
        ),
        "requirements": "A channel where slow answers are welcome.",
        "version": 3,
        "versions": [
            Thing(version=n, changelog=words, created_at=ago(days=90 - 20 * n))
            for n, words in ((4, "He talks less about herons."), (3, ""), (2, "A new oar."), (1, "First edition."))
        ],
        "author_name": "The house",
        "numbers": Thing(servers=12400, talking_servers=803, favourites=1, ratings=count, since=ago(days=80)),
        "petals": [
            Petal(0, "bold", "shy", 0.3),
            Petal(3, "curious", "settled", 1.0),
            Petal(6, "patient", "brisk", 0.95),
            Petal(11, "mischievous", "well-behaved", 0.0),
        ],
        "picture": "/og/halvard-the-ferryman.0000.png",
        "may_be_taken": True,
        "histogram": {1: 2, 2: 3, 3: 12, 4: 61, 5: count - 78} if count > 100 else {1: 0, 2: 0, 3: 0, 4: 0, 5: count},
        "scales": [
            Thing(name="bold", low="shy", high="bold", value=0.3),
            Thing(name="patient", low="brisk", high="patient", value=0.95),
            Thing(name="talkative", low="quiet", high="talkative", value=0.2),
            Thing(name="dramatic", low="dry", high="dramatic", value=0.55),
        ],
        "labels": [Thing(name="speaks in", value="short sentences")],
        "reviews": [
            Thing(
                id="r1",
                rating=5,
                review="Our evening channel got quieter and better since he came.",
                username="ada",
                created_at=ago(hours=5),
                used_it=True,
                is_mine=False,
                is_edited=True,
                helpful_count=14,
                found_helpful=True,
            ),
            Thing(
                id="r2",
                rating=3,
                review="A long wait, and worth it.",
                username="ben_of_the_long_username_that_goes_on",
                created_at=ago(days=50),
                used_it=False,
                is_mine=True,
                is_edited=False,
                helpful_count=1,
                found_helpful=False,
            ),
        ],
    }
    return Thing(**(vars(card(index)) | more | changes))


def ago(**span: float) -> Any:
    return clock.now() - timedelta(**span)


def avatars() -> dict[str, bytes]:
    """Every portrait of the cast by its path, as the site would serve it."""
    return {f"/avatars/{slug_of(name)}.svg": portrait(name, hue).encode() for name, hue, *_ in CAST}
