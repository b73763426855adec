"""Pure decisions of a deployment: its steps, what each state allows, what a person is told."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import UNSET, UnsetType

from botbot.errors import ApiError, GuildPermissionMissing, ValidationFailed
from botbot.peers.discord.permissions import PROFILE_MODE
from botbot.peers.discord.text import check_persona_name

PERMISSIONS = int(PROFILE_MODE)
"""What the bot needs in guild-profile mode."""
INSTALL_WITHIN = timedelta(hours=24)
MAX_TRAITS = 40
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
"""A tag of BCP 47, as far as anybody chooses one."""

DEPLOY = ("check_rights", "set_profile", "set_avatar", "create_agent", "say_hello", "register_agent")
DEPLOY_QUIETLY = tuple(step for step in DEPLOY if step != "say_hello")
REVIVE = ("check_rights", "set_profile", "set_avatar", "register_agent")
UPDATE = ("check_rights", "set_profile", "set_avatar", "update_agent")
UPDATE_UNSEEN = ("update_agent",)
"""For one that made room: another one's face is on, and stays on."""
REMOVE = ("stop_agent", "restore_profile", "restore_avatar")

LABELS = {
    "install": "Invite BotBot into the server",
    "check_rights": "Check the permissions",
    "set_profile": "Put on its name",
    "set_avatar": "Put on its picture",
    "create_agent": "Unpack its personality",
    "say_hello": "Say hello",
    "register_agent": "Start listening",
    "update_agent": "Learn the changes",
    "stop_agent": "Stop talking",
    "restore_profile": "Give BotBot its own name back",
    "restore_avatar": "Give BotBot its own picture back",
    "take_back_hello": "Take its greeting back",
}
"""What a person reads beside each step."""

AT_HOME = ("active", "paused")
MOVING = ("queued", "running", "rolling_back")
NEWS = ("rolled_back", "needs_attention", "removed", "active", "paused")
"""States in which a failure is told to somebody who was elsewhere: it is over, and they may want to do something."""
ACTIONS = {
    "awaiting_install": {"remove"},
    "active": {"pause", "remove", "customise"},
    "paused": {"resume", "remove", "customise"},
    "rolled_back": {"retry"},
    "needs_attention": {"retry", "remove"},
}
"""What may be done in each state; nothing while it moves."""


def moving_out(*, was_replaced: bool, has_hello: bool) -> tuple[str, ...]:
    """One that was replaced wears no face there; where moving in got stuck half undone, its greeting still stands."""
    return (*(REMOVE[:1] if was_replaced else REMOVE), *(["take_back_hello"] if has_hello else []))


def moving_in(customizations: dict[str, Any]) -> tuple[str, ...]:
    """The steps of a first arrival, which may be a quiet one."""
    return DEPLOY if customizations.get("greeting", True) else DEPLOY_QUIETLY


def may(status: str, action: str) -> bool:
    return action in ACTIONS.get(status, set())


def check_customizations(
    name: str | UnsetType | None,
    traits: dict[str, Any] | None,
    greeting: bool | None = None,
    language: str | UnsetType | None = UNSET,
) -> dict[str, Any]:
    """What is stored of a request's customisations; a name or language of `None` takes an earlier one back.

    Raises `ValidationFailed` under the fields' JSON names."""
    wrong: dict[str, str] = {}
    stored: dict[str, Any] = {}
    if name is None:
        stored["name"] = None
    elif name is not UNSET:
        stored["name"] = name.strip()
        if problem := check_persona_name(name.strip()):
            wrong["customizations.name"] = problem
    if traits is not None:
        if len(traits) > MAX_TRAITS:
            wrong["customizations.traits"] = f"must have at most {MAX_TRAITS} keys"
        elif not all(_is_plain_trait(name, value) for name, value in traits.items()):
            wrong["customizations.traits"] = "must be short names with a number, yes or no, or up to 200 characters"
        stored["traits"] = traits
    if greeting is not None:
        stored["greeting"] = greeting
    if language is not UNSET:
        stored["language"] = language
        if language is not None and not LANGUAGE.fullmatch(language):
            wrong["customizations.language"] = "must be a language tag such as “de” or “pt-BR”"
    if wrong:
        raise ValidationFailed(fields=wrong)
    return stored


def _is_plain_trait(name: str, value: Any) -> bool:
    return 0 < len(name) <= 40 and isinstance(value, (bool, int, float, str)) and len(str(value)) <= 200


def can_grant(failure: ApiError | None) -> bool:
    """Whether it failed for want of a permission of the bot's, which an invitation brings, not of the person's."""
    if failure is None or failure.error != GuildPermissionMissing.error:
        return False
    return bool(set(failure.details.get("missing") or ()) - {"MANAGE_GUILD"})


def has_expired(status: str, created_at: datetime, now: datetime) -> bool:
    return status == "awaiting_install" and now >= created_at + INSTALL_WITHIN


def next_steps(name: str) -> list[str]:
    """Three first things to try, once it is there."""
    return [
        f"Mention @{name} in any channel it can see, and it answers there.",
        "Reply to one of its messages to keep the conversation going.",
        f"Tell your members that {name} is an AI character, and that you can pause it here at any time.",
    ]


THINGS_TO_SAY = ("Hello! Who are you?", "What can I ask you about?", "Tell me something I don’t know yet.")


def things_to_say(conversations: Sequence[Sequence[Mapping[str, str]]]) -> list[str]:
    """Three first messages: what people say to it in its own examples, filled up with what suits anybody."""
    asked = [turns[0]["content"] for turns in conversations if turns and turns[0].get("role") == "user"]
    short = [" ".join(text.split()) for text in asked if 0 < len(text) <= 140]
    return list(dict.fromkeys([*short, *THINGS_TO_SAY]))[:3]


def news_key(saga_id: str | None, status: str) -> str:
    """Names one failure of one deployment, to know which was dismissed. `notices` says the same in SQL."""
    kind = {"needs_attention": "stuck", "removed": "gone"}.get(status, "undone")
    return f"{saga_id or ''}:{kind}"


def greeting(opening_line: str, name: str) -> str:
    """What it posts on arrival: its opening line, and that it is an AI."""
    return f"{opening_line}\n-# {name} is an AI character. Mention me or reply to me, and I answer."
