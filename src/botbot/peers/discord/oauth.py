"""Sign-in and install with Discord's authorization-code grant, and what a person's own token may read.

Source: Discord docs, topics/oauth2 and topics/permissions; PKCE from the Social SDK's account-linking guide."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal
from urllib.parse import quote, urlencode

from botbot.errors import NotConfigured
from botbot.kit import clock
from botbot.peers.discord import failures
from botbot.peers.discord.ask import Ask, to_form
from botbot.peers.discord.caller import Caller
from botbot.peers.discord.limits import InvalidRequests
from botbot.peers.discord.line import DEADLINE_SECONDS, Answer
from botbot.peers.discord.wire import DiscordUser, TokenAnswer, TokenGrant, UserGuild
from botbot.settings import Settings

__all__ = ["DiscordOAuth", "DiscordUser", "TokenGrant", "UserGuild", "challenge", "new_verifier"]

LOGIN_SCOPES = "identify guilds"
INSTALL_SCOPES = "bot applications.commands identify guilds"


def new_verifier() -> str:
    """A PKCE verifier of 64 characters; Discord insists on at least 43."""
    return secrets.token_urlsafe(48)


def challenge(verifier: str) -> str:
    """The S256 challenge of RFC 7636, the only method Discord takes."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class DiscordOAuth:
    """Both redirects and the token endpoint. What can go wrong with any call is told at `Caller`."""

    def __init__(
        self,
        settings: Settings,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        invalid: InvalidRequests | None = None,
    ) -> None:
        """`invalid` is the count that everything in this process shares."""
        self._settings = settings
        self._caller = Caller(settings, deadline_seconds, invalid)

    async def aclose(self) -> None:
        await self._caller.aclose()

    @property
    def invalid_requests(self) -> int:
        return self._caller.invalid_requests

    def login_url(self, *, state: str, verifier: str | None, prompt: Literal["none", "consent"] = "none") -> str:
        """Where to send a browser to sign in. `none` shows no page to those who agreed before."""
        return self._authorize_url({"scope": LOGIN_SCOPES, "prompt": prompt}, state, verifier)

    def install_url(self, *, state: str, verifier: str | None, guild_id: int, permissions: int) -> str:
        """Where to send a browser to add the bot to that one server.

        If the bot is there already, `permissions` replace those of its role: pass `current | needed`."""
        return self._authorize_url(
            {
                "scope": INSTALL_SCOPES,
                "guild_id": str(guild_id),
                "disable_guild_select": "true",
                "integration_type": "0",
                "permissions": str(permissions),
            },
            state,
            verifier,
        )

    async def exchange_code(self, code: str, verifier: str | None) -> TokenGrant:
        """Trade the callback's code for tokens. Raises `DiscordSignInExpired` for a used, old or foreign code."""
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._settings.redirect_uri,
        }
        return await self._grant({**fields, "code_verifier": verifier} if verifier else fields)

    async def refresh(self, refresh_token: str) -> TokenGrant:
        """A new pair; the old one is dead from now on. Raises `DiscordSignInExpired` if it was dead before."""
        return await self._grant({"grant_type": "refresh_token", "refresh_token": refresh_token}, refresh_token)

    async def revoke(self, token: str) -> None:
        """End this person's authorization of our application: every token of theirs dies, not only this one."""
        ask = self._token_ask("/oauth2/token/revoke", {"token": token})
        answer = await self._caller.answer(ask)
        if answer.status // 100 != 2:
            raise failures.from_token_answer(ask, answer)
        if answer.body:
            self._caller.read(ask, answer, object)

    async def get_user(self, access_token: str) -> DiscordUser:
        """Who this token belongs to. Raises `DiscordSignInExpired` where Discord no longer takes it."""
        return await self._caller.fetch(_as_user("/users/@me", access_token), DiscordUser)

    async def list_guilds(self, access_token: str) -> list[UserGuild]:
        """All servers of this person: 200 is the most anyone can join. Tightly limited, so cache it per person."""
        query = {"limit": "200", "with_counts": "true"}
        return await self._caller.fetch(_as_user("/users/@me/guilds", access_token, query), list[UserGuild])

    def _authorize_url(self, fields: Mapping[str, str], state: str, verifier: str | None) -> str:
        self._need_settings("DISCORD_CLIENT_ID")
        query = {
            "client_id": self._settings.discord_client_id,
            "response_type": "code",
            "redirect_uri": self._settings.redirect_uri,
            "state": state,
            **fields,
        }
        if verifier:
            query |= {"code_challenge": challenge(verifier), "code_challenge_method": "S256"}
        base = self._settings.discord_authorize_url
        return f"{base}{'&' if '?' in base else '?'}{urlencode(query, quote_via=quote)}"

    async def _grant(self, fields: Mapping[str, str], old_refresh_token: str = "") -> TokenGrant:
        ask = self._token_ask("/oauth2/token", fields)
        answer = await self._caller.answer(ask)
        if answer.status // 100 != 2:
            raise failures.from_token_answer(ask, answer)
        return self._read_grant(ask, answer, old_refresh_token)

    def _read_grant(self, ask: Ask, answer: Answer, old_refresh_token: str) -> TokenGrant:
        found = self._caller.read(ask, answer, TokenAnswer)
        refresh_token = found.refresh_token or old_refresh_token
        if found.token_type.lower() != "bearer" or not refresh_token:
            raise failures.nonsense(ask, answer)
        return TokenGrant(
            access_token=found.access_token,
            refresh_token=refresh_token,
            expires_at=clock.now() + timedelta(seconds=found.expires_in),
            scopes=frozenset(found.scope.split()),
            guild_id=found.guild.id if found.guild else None,
        )

    def _token_ask(self, route: str, fields: Mapping[str, str]) -> Ask:
        self._need_settings("DISCORD_CLIENT_ID", "DISCORD_CLIENT_SECRET")
        pair = f"{quote(self._settings.discord_client_id)}:{quote(self._settings.discord_client_secret)}"
        return Ask(
            method="POST",
            route=route,
            who="client",
            authorization=f"Basic {base64.b64encode(pair.encode()).decode()}",
            body=to_form(fields),
            content_type="application/x-www-form-urlencoded",
        )

    def _need_settings(self, *names: str) -> None:
        missing = [name for name in names if name in self._settings.missing_discord]
        if missing:
            raise NotConfigured(settings=missing)


def _as_user(route: str, access_token: str, query: Mapping[str, str] | None = None) -> Ask:
    return Ask(method="GET", route=route, who="user", authorization=f"Bearer {access_token}", query=query or {})
