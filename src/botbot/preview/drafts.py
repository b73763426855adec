"""Trying out a personality while it is being written: answered as visitors will be, from what the form holds.

Neither the draft nor a word of the talk is stored; that a call was made, and what it cost, is counted."""

from collections.abc import Mapping, Sequence
from typing import Any

from botbot.accounts.rules import Viewer
from botbot.catalog.service import SNAPSHOT
from botbot.errors import PermissionDenied
from botbot.house import House
from botbot.preview import rules
from botbot.preview.exchanges import Exchange, ready
from botbot.preview.relay import Relays
from botbot.preview.schemas import SettingIn
from botbot.preview.sessions import PreviewSession, Turn
from botbot.security.limits import visitor

NEW = "draft"
"""Under which usage is noted while an entry has no id."""
MOST_HEARD = 60
"""Of what was said before, the newest; the prompt takes fewer."""
Heard = dict[str, str]
_EMPTY: dict[str, Any] = {
    **dict.fromkeys(SNAPSHOT, ""),
    **{name: {} for name in ("traits", "sample_replies", "model_options")},
    "sample_conversations": [],
    "language": "en",
}


async def open_draft(
    house: House,
    relays: Relays,
    *,
    staff: Viewer,
    address: str,
    snapshot: Mapping[str, Any],
    message: str,
    history: Sequence[Mapping[str, str]] = (),
    personality_id: str = "",
) -> Exchange:
    """One message to a personality that is not stored, checked and limited like any preview; `service` answers it.

    `snapshot` has the fields of `catalog.service.SNAPSHOT` in the shapes that an entry has them; what is missing is
    empty. `history` is what was said before, oldest first: `{"role": "user" | "assistant", "content"}`, anything else
    in it is left out; only the newest dozen turns are read. `address` is the editor's (`request.client.host`): it
    counts against their minute, and a call against the site's day. `personality_id` is that of the entry being edited,
    if it has one. The session's id is empty.

    Raises `PermissionDenied` (403) unless `staff` is, `ValidationFailed` (400), `RateLimited` (429)."""
    if not staff.is_staff:
        raise PermissionDenied
    text = rules.checked_message(message)
    relays.require_place(house)
    return await _exchange(house, snapshot, text, _turns(history), personality_id or NEW, visitor(address))


async def _exchange(
    house: House, snapshot: Mapping[str, Any], text: str, turns: Sequence[Turn], personality_id: str, who: str
) -> Exchange:
    per_minute = house.settings.preview_per_minute
    await house.limiter.hit("preview-address", who, per_minute)
    left = await house.limiter.left([("preview-address", who)], per_minute)
    chat = PreviewSession("", personality_id, asked=len(turns) // 2)
    question = chat.ask(text)
    drafted = _EMPTY | {name: snapshot[name] for name in SNAPSHOT if snapshot.get(name) is not None}
    exchange = Exchange(personality_id, chat, question, left, text, who, drafted, is_draft=True)
    return ready(house, exchange, SettingIn(), turns)


def _turns(history: Sequence[Mapping[str, str]]) -> list[Turn]:
    turns: list[Turn] = []
    for each in history:
        content = each.get("content", "").strip()
        if content and each.get("role") == "user":
            turns.append(Turn("user", content))
        elif content and each.get("role") == "assistant":
            turns.append(Turn("assistant", content))
    return turns


def heard(pairs: Sequence[tuple[str, str]]) -> list[Heard]:
    """What was said before, out of a form that carries it: `said-role` and `said-content` in their order."""
    roles = [value for name, value in pairs if name == "said-role"]
    texts = [value for name, value in pairs if name == "said-content"]
    found = [{"role": role, "content": text[:8000]} for role, text in zip(roles, texts, strict=False)]
    return found[-MOST_HEARD:]
