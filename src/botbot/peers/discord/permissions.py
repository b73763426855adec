"""Discord's permission arithmetic. Source: Discord docs, topics/permissions."""

import enum
from collections.abc import Iterable

from botbot.peers.discord.wire import Channel, Guild, Member, Overwrite

__all__ = [
    "ALL",
    "CHANNEL_MODE",
    "PROFILE_MODE",
    "Permission",
    "base_permissions",
    "channel_permissions",
    "is_manageable",
    "missing_names",
]


class Permission(enum.IntFlag):
    """Discord's names and bits."""

    CREATE_INSTANT_INVITE = 1 << 0
    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_AUDIT_LOG = 1 << 7
    PRIORITY_SPEAKER = 1 << 8
    STREAM = 1 << 9
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    SEND_TTS_MESSAGES = 1 << 12
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    VIEW_GUILD_INSIGHTS = 1 << 19
    CONNECT = 1 << 20
    SPEAK = 1 << 21
    MUTE_MEMBERS = 1 << 22
    DEAFEN_MEMBERS = 1 << 23
    MOVE_MEMBERS = 1 << 24
    USE_VAD = 1 << 25
    CHANGE_NICKNAME = 1 << 26
    MANAGE_NICKNAMES = 1 << 27
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    MANAGE_GUILD_EXPRESSIONS = 1 << 30
    USE_APPLICATION_COMMANDS = 1 << 31
    REQUEST_TO_SPEAK = 1 << 32
    MANAGE_EVENTS = 1 << 33
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    USE_EXTERNAL_STICKERS = 1 << 37
    SEND_MESSAGES_IN_THREADS = 1 << 38
    USE_EMBEDDED_ACTIVITIES = 1 << 39
    MODERATE_MEMBERS = 1 << 40
    VIEW_CREATOR_MONETIZATION_ANALYTICS = 1 << 41
    USE_SOUNDBOARD = 1 << 42
    CREATE_GUILD_EXPRESSIONS = 1 << 43
    CREATE_EVENTS = 1 << 44
    USE_EXTERNAL_SOUNDS = 1 << 45
    SEND_VOICE_MESSAGES = 1 << 46
    SET_VOICE_CHANNEL_STATUS = 1 << 48
    SEND_POLLS = 1 << 49
    USE_EXTERNAL_APPS = 1 << 50
    PIN_MESSAGES = 1 << 51
    BYPASS_SLOWMODE = 1 << 52


ALL = sum(int(each) for each in Permission)
PROFILE_MODE = int(
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.CHANGE_NICKNAME
    | Permission.SEND_MESSAGES_IN_THREADS
)
"""One personality per server, in the bot's own profile: 274945084416."""
CHANNEL_MODE = PROFILE_MODE | int(Permission.MANAGE_WEBHOOKS)
"""Further personalities speak through webhooks: 275481955328."""

_WITH_SENDING = int(
    Permission.MENTION_EVERYONE | Permission.SEND_TTS_MESSAGES | Permission.ATTACH_FILES | Permission.EMBED_LINKS
)


def base_permissions(guild: Guild, member: Member) -> int:
    """What a member may do in the guild, channels aside. Owners and administrators may do everything."""
    if member.user is not None and member.user.id == guild.owner_id:
        return ALL
    held = {guild.id, *member.roles}
    total = _union(role.permissions for role in guild.roles if role.id in held)
    return ALL if total & Permission.ADMINISTRATOR else total


def channel_permissions(guild: Guild, member: Member, channel: Channel, *, parent: Channel | None = None) -> int:
    """What a member may do in one channel; 0 where they cannot see it.

    A thread takes its `parent`'s overwrites. There SEND_MESSAGES_IN_THREADS alone decides about sending, so in the
    answer SEND_MESSAGES says the same. Timeouts are not part of it: ask `Member.is_timed_out`."""
    base = base_permissions(guild, member)
    if base & Permission.ADMINISTRATOR:
        return ALL
    overwrites = (parent or channel).permission_overwrites if channel.is_thread else channel.permission_overwrites
    total = _overwritten(base, overwrites, guild, member)
    return _implied(_as_thread(total) if channel.is_thread else total)


def _overwritten(base: int, overwrites: list[Overwrite], guild: Guild, member: Member) -> int:
    """@everyone first, then all roles together (their allows beat their denies), then the member."""
    roles = set(member.roles) - {guild.id}
    user_id = member.user.id if member.user else None
    groups = (
        [each for each in overwrites if each.type == 0 and each.id == guild.id],
        [each for each in overwrites if each.type == 0 and each.id in roles],
        [each for each in overwrites if each.type == 1 and each.id == user_id],
    )
    for group in groups:
        base = base & ~_union(each.deny for each in group) | _union(each.allow for each in group)
    return base


def _as_thread(total: int) -> int:
    if total & Permission.SEND_MESSAGES_IN_THREADS:
        return total | Permission.SEND_MESSAGES
    return total & ~int(Permission.SEND_MESSAGES)


def _implied(total: int) -> int:
    """Some permissions mean nothing without another one."""
    if not total & Permission.VIEW_CHANNEL:
        return 0
    return total if total & Permission.SEND_MESSAGES else total & ~_WITH_SENDING


def _union(sets: Iterable[int]) -> int:
    total = 0
    for each in sets:
        total |= each
    return total


def missing_names(have: int, need: int) -> list[str]:
    """Discord's names of what is needed and not had, lowest bit first. ADMINISTRATOR has everything."""
    lacking = 0 if have & Permission.ADMINISTRATOR else need & ~have
    return [_name(bit) for bit in range(lacking.bit_length()) if lacking >> bit & 1]


def _name(bit: int) -> str:
    return next((each.name for each in Permission if each == 1 << bit and each.name), f"BIT_{bit}")


def is_manageable(owner: bool, permissions: int) -> bool:
    """Whether someone may add a bot to a guild and decide about it: its owner, an administrator, MANAGE_GUILD."""
    return owner or bool(permissions & (Permission.ADMINISTRATOR | Permission.MANAGE_GUILD))
