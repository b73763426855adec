"""The editor: one form that is saved, checked while it is typed, and tried out beside. It says the state it was opened
with, so that of two people the second hears of the first and loses nothing of what they typed."""

import asyncio
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect, Stream

from botbot.accounts.rules import Viewer
from botbot.accounts.web import page
from botbot.admin import asking, editor, entry_forms, entry_rows, rules
from botbot.admin.editor import Tried
from botbot.admin.entry_rows import LOOKS, Filled
from botbot.admin.showing_entries import entry_row
from botbot.catalog import editing, entry_rules, pictures, uploads
from botbot.catalog.entry_content import as_changes
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.queries import get_personality, get_version
from botbot.errors import BotBotError, Conflict, EditConflict, NotFound, ValidationFailed
from botbot.exchange.bounds import PICTURE_BYTES
from botbot.house import House
from botbot.preview import drafts
from botbot.preview.drafts import Heard
from botbot.preview.service import Relays, answer_while_there
from botbot.preview.streams import HEADERS, STREAM, as_bytes
from botbot.security.requests import MAX_FORM, StrictRequest

PATH = "/admin/personalities"
SAYABLE = (ValidationFailed, Conflict, EditConflict, NotFound)
PRIVATE = {"cache-control": "private, no-store"}
Pairs = list[tuple[str, str]]


@get(PATH + "/new", include_in_schema=False)
async def new(request: Request[Any, Any, Any], house: House, viewer: Viewer | None) -> Response[bytes]:
    who = rules.require_admin(viewer)
    return await _edit(request, house, who, entry_rows.shown(editor.NOTHING))


@post(PATH + "/new", status_code=303, include_in_schema=False, request_max_body_size=MAX_FORM)
async def create(request: StrictRequest, house: House, viewer: Viewer | None) -> Response[Any]:
    who = rules.require_admin(viewer)
    pairs, file = await request.rows_and_file("picture")
    form = entry_rows.filled(pairs)
    if more := _wants_more(form):
        return await _edit(request, house, who, more)
    try:
        entry, _, wrong = entry_forms.drafted(form, editor.NOTHING)
        picture = await _picture(file, wrong)
        async with house.db.write() as session:
            row = await editing.create_personality(
                session, who.user_id, entry, changelog=form.text("changelog"), picture=picture
            )
    except SAYABLE as problem:
        return await _edit(request, house, who, form, problem=problem)
    return Redirect(f"{PATH}/{row.id}?notice=saved", status_code=303)


@get(PATH + "/{personality_id:str}", include_in_schema=False)
async def show(
    request: Request[Any, Any, Any], personality_id: str, house: House, viewer: Viewer | None
) -> Response[bytes]:
    who = rules.require_staff(viewer)
    row = await _row(house, personality_id)
    return await _edit(request, house, who, entry_rows.shown(editing.entry_in(row)), row)


@post(PATH + "/{personality_id:str}", status_code=303, include_in_schema=False, request_max_body_size=MAX_FORM)
async def save(request: StrictRequest, personality_id: str, house: House, viewer: Viewer | None) -> Response[Any]:
    """Saves, or goes back to an earlier version. A conflict shows what stands there now beside what was typed."""
    who = rules.require_admin(viewer)
    pairs, file = await request.rows_and_file("picture")
    form = entry_rows.filled(pairs)
    if more := _wants_more(form):
        return await _edit(request, house, who, more, await _row(house, personality_id))
    try:
        row = await _save(house, who, personality_id, form, file)
    except SAYABLE as problem:
        if isinstance(problem, NotFound):
            raise
        row = await _row(house, personality_id)
        typed = form if "name" in form.texts else entry_rows.shown(editing.entry_in(row))
        return await _edit(request, house, who, typed, row, problem)
    return Redirect(f"{PATH}/{row.id}?notice=saved", status_code=303)


async def _save(
    house: House, who: Viewer, personality_id: str, form: Filled, file: bytes | None
) -> PersonalityTemplate:
    back_to = form.text("version")
    picture = await _picture(file, {})
    async with house.db.write() as session:
        row = await editing.find_for_change(session, personality_id)
        if back_to:
            said: dict[str, Any] = await _earlier(session, row, back_to)
        else:
            said, wrong = entry_forms.changed(form, editing.entry_in(row))
            if wrong:
                raise ValidationFailed(fields=await editor.find_problems(session, form, row))
        return await editing.change_personality(
            session, who.user_id, row.id, said, etag=form.text("etag") or None, changelog=form.text("changelog"),
            picture=picture,
        )  # fmt: skip


async def _earlier(session: Any, row: PersonalityTemplate, number: str) -> dict[str, Any]:
    if not (number.isascii() and number.isdigit() and len(number) < 7):
        raise ValidationFailed(fields={"version": "must be a version of this personality"})
    earlier = await get_version(session, row.id, int(number))
    return as_changes(earlier.snapshot)


async def _picture(file: bytes | None, wrong: dict[str, str]) -> uploads.Picture | None:
    """Made anew in a thread, before any transaction. Raises `ValidationFailed` with all that is wrong besides."""
    picture = None
    if file:
        try:
            picture = await asyncio.to_thread(uploads.reencode, file, most=PICTURE_BYTES)
        except ValidationFailed as problem:
            wrong = wrong | problem.details.get("fields", {})
    if wrong:
        raise ValidationFailed(fields=wrong)
    return picture


