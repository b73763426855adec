"""What Discord sends, as far as we use it. Fields we don't know are ignored, and all but the essential may be absent.

Ids and permission sets are `int` here and decimal strings on the wire; `decode` reads both."""

from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec

T = TypeVar("T")

MANAGE_GUILD_OR_ADMINISTRATOR = 0x20 | 0x8
THREADS = frozenset({10, 11, 12})
"""Channel types: a thread of an announcement channel, a public one, a private one."""


class Nonsense(Exception):
    """The bytes are not what was promised. Carries nothing of them: they may hold a secret."""


def decode(body: bytes, shape: type[T]) -> T:
    """Raises `Nonsense` for anything but JSON of that shape, however deep, broken or mistyped."""
    found = _decode(body, shape)
    if isinstance(found, Nonsense):
        raise found
    return found


def _decode(body: bytes, shape: type[T]) -> T | Nonsense:
    try:
        return msgspec.json.decode(body, type=shape, strict=False)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Nonsense()


class DiscordUser(msgspec.Struct, frozen=True, kw_only=True):
    """`avatar` is a hash of Discord's image host, or None for its default picture."""

    id: int
    username: str
    global_name: str | None = None
    avatar: str | None = None
    bot: bool = False

    @property
    def display_name(self) -> str:
        return self.global_name or self.username


class UserGuild(msgspec.Struct, frozen=True, kw_only=True):
    """A guild as the signed-in user's own list shows it; `permissions` are guild-wide, without channel overwrites."""

    id: int
    name: str
    icon: str | None = None
    owner: bool = False
    permissions: int = 0
    approximate_member_count: int | None = None

    @property
    def is_manageable(self) -> bool:
        return self.owner or bool(self.permissions & MANAGE_GUILD_OR_ADMINISTRATOR)


class RoleTags(msgspec.Struct, frozen=True, kw_only=True):
    bot_id: int | None = None


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """`managed` with `tags.bot_id` marks the role that Discord made for a bot when it was installed."""

    id: int
    name: str = ""
    permissions: int = 0
    position: int = 0
    managed: bool = False
    tags: RoleTags | None = None


class Guild(msgspec.Struct, frozen=True, kw_only=True):
    """`nsfw_level`: 0 default, 1 explicit, 2 safe, 3 age-restricted. The role whose id is the guild's is @everyone."""

    id: int
    name: str
    owner_id: int
    icon: str | None = None
    roles: list[Role] = []
    preferred_locale: str = "en-US"
    nsfw_level: int = 0
    features: list[str] = []


class Member(msgspec.Struct, frozen=True, kw_only=True):
    user: DiscordUser | None = None
    nick: str | None = None
    avatar: str | None = None
    roles: list[int] = []
    communication_disabled_until: datetime | None = None

    def is_timed_out(self, at: datetime) -> bool:
        until = self.communication_disabled_until
        return until is not None and until.tzinfo is not None and until > at


class Overwrite(msgspec.Struct, frozen=True, kw_only=True):
    """`type`: 0 for a role, 1 for a member."""

    id: int
    type: int
    allow: int = 0
    deny: int = 0


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """`rate_limit_per_user` (seconds) is slow mode; bots are exempt, so we keep to it ourselves."""

    id: int
    type: int
    name: str | None = None
    guild_id: int | None = None
    nsfw: bool = False
    position: int = 0
    parent_id: int | None = None
    permission_overwrites: list[Overwrite] = []
    rate_limit_per_user: int = 0

    @property
    def is_thread(self) -> bool:
        return self.type in THREADS


class MessageReference(msgspec.Struct, frozen=True, kw_only=True):
    message_id: int | None = None
    channel_id: int | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """`content` is empty where the bot may not read it. `webhook_id` is set on what a webhook said."""

    id: int
    channel_id: int
    content: str = ""
    type: int = 0
    author: DiscordUser | None = None
    nonce: str | int | None = None
    webhook_id: int | None = None
    timestamp: datetime | None = None
    edited_timestamp: datetime | None = None
    message_reference: MessageReference | None = None


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """`token` speaks for the webhook: encrypt it at rest. It is left out of `repr`."""

    id: int
    channel_id: int | None = None
    guild_id: int | None = None
    name: str | None = None
    application_id: int | None = None
    user: DiscordUser | None = None
    token: str | None = None

    def __repr__(self) -> str:
        return f"Webhook(id={self.id}, name={self.name!r})"

    def __rich_repr__(self) -> Any:
        yield "id", self.id


class SessionStartLimit(msgspec.Struct, frozen=True, kw_only=True):
    """How often the gateway may still be identified to; `reset_after` is in milliseconds."""

    total: int = 1000
    remaining: int = 1000
    reset_after: int = 0
    max_concurrency: int = 1


class GatewayInfo(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    shards: int = 1
    session_start_limit: SessionStartLimit = SessionStartLimit()


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """`bot_require_code_grant` is the portal's "Requires OAuth2 Code Grant"; `flags` hold the privileged intents."""

    id: int
    name: str
    flags: int = 0
    bot_public: bool = True
    bot_require_code_grant: bool = False
    redirect_uris: list[str] = []
    approximate_guild_count: int = 0
    interactions_endpoint_url: str | None = None
    privacy_policy_url: str | None = None
    terms_of_service_url: str | None = None

    @property
    def may_read_messages(self) -> bool:
        """Bits 18 and 19: MESSAGE_CONTENT approved, or allowed for an app below the size that needs approval."""
        return bool(self.flags & (1 << 18 | 1 << 19))


class PartialGuild(msgspec.Struct, frozen=True, kw_only=True):
    id: int


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the token endpoint answers. `expires_in` is in seconds; `guild` is the proof of an install."""

    access_token: Annotated[str, msgspec.Meta(min_length=1)]
    token_type: str
    expires_in: Annotated[int, msgspec.Meta(ge=1, le=10**9)]
    refresh_token: str | None = None
    scope: str = ""
    guild: PartialGuild | None = None

    def __repr__(self) -> str:
        return "TokenAnswer(hidden)"

    def __rich_repr__(self) -> Any:
        yield "hidden"


class TokenGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A user's tokens. `guild_id` is the server the bot was added to, proven by Discord; None on a mere sign-in."""

    access_token: str
    refresh_token: str
    expires_at: datetime
    scopes: frozenset[str]
    guild_id: int | None = None

    def __repr__(self) -> str:
        return f"TokenGrant(scopes={sorted(self.scopes)}, guild_id={self.guild_id})"

    def __rich_repr__(self) -> Any:
        yield "guild_id", self.guild_id


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """Discord's own failure. `errors` is a tree that mirrors the request, with `_errors` lists at its leaves."""

    code: int = 0
    message: str = ""
    errors: Any = None


class OAuthErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    error: str = ""


class RateLimitBody(msgspec.Struct, frozen=True, kw_only=True):
    """`retry_after` is in seconds."""

    retry_after: float
    is_global: bool = msgspec.field(name="global", default=False)
    code: int = 0
