"""The editor's form, read into what the API takes and drawn from what an entry says. Lists are lines, so that they can
be edited without a script: a sample conversation is a block of lines, a trait is `name: value`. What is shown and sent
back as it was is the same entry: a line break within a line is written as a sign of its own."""

import re
from typing import Any

from botbot.catalog.entry_schemas import EntryIn
from botbot.errors import ValidationFailed
from botbot.kit import clock

TEXTS = {
    "name": "name", "description": "description", "openingLine": "opening_line", "persona": "persona",
    "systemPrompt": "system_prompt", "category": "category", "language": "language", "licence": "licence",
    "source": "source", "credit": "credit", "slug": "slug",
}  # fmt: skip
"""Form field → attribute of `EntryIn`, where it is one text."""
YOU, IT = "> ", "< "
"""How a line of a sample conversation begins: what somebody says, what the character answers."""
BREAK = "⏎"
"""A line break within a sample; in a conversation, before a line that would otherwise begin something else."""
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,17})?", re.ASCII)


def changes(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """What the form says, by the JSON names of an entry. Raises `ValidationFailed`."""
    fields = dict(pairs)
    said: dict[str, Any] = {name: fields[name] for name in TEXTS if name in fields}
    if "slug" in said and not said["slug"].strip():
        del said["slug"]
    if "contentRating" in fields:
        said["contentRating"] = fields["contentRating"]
    if "tags" in fields:
        said["tags"] = [tag.strip() for tag in fields["tags"].split(",") if tag.strip()]
    if "traits" in fields:
        said["traits"] = _traits(fields["traits"])
    if "sampleMessages" in fields:
        said["sampleMessages"] = [_opened(line) for line in _lines(fields["sampleMessages"]) if line.strip()]
    if "sampleConversations" in fields:
        said["sampleConversations"] = _talks(fields["sampleConversations"])
    if "sampleReplies" in fields:
        said["sampleReplies"] = _replies(fields["sampleReplies"])
    if "requirements" in fields:
        said["requirements"] = fields["requirements"].strip() or None
    if fields.get("hue", "").strip():
        said["hue"] = _whole(fields["hue"], "hue")
    return said | _standing(fields)


def _standing(fields: dict[str, str]) -> dict[str, Any]:
    """Public, hidden, or hidden until a moment (UTC)."""
    state = fields.get("state", "")
    if state == "scheduled":
        return {"isPublic": False, "publishAt": _moment(fields.get("publishAt", ""))}
    return {"isPublic": state == "public", "publishAt": None} if state in {"public", "hidden"} else {}


def _moment(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?", text.strip()):
        raise ValidationFailed(fields={"publishAt": "must be a day and a time"})
    return f"{text.strip()}Z" if text.count(":") == 2 else f"{text.strip()}:00Z"


def _whole(text: str, field: str) -> int:
    if not re.fullmatch(r"\d{1,4}", text.strip()):
        raise ValidationFailed(fields={field: "must be a whole number"})
    return int(text)


def _traits(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in filter(None, map(str.strip, _lines(text))):
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise ValidationFailed(fields={"traits": f"must be “name: value” on each line, unlike “{line[:40]}”"})
        found[name.strip()] = _trait(value.strip())
    return found


def _trait(value: str) -> Any:
    if value in {"yes", "no"}:
        return value == "yes"
    return float(value) if _NUMBER.fullmatch(value) else value


def _talks(text: str) -> list[list[dict[str, str]]]:
    """Blocks apart by an empty line; a line that begins with neither sign goes on with the one before, and one that
    begins with `BREAK` does whatever follows it."""
    talks: list[list[dict[str, str]]] = [[]]
    for line in _lines(text):
        if line.startswith(BREAK) and talks[-1]:
            talks[-1][-1]["content"] += f"\n{line[1:]}"
        elif not line.strip():
            talks.append([])
        elif line.startswith((YOU, IT)):
            role = "user" if line.startswith(YOU) else "assistant"
            talks[-1].append({"role": role, "content": line[2:]})
        elif talks[-1]:
            talks[-1][-1]["content"] += f"\n{line}"
        else:
            raise ValidationFailed(fields={"sampleConversations": f"must begin its lines with “{YOU}” or “{IT}”"})
    return [talk for talk in talks if talk]


def _replies(text: str) -> dict[str, list[str]]:
    """`kind: reply` on each line; a kind may come again."""
    found: dict[str, list[str]] = {}
    for line in filter(None, map(str.strip, _lines(text))):
        kind, colon, reply = line.partition(":")
        if not colon:
            raise ValidationFailed(
                fields={"sampleReplies": f"must be “kind: reply” on each line, unlike “{line[:40]}”"}
            )
        found.setdefault(kind.strip(), []).append(_opened(reply))
    return found


def shown(entry: EntryIn) -> dict[str, str]:
    """What the form's fields hold for an entry."""
    state = "public" if entry.is_public else "scheduled" if entry.publish_at else "hidden"
    return {
        **{field: str(getattr(entry, name) or "") for field, name in TEXTS.items()},
        "contentRating": entry.content_rating,
        "tags": ", ".join(entry.tags),
        "traits": "\n".join(
            f"{name}: {_shown_trait(value)}" for name, value in entry.traits.items() if is_shown_trait(name, value)
        ),
        "sampleMessages": "\n".join(map(_closed, entry.sample_messages)),
        "sampleConversations": "\n\n".join(
            "\n".join(f"{YOU if turn.role == 'user' else IT}{_in_block(turn.content)}" for turn in talk)
            for talk in entry.sample_conversations
        ),
        "sampleReplies": "\n".join(
            f"{kind}: {_closed(reply)}" for kind, replies in entry.sample_replies.items() for reply in replies
        ),
        "requirements": entry.requirements or "",
        "hue": "" if entry.hue is None else str(entry.hue),
        "state": state,
        "publishAt": clock.iso(entry.publish_at)[:16] if entry.publish_at else "",
        "changelog": "",
    }


def changed(pairs: list[tuple[str, str]], present: EntryIn) -> dict[str, Any]:
    """What the form says otherwise than the entry: what nobody touched stays as it is, to the letter."""
    was = shown(present)
    standing = {"state", "publishAt"}  # These two are read together.
    touched = [pair for pair in pairs if pair[0] in standing or _plain(pair[1]) != _plain(was.get(pair[0], ""))]
    said = changes(touched)
    if "traits" in said:
        hidden = {name: value for name, value in present.traits.items() if not is_shown_trait(name, value)}
        said["traits"] = hidden | said["traits"]
    return said


def is_shown_trait(name: str, value: Any) -> bool:
    """Whether a line can hold it; lists and tables, which came with an import, are kept as they are."""
    return ":" not in name and isinstance(value, (str, bool, int, float))


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _closed(text: str) -> str:
    return text.replace("\n", BREAK)


def _opened(line: str) -> str:
    return line.strip().replace(BREAK, "\n")


def _in_block(text: str) -> str:
    """An empty line would end the conversation, and a quotation's sign would begin a turn."""
    first, *rest = text.split("\n")
    needs = (YOU, IT, BREAK)
    return "\n".join(
        [first, *(f"{BREAK}{line}" if not line.strip() or line.startswith(needs) else line for line in rest)]
    )


def _shown_trait(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
