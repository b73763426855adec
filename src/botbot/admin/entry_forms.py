"""The editor's form, read into what the API takes and drawn from what an entry says. Lists are lines, so that they can
be edited without a script: a sample conversation is a block of lines, a trait is `name: value`."""

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
_NUMBER = re.compile(r"-?\d{1,3}(\.\d{1,4})?")


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
        said["sampleMessages"] = [line.strip() for line in fields["sampleMessages"].splitlines() if line.strip()]
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
    for line in filter(None, map(str.strip, text.splitlines())):
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
    """Blocks apart by an empty line; a line that begins with neither sign goes on with the one before."""
    talks: list[list[dict[str, str]]] = [[]]
    for line in text.splitlines():
        if not line.strip():
            talks.append([])
        elif line.startswith((YOU, IT)):
            role = "user" if line.startswith(YOU) else "assistant"
            talks[-1].append({"role": role, "content": line[2:].strip()})
        elif talks[-1]:
            talks[-1][-1]["content"] += f"\n{line.strip()}"
        else:
            raise ValidationFailed(fields={"sampleConversations": f"must begin its lines with “{YOU}” or “{IT}”"})
    return [talk for talk in talks if talk]


def _replies(text: str) -> dict[str, list[str]]:
    """`kind: reply` on each line; a kind may come again."""
    found: dict[str, list[str]] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        kind, colon, reply = line.partition(":")
        if not colon:
            raise ValidationFailed(
                fields={"sampleReplies": f"must be “kind: reply” on each line, unlike “{line[:40]}”"}
            )
        found.setdefault(kind.strip(), []).append(reply.strip())
    return found


def shown(entry: EntryIn) -> dict[str, str]:
    """What the form's fields hold for an entry."""
    state = "public" if entry.is_public else "scheduled" if entry.publish_at else "hidden"
    return {
        **{field: str(getattr(entry, name) or "") for field, name in TEXTS.items()},
        "contentRating": entry.content_rating,
        "tags": ", ".join(entry.tags),
        "traits": "\n".join(f"{name}: {_shown_trait(value)}" for name, value in entry.traits.items()),
        "sampleMessages": "\n".join(" ".join(each.split()) for each in entry.sample_messages),
        "sampleConversations": "\n\n".join(
            "\n".join(f"{YOU if turn.role == 'user' else IT}{_unbroken(turn.content)}" for turn in talk)
            for talk in entry.sample_conversations
        ),
        "sampleReplies": "\n".join(
            f"{kind}: {' '.join(reply.split())}" for kind, replies in entry.sample_replies.items() for reply in replies
        ),
        "requirements": entry.requirements or "",
        "hue": "" if entry.hue is None else str(entry.hue),
        "state": state,
        "publishAt": clock.iso(entry.publish_at)[:16] if entry.publish_at else "",
        "changelog": "",
    }


def _unbroken(text: str) -> str:
    """An empty line would end the conversation."""
    return "\n".join(line for line in text.splitlines() if line.strip())


def _shown_trait(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
