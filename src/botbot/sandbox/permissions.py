"""Discord's permission arithmetic. Source: Discord docs, topics/permissions."""

from botbot.sandbox.world import Channel, Guild

CREATE_INSTANT_INVITE = 1 << 0
ADMINISTRATOR = 1 << 3
MANAGE_CHANNELS = 1 << 4
MANAGE_GUILD = 1 << 5
ADD_REACTIONS = 1 << 6
VIEW_CHANNEL = 1 << 10
SEND_MESSAGES = 1 << 11
MANAGE_MESSAGES = 1 << 13
EMBED_LINKS = 1 << 14
ATTACH_FILES = 1 << 15
READ_MESSAGE_HISTORY = 1 << 16
MENTION_EVERYONE = 1 << 17
CHANGE_NICKNAME = 1 << 26
MANAGE_NICKNAMES = 1 << 27
MANAGE_ROLES = 1 << 28
MANAGE_WEBHOOKS = 1 << 29
USE_APPLICATION_COMMANDS = 1 << 31
CREATE_PUBLIC_THREADS = 1 << 35
SEND_MESSAGES_IN_THREADS = 1 << 38

EVERYTHING = (1 << 53) - 1
STARRED = ADMINISTRATOR | MANAGE_CHANNELS | MANAGE_GUILD | MANAGE_MESSAGES | MANAGE_ROLES | MANAGE_WEBHOOKS
TALK = VIEW_CHANNEL | SEND_MESSAGES | READ_MESSAGE_HISTORY | SEND_MESSAGES_IN_THREADS
PROFILE = TALK | CHANGE_NICKNAME
CHANNEL_MODE = PROFILE | MANAGE_WEBHOOKS

WORDS = {
    ADMINISTRATOR: "Administrator: everything, everywhere",
    MANAGE_GUILD: "Manage the server",
    MANAGE_CHANNELS: "Manage channels",
    MANAGE_ROLES: "Manage roles",
    MANAGE_MESSAGES: "Delete other people's messages",
    MANAGE_WEBHOOKS: "Manage webhooks",
    MENTION_EVERYONE: "Mention everyone",
    VIEW_CHANNEL: "See channels",
    SEND_MESSAGES: "Send messages",
    SEND_MESSAGES_IN_THREADS: "Send messages in threads",
    CREATE_PUBLIC_THREADS: "Start threads",
    READ_MESSAGE_HISTORY: "Read message history",
    EMBED_LINKS: "Embed links",
    ATTACH_FILES: "Attach files",
    CHANGE_NICKNAME: "Change its own nickname",
}


def in_words(permissions: int) -> list[str]:
    """The permissions as a person reads them; bits without words here are counted, not hidden."""
    known = [text for bit, text in WORDS.items() if permissions & bit]
    others = (permissions & ~sum(WORDS)).bit_count()
    return known + ([f"and {others} more"] if others else [])


def in_guild(guild: Guild, user_id: int) -> int:
    """A member's permissions before channel overwrites; 0 for who is not a member."""
    member = guild.members.get(user_id)
    if member is None:
        return 0
    if user_id == guild.owner_id:
        return EVERYTHING
    granted = 0
    for role_id in [guild.id, *member.role_ids]:
        role = guild.role(role_id)
        granted |= role.permissions if role else 0
    return EVERYTHING if granted & ADMINISTRATOR else granted


def in_channel(guild: Guild, user_id: int, channel: Channel) -> int:
    """With the channel's overwrites: those of @everyone, then of the roles together, then of the member."""
    granted = in_guild(guild, user_id)
    if granted & ADMINISTRATOR:
        return granted
    member = guild.members.get(user_id)
    for targets in ([guild.id], member.role_ids if member else [], [user_id]):
        found = [overwrite for overwrite in channel.overwrites if overwrite.id in targets]
        for overwrite in found:
            granted &= ~overwrite.deny
        for overwrite in found:
            granted |= overwrite.allow
    return _implied(granted)


def _implied(granted: int) -> int:
    """Without sight of a channel nothing is left; without sending, nothing that needs a message."""
    if not granted & VIEW_CHANNEL:
        return 0
    if not granted & SEND_MESSAGES:
        granted &= ~(MENTION_EVERYONE | ATTACH_FILES | EMBED_LINKS)
    return granted


def may_manage(guild: Guild, user_id: int) -> bool:
    return bool(in_guild(guild, user_id) & (ADMINISTRATOR | MANAGE_GUILD))
