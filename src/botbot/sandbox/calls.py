"""One request to the stand-in's API: how it is described (`Endpoint`), handed to its handler (`Call`), and
remembered (`Recorded`)."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from botbot.sandbox.limits import Rate
from botbot.sandbox.refusals import invalid, refuse
from botbot.sandbox.world import Channel, Grant, Guild, World

if TYPE_CHECKING:
    from botbot.sandbox.core import Core

ORDINARY = Rate(50, 10.0)
SECRET_HEADERS = {"authorization", "cookie"}


@dataclass
class Recorded:
    """A call as tests see it. `path` is below `/api/v10`; `status` stays `None` when no answer was sent."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    at: datetime
    json: Any = None
    form: dict[str, str] | None = None
    status: int | None = None
    auth: str = ""


@dataclass(frozen=True)
class Violation:
    """A request that broke a rule. `is_refused` tells Discord's own rules from those of a careful bot."""

    method: str
    path: str
    rule: str
    is_refused: bool


@dataclass(frozen=True)
class Endpoint:
    """`auth` is a set of bot, bearer, none; the path is the official description's template."""

    method: str
    path: str
    handler: "Handler"
    auth: frozenset[str]
    rate: Rate = ORDINARY
    is_outside_global: bool = False


@dataclass(frozen=True)
class File:
    name: str
    content_type: str
    data: bytes


@dataclass
class Call:
    """`grant` is the sign-in behind a Bearer token; `None` means the bot (or nobody, where that is allowed)."""

    core: "Core"
    request: web.Request
    body: Any = None
    files: list[File] = field(default_factory=list)
    grant: Grant | None = None

    @property
    def world(self) -> World:
        return self.core.world

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON object that was sent; 50035 for anything else."""
        if not isinstance(self.body, dict):
            raise invalid("", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return self.body

    def id(self, name: str) -> int:
        text = self.request.match_info[name]
        if not text.isascii() or not text.isdigit() or len(text) > 20:
            raise invalid(name, "NUMBER_TYPE_COERCE", f'Value "{text}" is not snowflake.')
        return int(text)

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        text = self.request.query.get(name, str(default))
        if not text.isascii() or not text.isdigit() or not lowest <= int(text[:20]) <= highest:
            raise invalid(name, "NUMBER_TYPE_MAX", f"int value should be between {lowest} and {highest} inclusive.")
        return int(text)

    def flag(self, name: str) -> bool:
        return self.request.query.get(name, "").lower() in ("1", "true")

    @property
    def reason(self) -> str | None:
        return self.request.headers.get("X-Audit-Log-Reason")

    def guild(self) -> Guild:
        """The server of the path; 10004 unless the bot is in it."""
        guild = self.world.state.guilds.get(self.id("guild_id"))
        if guild is None or self.core.bot_id not in guild.members:
            raise refuse(10004)
        return guild

    def channel(self) -> tuple[Guild, Channel]:
        """The channel of the path; 10003 when there is none, 50001 when the bot is not in its server."""
        channel = self.world.find_channel(self.id("channel_id"))
        if channel is None:
            raise refuse(10003)
        guild = self.world.state.guilds[channel.guild_id]
        if self.core.bot_id not in guild.members:
            raise refuse(50001)
        return guild, channel


Handler = Callable[[Call], Awaitable[Any]]


class Table:
    """Endpoints, collected where their handlers are written."""

    def __init__(self) -> None:
        self.endpoints: list[Endpoint] = []

    def on(
        self,
        method: str,
        path: str,
        *,
        auth: Iterable[str] = ("bot",),
        rate: Rate = ORDINARY,
        is_outside_global: bool = False,
    ) -> Callable[[Handler], Handler]:
        def keep(handler: Handler) -> Handler:
            self.endpoints.append(Endpoint(method, path, handler, frozenset(auth), rate, is_outside_global))
            return handler

        return keep
