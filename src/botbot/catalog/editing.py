"""Writing entries: new ones, and changes of what they say, of where they stand, and of how they look.

A change of what an entry says is a version of it, with what was changed in a few words; publishing, hiding, archiving
and featuring are none. Whoever changes something names the state they saw (`etag_of`), so that of two editors the
second hears of the first."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.audit import service as audit
from botbot.catalog import entry_rules, pictures, rules, uploads
from botbot.catalog.backroom import needs_publishing
from botbot.catalog.entry_content import (
    LOOKS,
    SAID,
    STANDS,
    content_digest,
    drawn_choices,
    entry_in,
    entry_out,
    etag_of,
    merged,
)
from botbot.catalog.entry_schemas import EntryIn
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.queries import GONE
from botbot.catalog.service import EDITED, save_new_version
from botbot.errors import Conflict, EditConflict, NotFound, ValidationFailed
from botbot.kit import clock

__all__ = [
    "archive_personality", "change_personality", "content_digest", "create_personality", "drawn_choices", "entry_in",
    "entry_out", "etag_of", "find_for_change", "hue_of", "is_slug_taken", "publish_due",
    "take_turns",
]  # fmt: skip
P = PersonalityTemplate
_TAKE_TURNS = text(f"select pg_advisory_xact_lock({0x0B07B08})")
FIRST = "First edition."
TAKEN = "is another personality's already"
DROPPED = "The avatar was left out: only a path of this site or a data: picture is taken, and nothing is fetched."


async def create_personality(
    session: AsyncSession,
    actor_id: str | None,
    entry: EntryIn,
    *,
    changelog: str = "",
    picture: uploads.Picture | None = None,
    warnings: list[str] | None = None,
) -> P:
    """A new entry, version 1. What had to be left out is appended to `warnings`. `picture` is the avatar already made
    by `uploads.reencode`; without it a `data:` avatar is made here, which holds the transaction for its time.

    Raises `ValidationFailed` with every problem by its JSON name, `Conflict` for an id that is taken."""
    columns = entry_rules.checked(entry)
    changelog = _checked_changelog(changelog)
    await take_turns(session)
    row = P(
        version=0,
        slug=await _free_slug(session, entry.slug, columns["name"]),
        is_public=entry.is_public,
        publish_at=None if entry.is_public else entry.publish_at,
        archived_at=entry.archived_at,
        created_by=entry.created_by or actor_id,
        created_at=entry.created_at or clock.now(),
        deploy_count=entry.deploy_count or 0,
        **columns,
    )
    if entry.id is not None:
        await _require_free_id(session, entry.id)
        row.id = entry.id
    row.hue = hue_of(row.slug) if entry.hue is None else entry.hue
    row.avatar = await _avatar(session, entry, {}, "", picture, warnings)
    await save_new_version(session, row, changelog or FIRST, actor_id=actor_id)
    audit.record(session, actor_id, "personality.create", ("personality", row.id), name=row.name, version=row.version)
    return row


async def take_turns(session: AsyncSession) -> None:
    """Wait until nobody else makes entries, until the transaction ends: two of one name must not choose the same slug,
    and two imports of one file must not both find it missing. SQLite's transactions take turns anyway."""
    if session.get_bind().dialect.name != "sqlite":
        await session.execute(_TAKE_TURNS)


async def change_personality(
    session: AsyncSession,
    actor_id: str | None,
    id_or_slug: str,
    changes: Mapping[str, Any],
    *,
    etag: str | None = None,
    changelog: str = "",
    picture: uploads.Picture | None = None,
    warnings: list[str] | None = None,
    action: str = "personality.change",
) -> P:
    """Change what `changes` names, by the JSON names of `EntryIn`; unknown ones are passed over. `etag` is the state
    that was seen, `None` to overwrite whatever there is.

    Raises `NotFound`, `ValidationFailed`, and `EditConflict` when somebody was faster."""
    row = await find_for_change(session, id_or_slug)
    if etag is not None and etag != etag_of(row):
        raise EditConflict
    entry = merged(entry_in(row), changes)
    columns = entry_rules.checked(entry)
    changelog = _checked_changelog(changelog)
    before = {name: getattr(row, name) for name in (*SAID, *LOOKS, *STANDS)}
    after = columns | {
        "hue": row.hue if entry.hue is None else entry.hue,
        "avatar": await _avatar(session, entry, row.avatar, row.avatar_path, picture, warnings),
        "slug": await _changed_slug(session, row, entry.slug),
        "is_public": entry.is_public,
        "publish_at": None if entry.is_public else entry.publish_at,
        "archived_at": entry.archived_at,
    }
    changed = {name for name, value in after.items() if value != before[name]}
    if changed:
        for name in changed:
            setattr(row, name, after[name])
        await _keep(session, row, changed, actor_id, changelog)
        _note(session, actor_id, action, row, changed, before, after)
    return row


async def archive_personality(session: AsyncSession, actor_id: str | None, id_or_slug: str) -> None:
    """Take it out of the marketplace; what runs stays, nobody deploys it anew. Safe to repeat."""
    row = await find_for_change(session, id_or_slug)
    if row.archived_at is None:
        changes = {"archivedAt": clock.now()}
        await change_personality(session, actor_id, row.id, changes, action="personality.archive")


