"""What an entry's texts, lists and numbers must be, and what they may not hold. Pure: an entry goes in, its columns
come out, or every problem at once by its JSON name."""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, get_args

import msgspec

from botbot.catalog.entries import KINDS
from botbot.catalog.entry_schemas import EntryIn, ModelOptionsIn, Turn
from botbot.catalog.rules import CONTENT_RATINGS, MAX, MOST
from botbot.catalog.schemas import Compatibility
from botbot.errors import ValidationFailed
from botbot.kit.avatars import AvatarChoices

CHOICES: dict[str, tuple[str, ...]] = {
    field.name: get_args(field.type) for field in msgspec.structs.fields(AvatarChoices)
}
"""What an avatar can be drawn with, by part."""
LONGEST_JSON = 8000
"""Of `traits` and `compatibility`, as JSON."""
TEMPERATURES, TOKENS = (0.0, 1.5), (50, 600)
ROLES = ("user", "assistant")

_TURNS_WRITING = "\u202a-\u202e\u2066-\u2069"
_HIDDEN = "\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff"
_INVISIBLE = "\u00ad\u180e\u200b\u2060-\u2064\u3164\ufeff\uffa0"
_BROKEN = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_TURNS_WRITING}{_HIDDEN}]")
_BROKEN_IN_LINE = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029{_TURNS_WRITING}{_HIDDEN}{_INVISIBLE}]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SLUG, _ID = re.compile("[a-z0-9-]{1,60}"), re.compile("[A-Za-z0-9_-]{1,64}")
_LANGUAGE = re.compile("[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}")
_LINES = {"name", "category", "tag", "trait", "trait_value", "language", "licence", "source", "credit", "changelog"}


def tidied(text: str, kind: str) -> str:
    """The text as it is stored: one kind of line break, no blanks around it; a line's inner blanks are single."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    return re.sub("[ \u00a0]+", " ", text).strip() if kind in _LINES else text


def cleaned(text: str, kind: str) -> str:
    """As `tidied`, but what can't be stored is taken out and the rest is cut to its length: for what others wrote."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    if kind in _LINES:
        plain = _BROKEN_IN_LINE.sub("", " ".join(plain.split()))
    return tidied(_BROKEN.sub("", plain), kind)[: MAX[kind]].strip()


def problem_of(text: str, kind: str, *, least: int = 0) -> str | None:
    """Why a tidied text can't be used, as half a sentence; `None` when it can."""
    most = MAX[kind]
    if least and not any(unicodedata.category(char)[0] in "LNPS" for char in text):
        return "is needed"
    if len(text) > most:
        return f"must have at most {most:,} characters; this has {len(text):,}"
    if (_BROKEN_IN_LINE if kind in _LINES else _BROKEN).search(text):
        return "must not contain control characters or invisible signs" + (" or line breaks" if kind in _LINES else "")
    return None


def is_storable(value: Any) -> bool:
    """Whether both databases keep it, as JSON, wherever in it something is."""
    if isinstance(value, str):
        return _UNSTORABLE.search(value) is None
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and is_storable(key) and is_storable(each) for key, each in value.items())
    return not isinstance(value, (list, tuple)) or all(map(is_storable, value))


def checked(entry: EntryIn) -> dict[str, Any]:
    """The columns that the entry decides about what it says. Raises `ValidationFailed` with every problem."""
    columns, wrong = inspected(entry)
    if wrong:
        raise ValidationFailed(fields=wrong)
    return columns


