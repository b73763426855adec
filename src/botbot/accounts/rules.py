"""Pure decisions about who may be here and where they go next."""

from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import msgspec

from botbot.errors import AuthenticationRequired, PermissionDenied

Role = Literal["user", "moderator", "admin"]
RANKS: dict[str, int] = {"user": 0, "moderator": 1, "admin": 2}
STATE_LIFETIME = timedelta(minutes=10)
SEEN_EVERY = timedelta(minutes=5)
"""A session's last use is noted at most this often."""


class Viewer(msgspec.Struct, frozen=True):
    """Who asks. `session_id` is the hash of the cookie's secret, `None` for a bearer token."""

    user_id: str
    discord_id: int
    username: str
    avatar_hash: str | None
    role: str
    session_id: str | None = None

    @property
    def is_staff(self) -> bool:
        return RANKS.get(self.role, 0) >= RANKS["moderator"]

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"

    @property
    def avatar_url(self) -> str | None:
        if not self.avatar_hash:
            return None
        return f"https://cdn.discordapp.com/avatars/{self.discord_id}/{self.avatar_hash}.png?size=64"


class OAuthState(msgspec.Struct, frozen=True):
    """What travels to Discord and back, sealed: nobody can read or forge it. `browser` is the hash of the cookie
    that was set when the state was made; an install is bound to the signed-in session instead."""

    purpose: Literal["login", "install"]
    nonce: str
    expires_at: datetime
    verifier: str | None = None
    browser: str | None = None
    next: str = "/"
    user_id: str | None = None
    session_id: str | None = None
    deployment_id: str | None = None
    guild_id: int | None = None
    is_asking: bool = False
    """Whether Discord was told to show its page in any case."""
    pending: str | None = None
    """The number of what this browser wanted done, when it began this login."""


def require(viewer: Viewer | None, role: Role = "user") -> Viewer:
    """The viewer, if they have at least that role; raises `AuthenticationRequired` or `PermissionDenied`."""
    if viewer is None:
        raise AuthenticationRequired
    if RANKS.get(viewer.role, 0) < RANKS[role]:
        raise PermissionDenied(f"Only a {role} may do that.", required=role)
    return viewer


def role_of(stored: str, discord_id: int, admins: tuple[int, ...]) -> str:
    """The stored role, raised to admin for those whom the operator's settings name."""
    return "admin" if discord_id in admins else stored


def is_alive(created_at: datetime, last_seen_at: datetime, now: datetime, session_days: int) -> bool:
    """A session ends `session_days` after it began, or after half of that without use."""
    whole = timedelta(days=session_days)
    return now < created_at + whole and now < last_seen_at + whole / 2


def safe_next(target: str | None) -> str:
    """A path on this site, rebuilt from its parts; `/` for everything else.

    Browsers drop tabs and newlines and read a backslash as a slash, so any of them makes a target suspicious."""
    if not target or len(target) > 1000 or not target.startswith("/"):
        return "/"
    if any(ord(char) < 33 or char in "\\\x7f" for char in unquote(target)) or unquote(target).startswith("//"):
        return "/"
    try:
        parts = urlsplit(target)
    except ValueError:
        return "/"
    if parts.scheme or parts.netloc or not parts.path.startswith("/"):
        return "/"
    path = quote(unquote(parts.path), safe="/-._~!$&'()*+,;=:@")
    return f"{path}?{parts.query}" if parts.query else path


def with_notice(path: str, notice: str) -> str:
    """A path of ours that shows that notice when it is opened, and no earlier one."""
    place, _, query = path.partition("?")
    kept = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "notice"]
    return f"{place}?{urlencode([*kept, ('notice', notice)])}"
