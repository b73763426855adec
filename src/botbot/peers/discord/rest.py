"""What the bot does with its own token: look around, wear a personality's face, and speak.

Every message, created or edited, allows no mention at all; text from a model must never ring a bell."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from botbot.errors import DiscordUnknown, NotConfigured, ValidationFailed
from botbot.peers.discord.ask import Ask, Who, to_json
from botbot.peers.discord.caller import Caller
from botbot.peers.discord.limits import InvalidRequests
from botbot.peers.discord.line import DEADLINE_SECONDS
from botbot.peers.discord.text import check_webhook_name, data_uri
from botbot.peers.discord.wire import (
    Application,
    Channel,
    DiscordUser,
    GatewayInfo,
    Guild,
    Member,
    Message,
    Webhook,
)
from botbot.settings import Settings

__all__ = ["UNSET", "DiscordRest"]

MOST_CONTENT = 2000
MOST_NONCE = 25
SUPPRESS_EMBEDS, EPHEMERAL = 4, 64
DEFERRED = 5
MOST_MESSAGES = 100
NO_MENTIONS: Mapping[str, Any] = {"parse": []}
SENDING = ("VIEW_CHANNEL", "SEND_MESSAGES", "READ_MESSAGE_HISTORY")


class DiscordRest:
    """The bot's calls. What can go wrong with any of them is told at `Caller`; guild and channel ids that don't exist,
    or where the bot isn't, raise `DiscordUnknown`, missing rights `GuildPermissionMissing`."""

    def __init__(
        self,
        settings: Settings,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        invalid: InvalidRequests | None = None,
    ) -> None:
        """`invalid` is the count that everything in this process shares."""
        self._token = settings.discord_bot_token
        self._caller = Caller(settings, deadline_seconds, invalid)

    async def aclose(self) -> None:
        await self._caller.aclose()

    @property
    def invalid_requests(self) -> int:
        """How many 401, 403 and 429 came in the last ten minutes; Discord bars an address at 10,000."""
        return self._caller.invalid_requests

    @property
    def rest_seconds(self) -> float:
        """How long we keep away from Discord because it refused too much; mostly 0."""
        return self._caller.rest_seconds

    # Looking around

    async def get_gateway(self) -> GatewayInfo:
        """Where the gateway is and how many more sessions may start today."""
        return await self._caller.fetch(self._ask("GET", "/gateway/bot"), GatewayInfo)

    async def get_application(self) -> Application:
        return await self._caller.fetch(self._ask("GET", "/applications/@me"), Application)

    async def get_bot_user(self) -> DiscordUser:
        return await self._caller.fetch(self._ask("GET", "/users/@me"), DiscordUser)

    async def get_guild(self, guild_id: int) -> Guild:
        """The guild with its roles. Raises `DiscordUnknown` where the bot isn't a member."""
        return await self._caller.fetch(self._guild_ask("/guilds/{guild_id}", guild_id=guild_id), Guild)

    async def get_member(self, guild_id: int, user_id: int) -> Member:
        ask = self._guild_ask("/guilds/{guild_id}/members/{user_id}", guild_id=guild_id, user_id=user_id)
        return await self._caller.fetch(ask, Member)

    async def list_channels(self, guild_id: int) -> list[Channel]:
        """All channels but threads, in no order."""
        return await self._caller.fetch(
            self._guild_ask("/guilds/{guild_id}/channels", guild_id=guild_id), list[Channel]
        )

    # Wearing a face

    async def set_guild_profile(
        self,
        guild_id: int,
        *,
        nick: str | UnsetType | None = UNSET,
        bio: str | UnsetType | None = UNSET,
        avatar: bytes | UnsetType | None = UNSET,
        reason: str,
    ) -> None:
        """Change the bot's own profile in one guild; None clears a part, what isn't given stays.

        `nick` has 1–32 characters, `bio` at most 190, `avatar` is a PNG. Pictures have a quota of their own, which
        Discord reports as a refused form: `DiscordBusy` with code AVATAR_RATE_LIMIT. The bio can't be read back.
        Source: Discord docs, Guild resource, Modify Current Member."""
        given = {"nick": nick, "bio": bio, "avatar": data_uri(avatar) if isinstance(avatar, bytes) else avatar}
        payload = {name: value for name, value in given.items() if value is not UNSET}
        if not payload:
            return
        needs = ("CHANGE_NICKNAME",) if "nick" in payload else ()
        route = "/guilds/{guild_id}/members/@me"
        ask = self._ask("PATCH", route, {"guild_id": guild_id}, payload, reason=reason, needs=needs)
        await self._caller.fetch(ask, Member)

    async def leave_guild(self, guild_id: int) -> None:
        """Take the bot out of a guild; not being there counts as done."""
        await self._run_until_gone(self._ask("DELETE", "/users/@me/guilds/{guild_id}", {"guild_id": guild_id}))

    # Speaking

    async def create_message(
        self,
        channel_id: int,
        content: str,
        *,
        nonce: str,
        reply_to: int | None = None,
        suppress_embeds: bool = False,
    ) -> Message:
        """Say something, once: within a few minutes the same `nonce` (1–25 characters) gives back the same message,
        so a call whose outcome is unknown may be repeated. A reply to a deleted message becomes an ordinary one.

        Source: Discord docs, Message resource, Create Message."""
        if not 1 <= len(nonce) <= MOST_NONCE:
            raise ValidationFailed(fields={"nonce": f"must have 1 to {MOST_NONCE} characters"})
        payload = {**_content(content, suppress_embeds), "nonce": nonce, "enforce_nonce": True}
        if reply_to is not None:
            payload["message_reference"] = {"message_id": str(reply_to), "fail_if_not_exists": False}
        route = "/channels/{channel_id}/messages"
        ask = self._ask("POST", route, {"channel_id": channel_id}, payload, needs=SENDING)
        return await self._caller.fetch(ask, Message)

    async def list_messages(self, channel_id: int, *, limit: int = 50, after: int | None = None) -> list[Message]:
        """Up to 100 messages, newest first; with `after`, the ones that follow that id."""
        query = {"limit": str(min(max(limit, 1), MOST_MESSAGES))}
        if after is not None:
            query["after"] = str(after)
        needs = ("VIEW_CHANNEL", "READ_MESSAGE_HISTORY")
        ask = self._ask("GET", "/channels/{channel_id}/messages", {"channel_id": channel_id}, query=query, needs=needs)
        return await self._caller.fetch(ask, list[Message])

    async def get_message(self, channel_id: int, message_id: int) -> Message:
        return await self._caller.fetch(self._message_ask("GET", channel_id, message_id), Message)

    async def edit_message(
        self, channel_id: int, message_id: int, content: str, *, suppress_embeds: bool = False
    ) -> Message:
        """Replace the text of one of the bot's own messages."""
        payload = _content(content, suppress_embeds)
        return await self._caller.fetch(self._message_ask("PATCH", channel_id, message_id, payload), Message)

    async def delete_message(self, channel_id: int, message_id: int) -> None:
        """A message that is gone already counts as done."""
        await self._run_until_gone(self._message_ask("DELETE", channel_id, message_id))

    async def trigger_typing(self, channel_id: int) -> None:
        """Show "is typing" for about ten seconds. Silently left out while too many of our calls are refused."""
        if self._caller.may_spend:
            await self._caller.run(
                self._ask("POST", "/channels/{channel_id}/typing", {"channel_id": channel_id}, needs=SENDING)
            )

    # Speaking with further faces

    async def create_webhook(self, channel_id: int, name: str, *, avatar: bytes | None = None, reason: str) -> Webhook:
        """Create a webhook and return it with its token. A channel holds 15.

        `name` has 1–80 characters (else `ValidationFailed`); a name Discord alone dislikes is `DiscordRefused` with
        code USERNAME_INVALID_CONTAINS or its like. Source: Discord docs, Webhook resource."""
        payload: dict[str, Any] = {"name": _webhook_name(name, "name")}
        if avatar is not None:
            payload["avatar"] = data_uri(avatar)
        route, needs = "/channels/{channel_id}/webhooks", ("MANAGE_WEBHOOKS",)
        ask = self._ask("POST", route, {"channel_id": channel_id}, payload, reason=reason, needs=needs)
        return await self._caller.fetch(ask, Webhook)

    async def list_webhooks(self, channel_id: int) -> list[Webhook]:
        """All webhooks of a channel; ours are those whose `application_id` is ours."""
        ask = self._ask(
            "GET", "/channels/{channel_id}/webhooks", {"channel_id": channel_id}, needs=("MANAGE_WEBHOOKS",)
        )
        return await self._caller.fetch(ask, list[Webhook])

    async def execute_webhook(
        self,
        webhook_id: int,
        token: str,
        content: str,
        *,
        username: str | None = None,
        avatar_url: str | None = None,
        thread_id: int | None = None,
        suppress_embeds: bool = False,
    ) -> Message:
        """Speak through a webhook. It knows no nonce: a call whose outcome is unknown must be looked up, not repeated.

        Raises `DiscordUnknown` when webhook or token are gone; then stop using it at once."""
        payload = _content(content, suppress_embeds)
        if username is not None:
            payload["username"] = _webhook_name(username, "username")
        if avatar_url is not None:
            payload["avatar_url"] = avatar_url
        query = {"wait": "true"} | ({"thread_id": str(thread_id)} if thread_id is not None else {})
        return await self._caller.fetch(_webhook_ask(webhook_id, token, payload, query), Message)

    async def delete_webhook(self, webhook_id: int, *, reason: str) -> None:
        """A webhook that is gone already counts as done."""
        ask = self._ask(
            "DELETE",
            "/webhooks/{webhook_id}",
            {"webhook_id": webhook_id},
            reason=reason,
            needs=("MANAGE_WEBHOOKS",),
        )
        await self._run_until_gone(ask)

    # Answering commands

    async def list_commands(self, application_id: int) -> list[dict[str, Any]]:
        """The application's global commands, as Discord keeps them."""
        ask = self._ask("GET", "/applications/{application_id}/commands", {"application_id": application_id})
        return await self._caller.fetch(ask, list[dict[str, Any]])

    async def set_commands(self, application_id: int, commands: Sequence[Mapping[str, Any]]) -> None:
        """Exactly these and no others. Source: Discord docs, Bulk Overwrite Global Application Commands."""
        route = "/applications/{application_id}/commands"
        await self._caller.fetch(self._ask("PUT", route, {"application_id": application_id}, commands), list[Any])

    async def put_off_interaction(self, interaction_id: int, token: str) -> None:
        """Say within three seconds that an answer comes, to whoever asked alone. The token in the path is all the right
        this needs."""
        places: dict[str, int | str] = {"interaction_id": interaction_id, "interaction_token": token}
        route = "/interactions/{interaction_id}/{interaction_token}/callback"
        await self._caller.run(_token_ask("POST", route, places, {"type": DEFERRED, "data": {"flags": EPHEMERAL}}))

    async def finish_interaction(self, application_id: int, token: str, content: str) -> None:
        """The answer that was put off; good for 15 minutes."""
        places: dict[str, int | str] = {"webhook_id": application_id, "webhook_token": token}
        route = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
        await self._caller.fetch(_token_ask("PATCH", route, places, _content(content, suppress_embeds=False)), Message)

    # How a call is put together

    async def _run_until_gone(self, ask: Ask) -> None:
        try:
            await self._caller.run(ask)
        except DiscordUnknown:
            return

    def _guild_ask(self, route: str, **places: int) -> Ask:
        return self._ask("GET", route, places, is_guild_read=True)

    def _message_ask(
        self, method: str, channel_id: int, message_id: int, payload: Mapping[str, Any] | None = None
    ) -> Ask:
        route = "/channels/{channel_id}/messages/{message_id}"
        places = {"channel_id": channel_id, "message_id": message_id}
        return self._ask(method, route, places, payload, needs=SENDING)

    def _ask(
        self,
        method: str,
        route: str,
        places: Mapping[str, int] | None = None,
        payload: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        reason: str | None = None,
        needs: tuple[str, ...] = (),
        is_guild_read: bool = False,
    ) -> Ask:
        if not self._token:
            raise NotConfigured(settings=["DISCORD_BOT_TOKEN"])
        return Ask(
            method=method,
            route=route,
            who="bot",
            places=places or {},
            authorization=f"Bot {self._token}",
            query=query or {},
            body=b"" if payload is None else to_json(payload),
            content_type=None if payload is None else "application/json",
            reason=reason,
            needs=needs,
            is_guild_read=is_guild_read,
        )


