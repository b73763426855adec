"""The world prepared for the templates: plain dictionaries, everything already looked up."""

from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup

from botbot.kit import clock
from botbot.sandbox import people
from botbot.sandbox import permissions as may
from botbot.sandbox.cast import BOT
from botbot.sandbox.core import Core
from botbot.sandbox.pages import markup
from botbot.sandbox.world import Channel, Guild, Message, User

TOGETHER = timedelta(minutes=5)  # messages of one author this close share one portrait
ANNOUNCEMENT = 5


def card(core: Core, guild: Guild) -> dict[str, Any]:
    return {
        "guild": guild,
        "owner": core.world.name_of(guild.owner_id),
        "bot": bot(core, guild),
        "people": len(guild.members) - (BOT in guild.members),
    }


def bot(core: Core, guild: Guild) -> dict[str, Any] | None:
    """How the bot appears in this server; `None` where it is not."""
    member = guild.members.get(BOT)
    if member is None:
        return None
    return {
        "name": core.world.name_of(BOT, guild),
        "avatar": portrait(guild, BOT),
        "bio": member.bio,
        "is_connected": core.hub.connected > 0,
        "is_itself": member.nick is None,
    }


def portrait(guild: Guild, user_id: int) -> str:
    member = guild.members.get(user_id)
    if member and member.avatar:
        return f"/guilds/{guild.id}/users/{user_id}/avatars/{member.avatar}.png"
    return f"/faces/{user_id}.svg"


def speakers(core: Core, guild: Guild) -> list[User]:
    every = (core.world.state.users[each] for each in guild.members)
    return [user for user in every if user.is_playable and not user.is_bot]


def members(core: Core, guild: Guild) -> list[dict[str, Any]]:
    shown = []
    for user_id, member in guild.members.items():
        user = core.world.state.users[user_id]
        shown.append(
            {
                "name": core.world.name_of(user_id, guild),
                "avatar": portrait(guild, user_id),
                "is_app": user.is_bot,
                "is_owner": user_id == guild.owner_id,
                "note": member.bio or _standing(guild, user_id, user),
            }
        )
    return sorted(shown, key=lambda each: (not each["is_app"], not each["is_owner"], each["name"]))


def _standing(guild: Guild, user_id: int, user: User) -> str:
    if user.is_bot:
        return "waiting for a personality"
    if user_id == guild.owner_id:
        return "owns this server"
    return "may manage this server" if may.may_manage(guild, user_id) else ""


def channel(core: Core, guild: Guild, row: Channel) -> dict[str, Any]:
    return {
        "row": row,
        "sign": "!" if row.type == ANNOUNCEMENT else "#",
        "messages": _messages(core, guild, row),
        "typing": people.typing_names(core, row),
        "menu": [each["name"] for each in core.world.state.commands if each["type"] == people.MESSAGE_MENU],
        "slash": [each for each in core.world.state.commands if each["type"] == people.SLASH],
        "bot_may_speak": bool(may.in_channel(guild, BOT, row) & may.SEND_MESSAGES),
    }


def _messages(core: Core, guild: Guild, row: Channel) -> list[dict[str, Any]]:
    names = {user_id: core.world.name_of(user_id, guild) for user_id in guild.members}
    shown: list[dict[str, Any]] = []
    before: Message | None = None
    for each in core.world.state.messages.get(row.id, []):
        shown.append({**message(core, guild, each, names), "follows": _follows(before, each)})
        before = each
    return shown


def _follows(before: Message | None, this: Message) -> bool:
    if before is None or this.replies_to or this.interaction_id:
        return False
    is_same = (before.author_id, before.webhook_id, before.face) == (this.author_id, this.webhook_id, this.face)
    return is_same and this.sent_at - before.sent_at < TOGETHER


def message(core: Core, guild: Guild, row: Message, names: dict[int, str]) -> dict[str, Any]:
    author = core.world.state.users.get(row.author_id)
    return {
        "id": row.id,
        "name": row.face or names.get(row.author_id) or core.world.name_of(row.author_id),
        "avatar": _face(guild, row),
        "hue": author.hue if author else 250,
        "is_app": bool(author and author.is_bot),
        "at": row.sent_at,
        "when": when(row.sent_at),
        "content": markup.render(row.content, names),
        "embeds": [_embed(each, names) for each in row.embeds],
        "files": [(each.filename, f"/attachments/{each.id}/{each.image}") for each in row.attachments],
        "reply": _reply(core, row, names),
        "asked": row.interaction_name and (names.get(row.interaction_user_id or 0, "somebody"), row.interaction_name),
        "only_for": row.only_for and names.get(row.only_for, "somebody"),
        "is_edited": row.edited_at is not None,
        "is_thinking": row.is_thinking,
    }


def _face(guild: Guild, row: Message) -> str:
    if row.webhook_id is None:
        return portrait(guild, row.author_id)
    if row.face_avatar and row.face_avatar.startswith(("http://", "https://")):
        return row.face_avatar
    return f"/avatars/{row.webhook_id}/{row.face_avatar}.png" if row.face_avatar else f"/faces/{BOT}.svg"


def _embed(embed: dict[str, Any], names: dict[int, str]) -> dict[str, str | Markup]:
    return {
        "title": str(embed.get("title") or ""),
        "text": markup.render(str(embed.get("description") or ""), names),
    }


def _reply(core: Core, row: Message, names: dict[int, str]) -> tuple[str, str] | None:
    if not row.replies_to:
        return None
    target = core.world.find_message(row.channel_id, row.replies_to)
    if target is None:
        return "", "a message that was deleted"
    return target.face or names.get(target.author_id, "somebody"), _plain(target.content, names)


def _plain(content: str, names: dict[int, str]) -> str:
    return str(markup.render(content, names).striptags())[:120]


def reply_target(core: Core, guild: Guild, message_id: int) -> dict[str, Any] | None:
    for row in guild.channels:
        found = core.world.find_message(row.id, message_id)
        if found:
            names = {user_id: core.world.name_of(user_id, guild) for user_id in guild.members}
            name = found.face or names.get(found.author_id, "somebody")
            return {"id": found.id, "channel_id": row.id, "name": name, "text": _plain(found.content, names)}
    return None


def when(at: datetime) -> str:
    is_today = at.date() == clock.now().date()
    return at.astimezone().strftime("Today at %H:%M" if is_today else "%d %b %Y, %H:%M")


def news(guild: Guild, event: str, facts: dict[str, Any]) -> str | None:
    """The line for open pages of this server: which channel changed, or that the bot or the members did."""
    is_here = facts.get("guild") is guild
    if event == "BOT_PRESENCE" or (is_here and event in ("GUILD_CREATE", "GUILD_DELETE")):
        return "event: bot\ndata: 1"
    row = facts.get("message") or facts.get("channel")
    if row is not None and row.guild_id == guild.id:
        channel_id = row.id if event == "TYPING_START" else row.channel_id
        return f"event: channel\ndata: {channel_id}"
    if is_here:
        return "event: members\ndata: 1"
    return None
