"""What the editor's form holds, as rows that a person adds, empties and moves: read from what a browser sent, and drawn
from what an entry says. Of fields with the same name only their order counts, because a form with a file in it is sent
name by name; so each line of a conversation says which conversation it belongs to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from botbot.catalog.entry_rules import CHOICES, ROLES
from botbot.catalog.entry_schemas import EntryIn
from botbot.kit import clock
from botbot.kit.avatars import choices_from_seed

TEXTS = {
    "name": "name", "description": "description", "openingLine": "opening_line", "persona": "persona",
    "systemPrompt": "system_prompt", "category": "category", "language": "language", "licence": "licence",
    "source": "source", "credit": "credit", "slug": "slug", "contentRating": "content_rating",
    "requirements": "requirements",
}  # fmt: skip
"""Form field → attribute of `EntryIn`, where it is one text."""
LOOKS = {part: f"look-{part}" for part in CHOICES}
LONGEST_EXTENSIONS = 20_000
"""As JSON; longer ones, such as whole lorebooks, are named in the form and not sent around with it."""
Pairs = Sequence[tuple[str, str]]


@dataclass
class Filled:
    """The form as it was filled in, without its blank rows. Of lists `None` means that the form had none."""

    texts: dict[str, str]
    traits: list[tuple[str, str]] | None = None
    messages: list[str] | None = None
    talks: list[list[tuple[str, str]]] | None = None
    replies: list[tuple[str, str]] | None = None
    spare: dict[str, int] = field(default_factory=dict)
    """How many blank rows somebody without a script asked for, by the kind of row."""

    def text(self, name: str) -> str:
        return self.texts.get(name, "")


def filled(pairs: Pairs) -> Filled:
    """From what was sent; rows with nothing in them are left out, and so are halves without their other half."""
    texts = {name: value.replace("\r\n", "\n").replace("\r", "\n") for name, value in pairs}
    return Filled(
        texts,
        traits=_rows(pairs, "trait-name", "trait-value"),
        messages=_column(pairs, "message"),
        talks=_talks(pairs),
        replies=_rows(pairs, "reply-kind", "reply-text", needed=1),
    )


def _all(pairs: Pairs, name: str) -> list[str]:
    return [value.replace("\r\n", "\n").replace("\r", "\n").strip() for each, value in pairs if each == name]


def _column(pairs: Pairs, name: str) -> list[str] | None:
    found = _all(pairs, name)
    return [each for each in found if each] if found else None


def _rows(pairs: Pairs, first: str, second: str, *, needed: int = 0) -> list[tuple[str, str]] | None:
    """Rows of two; blank where the `needed` one is, or both are."""
    names, values = _all(pairs, first), _all(pairs, second)
    if not names:
        return None
    rows = list(zip(names, values, strict=False))
    return [row for row in rows if (row[1] if needed else any(row))]


def _talks(pairs: Pairs) -> list[list[tuple[str, str]]] | None:
    roles = _all(pairs, "turn-role")
    if not roles:
        return None
    talks: dict[str, list[tuple[str, str]]] = {}
    for talk, role, content in zip(_all(pairs, "turn-talk"), roles, _all(pairs, "turn-content"), strict=False):
        if content:
            talks.setdefault(talk, []).append((role, content))
    return list(talks.values())


def shown(entry: EntryIn) -> Filled:
    """The form of an entry."""
    texts = {name: str(getattr(entry, attribute) or "") for name, attribute in TEXTS.items()}
    return Filled(
        texts | _standing(entry) | _asking(entry) | _compatibility(entry) | _looks(entry) | _more(entry),
        traits=[(name, trait_text(value)) for name, value in entry.traits.items() if is_shown_trait(value)],
        messages=list(entry.sample_messages),
        talks=[[(turn.role, turn.content) for turn in talk] for talk in entry.sample_conversations],
        replies=[(kind, reply) for kind, replies in entry.sample_replies.items() for reply in replies],
    )


def _standing(entry: EntryIn) -> dict[str, str]:
    return {
        "state": "public" if entry.is_public else "scheduled" if entry.publish_at else "hidden",
        "publishAt": clock.iso(entry.publish_at)[:16] if entry.publish_at else "",
    }


def _asking(entry: EntryIn) -> dict[str, str]:
    options = entry.model_options
    return {
        "temperature": "" if options.temperature is None else f"{options.temperature:g}",
        "maxTokens": "" if options.max_tokens is None else str(options.max_tokens),
    }


def _compatibility(entry: EntryIn) -> dict[str, str]:
    said = entry.compatibility
    lists = {name: ", ".join(map(str, said.get(name) or [])) for name in ("permissions", "intents", "languages")}
    return {**lists, "minContextTokens": str(said.get("minContextTokens") or "")}


def _looks(entry: EntryIn) -> dict[str, str]:
    """Of a face that nobody chose, the parts that its address makes."""
    seeded = msgspec.to_builtins(choices_from_seed(entry.slug or entry.name))
    parts = seeded | (entry.avatar_choices or {})
    is_picture = (entry.avatar or "").startswith("/pictures/")
    return {
        "hue": "" if entry.hue is None else str(entry.hue),
        "looks": "picture" if is_picture else "chosen" if entry.avatar_choices else "seed",
        **{name: str(parts[part]) for part, name in LOOKS.items()},
    }


def _more(entry: EntryIn) -> dict[str, str]:
    said = {"tags": ", ".join(entry.tags), "changelog": ""}
    written = extensions_text(entry)
    return said if written is None else {**said, "extensions": written}


def extensions_text(entry: EntryIn) -> str | None:
    """To edit; `None` where there is too much of it."""
    if not entry.extensions:
        return ""
    written = msgspec.json.format(msgspec.json.encode(entry.extensions), indent=2).decode()
    return written if len(written) <= LONGEST_EXTENSIONS else None


def is_shown_trait(value: Any) -> bool:
    """Whether a row can hold it; lists and tables, which came with an import, are kept as they are."""
    return isinstance(value, (str, bool, int, float))


def trait_text(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def in_words(form: Filled) -> dict[str, str]:
    """Everything in it as text, for whoever has to see that it is not what they typed."""
    talks = form.talks or []
    return form.texts | {
        "traits": _lines(f"{name}: {value}" for name, value in form.traits or []),
        "sampleMessages": _lines(form.messages or []),
        "sampleConversations": "\n\n".join(_lines(f"{_who(role)}: {said}" for role, said in talk) for talk in talks),
        "sampleReplies": _lines(f"{kind}: {reply}" for kind, reply in form.replies or []),
    }


def _who(role: str) -> str:
    return "Somebody" if role == ROLES[0] else "It"


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(texts)