async def publish_due(session: AsyncSession) -> int:
    """Make those public whose moment has come; answers how many. One that can't be, because what it says is no longer
    allowed, stays hidden and loses its moment, and keeps none of the others waiting."""
    due = list(await session.scalars(select(P.id).where(needs_publishing(clock.now())).with_for_update()))
    published = 0
    for personality_id in due:
        try:
            await change_personality(session, None, personality_id, {"isPublic": True}, action="personality.publish")
            published += 1
        except ValidationFailed as problem:
            await _give_up_publishing(session, personality_id, problem)
    return published


async def _give_up_publishing(session: AsyncSession, personality_id: str, problem: ValidationFailed) -> None:
    row = await find_for_change(session, personality_id)
    row.publish_at = None
    fields = problem.details.get("fields") or {}
    audit.record(session, None, "personality.publish_failed", ("personality", row.id), name=row.name, fields=fields)
    await session.flush()


async def find_for_change(session: AsyncSession, id_or_slug: str) -> P:
    """The row, locked until the transaction ends. Raises `NotFound`."""
    statement = select(P).where(or_(P.id == id_or_slug, P.slug == id_or_slug)).with_for_update()
    row: P | None = await session.scalar(statement)
    if row is None:
        raise NotFound(GONE)
    return row


async def _keep(session: AsyncSession, row: P, changed: set[str], actor_id: str | None, changelog: str) -> None:
    if changed & set(SAID):
        row.seed_hash = EDITED
        await save_new_version(session, row, changelog, actor_id=actor_id)
        return
    if changed & {*LOOKS, "slug"}:
        row.seed_hash = EDITED
        row.avatar_path = pictures.path(row.avatar, row.hue, row.slug)
    row.updated_at = clock.now()
    await session.flush()


def _note(
    session: AsyncSession,
    actor_id: str | None,
    action: str,
    row: P,
    changed: set[str],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    audit.record(
        session,
        actor_id,
        action,
        ("personality", row.id),
        name=row.name,
        version=row.version,
        before={name: _brief(before[name]) for name in sorted(changed)},
        after={name: _brief(after[name]) for name in sorted(changed)},
    )


def _brief(value: Any) -> Any:
    """For the trail: long texts and lists are in the versions."""
    if isinstance(value, datetime):
        return clock.iso(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 200 else f"{text[:200]}…"


def _checked_changelog(changelog: str) -> str:
    tidy = entry_rules.tidied(changelog, "changelog")
    if problem := entry_rules.problem_of(tidy, "changelog"):
        raise ValidationFailed(fields={"changelog": problem})
    return tidy


async def _avatar(
    session: AsyncSession,
    entry: EntryIn,
    present: Mapping[str, Any],
    present_path: str,
    picture: uploads.Picture | None,
    warnings: list[str] | None,
) -> dict[str, Any]:
    """What the avatar column is to hold: a new picture, else a known one, else what is to be drawn, else what there is.
    An uploaded picture goes when choices come, or when the avatar is `null`."""
    if picture is None and entry.avatar is not None and entry.avatar.startswith("data:"):
        picture = await asyncio.to_thread(uploads.reencode, uploads.from_data_url(entry.avatar))
    if picture is not None:
        await uploads.store(session, picture)
        return dict(picture.avatar)
    if entry.avatar is not None and entry.avatar != present_path:
        named = await uploads.find_by_path(session, entry.avatar)
        if named is not None:
            return {"picture": named}
        if not entry.avatar.startswith("/avatars/") and warnings is not None:
            warnings.append(DROPPED)
    if not entry.avatar_choices and "picture" in present and entry.avatar is not None:
        return dict(present)
    return dict(entry.avatar_choices or {})


def hue_of(slug: str) -> int:
    """The hue of an entry for which nobody chose one."""
    return int(rules.content_hash({"hue": slug})[:4], 16) % 36 * 10


async def _require_free_id(session: AsyncSession, personality_id: str) -> None:
    if await session.scalar(select(P.id).where(or_(P.id == personality_id, P.slug == personality_id))) is not None:
        raise Conflict("There is an entry with that id already.", id=personality_id)


async def _changed_slug(session: AsyncSession, row: P, slug: str | None) -> str:
    if slug is None or slug == row.slug:
        return row.slug
    if await is_slug_taken(session, slug):
        raise ValidationFailed(fields={"slug": TAKEN})
    return slug


async def is_slug_taken(session: AsyncSession, slug: str) -> bool:
    return await session.scalar(select(P.id).where(or_(P.slug == slug, P.id == slug)).limit(1)) is not None


async def _free_slug(session: AsyncSession, wanted: str | None, name: str) -> str:
    """The wanted one, or one made from the name; the next free number is added to one that is taken."""
    base = wanted or rules.slugify(name)
    if not await is_slug_taken(session, base):
        return base
    stem = base[: rules.MAX["slug"] - 7].rstrip("-")
    taken = set(await session.scalars(select(P.slug).where(P.slug.startswith(f"{stem}-", autoescape=True))))
    number = next(n for n in range(2, len(taken) + 3) if f"{stem}-{n}" not in taken)
    return f"{stem}-{number}"