def _webhook_ask(webhook_id: int, token: str, payload: Mapping[str, Any], query: Mapping[str, str]) -> Ask:
    """The token in the path is all the right this call needs, so the bot's own stays at home."""
    who: Who = "webhook"
    return Ask(
        method="POST",
        route="/webhooks/{webhook_id}/{webhook_token}",
        who=who,
        places={"webhook_id": webhook_id, "webhook_token": token},
        query=query,
        body=to_json(payload),
        content_type="application/json",
    )


def _token_ask(method: str, route: str, places: Mapping[str, int | str], payload: Mapping[str, Any]) -> Ask:
    """A call whose path holds its right."""
    who: Who = "webhook"
    body = to_json(payload)
    return Ask(method=method, route=route, who=who, places=places, body=body, content_type="application/json")


def _content(content: str, suppress_embeds: bool) -> dict[str, Any]:
    if not content.strip() or len(content) > MOST_CONTENT:
        raise ValidationFailed(fields={"content": f"must have 1 to {MOST_CONTENT} characters"})
    payload: dict[str, Any] = {"content": content, "allowed_mentions": NO_MENTIONS}
    return payload | ({"flags": SUPPRESS_EMBEDS} if suppress_embeds else {})


def _webhook_name(name: str, field: str) -> str:
    wrong = check_webhook_name(name)
    if wrong:
        raise ValidationFailed(fields={field: wrong})
    return name.strip()