def _wants_more(form: Filled) -> Filled | None:
    """The form with more blank rows, where its button for that was pressed."""
    kind = form.text("more")
    if kind not in editor.MORE:
        return None
    counts = {name: form.text(f"spare-{name}") for name in editor.MORE}
    form.spare = {name: min(int(n), 60) for name, n in counts.items() if n.isascii() and n.isdigit() and len(n) < 4}
    form.spare[kind] = form.spare.get(kind, 0) + editor.MORE[kind]
    return form


@post(PATH + "/check", status_code=200, include_in_schema=False)
async def check(request: StrictRequest, house: House, viewer: Viewer | None) -> Response[dict[str, Any]]:
    """What would keep the form from being saved, and what its prompt costs, for a script that asks while one types."""
    rules.require_staff(viewer)
    pairs, _ = await request.rows_and_file("picture")
    form = entry_rows.filled(pairs)
    async with house.db.read() as session:
        row = await _find(session, form)
        wrong = await editor.find_problems(session, form, row)
    costs = editor.costs(house, form, editor.present_of(row))
    is_stale = row is not None and "etag" in form.texts and form.text("etag") != editing.etag_of(row)
    answer = {"wrong": editor.beside_fields(wrong), "count": len(wrong), "costs": costs, "isStale": is_stale}
    return Response(answer, headers=PRIVATE)


@post(PATH + "/try", status_code=200, include_in_schema=False, request_max_body_size=MAX_FORM)
async def try_draft(request: StrictRequest, house: House, relays: Relays, viewer: Viewer | None) -> Response[Any]:
    """What the form would answer: streamed to a script, else the page again with the answer beside the form."""
    who = rules.require_staff(viewer)
    pairs, _ = await request.rows_and_file("picture")
    form = entry_rows.filled(pairs)
    async with house.db.read() as session:
        row = await _find(session, form)
    streams = STREAM in request.headers.get("accept", "")
    tried = Tried(drafts.heard(pairs), form.text("say"))
    try:
        editor.require_speakable(form, editor.present_of(row))
        exchange = await drafts.open_draft(
            house, relays, staff=who, address=request.client.host if request.client else "",
            snapshot=editor.columns_of(form, editor.present_of(row)), message=tried.message, history=tried.turns,
            personality_id=row.id if row else "",
        )  # fmt: skip
        if streams:
            return Stream(as_bytes(relays.open(house, exchange)), media_type=STREAM, headers=HEADERS)
        reply = await answer_while_there(house, relays, exchange, request.receive)
    except BotBotError as problem:
        if streams:
            raise
        tried.problem = problem
        return await _edit(request, house, who, form, row, problem if problem.details.get("fields") else None, tried)
    said: list[Heard] = [{"role": "user", "content": exchange.question.text}]
    said.append({"role": "assistant", "content": reply.reply, "source": reply.source})
    return await _edit(request, house, who, form, row, tried=Tried([*tried.turns, *said]))


@get(PATH + "/face.svg", include_in_schema=False)
async def face(request: Request[Any, Any, Any], viewer: Viewer | None) -> Response[str]:
    """A face as it would be drawn: by the chosen parts, or by an address alone."""
    rules.require_staff(viewer)
    asked = {name: value[:100] for name, value in request.query_params.items()}
    seed, hue = asked.get("seed", "").strip() or "somebody", asked.get("hue", "")
    parts = {part: asked[name] for part, name in LOOKS.items() if name in asked}
    if any(choice not in entry_rules.CHOICES[part] for part, choice in parts.items()):
        raise ValidationFailed(fields={"avatarChoices": "must be ones that we draw"})
    number = int(hue) % 360 if hue.isascii() and hue.isdigit() and len(hue) < 4 else editing.hue_of(seed)
    return Response(pictures.svg(parts, number, seed), media_type="image/svg+xml", headers=PRIVATE)


async def _find(session: Any, form: Filled) -> PersonalityTemplate | None:
    """The entry that is being edited; `None` for a new one. Raises `NotFound`."""
    named = form.text("entry")
    return await get_personality(session, named, on_shelf_only=False) if named else None


async def _row(house: House, personality_id: str) -> PersonalityTemplate:
    async with house.db.read() as session:
        return await get_personality(session, personality_id, on_shelf_only=False)


async def _edit(
    request: Request[Any, Any, Any],
    house: House,
    who: Viewer,
    form: Filled,
    row: PersonalityTemplate | None = None,
    problem: BotBotError | None = None,
    tried: Tried | None = None,
) -> Response[bytes]:
    async with house.db.read() as session:
        context = await editor.context(session, house, form, row, problem, tried)
    shown_problem = problem or (tried.problem if tried else None)
    return page(
        request, who, "admin/personality.html",
        status=shown_problem.status if shown_problem else 200,
        problem=problem.to_api_error() if problem else None,
        can_write=who.is_admin,
        entry=None if row is None else entry_row(row),
        face=_face(form, row),
        **context,
    )  # fmt: skip


def _face(form: Filled, row: PersonalityTemplate | None) -> str:
    """Where the picture of the form is: the stored one, or one drawn from what is chosen."""
    kind = form.text("looks")
    if row is not None and (kind == "picture" or "looks" not in form.texts):
        return row.avatar_path
    asked = {"seed": form.text("slug") or form.text("name"), "hue": form.text("hue")}
    if kind == "chosen":
        asked |= {name: form.text(name) for name in LOOKS.values()}
    return asking.address(f"{PATH}/face.svg", asked)


handlers: list[Any] = [new, create, check, try_draft, face, show, save]
