"""The contexts of every page: what the templates are drawn and tested with."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace as Thing
from typing import Any

from tests.ui.cast import ago, card, personality

from botbot.errors import ApiError
from botbot.kit import clock
from botbot.privacy.exporting import personal_tables
from botbot.privacy.schemas import LeavingOut, ReceiptOut, leaving_state
from botbot.privacy.words import small_print, table_words
from botbot.settings import Settings
from botbot.status.rules import Part, verdict
from botbot.ui.filters import member_hue


def site(path: str = "/", **changes: Any) -> Thing:
    made = {
        "user": None,
        "path": path,
        "login_url": f"/api/auth/discord?next={path}",
        "is_sandbox": False,
        "sandbox_url": None,
        "theme": "auto",
        "notice": None,
        "nonce": "",
        "configured": True,
        "canonical": f"https://shop.example{path}",
        "model_configured": True,
        "news": [],
        "unread": 0,
        "measures": False,
    }
    return Thing(**(made | changes))


def news(n: int = 1, **changes: Any) -> Thing:
    made = {
        "url": f"/deployments/n{n}",
        "status": "rolled_back",
        "name": "Halvard",
        "guild_name": "The Reading Room",
        "message": "BotBot lacks a permission in that server (CHANGE_NICKNAME). Ask a server admin to allow it.",
        "key": f"s{n}:undone",
    }
    return Thing(**(made | changes))


ADA = Thing(username="ada", avatar_url=None, role="user", is_staff=False)
CLEO = Thing(username="cleo_the_curator", avatar_url=None, role="admin", is_staff=True)
LONG = Thing(username="W" * 32, avatar_url=None, role="user", is_staff=False)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
UNBROKEN = "Donaudampfschifffahrtsgesellschaftskapitänswitwenrentenauszahlungsstelle"


def listing(cards: list[Any], **changes: Any) -> Thing:
    made = {
        "cards": cards,
        "page": 1,
        "total_count": len(cards),
        "total_words": f"{len(cards)} personalities" if len(cards) != 1 else "1 personality",
        "total_pages": 1,
        "next_url": None,
        "previous_url": None,
        "page_links": [],
        "cards_url": "/cards?",
        "more_url": None,
    }
    return Thing(**(made | changes))


def groups(chosen: dict[str, str] | None = None) -> list[Any]:
    """The filters with every kind of group; `chosen` maps values to `with` or `without`."""
    chosen = chosen or {}
    names = ("Coaching", "Education", "Gaming", "Nature", "Productivity", "Stories", "Travel", "Writing")

    def options(*offered: tuple[str, str, int | None]) -> list[Any]:
        return [Thing(value=value, label=label, n=n, state=chosen.get(value, "")) for value, label, n in offered]

    tags = [(tag, tag, 9 - n) for n, tag in enumerate(("calm", "patient", "river", "old-fashioned", "loud", "night"))]
    stars = [("", "Any", None), ("3", "3 and up", 7), ("4", "4 and up", 5), ("4.5", "4.5 and up", 0)]
    return [
        Thing(
            name="category",
            legend="Category",
            kind="any",
            options=options(*((name.lower(), name, 3 + place) for place, name in enumerate(names))),
            more=[],
            is_hidden=False,
        ),
        Thing(
            name="tags",
            legend="Tags",
            kind="tags",
            options=options(*tags[:4]),
            more=options(*tags[4:]),
            is_hidden=False,
        ),
        Thing(name="minRating", legend="Rating", kind="one", options=options(*stars), more=[], is_hidden=False),
        Thing(
            name="language",
            legend="Speaks",
            kind="any",
            options=options(("en", "English", 6), ("de", "German", 2)),
            more=[],
            is_hidden=False,
        ),
    ]


def index(cards: list[Any] | None = None, **changes: Any) -> dict[str, Any]:
    cards = [card(n) for n in range(8)] if cards is None else cards
    made = {
        "site": site(),
        "listing": listing(cards),
        "filters": Thing(search="", without_search="/"),
        "groups": groups(),
        "sorts": [
            Thing(value=value, label=label, is_selected=value == "popular", url=f"/?sortBy={value}")
            for value, label in (
                ("popular", "Most at home"),
                ("newest", "Newest"),
                ("rating", "Best rated"),
                ("name", "Name"),
            )
        ],
        "spotlight": None,
        "shelves": [],
        "chips": [],
        "clear_url": "/",
        "here": "/",
        "reason": "",
        "ways_out": [],
        "favourites": None,
        "suggestions": [],
    }
    return made | changes


def more(cards: list[Any], **changes: Any) -> dict[str, Any]:
    """What the grid is handed when it goes on."""
    made = {
        "pages": [Thing(number=2, cards=cards)],
        "next_url": None,
        "more_url": None,
        "favourites": None,
        "here": "/",
    }
    return made | changes


def found(cards: list[Any], **changes: Any) -> dict[str, Any]:
    chips = [
        Thing(kind="categories", label="Stories", remove_url="/?search=fire"),
        Thing(kind="without_tags", label="not #loud", remove_url="/?search=fire"),
        Thing(kind="min_rating", label="4 stars and up", remove_url="/"),
    ]
    made = {
        "filters": Thing(search="fire", without_search="/"),
        "chips": chips,
        "groups": groups({"stories": "with", "loud": "without", "4": "with"}),
        "reason": "I found nobody for “fire”, in Stories, not #loud, with 4 stars and up.",
        "ways_out": [Thing(label="Stories", n=4, url="/?search=fire"), Thing(label="4 stars and up", n=1, url="/")],
    }
    return index(cards, **(made | changes))


def chat(turns: list[Any] | None = None, **changes: Any) -> Thing:
    made = {
        "turns": turns or [],
        "session_id": None,
        "action": "/personalities/halvard-the-ferryman/try",
        "suggestions": ["Hello, who are you?", "Tell me a story", "What do you think of me?"],
        "error": None,
        "model_configured": True,
        "setting": setting(),
        "speaker": "",
        "draft": "",
        "can_regenerate": False,
        "remaining": None,
    }
    return Thing(**(made | changes))


def setting(*members: str, **changes: Any) -> Thing:
    """A pretend server; an empty one is the plain channel."""
    made = {"server": "", "topic": "", "language": "", "rules": [], "is_set": bool(members or changes)}
    return Thing(**made | {"members": [Thing(name=name, hue=member_hue(name)) for name in members]} | changes)


def turn(role: str, content: str, **changes: Any) -> Thing:
    made = {"role": role, "content": content, "speaker": None, "hue": None, "source": None, "reason": None}
    return Thing(**made | {"reset_at": None} | changes)


def turns() -> list[Any]:
    return [
        turn("assistant", "Look up. No, higher."),
        turn("user", "Do you ever get bored?"),
        turn("assistant", "Boredom is a *visitor*. I give it an oar.\n\n1. It rows\n2. It leaves", source="live"),
        turn("user", UNBROKEN),
        turn(
            "assistant",
            "That is a long word for a short river.",
            source="sample",
            reason="budget",
            reset_at=clock.iso(clock.now() + timedelta(hours=3)),
        ),
    ]


def teapot() -> Thing:
    return setting(
        "Mabel Crumpet",
        "Old Finch",
        "W" * 32,
        server="The Teapot Society",
        topic="Tea, mild panic and lost socks",
        language="English",
        rules=["No talk of work before ten", UNBROKEN],
    )


def detail(**changes: Any) -> dict[str, Any]:
    who = changes.pop("personality", None) or personality()
    made = {
        "site": site(who.url),
        "personality": who,
        "chat": chat(),
        "my_rating": None,
        "can_rate": False,
        "rate_action": f"{who.url}/rate",
        "login_url": "/api/auth/discord",
        "deploy_url": f"{who.url}/deploy",
        "more_like_this": [card(3), card(5), card(7)],
        "deployments_here": [],
        "favourites": None,
        "review_list": {
            "total": 23,
            "page": 2,
            "sorts": [
                {"label": "Most helpful", "url": f"{who.url}#reviews", "is_selected": True},
                {"label": "Newest", "url": f"{who.url}?reviews=newest#reviews", "is_selected": False},
            ],
            "more_url": f"{who.url}?page=3#reviews",
            "first_url": f"{who.url}#reviews",
        },
        "picture_url": "https://shop.example/og/x.png",
        "linked_data": {"@type": "SoftwareApplication", "name": who.name},
    }
    return made | changes


def guild(number: int, name: str, **changes: Any) -> Thing:
    made = {
        "id": f"10000000000000000{number}",
        "name": name,
        "icon_url": None,
        "bot_present": True,
        "missing_permissions": [],
        "member_count": 1204 * (number % 2),
        "occupant": None,
    }
    return Thing(**(made | changes))


def guilds() -> list[Any]:
    lodger = Thing(deployment_id="d9", name="Tock", url="/deployments/d9", is_same=False)
    return [
        guild(1, "The Reading Room"),
        guild(2, "Late Night Crew", bot_present=False),
        guild(3, UNBROKEN, missing_permissions=["CHANGE_NICKNAME"]),
        guild(4, "Ada's corner", occupant=lodger),
        guild(5, UNBROKEN, occupant=Thing(deployment_id="d8", name="Halvard", url="/deployments/d8", is_same=True)),
    ]


def places() -> list[Any]:
    names = ("general", "book-club", "poems-and-other-mischief", UNBROKEN[:60].lower())
    closed = ("rules", "staff-only")
    return [
        *(Thing(id=70 + n, name=name, missing=[], can_speak=True) for n, name in enumerate(names)),
        *(Thing(id=90 + n, name=name, missing=["SEND_MESSAGES"], can_speak=False) for n, name in enumerate(closed)),
    ]


def knobs() -> list[Any]:
    return [
        Thing(name="bold", kind="scale", value=80, low="shy", high="bold"),
        Thing(name=UNBROKEN[:40], kind="scale", value=5, low=f"not {UNBROKEN[:40]}", high=UNBROKEN[:40]),
        Thing(name="tells_jokes", kind="tick", value=True),
        Thing(name="era", kind="text", value="the last days of the ferries"),
    ]


def looked(**changes: Any) -> Thing:
    names = ("VIEW_CHANNEL", "SEND_MESSAGES", "READ_MESSAGE_HISTORY", "CHANGE_NICKNAME")
    months = [
        Thing(label="A few friends", a_day=10, dollars=0.004),
        Thing(label="A lively server", a_day=100, dollars=0.31),
        Thing(label="A busy server", a_day=1000, dollars=1234.5),
    ]
    made = {
        "rights": [Thing(name=name, is_held=name != "CHANGE_NICKNAME") for name in names],
        "hears_all": False,
        "costs": Thing(model="small-one", prompt=612, each=1382, answer=200, months=months, is_priced=True),
        "knobs": knobs(),
        "languages": [("en", "English"), ("de", "German")],
        "own_language": "English",
    }
    return Thing(**(made | changes))


def unpriced() -> Thing:
    return Thing(model="small-one", prompt=612, each=1382, answer=200, months=[], is_priced=False)


def changes() -> list[Any]:
    def change(label: str, **said: Any) -> Thing:
        return Thing(**({"label": label, "pieces": [], "before": None, "after": None, "note": None} | said))

    words = (("same", "Sit in the "), ("gone", "back"), ("new", "middle"), ("same", ", friend."))
    return [
        change("Its opening line", pieces=[Thing(kind=kind, text=text) for kind, text in words]),
        change("Its instructions", note="About 12 % of them changed: 40 words are new, 12 are gone, of 350 before."),
        change("Trait: bold", before="20 % from shy to bold", after="80 % from shy to bold"),
    ]


def start(step: str, **changes: Any) -> dict[str, Any]:
    who = card(0)
    made = {
        "site": site(f"{who.url}/deploy", user=ADA if step != "sign_in" else None),
        "personality": who,
        "step": step,
        "login_url": "/api/auth/discord",
        "guilds": guilds(),
        "chosen": None,
        "places": [],
        "filled": None,
        "search": "",
        "can_search": False,
        "share_url": f"https://shop.example{who.url}/deploy",
        "check": looked(),
        "action": f"{who.url}/deploy",
        "error": None,
        "refresh_url": f"{who.url}/deploy?refresh=1",
        "key": "k1",
        "configured": True,
    }
    return made | changes


STEPS = (
    ("check_rights", "Ask Discord whether you may"),
    ("save_profile", "Remember how the server looked"),
    ("set_guild_profile", "Put on its name and face"),
    ("create_agent", "Move in"),
    ("greet", "Say hello"),
)


def steps(*statuses: str) -> list[Any]:
    padded = [*statuses, *["pending"] * (len(STEPS) - len(statuses))]
    return [
        Thing(
            name=name,
            label=label,
            status=status,
            at=None,
            note=None,
            retry_at=clock.now() + timedelta(minutes=4) if status == "waiting" else None,
        )
        for (name, label), status in zip(STEPS, padded, strict=True)
    ]


def deployment(status: str = "active", **changes: Any) -> Thing:
    actions = {
        "active": {"pause", "remove", "customise"},
        "paused": {"resume", "remove", "customise"},
        "needs_attention": {"retry", "remove"},
        "rolled_back": {"retry"},
    }
    made = {
        "id": "d1",
        "status": status,
        "personality": card(0),
        "guild_name": "The Reading Room",
        "guild_id": "100000000000000001",
        "name": None,
        "steps": steps(*["done"] * 5),
        "is_live": status in ("queued", "running", "rolling_back"),
        "is_changing": False,
        "asks_for": ["VIEW_CHANNEL", "CHANGE_NICKNAME"],
        "can_grant": status == "rolled_back",
        "failure": None,
        "install_url": None,
        "next_steps": [
            "Mention it: @Halvard, what is the weather on the river?",
            "Reply to its greeting.",
            "Type /ask when you would rather not be seen asking.",
        ]
        if status == "active"
        else [],
        "open_url": "https://discord.com/channels/1/2" if status == "active" else None,
        "greeting": "Sit in the middle, friend. I am **Halvard**, an AI character, and I live here now."
        if status == "active"
        else None,
        "channel_name": "general",
        "created_at": ago(minutes=3),
        "deployed_at": ago(minutes=2) if status == "active" else None,
        "replaced_by": None,
        "can_manage": True,
        "actions": actions.get(status, set()),
        "channel_ids": [],
        "version": 3,
        "has_newer": status == "paused",
        "is_withdrawn": False,
        "talk": Thing(answers=1284, tokens=2_400_000) if status == "active" else None,
        "news_key": "s1:undone" if status == "rolled_back" else None,
    }
    return Thing(**(made | changes))


def newer() -> Thing:
    notes = [Thing(version=4, text="Knows the new bridge."), Thing(version=5, text=UNBROKEN)]
    return Thing(version=5, created_at=ago(days=2), notes=notes, changes=changes())


def show(status: str = "active", **changes: Any) -> dict[str, Any]:
    shown = {"site": site("/deployments/d1", user=ADA), "deployment": deployment(status, **changes)}
    names = {
        "name": "",
        "own_name": "Halvard",
        "language": "",
        "own_language": "English",
        "languages": [("de", "German")],
    }
    is_paused = status == "paused"
    return shown | {
        "places": places() if is_paused else [],
        "touch": Thing(**names, knobs=knobs()) if status in ("active", "paused") else None,
        "update": newer() if is_paused else None,
        "way_back": 2 if is_paused else None,
        "lacks": [],
        "grant_url": None,
        "hellos": ["Is the river high tonight?", UNBROKEN, "Who are you?"],
    }


def homes() -> list[Any]:
    states = ("active", "running", "paused", "awaiting_install", "needs_attention", "removed")
    return [
        deployment(state, id=f"d{n}", personality=card(n), name=None if n else "The old ferryman")
        for n, state in enumerate(states)
    ]


def account(**changes: Any) -> dict[str, Any]:
    made = {
        "site": site("/account", user=CLEO),
        "user": CLEO,
        "admin": None,
        "sessions": [
            Thing(created_at=ago(days=3), last_seen_at=ago(seconds=5), is_current=True, agent=FIREFOX),
            Thing(created_at=ago(days=9), last_seen_at=ago(days=2), is_current=False, agent=None),
        ],
    }
    return made | changes


def facts(host: str | None = "api.example.com", contact: str = "hello@shop.example") -> dict[str, Any]:
    operator = "The Lantern Society" if contact else ""
    return small_print(Settings(base_url="https://shop.example", operator=operator, contact=contact), host)


def kept() -> list[dict[str, str]]:
    return [table_words(each, Settings()) for each in personal_tables()]


def receipt(tokens: str = "done", *leaving: str) -> dict[str, Any]:
    """Of somebody whose personalities are leaving as told."""
    homes = [LeavingOut(str(n), f"Atlas {n}", leaving_state(status)) for n, status in enumerate(leaving)]
    erased_at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    done = tokens != "waiting" and set(leaving) <= {"removed"}
    shown = ReceiptOut("/account/receipts/x", erased_at, {"sessions": 2}, tokens, homes, erased_at if done else None)
    return {"site": site("/account/receipts/x"), "receipt": shown, "names": {}}


def leaving(deployments: int = 0, *, is_unsure: bool = False) -> dict[str, Any]:
    goes = {"reviews": 3, "favourites": 1, "turns": 240, "tokens": 0, "deployments": deployments}
    return {"site": site("/account/erase", user=ADA), "goes": goes, "is_unsure": is_unsure}


def health() -> dict[str, Any]:
    """The status page with a part in each state."""
    parts = [
        Part("The shop", "works", "Browsing, signing in and reviews work."),
        Part("Trying personalities out", "slow", "Sample replies answer until midnight (UTC).", ago(hours=3)),
        Part("Moving into servers", "away", "Nothing moves in or out right now.", ago(minutes=4)),
        Part("Answering in Discord", "off", "This shop isn’t connected to Discord."),
    ]
    return {"parts": parts, "verdict": verdict(parts), "now": clock.now()}


def failure(status: int) -> dict[str, Any]:
    known = {
        403: ApiError("permission_denied", "You may see this, but you may not change it."),
        404: ApiError("not_found", "There is nothing here, or you may not see it."),
        429: ApiError("rate_limited", "That was a lot at once. You can go on in 40 seconds."),
        500: ApiError("internal_error", "Something went wrong on our side. Please try again."),
        503: ApiError("discord_unavailable", "Discord isn't answering right now. Please try again in a moment."),
    }
    return {
        "site": site("/nowhere"),
        "error": known[status],
        "status": status,
        "reference": "01989f3c" if status == 500 else None,
    }
