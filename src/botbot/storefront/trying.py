"""The preview chat as a form and a page: what was posted, and what the page shows of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from botbot.catalog.models import PersonalityTemplate
from botbot.errors import ApiError
from botbot.preview.schemas import MAX_MESSAGE, MAX_SPEAKER, ChatOut, SettingIn
from botbot.preview.sessions import PreviewSession
from botbot.security.requests import StrictRequest
from botbot.storefront import showing
from botbot.ui.filters import member_hue

MOST = 3
"""Of rules and of members; fields beyond are none of ours."""


@dataclass(frozen=True)
class Posted:
    """The form as it came. `action` is `send`, `regenerate` or `restart`; anything else sends."""

    message: str = ""
    session_id: str | None = None
    action: str = "send"
    setting: SettingIn = field(default_factory=SettingIn)
    speaker: str = ""


@dataclass(frozen=True)
class Answered:
    """What became of it: a reply, a failure, or neither. `kept` is the conversation it belongs to."""

    posted: Posted = field(default_factory=Posted)
    kept: PreviewSession | None = None
    said: ChatOut | None = None
    error: ApiError | None = None


async def read_form(request: StrictRequest) -> Posted:
    """Raises `ValidationFailed` (400) or `UnsupportedMediaType` (415)."""
    pairs = await request.form_pairs()
    fields = dict(pairs)

    def texts(name: str) -> list[str]:
        return [value.strip() for each, value in pairs if each == name and value.strip()][:MOST]

    def text(name: str) -> str | None:
        return fields.get(name, "").strip() or None

    place = SettingIn(text("server"), text("topic"), text("language"), texts("rule"), texts("member"))
    return Posted(
        message=fields.get("message", ""),
        session_id=fields.get("session") or None,
        action=fields.get("action", "send"),
        setting=place,
        speaker=fields.get("speaker", "").strip(),
    )


def chat_view(found: PersonalityTemplate, answered: Answered, *, model_configured: bool) -> dict[str, Any]:
    """The conversation so far, beginning with the opening line; a blocked exchange is shown once and kept nowhere."""
    posted, kept, said = answered.posted, answered.kept, answered.said
    turns = [_turn("assistant", found.opening_line)]
    turns += [_turn(each.role, each.content, each.speaker, each.source, each.reason) for each in _kept(kept)]
    if said and said.reason == "blocked":
        turns.append(_turn("user", posted.message.strip(), posted.speaker))
        turns.append(_turn("assistant", said.reply, None, said.source, said.reason))
    if said:
        turns[-1]["reset_at"] = said.reset_at
    return {
        "turns": turns,
        "session_id": kept.id if kept else None,
        "action": f"/personalities/{found.slug}/try",
        "suggestions": [] if len(turns) > 1 else showing.suggestions(found),
        "error": answered.error,
        "model_configured": model_configured,
        "setting": setting_view(posted.setting),
        "speaker": posted.speaker,
        "draft": posted.message[:MAX_MESSAGE] if answered.error else "",
        "can_regenerate": bool(_kept(kept)) and not (said and said.reason == "blocked"),
        "remaining": said.remaining if said else None,
    }


def setting_view(place: SettingIn) -> dict[str, Any]:
    """A pretend server as the page draws it; what is too long for a field is cut where it is shown."""
    named = {name: (getattr(place, name) or "")[:200] for name in ("server", "topic", "language")}
    members = [{"name": name[:MAX_SPEAKER], "hue": member_hue(name)} for name in _once(place.members)]
    rules = [rule[:200] for rule in place.rules]
    return {**named, "rules": rules, "members": members, "is_set": any([*named.values(), rules, members])}


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _kept(session: PreviewSession | None) -> list[Any]:
    return list(session.turns) if session else []


def _turn(
    role: str, content: str, speaker: str | None = None, source: str | None = None, reason: str | None = None
) -> dict[str, Any]:
    return {
        "role": role,
        "content": content,
        "speaker": speaker or None,
        "hue": member_hue(speaker) if speaker else None,
        "source": source,
        "reason": reason,
        "reset_at": None,
    }