def inspected(entry: EntryIn) -> tuple[dict[str, Any], dict[str, str]]:
    """The columns, and what is wrong with them by JSON name."""
    check = _Check()
    columns = {
        "name": check.text("name", entry.name, "name", least=1),
        "description": check.text("description", entry.description, "description", least=1),
        "opening_line": check.text("openingLine", entry.opening_line, "opening_line"),
        "persona": check.text("persona", entry.persona, "persona", least=1),
        "system_prompt": check.text("systemPrompt", entry.system_prompt, "system_prompt", least=1),
        "category": check.text("category", entry.category, "category", least=1),
        "tags": _tags(check, entry.tags),
        "traits": _traits(check, entry.traits),
        "language": check.text("language", entry.language, "language", least=1),
        "content_rating": entry.content_rating,
        "sample_messages": check.texts("sampleMessages", entry.sample_messages, MOST["sample_messages"]),
        "sample_conversations": _conversations(check, entry.sample_conversations),
        "sample_replies": _replies(check, entry.sample_replies),
        "compatibility": _compatibility(check, entry.compatibility),
        "requirements": check.text("requirements", entry.requirements or "", "requirements") or None,
        "model_options": _model_options(check, entry.model_options),
        "licence": check.text("licence", entry.licence, "licence"),
        "source": check.text("source", entry.source, "source"),
        "credit": check.text("credit", entry.credit, "credit"),
        "extensions": _extensions(check, entry.extensions),
    }
    _check_names(check, entry, columns)
    _check_looks(check, entry)
    return columns, check.wrong


