"""Messages as they are shown to someone: with or without content, by Discord's rule for bots without the
message-content intent. Source: Discord docs, events/gateway, "Message content intent"."""

from botbot.sandbox import render
from botbot.sandbox.cast import APPLICATION, BOT
from botbot.sandbox.render import Json
from botbot.sandbox.world import Message, World

USER_REPLY, DEFAULT = 19, 0
CHAT_COMMAND = 20


def message(world: World, row: Message, base_url: str, *, sees_all: bool) -> Json:
    """The whole message. `sees_all` is the message-content intent, or a reader who is no bot."""
    shown = _basic(world, row, base_url, sees_all=sees_all)
    if row.replies_to:
        target = world.find_message(row.channel_id, row.replies_to)
        shown["referenced_message"] = target and _basic(world, target, base_url, sees_all=sees_all)
    return shown


def is_content_shown(row: Message) -> bool:
    """To a bot without the intent: its own messages (also by its webhooks), and those that mention it."""
    return row.author_id == BOT or BOT in row.pings


def _basic(world: World, row: Message, base_url: str, *, sees_all: bool) -> Json:
    shown: Json = {
        "id": str(row.id),
        "channel_id": str(row.channel_id),
        "type": _type(row),
        "author": render.author(world, row),
        "timestamp": render.moment(row.sent_at),
        "edited_timestamp": render.moment(row.edited_at),
        "tts": False,
        "mention_everyone": False,
        "mentions": [render.user(world.state.users[each]) for each in row.pings if each in world.state.users],
        "mention_roles": [],
        "pinned": False,
        "flags": row.flags | (render.LOADING if row.is_thinking else 0),
        **_content(row, base_url, is_shown=sees_all or is_content_shown(row)),
        **_origin(row),
    }
    if row.interaction_id is not None:
        shown["interaction_metadata"] = _interaction(world, row)
    return shown


def _type(row: Message) -> int:
    if row.interaction_id is not None:
        return CHAT_COMMAND
    return USER_REPLY if row.replies_to else DEFAULT


def _content(row: Message, base_url: str, *, is_shown: bool) -> Json:
    if not is_shown:
        return {"content": "", "embeds": [], "attachments": [], "components": []}
    files = [render.attachment(each, base_url) for each in row.attachments]
    return {
        "content": row.content,
        "embeds": [{"type": "rich", **embed} for embed in row.embeds],
        "attachments": files,
        "components": row.components,
    }


def _origin(row: Message) -> Json:
    origin: Json = {}
    if row.nonce is not None:
        origin["nonce"] = row.nonce
    if row.webhook_id is not None:
        origin |= {"webhook_id": str(row.webhook_id), "application_id": str(APPLICATION)}
    elif row.interaction_id is not None:
        origin |= {"application_id": str(APPLICATION), "webhook_id": str(APPLICATION)}
    if row.replies_to:
        origin["message_reference"] = {
            "type": 0,
            "channel_id": str(row.channel_id),
            "guild_id": str(row.guild_id),
            "message_id": str(row.replies_to),
        }
    return origin


def _interaction(world: World, row: Message) -> Json:
    asker = world.state.users[row.interaction_user_id or row.author_id]
    owners = {"0": str(row.guild_id)}
    return {
        "id": str(row.interaction_id),
        "type": 2,
        "user": render.user(asker),
        "authorizing_integration_owners": owners,
    }


def event(world: World, row: Message, base_url: str, *, sees_all: bool) -> Json:
    """As the gateway sends it: with the server's id, and the member unless a webhook spoke."""
    shown = message(world, row, base_url, sees_all=sees_all)
    shown["guild_id"] = str(row.guild_id)
    member = world.state.guilds[row.guild_id].members.get(row.author_id)
    if member and row.webhook_id is None:
        shown["member"] = render.member_without_user(member)
    return shown
