"""One exchange before it is answered: the message checked, the visitor's limits held, the prompt built."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from botbot.catalog.queries import get_personality
from botbot.catalog.service import SNAPSHOT
from botbot.errors import ValidationFailed
from botbot.house import House
from botbot.peers.llm import Message
from botbot.preview import rules
from botbot.preview.schemas import Reason, SettingIn
from botbot.preview.sessions import PreviewSession, PreviewSessions, Question, Turn
from botbot.security.limits import Left, visitor


def _now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Exchange:
    """A message that passed every check, about to be answered. `reason` is why no model is asked, if so.

    `left` is what the visitor may still send this minute; `typed` is all they typed, to be judged. `refusal` is what
    they are told instead of a reply, if it comes to that. A draft is a personality that nobody but its editor sees.
    `asked_at` is on the event loop's clock."""

    personality_id: str
    session: PreviewSession
    question: Question
    left: Left
    typed: str
    visitor: str
    snapshot: dict[str, Any]
    prompt: list[Message] = field(default_factory=list)
    reason: Reason | None = None
    refusal: str | None = None
    is_draft: bool = False
    asked_at: float = field(default_factory=_now)


async def open_exchange(
    house: House,
    sessions: PreviewSessions,
    id_or_slug: str,
    message: str,
    session_id: str | None,
    address: str,
    *,
    setting: SettingIn | None = None,
    speaker: str | None = None,
    regenerate: bool = False,
) -> Exchange:
    """Check what was typed and the visitor's limits before anything is answered; the day's budget is asked at the call.

    With `regenerate` the conversation's last message is answered again, and the new reply takes the old one's place;
    `message` is then empty, or that same text. Any other text is a new message. Raises `ValidationFailed` (400),
    `NotFound` (404), `RateLimited` (429)."""
    asked_at = _now()
    place, speaker = rules.checked_setting(setting), rules.checked_speaker(speaker)
    text = rules.checked_message(message) if message.strip() or not regenerate else ""
    async with house.db.read() as session:
        personality = await get_personality(session, id_or_slug)
    if not text:
        _last_question(sessions.find(session_id, personality.id))
    who, per_minute = visitor(address), house.settings.preview_per_minute
    await house.limiter.hit("preview-address", who, per_minute)
    chat = sessions.get_or_open(session_id, personality.id)
    await house.limiter.hit("preview-session", chat.id, per_minute)
    left = await house.limiter.left([("preview-address", who), ("preview-session", chat.id)], per_minute)
    question = (chat.ask_again(text) if regenerate else None) or chat.ask(text or _last_question(chat).text, speaker)
    snapshot = {name: getattr(personality, name) for name in SNAPSHOT}
    exchange = Exchange(personality.id, chat, question, left, rules.typed(place, question), who, snapshot)
    exchange.asked_at = asked_at
    return ready(house, exchange, place, chat.turns_beside(question))


def ready(house: House, exchange: Exchange, place: SettingIn, turns: Sequence[Turn]) -> Exchange:
    """With what the model will read, or why none is asked."""
    exchange.reason = None if house.model.is_configured else "not_configured"
    if exchange.reason is None:
        name = exchange.snapshot["name"]
        exchange.prompt = rules.conversation(exchange.snapshot, name, place, turns, exchange.question)
    return exchange


def _last_question(chat: PreviewSession | None) -> Question:
    if chat is None or chat.question is None:
        raise ValidationFailed(fields={"message": "is needed: there is no message here to answer again"})
    return chat.question
