"""The sandbox's rows as Discord's JSON objects: ids as strings, every field the official schemas require."""

from datetime import datetime
from typing import Any

from botbot.sandbox import permissions as may
from botbot.sandbox.cast import APPLICATION, BOT
from botbot.sandbox.world import Attachment, Channel, Guild, Member, Message, Role, User, Webhook, World

Json = dict[str, Any]

GATEWAY_MESSAGE_CONTENT_LIMITED = 1 << 19
SUPPRESS_EMBEDS, EPHEMERAL, LOADING = 1 << 2, 1 << 6, 1 << 7


def moment(at: datetime | None) -> str | None:
    """ISO 8601 with microseconds and an offset, as Discord writes it."""
    return at.isoformat(timespec="microseconds") if at else None


def snowflake(value: int | None) -> str | None:
    return None if value is None else str(value)


def user(row: User) -> Json:
    shown = {
        "id": str(row.id),
        "username": row.username,
        "global_name": None if row.is_bot else row.name,
        "avatar": None,
        "banner": None,
        "accent_color": None,
        "discriminator": "0001" if row.is_bot else "0",
        "public_flags": 0,
        "flags": 0,
        "avatar_decoration_data": None,
        "collectibles": None,
        "primary_guild": None,
    }
    return {**shown, "bot": True} if row.is_bot else shown


def own_user(row: User) -> Json:
    """`/users/@me`: no e-mail, for nobody here grants that scope."""
    return {**user(row), "mfa_enabled": True, "locale": "en-US", "premium_type": 0}


def role(row: Role) -> Json:
    shown = {
        "id": str(row.id),
        "name": row.name,
        "permissions": str(row.permissions),
        "position": row.position,
        "color": row.color,
        "colors": {"primary_color": row.color, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": row.bot_id is not None,
        "mentionable": False,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }
    return {**shown, "tags": {"bot_id": str(row.bot_id)}} if row.bot_id else shown


def channel(world: World, row: Channel, guild: Guild) -> Json:
    said = world.state.messages.get(row.id)
    return {
        "id": str(row.id),
        "type": row.type,
        "guild_id": str(row.guild_id),
        "name": row.name,
        "topic": row.topic or None,
        "position": guild.channels.index(row),
        "parent_id": None,
        "nsfw": row.is_nsfw,
        "rate_limit_per_user": 0,
        "last_message_id": str(said[-1].id) if said else None,
        "flags": 0,
        "permission_overwrites": [
            {"id": str(each.id), "type": each.kind, "allow": str(each.allow), "deny": str(each.deny)}
            for each in row.overwrites
        ],
    }


def member(world: World, row: Member) -> Json:
    return {**member_without_user(row), "user": user(world.state.users[row.user_id])}


def member_without_user(row: Member) -> Json:
    """`bio` is missing on purpose: Discord does not let it be read back."""
    return {
        "avatar": row.avatar,
        "banner": row.banner,
        "avatar_decoration_data": None,
        "collectibles": None,
        "communication_disabled_until": None,
        "flags": 0,
        "joined_at": moment(row.joined_at),
        "nick": row.nick,
        "pending": False,
        "premium_since": None,
        "roles": [str(each) for each in row.role_ids],
        "mute": False,
        "deaf": False,
    }


_GUILD_CONSTANTS: Json = {
    "icon": None,
    "home_header": None,
    "splash": None,
    "discovery_splash": None,
    "features": [],
    "banner": None,
    "application_id": None,
    "region": "deprecated",
    "afk_channel_id": None,
    "afk_timeout": 300,
    "system_channel_id": None,
    "system_channel_flags": 0,
    "widget_enabled": False,
    "widget_channel_id": None,
    "verification_level": 1,
    "default_message_notifications": 1,
    "explicit_content_filter": 2,
    "max_presences": None,
    "max_members": 500_000,
    "max_stage_video_channel_users": 50,
    "max_video_channel_users": 25,
    "vanity_url_code": None,
    "premium_tier": 0,
    "premium_subscription_count": 0,
    "preferred_locale": "en-US",
    "rules_channel_id": None,
    "safety_alerts_channel_id": None,
    "public_updates_channel_id": None,
    "premium_progress_bar_enabled": False,
    "premium_progress_bar_enabled_user_updated_at": None,
    "nsfw": False,
    "nsfw_level": 0,
    "emojis": [],
    "stickers": [],
    "incidents_data": None,
}


def guild(row: Guild) -> Json:
    return {
        **_GUILD_CONSTANTS,
        "id": str(row.id),
        "name": row.name,
        "description": row.description or None,
        "owner_id": str(row.owner_id),
        "mfa_level": int(row.requires_2fa),
        "roles": [role(each) for each in row.roles],
    }


def guild_with_counts(row: Guild) -> Json:
    count = len(row.members)
    return {**guild(row), "approximate_member_count": count, "approximate_presence_count": count}


def guild_create(world: World, row: Guild) -> Json:
    """The gateway's full guild. Without the presence intent the only member listed is the bot itself."""
    me = row.members[BOT]
    return {
        **guild(row),
        "joined_at": moment(me.joined_at),
        "large": False,
        "unavailable": False,
        "member_count": len(row.members),
        "members": [member(world, me)],
        "channels": [channel(world, each, row) for each in row.channels],
        "threads": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
        "voice_states": [],
    }


def my_guild(row: Guild, user_id: int, with_counts: bool) -> Json:
    shown: Json = {
        "id": str(row.id),
        "name": row.name,
        "icon": None,
        "banner": None,
        "owner": row.owner_id == user_id,
        "permissions": str(may.in_guild(row, user_id)),
        "features": [],
    }
    count = len(row.members)
    counts = {"approximate_member_count": count, "approximate_presence_count": count}
    return {**shown, **counts} if with_counts else shown


def webhook(world: World, row: Webhook, *, with_token: bool, with_user: bool = True) -> Json:
    shown: Json = {
        "id": str(row.id),
        "type": 1,
        "guild_id": str(row.guild_id),
        "channel_id": str(row.channel_id),
        "name": row.name,
        "avatar": row.avatar,
        "application_id": str(APPLICATION),
    }
    if with_user:
        shown["user"] = user(world.state.users[row.creator_id])
    return {**shown, "token": row.token} if with_token else shown


def attachment(row: Attachment, base_url: str) -> Json:
    url = f"{base_url}/attachments/{row.id}/{row.image}"
    return {
        "id": str(row.id),
        "filename": row.filename,
        "size": row.size,
        "url": url,
        "proxy_url": url,
        "content_type": row.content_type,
    }


def author(world: World, row: Message) -> Json:
    """Who a message is shown to be from. A webhook's author is not a user: its id is the webhook's."""
    if row.webhook_id is None:
        return user(world.state.users[row.author_id])
    shown = user(User(row.webhook_id, row.face or "", row.face or "", is_bot=True))
    return {**shown, "avatar": row.face_avatar, "discriminator": "0000"}


def application(world: World) -> Json:
    return {
        "id": str(APPLICATION),
        "name": "BotBot",
        "icon": None,
        "description": "The sandbox's application.",
        "type": None,
        "verify_key": "5a" * 32,
        "flags": 0,
        "flags_new": "0",
        "bot": user(world.state.users[BOT]),
        "bot_public": True,
        "bot_require_code_grant": True,
    }
