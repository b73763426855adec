"""Every entry in one list: found, sorted, exported, and many changed at once. Everything is a form or a link."""

import math
from collections.abc import Collection
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.rules import Viewer
from botbot.accounts.web import page
from botbot.admin import asking, rules
from botbot.admin.showing_entries import STATES, entry_row
from botbot.catalog import arranging, backroom, editing
from botbot.catalog.queries import get_personality
from botbot.catalog.rules import CONTENT_RATINGS, Filters
from botbot.errors import BotBotError, Conflict, EditConflict, NotFound, ValidationFailed
from botbot.exchange.exporting import FORMATS, export_one
from botbot.house import House
from botbot.kit import clock
from botbot.kit.languages import LANGUAGES
from botbot.security.requests import StrictRequest

PATH = "/admin/personalities"
PER_PAGE = 40
SAYABLE = (ValidationFailed, Conflict, EditConflict, NotFound)
BULK = {
    "publish": "Publish", "hide": "Hide", "feature": "Feature", "unfeature": "Feature no longer",
    "archive": "Archive", "unarchive": "Bring back", "category": "Move to category", "tag": "Add tag",
    "untag": "Take tag away",
}  # fmt: skip
HEADS = {
    "name": "Name", "category": "Category", "popular": "Deployed", "rating": "Rating", "version": "Version",
    "changed": "Changed",
}  # fmt: skip
"""What the table can be sorted by. The first click on a head sorts as `backroom.ORDERS` says, the second the other way.
"""
STARS = ("1", "2", "3", "4", "4.5")
ASKED = ("search", "state", "category", "language", "contentRating", "minRating", "sortBy")
NUMBERS = {"popular", "rating", "version"}


@get(PATH, include_in_schema=False)
async def list_all(request: Request[Any, Any, Any], house: House, viewer: Viewer | None) -> Response[bytes]:
    return await _list(request, house, rules.require_staff(viewer))


async def _list(
    request: Request[Any, Any, Any], house: House, who: Viewer, problem: BotBotError | None = None
) -> Response[bytes]:
    asked = _asked(request)
    number = asking.page_number(request.query_params)
    filters = _filters(asked, number)
    state: Any = asked["state"]
    async with house.db.read() as session:
        rows, total = await backroom.list_entries(session, filters, state=state, order=asked["sortBy"])
        counts = await backroom.count_states(session)
        categories = await backroom.category_names(session)
    return page(
        request, who, "admin/personalities.html",
        status=problem.status if problem else 200,
        problem=problem.to_api_error() if problem else None,
        can_write=who.is_admin,
        entries=[entry_row(row) for row in rows],
        asked=asked, counts=counts, states=STATES, heads=_heads(asked), bulk=BULK, categories=categories,
        languages=LANGUAGES, ratings=CONTENT_RATINGS, stars=STARS, formats=FORMATS, total=total,
        number=number, pages=math.ceil(total / PER_PAGE),
        link=lambda n: asking.address(PATH, {**asked, "page": n}),
    )  # fmt: skip


def _asked(request: Request[Any, Any, Any]) -> dict[str, str]:
    """What the address asks for; what can't be meant is as if it weren't there."""
    asked = asking.words(request.query_params, *ASKED)
    known: dict[str, tuple[Collection[str], str]] = {
        "state": (STATES, "all"), "sortBy": (backroom.ORDERS, "changed"), "contentRating": (CONTENT_RATINGS, ""),
        "minRating": (STARS, ""),
    }  # fmt: skip
    for name, (values, usual) in known.items():
        asked[name] = asked[name] if asked[name] in values else usual
    return asked


def _filters(asked: dict[str, str], number: int) -> Filters:
    def one(name: str) -> tuple[str, ...]:
        return (asked[name],) if asked[name] else ()

    return Filters(
        search=asked["search"], categories=one("category"), languages=one("language"),
        content_ratings=one("contentRating"), min_rating=float(asked["minRating"]) if asked["minRating"] else None,
        page=number, limit=PER_PAGE,
    )  # fmt: skip


def _heads(asked: dict[str, str]) -> list[dict[str, Any]]:
    """The table's heads, each with the way it is sorted now and a link to the other way."""
    now = asked["sortBy"]
    return [
        {
            "words": words,
            "is_number": name in NUMBERS,
            "sorted": _direction(name, now),
            "url": asking.address(PATH, {**asked, "sortBy": f"-{name}" if now == name else name}),
        }
        for name, words in HEADS.items()
    ]


def _direction(name: str, now: str) -> str:
    """As `aria-sort` says it; empty where it is not the order."""
    if now.removeprefix("-") != name:
        return ""
    return "ascending" if (name in {"name", "category"}) == (now == name) else "descending"


@post(PATH, status_code=303, include_in_schema=False)
async def change_many(request: StrictRequest, house: House, viewer: Viewer | None) -> Response[Any]:
    """Each ticked entry in one transaction of its own; what one refuses, the others still get."""
    who = rules.require_admin(viewer)
    pairs = await request.form_pairs()
    fields, ticked = dict(pairs), [value for name, value in pairs if name == "id"]
    problem: BotBotError | None = None
    if not ticked:
        problem = ValidationFailed("Tick at least one personality first.")
    elif fields.get("action") not in BULK:
        problem = ValidationFailed("Choose what to do with them.")
    for each in ticked if problem is None else ():
        try:
            async with house.db.write() as session:
                await _do(session, who, each, fields["action"], fields.get("value", "").strip())
        except SAYABLE as refused:
            problem = problem or refused
    if problem is not None:
        return await _list(request, house, who, problem)
    back = {name: fields.get(f"from-{name}", "")[: asking.LONGEST] for name in (*ASKED, "page")}
    return Redirect(asking.address(PATH, {**back, "notice": "saved"}), status_code=303)


async def _do(session: AsyncSession, who: Viewer, personality_id: str, action: str, value: str) -> None:
    if action in {"feature", "unfeature"}:
        await arranging.feature(session, who.user_id, personality_id, action == "feature")
        return
    row = await editing.find_for_change(session, personality_id)
    wanted: dict[str, dict[str, Any]] = {
        "publish": {"isPublic": True, "publishAt": None},
        "hide": {"isPublic": False, "publishAt": None},
        "archive": {"archivedAt": row.archived_at or clock.now()},
        "unarchive": {"archivedAt": None},
        "category": {"category": value},
        "tag": {"tags": [*row.tags, value]},
        "untag": {"tags": [tag for tag in row.tags if tag.casefold() != value.casefold()]},
    }
    await editing.change_personality(
        session, who.user_id, row.id, wanted[action], changelog=f"{BULK[action]}.", action=f"personality.{action}"
    )


@get(PATH + "/{personality_id:str}/export/{kind:str}", include_in_schema=False)
async def export(personality_id: str, kind: str, house: House, viewer: Viewer | None) -> Response[bytes]:
    """One entry with everything in it, as a file to keep."""
    rules.require_staff(viewer)
    if kind not in FORMATS:
        raise NotFound
    async with house.db.read() as session:
        row = await get_personality(session, personality_id, on_shelf_only=False)
    body = await export_one(house, row.id, kind)
    headers = {
        "content-disposition": f'attachment; filename="{row.slug}.{FORMATS[kind]}"',
        "cache-control": "private, no-store",
    }
    return Response(body, media_type="application/octet-stream", headers=headers)


handlers: list[Any] = [list_all, change_many, export]