class _Check:
    """Tidies what it is shown and notes what is wrong with it."""

    def __init__(self) -> None:
        self.wrong: dict[str, str] = {}

    def text(self, field: str, text: str, kind: str, *, least: int = 0) -> str:
        tidy = tidied(text, kind)
        if problem := problem_of(tidy, kind, least=least):
            self.wrong.setdefault(field, problem)
            return tidy.encode("utf-8", "replace").decode()
        return tidy

    def texts(self, field: str, texts: Iterable[str], most: int, kind: str = "sample") -> list[str]:
        """Every one needed; a list with blank ones is wrong rather than shorter."""
        found = [self.text(f"{field}[{n}]", text, kind, least=1) for n, text in enumerate(texts)]
        self.at_most(field, len(found), most)
        return found

    def data(self, field: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Plain data as it came; none of it where a database could not keep it."""
        if is_storable(given):
            return dict(given)
        self.wrong[field] = "must not contain NUL, broken characters or endless numbers"
        return {}

    def at_most(self, field: str, count: int, most: int) -> None:
        if count > most:
            self.wrong[field] = f"must be at most {most}; these are {count}"


def _tags(check: _Check, tags: list[str]) -> list[str]:
    found = [check.text(f"tags[{n}]", tag, "tag", least=1) for n, tag in enumerate(tags)]
    check.at_most("tags", len(found), MOST["tags"])
    if any("," in tag for tag in found):
        check.wrong["tags"] = "must not contain commas"
    return list(dict.fromkeys(found))


def _traits(check: _Check, traits: Mapping[str, Any]) -> dict[str, Any]:
    check.at_most("traits", len(traits), MOST["traits"])
    found = {}
    for name, value in check.data("traits", traits).items():
        field = f"traits.{name}"[:80]
        tidy = check.text(field, name, "trait", least=1)
        found[tidy] = check.text(field, value, "trait_value") if isinstance(value, str) else value
    if len(msgspec.json.encode(found)) > LONGEST_JSON:
        check.wrong["traits"] = f"must have at most {LONGEST_JSON:,} bytes as JSON"
    return found


def _conversations(check: _Check, conversations: list[list[Turn]]) -> list[list[dict[str, str]]]:
    field = "sampleConversations"
    check.at_most(field, len(conversations), MOST["sample_conversations"])
    found = []
    for n, turns in enumerate(conversations[: MOST["sample_conversations"]]):
        check.at_most(f"{field}[{n}]", len(turns), MOST["turns"])
        found.append([_turn(check, f"{field}[{n}][{m}]", turn) for m, turn in enumerate(turns[: MOST["turns"]])])
    return [turns for turns in found if turns]


def _turn(check: _Check, field: str, turn: Turn) -> dict[str, str]:
    if turn.role not in ROLES:
        check.wrong[f"{field}.role"] = f"must be one of {', '.join(ROLES)}"
    return {"role": turn.role, "content": check.text(f"{field}.content", turn.content, "sample", least=1)}


def _replies(check: _Check, replies: Mapping[str, list[str]]) -> dict[str, list[str]]:
    for kind in replies:
        if kind not in KINDS:
            check.wrong[f"sampleReplies.{kind[:40]}"] = f"must be one of {', '.join(KINDS)}"
    found = {
        kind: check.texts(f"sampleReplies.{kind}", texts, MOST["sample_replies"])
        for kind, texts in replies.items()
        if kind in KINDS
    }
    return {kind: texts for kind, texts in found.items() if texts}


def _compatibility(check: _Check, given: Mapping[str, Any]) -> dict[str, Any]:
    given = check.data("compatibility", given)
    try:
        read = msgspec.convert(dict(given), Compatibility)
    except msgspec.ValidationError as error:
        check.wrong["compatibility"] = f"can't be read: {str(error).replace('`', '')}"
        return {}
    for name, texts in (("permissions", read.permissions), ("intents", read.intents), ("languages", read.languages)):
        check.texts(f"compatibility.{name}", texts, MOST["compatibility"], "trait")
    if not 0 <= read.min_context_tokens <= 10_000_000:
        check.wrong["compatibility.minContextTokens"] = "must be between 0 and 10,000,000"
    if len(msgspec.json.encode(given)) > LONGEST_JSON:
        check.wrong["compatibility"] = f"must have at most {LONGEST_JSON:,} bytes as JSON"
    return dict(given)


def _model_options(check: _Check, given: ModelOptionsIn) -> dict[str, Any]:
    bounds = {"temperature": (given.temperature, *TEMPERATURES), "maxTokens": (given.max_tokens, *TOKENS)}
    for name, (value, least, most) in bounds.items():
        if value is not None and not least <= value <= most:
            check.wrong[f"modelOptions.{name}"] = f"must be between {least:g} and {most:g}"
    pairs = {"temperature": given.temperature, "max_tokens": given.max_tokens}
    return {name: value for name, value in pairs.items() if value is not None}


def _extensions(check: _Check, extensions: dict[str, Any]) -> dict[str, Any]:
    extensions = check.data("extensions", extensions)
    if len(msgspec.json.encode(extensions)) > MOST["extensions_bytes"]:
        check.wrong["extensions"] = f"must have at most {MOST['extensions_bytes']:,} bytes as JSON"
    return extensions


def _check_names(check: _Check, entry: EntryIn, columns: Mapping[str, Any]) -> None:
    if entry.content_rating not in CONTENT_RATINGS:
        check.wrong["contentRating"] = f"must be one of {', '.join(CONTENT_RATINGS)}"
    if "language" not in check.wrong and not _LANGUAGE.fullmatch(columns["language"]):
        check.wrong["language"] = "must be a language tag such as en or pt-BR"
    if entry.slug is not None and not _SLUG.fullmatch(entry.slug):
        check.wrong["slug"] = "must have 1 to 60 of a to z, 0 to 9 and hyphens"
    if entry.id is not None and not _ID.fullmatch(entry.id):
        check.wrong["id"] = "must have 1 to 64 letters, digits, hyphens and underscores"
    if entry.created_by is not None and not re.fullmatch("[ -~]{1,64}", entry.created_by):
        check.wrong["createdBy"] = "must have 1 to 64 plain characters"
    if entry.deploy_count is not None and not 0 <= entry.deploy_count < 2**31:
        check.wrong["deployCount"] = "must be a number from 0"
    for name, moment in (
        ("publishAt", entry.publish_at), ("archivedAt", entry.archived_at), ("createdAt", entry.created_at),
    ):  # fmt: skip
        if moment is not None and not _is_moment(moment):
            check.wrong[name] = "must be a moment with a time zone, between 1970 and 2200"


def _is_moment(moment: datetime) -> bool:
    return moment.tzinfo is not None and 1970 <= moment.year < 2200


def _check_looks(check: _Check, entry: EntryIn) -> None:
    if entry.hue is not None and not 0 <= entry.hue < 360:
        check.wrong["hue"] = "must be between 0 and 359"
    for part, choice in (entry.avatar_choices or {}).items():
        if part not in CHOICES:
            check.wrong[f"avatarChoices.{part[:40]}"] = f"must be one of {', '.join(CHOICES)}"
        elif choice not in CHOICES[part]:
            check.wrong[f"avatarChoices.{part}"] = f"must be one of {', '.join(CHOICES[part])}"
