"""Every page in every state, by the name of its picture."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace as Thing
from typing import Any

from tests.ui.cast import pieces
from tests.ui.fakes import (
    ADA,
    CLEO,
    LONG,
    UNBROKEN,
    account,
    card,
    chat,
    detail,
    facts,
    failure,
    found,
    guilds,
    health,
    homes,
    index,
    kept,
    leaving,
    listing,
    looked,
    news,
    personality,
    places,
    receipt,
    show,
    site,
    start,
    steps,
    teapot,
    turn,
    turns,
    unpriced,
)

from botbot.errors import ApiError
from botbot.reviews.rules import REASONS
from botbot.ui.filters import member_hue

FIELDS = ApiError(
    "validation_failed",
    "That name can't be used.",
    None,
    {"fields": {"customizations.name": "may not contain “discord”"}},
)
REFUSED = ApiError(
    "discord_permission_missing",
    "Discord doesn't let BotBot change its name there.",
    None,
    {"missing": ["CHANGE_NICKNAME"]},
)


FIRST = [Thing(number=1, url="/", current=False)]


def _many(count: int) -> list[Any]:
    return [card(n % 8) for n in range(count)]


def _odd_cards() -> list[Any]:
    return [
        card(0, name=UNBROKEN, description=UNBROKEN * 2, opening_line=UNBROKEN * 2, category=UNBROKEN),
        card(1, name="The Most Honourable Archivist of Everything That Was Ever Nearly Said"),
        card(2, opening_line="Hm."),
    ]


def _busy_index() -> dict[str, Any]:
    links = [
        Thing(number=1, url="/", current=True),
        Thing(number=2, url="/?page=2", current=False),
        "gap",
        Thing(number=9, url="/?page=9", current=False),
    ]
    shelves = [
        Thing(title="Good company after dark", url=None, cards=[card(n) for n in (0, 3, 7, 5)]),
        Thing(title="Just moved in", url="/?sortBy=newest", cards=[card(n) for n in range(8)]),
    ]
    many = listing(
        _many(24),
        total_count=212,
        total_words="212 personalities",
        total_pages=9,
        next_url="/?page=2",
        more_url="/cards?page=2&cursor=c",
        page_links=links,
    )
    return index(listing=many, shelves=shelves, spotlight=card(7), site=site(user=ADA), favourites={"0198-3"})


Scene = tuple[str, dict[str, Any]]


def scenes() -> dict[str, Callable[[], Scene]]:
    """Every page in every state, by the name of its picture: the template and its context."""
    return dict(_scenes())


def _scenes() -> Iterator[tuple[str, Callable[[], Scene]]]:
    yield from _browsing()
    yield from _trying()
    yield from _reporting()
    yield from _moving_in()
    yield from _the_rest()


def _browsing() -> Iterator[tuple[str, Callable[[], Scene]]]:
    grid, page = "catalog/index.html", "catalog/detail.html"
    yield "index", lambda: (grid, _busy_index())
    yield "index-unconfigured", lambda: (grid, index(site=site(configured=False, user=LONG), spotlight=card(3)))
    yield (
        "index-sandbox",
        lambda: (
            grid,
            index(
                site=site(sandbox_url="http://127.0.0.1:8001/", user=CLEO, notice="Signed in. Welcome back."),
                spotlight=card(1),
            ),
        ),
    )
    hits = {"name_pieces": pieces("Ossian", "ssi"), "what_pieces": pieces("A storyteller by a fire", "fire")}
    yield (
        "index-found",
        lambda: (
            grid,
            found([card(7, **hits), card(0, tags_hit=["fireside"], language="de")], suggestions=[card(3), card(5)]),
        ),
    )
    yield "index-beyond", lambda: (grid, index([], listing=listing([], page=9, total_count=8, page_links=FIRST)))
    yield "index-nothing", lambda: (grid, found([], suggestions=[card(7), card(3)]))
    yield "index-empty", lambda: (grid, index([]))
    yield "index-odd", lambda: (grid, index(_odd_cards()))
    yield "detail", lambda: (page, detail())
    yield (
        "detail-talking",
        lambda: (
            page,
            detail(
                personality=personality(3),
                chat=chat(turns(), suggestions=[], session_id="s1"),
                site=site("/personalities/x", user=ADA),
                can_rate=True,
                deployments_here=[Thing(id="d1", guild_name="The Reading Room")],
            ),
        ),
    )
    yield (
        "detail-rated",
        lambda: (
            page,
            detail(
                personality=personality(1),
                site=site("/personalities/x", user=ADA),
                can_rate=True,
                my_rating=Thing(rating=4, review="Sharp, and kind about it.", state="shown"),
            ),
        ),
    )
    yield (
        "detail-unrated",
        lambda: (
            page,
            detail(
                personality=personality(
                    2,
                    reviews=[],
                    scales=[],
                    labels=[],
                    petals=[],
                    talks=[],
                    versions=[],
                    author_name=None,
                    requirements=None,
                ),
                more_like_this=[],
                review_list={"total": 0, "page": 1, "sorts": [], "more_url": None, "first_url": None},
                can_rate=True,
                chat=chat(
                    model_configured=False, error=ApiError("rate_limited", "Slow down a little: 10 messages a minute.")
                ),
            ),
        ),
    )
    yield (
        "detail-odd",
        lambda: (page, detail(personality=personality(5, name=UNBROKEN, persona=UNBROKEN * 3, tags=[UNBROKEN]))),
    )


def _trying() -> Iterator[tuple[str, Callable[[], Scene]]]:
    """The chat as the server draws it: what no script is needed for."""
    page = "catalog/detail.html"
    asked = turn("user", "Where do the oars go at night?", speaker="Old Finch", hue=member_hue("Old Finch"))
    blocked = turn("assistant", "That I will not carry over the river.", source="sample", reason="blocked")
    refused = ApiError("validation_failed", "Some of what was sent can't be used.", None, {"fields": {"speaker": "is"}})
    yield "chat-in-your-server", lambda: (page, detail(chat=chat([*turns(), asked], setting=teapot(), suggestions=[])))
    yield "chat-blocked", lambda: (page, detail(chat=chat([*turns(), blocked], suggestions=[])))
    yield (
        "chat-again",
        lambda: (page, detail(chat=chat(turns(), suggestions=[], session_id="s1", can_regenerate=True))),
    )
    yield "chat-refused", lambda: (page, detail(chat=chat(error=refused, draft="I wrote this")))


def _reporting() -> Iterator[tuple[str, Callable[[], Scene]]]:
    def report(**changes: Any) -> dict[str, Any]:
        made = {
            "site": site("/personalities/x/report", user=ADA), "personality": card(0), "quoted": None,
            "report_action": "/personalities/x/report", "reasons": REASONS, "filled": {}, "error": None,
        }  # fmt: skip
        return made | changes

    page = "catalog/report.html"
    quoted = {"username": "ben", "review": UNBROKEN * 4}
    filled = {"reason": "spam", "words": "Boots, again."}
    yield "report", lambda: (page, report())
    yield "report-visitor", lambda: (page, report(site=site("/personalities/x/report")))
    yield "report-refused", lambda: (page, report(quoted=quoted, filled=filled, error=FIELDS))
    gone = {"site": site("/personalities/x/rate", user=ADA), "personality": card(0), "taken": "gAAAA"}
    yield "review-gone", lambda: ("catalog/review_gone.html", {**gone, "rate_action": "/personalities/x/rate"})


def _moving_in() -> Iterator[tuple[str, Callable[[], Scene]]]:
    begin, page = "deployments/start.html", "deployments/show.html"
    yield "start-sign-in", lambda: (begin, start("sign_in"))
    yield "start-unconfigured", lambda: (begin, start("sign_in", configured=False))
    yield "start-choose", lambda: (begin, start("choose"))
    yield "start-no-server", lambda: (begin, start("choose", guilds=[]))
    yield "start-search", lambda: (begin, start("choose", can_search=True, search="room", guilds=guilds()[:1]))
    yield "start-none-found", lambda: (begin, start("choose", can_search=True, search=UNBROKEN[:100], guilds=[]))
    yield (
        "start-unpriced",
        lambda: (begin, start("check", chosen=guilds()[2], check=looked(hears_all=True, costs=unpriced()))),
    )
    yield "start-check", lambda: (begin, start("check", chosen=guilds()[0]))
    yield "start-places", lambda: (begin, start("check", chosen=guilds()[0], places=places()))
    yield "start-invite", lambda: (begin, start("check", chosen=guilds()[1]))
    yield "start-replace", lambda: (begin, start("check", chosen=guilds()[3], error=FIELDS))
    yield (
        "show-install",
        lambda: (page, show("awaiting_install", install_url="https://discord.com/oauth2", steps=steps())),
    )
    yield "show-moving", lambda: (page, show("running", steps=steps("done", "done", "running")))
    yield "show-waiting", lambda: (page, show("running", steps=steps("done", "done", "waiting")))
    yield "show-active", lambda: (page, show("active"))
    yield (
        "show-changing",
        lambda: (page, show("active", is_live=True, is_changing=True, steps=steps("done", "running"))),
    )
    yield (
        "show-lacking",
        lambda: (page, show("active") | {"lacks": ["CHANGE_NICKNAME"], "grant_url": "https://discord.com/oauth2"}),
    )
    yield "show-picture-follows", lambda: (page, show("active", steps=steps("done", "done", "waiting")))
    yield "show-paused", lambda: (page, show("paused"))
    yield "show-some-channels", lambda: (page, show("paused", channel_ids=["71", "12345"]))
    yield "show-off-the-shelf", lambda: (page, show("active", is_withdrawn=True))
    yield "show-replaced", lambda: (page, show("paused", replaced_by="d7"))
    yield (
        "show-undoing",
        lambda: (page, show("rolling_back", steps=steps("undone", "undone", "failed"), failure=REFUSED)),
    )
    yield "show-undone", lambda: (page, show("rolled_back", steps=steps("undone", "undone", "failed"), failure=REFUSED))
    yield "show-attention", lambda: (page, show("needs_attention", steps=steps("undone", "failed"), failure=REFUSED))
    yield "show-removed", lambda: (page, show("removed", can_manage=False))
    yield "show-expired", lambda: (page, show("expired", steps=steps()))
    yield (
        "list",
        lambda: (
            "deployments/list.html",
            {
                "site": site(
                    "/deployments", user=ADA, news=[news(), news(2, status="active", name=UNBROKEN)], unread=2
                ),
                "deployments": homes(),
                "pagination": Thing(previous_url=None, next_url="/deployments?page=2"),
            },
        ),
    )
    yield (
        "list-empty",
        lambda: (
            "deployments/list.html",
            {"site": site("/deployments", user=ADA), "deployments": [], "pagination": None},
        ),
    )


def _the_rest() -> Iterator[tuple[str, Callable[[], Scene]]]:
    yield "account", lambda: ("accounts/account.html", account())
    yield "status", lambda: ("pages/status.html", {"site": site("/status"), **health()})
    yield "erase", lambda: ("accounts/erase.html", leaving(2))
    yield "erase-unsure", lambda: ("accounts/erase.html", leaving(is_unsure=True))
    yield "receipt", lambda: ("accounts/receipt.html", receipt())
    yield "receipt-waiting", lambda: ("accounts/receipt.html", receipt("waiting", "rolling_back", "needs_attention"))
    yield "receipt-given-up", lambda: ("accounts/receipt.html", receipt("given_up", "removed"))
    yield "privacy", lambda: ("pages/privacy.html", {"site": site("/privacy"), "facts": facts(), "tables": kept()})
    yield (
        "privacy-offline",
        lambda: ("pages/privacy.html", {"site": site("/privacy"), "facts": facts(None, ""), "tables": kept()}),
    )
    yield "terms", lambda: ("pages/terms.html", {"site": site("/terms"), "facts": facts()})
    for status in (403, 404, 429, 500, 503):
        yield f"error-{status}", lambda status=status: ("errors/error.html", failure(status))  # type: ignore[misc]
