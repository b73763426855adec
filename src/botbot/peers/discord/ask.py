"""One call to Discord, described before it is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, urlencode

import msgspec

from botbot.errors import ValidationFailed
from botbot.kit.ids import hash_secret

Who = Literal["bot", "user", "webhook", "client"]
"""Whose right the call uses: the bot's token, a person's, the webhook token in the URL, or our client secret."""

TOP_LEVEL = ("channel_id", "guild_id", "webhook_id")
REASON_LIMIT = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """`route` is a path with named places (`/guilds/{guild_id}`), `places` fill them; both make the limits' key.

    `authorization` and `places` may hold secrets, so neither is shown. `needs` names the permissions whose lack
    explains a 403. `is_guild_read` marks calls where "missing access" means that the bot isn't in that guild."""

    method: str
    route: str
    who: Who
    places: Mapping[str, int | str] = field(default_factory=dict, repr=False)
    authorization: str | None = field(default=None, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    content_type: str | None = None
    reason: str | None = field(default=None, repr=False)
    needs: tuple[str, ...] = ()
    is_guild_read: bool = False

    @property
    def is_read(self) -> bool:
        return self.method == "GET"

    @property
    def path(self) -> str:
        path = self.route.format(**{name: quote(str(value), safe="") for name, value in self.places.items()})
        return f"{path}?{urlencode(self.query)}" if self.query else path

    @property
    def subject(self) -> str:
        """Who is counted, without telling their token. Calls without one (webhooks) are counted by our address."""
        return hash_secret(self.authorization) if self.authorization else "address"

    @property
    def route_key(self) -> str:
        return f"{self.method} {self.route}"

    @property
    def top_level(self) -> str:
        """The part of the path that has a limit of its own, within one subject."""
        ids = [str(self.places[name]) for name in TOP_LEVEL if name in self.places]
        return "/".join([self.subject, *ids])

    def headers(self, user_agent: str) -> dict[str, str]:
        headers = {"User-Agent": user_agent, "Accept": "application/json", "Accept-Encoding": "identity"}
        if self.authorization:
            headers["Authorization"] = self.authorization
        if self.content_type:
            headers["Content-Type"] = self.content_type
        if self.reason:
            headers["X-Audit-Log-Reason"] = _encoded_reason(self.reason)
        return headers


def _encoded_reason(reason: str) -> str:
    """The header takes 512 characters of percent-encoded UTF-8; a reason is cut between its own characters."""
    reason = reason[:REASON_LIMIT]
    while len(encoded := quote(reason, safe=" ", errors="replace")) > REASON_LIMIT:
        reason = reason[:-1]
    return encoded.strip()


def to_json(payload: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> bytes:
    """Raises `ValidationFailed` for text that no UTF-8 can carry (a lone surrogate)."""
    try:
        return msgspec.json.encode(payload)
    except UnicodeEncodeError:
        broken = True
    assert broken  # raised out here, so that the text does not travel along as the error's context
    raise ValidationFailed("That text contains broken characters.")


def to_form(fields: Mapping[str, str]) -> bytes:
    return urlencode(fields, errors="replace").encode("ascii")
