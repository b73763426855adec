"""An entry's row as it is written and read, what of it is said, and how to tell two of them apart."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from botbot.catalog import entry_rules, rules
from botbot.catalog.entry_schemas import EntryIn, EntryOut, ModelOptionsIn, Turn
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.schemas import card_fields
from botbot.errors import ValidationFailed

P = PersonalityTemplate
SAID = (
    "name", "description", "opening_line", "persona", "system_prompt", "category", "tags", "traits", "language",
    "content_rating", "sample_messages", "sample_conversations", "sample_replies", "compatibility", "requirements",
    "model_options", "licence", "source", "credit", "extensions",
)  # fmt: skip
"""The columns that are what an entry says."""
LOOKS = ("hue", "avatar")
STANDS = ("slug", "is_public", "publish_at", "archived_at")
TAKEN_FROM_CHANGES = {
    name
    for name in EntryIn.__struct_fields__
    if name not in {"id", "created_by", "created_at", "deploy_count", "version"}
}
"""What a change may name; the rest is ours to keep, and is passed over as an unknown field is."""
_JSON_NAMES = dict(zip(EntryIn.__struct_encode_fields__, EntryIn.__struct_fields__, strict=True))


def merged(entry: EntryIn, changes: Mapping[str, Any]) -> EntryIn:
    """The entry with what `changes` names put in its place. Raises `ValidationFailed` for a value of the wrong kind."""
    known = {name: value for name, value in changes.items() if _JSON_NAMES.get(name) in TAKEN_FROM_CHANGES}
    try:
        return msgspec.convert(msgspec.to_builtins(entry) | {n: _plain(v) for n, v in known.items()}, EntryIn)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        field = where.rstrip("`") or "body"
        raise ValidationFailed(fields={field: what.replace("`", "").replace("Expected ", "must be ", 1)}) from error


def as_changes(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """What a kept version said, as a change that goes back to it."""
    names = {attribute: name for name, attribute in _JSON_NAMES.items()}
    return {names[column]: value for column, value in snapshot.items() if column in SAID}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else msgspec.to_builtins(value)


def entry_in(row: P) -> EntryIn:
    """The row as it could be sent in again."""
    return EntryIn(
        **_said(row),
        id=row.id,
        slug=row.slug,
        hue=row.hue,
        avatar=row.avatar_path,
        avatar_choices=drawn_choices(row.avatar) or None,
        is_public=row.is_public,
        publish_at=row.publish_at,
        archived_at=row.archived_at,
        created_by=row.created_by,
        created_at=row.created_at,
        deploy_count=row.deploy_count,
        version=row.version,
    )


def entry_out(row: P, warnings: list[str] | None = None) -> EntryOut:
    return EntryOut(
        **card_fields(row) | _said(row) | {"sample_conversations": row.sample_conversations},
        hue=row.hue,
        avatar_choices=drawn_choices(row.avatar),
        is_public=row.is_public,
        is_featured=row.is_featured,
        publish_at=row.publish_at,
        archived_at=row.archived_at,
        created_by=row.created_by,
        version=row.version,
        warnings=warnings or msgspec.UNSET,
    )


def content_digest(entry: EntryIn) -> str:
    """The same for two entries that say the same, whatever their ids, looks and places. Of an entry that can't be used
    too."""
    said = entry_rules.inspected(entry)[0]
    return rules.content_hash({name: said[name] for name in SAID})


def etag_of(row: P) -> str:
    """Changes with everything an editor can change, and with nothing else: ratings and deployments go on meanwhile."""
    seen = [row.version, row.is_featured, *(getattr(row, name) for name in (*SAID, *LOOKS, *STANDS))]
    return rules.content_hash({"seen": seen})[:24]


def drawn_choices(avatar: Mapping[str, Any]) -> dict[str, str]:
    """The drawing's choices; none for an uploaded picture."""
    return {name: str(value) for name, value in avatar.items() if name in entry_rules.CHOICES}


def _said(row: P) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in SAID}
    turns = [[Turn(each["role"], each["content"]) for each in turns] for turns in row.sample_conversations]
    return values | {"sample_conversations": turns, "model_options": ModelOptionsIn(**row.model_options)}
