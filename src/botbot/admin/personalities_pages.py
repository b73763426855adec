"""Entries as pages: find them, change many at once, edit one. Everything is a form; the editor says the state it was
opened with, so that of two people the second hears of the first and loses nothing of what they typed."""

import math
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.rules import Viewer
from botbot.accounts.web import page
from botbot.admin import asking, entry_forms, rules
from botbot.catalog import arranging, backroom, editing
from botbot.catalog.entry_content import as_changes, merged
from botbot.catalog.entry_schemas import EntryIn
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.queries import get_personality, get_version
from botbot.catalog.rules import CONTENT_RATINGS, MAX, Filters
from botbot.catalog.schemas import card_view
from botbot.errors import BotBotError, Conflict, EditConflict, NotFound, ValidationFailed
from botbot.house import House
from botbot.kit import clock
from botbot.kit.languages import LANGUAGES
from botbot.peers.llm import Message, estimate_usage
from botbot.security.requests import StrictRequest
from botbot.usage.rules import micro_dollars, price_of

PATH = "/admin/personalities"
PER_PAGE = 40
SAYABLE = (ValidationFailed, Conflict, EditConflict, NotFound)
BULK = {
    "publish": "Publish", "hide": "Hide", "feature": "Feature", "unfeature": "Feature no longer",
    "archive": "Archive", "unarchive": "Bring back", "category": "Move to category", "tag": "Add tag",
    "untag": "Take tag away",
}  # fmt: skip
STATES = {
    "all": "All", "public": "Public", "hidden": "Hidden", "scheduled": "Scheduled", "featured": "Featured",
    "archived": "Archived",
}  # fmt: skip
ORDERS = {
    "changed": "Changed last", "name": "Name", "popular": "Most deployed", "rating": "Best rated", "newest": "Newest",
}  # fmt: skip


@get(PATH, include_in_schema=False)
async def list_all(request: Request[Any, Any, Any], house: House, viewer: Viewer | None) -> Response[bytes]:
    return await _list(request, house, rules.require_staff(viewer))


async def _list(
    request: Request[Any, Any, Any], house: House, who: Viewer, problem: BotBotError | None = None
) -> Response[bytes]:
    asked = asking.words(request.query_params, "search", "state", "category", "language", "sortBy")
    asked["state"] = asked["state"] if asked["state"] in STATES else "all"
    asked["sortBy"] = asked["sortBy"] if asked["sortBy"] in ORDERS else "changed"
    number = asking.page_number(request.query_params)
    filters = Filters(
        search=asked["search"], categories=(asked["category"],) if asked["category"] else (),
        languages=(asked["language"],) if asked["language"] else (), page=number, limit=PER_PAGE,
    )  # fmt: skip
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
        entries=[_row(row) for row in rows],
        asked=asked, counts=counts, states=STATES, orders=ORDERS, bulk=BULK, categories=categories,
        languages=LANGUAGES, total=total, number=number, pages=math.ceil(total / PER_PAGE),
        link=lambda n: asking.address(PATH, {**asked, "page": n}),
    )  # fmt: skip


def _row(row: PersonalityTemplate) -> dict[str, Any]:
    return {
        "card": card_view(row), "id": row.id, "version": row.version, "updated_at": row.updated_at,
        "state": state_of(row), "is_featured": row.is_featured, "publish_at": row.publish_at,
    }  # fmt: skip


def state_of(row: PersonalityTemplate) -> str:
    if row.archived_at is not None:
        return "archived"
    return "public" if row.is_public else "scheduled" if row.publish_at else "hidden"


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
    return Redirect(asking.address(PATH, {"state": fields.get("from", ""), "notice": "saved"}), status_code=303)


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


@get(PATH + "/new", include_in_schema=False)
async def new(request: Request[Any, Any, Any], house: House, viewer: Viewer | None) -> Response[bytes]:
    who = rules.require_admin(viewer)
    empty = {**entry_forms.shown(_converted(dict.fromkeys(_NEEDED, ""))), "state": "hidden"}
    return await _edit(request, house, who, empty)


@post(PATH + "/new", status_code=303, include_in_schema=False)
async def create(request: StrictRequest, house: House, viewer: Viewer | None) -> Response[Any]:
    who = rules.require_admin(viewer)
    pairs = await request.form_pairs()
    try:
        said = entry_forms.changes(pairs)
        entry = merged(_converted(dict.fromkeys(_NEEDED, "")), said)
        async with house.db.write() as session:
            row = await editing.create_personality(
                session, who.user_id, entry, changelog=dict(pairs).get("changelog", "")
            )
    except SAYABLE as problem:
        return await _edit(request, house, who, dict(pairs), problem=problem)
    return Redirect(f"{PATH}/{row.id}?notice=saved", status_code=303)


