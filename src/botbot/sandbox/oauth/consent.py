"""What an application asks a person for, and what follows from the answer. No HTML here."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from botbot.sandbox import permissions as may
from botbot.sandbox.core import Core
from botbot.sandbox.world import Code, Guild, later

KNOWN_SCOPES = {
    "identify": "See your username, avatar and id",
    "guilds": "See which servers you are in, and what you may do there",
    "bot": "Join a server as a bot",
    "applications.commands": "Add commands to a server",
}
NEEDS_SCREEN = {"bot"}  # a passthrough scope: always asked for, whatever was granted before
CODE_MINUTES = 10
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class BadAsk(Exception):
    """The link itself is wrong; the person is told, nothing is sent back to the application."""


@dataclass(frozen=True)
class Ask:
    """A checked authorize link."""

    scopes: list[str]
    redirect_uri: str
    state: str | None = None
    prompt: str = "consent"
    guild_id: int | None = None
    is_guild_fixed: bool = False
    permissions: int = 0
    challenge: str | None = None

    @property
    def wants_bot(self) -> bool:
        return "bot" in self.scopes


def read(core: Core, query: Mapping[str, str]) -> Ask:
    """Check an authorize link's parameters. Raises `BadAsk` with a sentence for the person."""
    if query.get("client_id") != str(core.application_id):
        raise BadAsk("Unknown application: the client_id is not the sandbox's.")
    redirect_uri = query.get("redirect_uri") or ""
    if redirect_uri not in core.redirect_uris:
        raise BadAsk("Invalid OAuth2 redirect_uri: it must be exactly one that is registered.")
    if query.get("response_type") != "code":
        raise BadAsk("Integration requires code grant: response_type must be code.")
    return Ask(
        scopes=_scopes(query.get("scope", "")),
        redirect_uri=redirect_uri,
        state=query.get("state"),
        prompt=query.get("prompt", "consent"),
        guild_id=_number(query, "guild_id"),
        is_guild_fixed=query.get("disable_guild_select", "").lower() == "true",
        permissions=_number(query, "permissions") or 0,
        challenge=_challenge(query),
    )


def _scopes(text: str) -> list[str]:
    scopes = list(dict.fromkeys(text.split()))
    unknown = [scope for scope in scopes if scope not in KNOWN_SCOPES]
    if not scopes or unknown:
        raise BadAsk(f"Invalid scope: {' '.join(unknown) or '(none given)'}")
    return scopes


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name, "")
    if text and not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise BadAsk(f"Invalid {name}.")
    return int(text) if text else None


def _challenge(query: Mapping[str, str]) -> str | None:
    challenge = query.get("code_challenge")
    if challenge is None:
        return None
    if query.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise BadAsk("Invalid code_challenge: only S256 is supported.")
    return challenge


def was_granted(core: Core, ask: Ask, user_id: int) -> bool:
    """Whether the screen may be skipped for this person."""
    granted = set(core.world.state.consents.get(user_id, []))
    return not NEEDS_SCREEN & set(ask.scopes) and granted.issuperset(ask.scopes)


def choices(core: Core, ask: Ask, user_id: int) -> list[Guild]:
    """The servers the person may add the bot to; only the asked one when the link fixes it."""
    managed = [each for each in core.world.guilds_of(user_id) if may.may_manage(each, user_id)]
    if ask.is_guild_fixed and ask.guild_id:
        return [each for each in managed if each.id == ask.guild_id]
    return managed


def approve(core: Core, ask: Ask, user_id: int, guild_id: int | None) -> str:
    """Say yes: the address to send the browser to. The bot joins only when the code is exchanged."""
    guild = None
    if ask.wants_bot:
        guild = next((each for each in choices(core, ask, user_id) if each.id == guild_id), None)
        if guild is None:
            raise BadAsk("Choose a server that you may manage.")
    code = Code(
        secrets.token_urlsafe(24),
        user_id,
        ask.scopes,
        ask.redirect_uri,
        later(minutes=CODE_MINUTES),
        challenge=ask.challenge,
        guild_id=guild.id if guild else None,
        permissions=ask.permissions,
    )
    state = core.world.state
    state.codes.append(code)
    state.consents[user_id] = sorted({*state.consents.get(user_id, []), *ask.scopes} - NEEDS_SCREEN)
    core.world.touch()
    bot = {"guild_id": str(guild.id), "permissions": str(ask.permissions)} if guild else {}
    return back(ask, code=code.code, **bot)


def refuse(ask: Ask) -> str:
    """Cancel was pressed."""
    text = "The resource owner or authorization server denied the request"
    return back(ask, error="access_denied", error_description=text)


def back(ask: Ask, **answer: str) -> str:
    if ask.state is not None:
        answer["state"] = ask.state
    return f"{ask.redirect_uri}{'&' if '?' in ask.redirect_uri else '?'}{urlencode(answer)}"
