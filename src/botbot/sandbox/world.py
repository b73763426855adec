"""What there is in the sandbox: people, servers, channels, messages, webhooks, sign-ins. Plain rows and look-ups.

`State` is everything that outlives a restart. Whoever changes it calls `World.touch()`; the request that caused
the change is answered only after `World.save()`. Ids are snowflakes (`int` here, strings on the wire)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from botbot.kit import clock
from botbot.sandbox import store

DISCORD_EPOCH_MS = 1_420_070_400_000
KEPT_MESSAGES = 200  # per channel


class User(msgspec.Struct):
    id: int
    username: str
    name: str
    is_bot: bool = False
    hue: int = 250
    is_playable: bool = True
    about: str = ""


class Role(msgspec.Struct):
    """`bot_id` is set on the managed role that came with a bot's installation."""

    id: int
    name: str
    permissions: int
    position: int = 1
    color: int = 0
    bot_id: int | None = None


class Overwrite(msgspec.Struct):
    """`kind` is 0 for a role, 1 for a member."""

    id: int
    kind: int = 0
    allow: int = 0
    deny: int = 0


class Channel(msgspec.Struct):
    """`type` is Discord's: 0 text, 5 announcement."""

    id: int
    guild_id: int
    name: str
    type: int = 0
    topic: str = ""
    is_nsfw: bool = False
    overwrites: list[Overwrite] = []


class Member(msgspec.Struct):
    user_id: int
    joined_at: datetime
    role_ids: list[int] = []
    nick: str | None = None
    avatar: str | None = None
    banner: str | None = None
    bio: str | None = None


class Guild(msgspec.Struct):
    """`requires_2fa` is server-wide two-factor authentication for moderators (`mfa_level` 1)."""

    id: int
    name: str
    owner_id: int
    description: str = ""
    hue: int = 250
    roles: list[Role] = []
    channels: list[Channel] = []
    members: dict[int, Member] = {}
    requires_2fa: bool = False

    def role(self, role_id: int) -> Role | None:
        return next((role for role in self.roles if role.id == role_id), None)

    def bot_role(self, bot_id: int) -> Role | None:
        return next((role for role in self.roles if role.bot_id == bot_id), None)


class Webhook(msgspec.Struct):
    id: int
    channel_id: int
    guild_id: int
    name: str
    token: str
    creator_id: int
    avatar: str | None = None


class Attachment(msgspec.Struct):
    id: int
    filename: str
    size: int
    content_type: str
    image: str  # key of the stored bytes


class Message(msgspec.Struct):
    """`pings` are the users who were really mentioned. A webhook's message has its author in `webhook_id`,
    `face` and `face_avatar`; an answer to an interaction names that in `interaction_id`."""

    id: int
    channel_id: int
    guild_id: int
    author_id: int
    content: str
    sent_at: datetime
    edited_at: datetime | None = None
    pings: list[int] = []
    replies_to: int | None = None
    nonce: str | None = None
    flags: int = 0
    embeds: list[dict[str, Any]] = []
    components: list[dict[str, Any]] = []
    attachments: list[Attachment] = []
    webhook_id: int | None = None
    face: str | None = None
    face_avatar: str | None = None
    interaction_id: int | None = None
    interaction_user_id: int | None = None
    interaction_name: str | None = None
    only_for: int | None = None
    is_thinking: bool = False


class Grant(msgspec.Struct):
    """One sign-in: what a pair of tokens may do, for whom, until when."""

    user_id: int
    scopes: list[str]
    access_token: str
    refresh_token: str
    expires_at: datetime


class Code(msgspec.Struct):
    """An authorization code; `guild_id` is where the bot joins when it is exchanged."""

    code: str
    user_id: int
    scopes: list[str]
    redirect_uri: str
    expires_at: datetime
    challenge: str | None = None
    guild_id: int | None = None
    permissions: int = 0


class Image(msgspec.Struct):
    content_type: str
    data: bytes


class State(msgspec.Struct):
    users: dict[int, User] = {}
    guilds: dict[int, Guild] = {}
    messages: dict[int, list[Message]] = {}
    webhooks: dict[int, Webhook] = {}
    grants: list[Grant] = []
    consents: dict[int, list[str]] = {}
    codes: list[Code] = []
    commands: list[dict[str, Any]] = []
    images: dict[str, Image] = {}
    last_id: int = 0


Listener = Callable[[str, dict[str, Any]], None]


class World:
    """The state, its file, and those who want to hear of changes (the gateway and the pages)."""

    def __init__(self, fresh: Callable[[], State], file: Path | None = None) -> None:
        self._fresh = fresh
        self._file = file
        self._is_dirty = False
        self._listeners: list[Listener] = []
        self.state = (store.load(file, State) if file else None) or fresh()

    def reset(self) -> None:
        self.state = self._fresh()
        self.touch()

    def touch(self) -> None:
        self._is_dirty = True

    def save(self) -> None:
        """Write what changed. Call it before answering whoever caused the change."""
        if self._is_dirty and self._file:
            store.save(self._file, self.state)
        self._is_dirty = False

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def unlisten(self, listener: Listener) -> None:
        self._listeners.remove(listener)

    def emit(self, event: str, **facts: Any) -> None:
        for listener in list(self._listeners):
            listener(event, facts)

    def new_id(self) -> int:
        """A snowflake: milliseconds since Discord's epoch in the upper bits, always growing."""
        moment = int(clock.now().timestamp() * 1000) - DISCORD_EPOCH_MS
        self.state.last_id = max(self.state.last_id + 1, moment << 22)
        return self.state.last_id

    def find_channel(self, channel_id: int) -> Channel | None:
        every = (channel for guild in self.state.guilds.values() for channel in guild.channels)
        return next((channel for channel in every if channel.id == channel_id), None)

    def find_message(self, channel_id: int, message_id: int | None) -> Message | None:
        kept = self.state.messages.get(channel_id, [])
        return next((message for message in kept if message.id == message_id), None)

    def keep_message(self, message: Message) -> None:
        kept = self.state.messages.setdefault(message.channel_id, [])
        kept.append(message)
        del kept[:-KEPT_MESSAGES]
        self.touch()

    def webhooks_of(self, *, channel_id: int | None = None, guild_id: int | None = None) -> list[Webhook]:
        every = self.state.webhooks.values()
        return [each for each in every if channel_id == each.channel_id or guild_id == each.guild_id]

    def guilds_of(self, user_id: int) -> list[Guild]:
        return [guild for guild in self.state.guilds.values() if user_id in guild.members]

    def name_of(self, user_id: int, guild: Guild | None = None) -> str:
        """How a person is shown: the nick they have in this server, else their own name."""
        member = guild.members.get(user_id) if guild else None
        user = self.state.users.get(user_id)
        return (member and member.nick) or (user.name if user else "Somebody who left")

    def find_grant(self, access_token: str) -> Grant | None:
        now = clock.now()
        alive = (grant for grant in self.state.grants if grant.expires_at > now)
        return next((grant for grant in alive if grant.access_token == access_token), None)


def later(**duration: float) -> datetime:
    return clock.now() + timedelta(**duration)