def _converted(plain: dict[str, Any]) -> EntryIn:
    return EntryIn(
        name=plain["name"], description=plain["description"], persona=plain["persona"],
        system_prompt=plain["systemPrompt"], category=plain["category"],
    )  # fmt: skip


@get(PATH + "/{personality_id:str}", include_in_schema=False)
async def show(
    request: Request[Any, Any, Any], personality_id: str, house: House, viewer: Viewer | None
) -> Response[bytes]:
    who = rules.require_staff(viewer)
    async with house.db.read() as session:
        row = await get_personality(session, personality_id, on_shelf_only=False)
    return await _edit(request, house, who, entry_forms.shown(editing.entry_in(row)), row)


@post(PATH + "/{personality_id:str}", status_code=303, include_in_schema=False)
async def save(request: StrictRequest, personality_id: str, house: House, viewer: Viewer | None) -> Response[Any]:
    """Saves, or goes back to an earlier version. A conflict shows what stands there now beside what was typed."""
    who = rules.require_admin(viewer)
    pairs = await request.form_pairs()
    fields = dict(pairs)
    try:
        async with house.db.write() as session:
            said = await _said(session, personality_id, pairs)
            row = await editing.change_personality(
                session, who.user_id, personality_id, said, etag=fields.get("etag") or None,
                changelog=fields.get("changelog", ""),
            )  # fmt: skip
    except SAYABLE as problem:
        if isinstance(problem, NotFound):
            raise
        async with house.db.read() as session:
            row = await get_personality(session, personality_id, on_shelf_only=False)
        typed = fields if "name" in fields else entry_forms.shown(editing.entry_in(row))
        return await _edit(request, house, who, typed, row, problem)
    return Redirect(f"{PATH}/{row.id}?notice=saved", status_code=303)


async def _said(session: AsyncSession, personality_id: str, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    back_to = dict(pairs).get("version", "")
    row = await editing.find_for_change(session, personality_id)
    if not back_to:
        return entry_forms.changed(pairs, editing.entry_in(row))
    if not (back_to.isascii() and back_to.isdigit() and len(back_to) < 7):
        raise ValidationFailed(fields={"version": "must be a version of this personality"})
    earlier = await get_version(session, row.id, int(back_to))
    return as_changes(earlier.snapshot)


async def _edit(
    request: Request[Any, Any, Any],
    house: House,
    who: Viewer,
    fields: dict[str, str],
    row: PersonalityTemplate | None = None,
    problem: BotBotError | None = None,
) -> Response[bytes]:
    async with house.db.read() as session:
        versions = [] if row is None else await backroom.list_versions(session, row.id)
        categories = await backroom.category_names(session)
    return page(
        request, who, "admin/personality.html",
        status=problem.status if problem else 200,
        problem=problem.to_api_error() if problem else None,
        wrong=problem.details.get("fields", {}) if problem else {},
        is_conflict=isinstance(problem, EditConflict),
        can_write=who.is_admin,
        fields={**entry_forms.shown(_converted(dict.fromkeys(_NEEDED, ""))), **fields},
        entry=None if row is None else _row(row),
        now=None if row is None else entry_forms.shown(editing.entry_in(row)),
        etag="" if row is None else editing.etag_of(row),
        versions=versions,
        categories=categories, languages=LANGUAGES, ratings=CONTENT_RATINGS, longest=MAX,
        costs=_costs(house, fields.get("systemPrompt", "") + fields.get("persona", "")),
    )  # fmt: skip


_NEEDED = ("name", "description", "persona", "systemPrompt", "category")


def _costs(house: House, prompt: str) -> dict[str, Any]:
    """Tokens that its prompt takes in every message, by our own guess, and what a thousand messages of it cost."""
    tokens = estimate_usage([Message(role="system", content=prompt)], 0).prompt_tokens
    prices, model = house.settings.openai_prices, house.settings.openai_model
    priced = price_of(prices, model) is not None
    return {"tokens": tokens, "dollars": micro_dollars(prices, model, tokens * 1000, 0) / 1_000_000 if priced else None}


handlers: list[Any] = [list_all, change_many, new, create, show, save]
