"""All gateway sessions: opening and resuming them, telling them what happens, and trouble on demand."""

import asyncio
from dataclasses import dataclass
from typing import Any

from botbot.sandbox import render
from botbot.sandbox.cast import BOT
from botbot.sandbox.core import Core
from botbot.sandbox.gateway import events
from botbot.sandbox.gateway.session import Link, Session, Starts
from botbot.sandbox.world import Guild

KEPT_SESSIONS = 200
PRESENCE = "BOT_PRESENCE"  # for the pages alone; no session hears it


@dataclass
class Moods:
    """`copies` of every message event are sent (0 loses them, 2 doubles them). `refuse_connect` and
    `refuse_resume_url` answer a handshake with 503. A `silent` gateway accepts and says nothing more, not even
    heartbeat acknowledgements."""

    copies: int = 1
    refuse_connect: bool = False
    refuse_resume_url: bool = False
    silent: bool = False
    heartbeat_interval_ms: int = 41_250


class Hub:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._sessions: dict[str, Session] = {}
        self._links: set[Link] = set()
        self.moods = Moods()
        self.starts = Starts()
        self.shards = 1
        core.world.listen(self._hear)

    @property
    def sessions(self) -> list[Session]:
        return list(self._sessions.values())

    @property
    def connected(self) -> int:
        """Sessions with a living connection."""
        return sum(1 for session in self._sessions.values() if session.link)

    def opened(self, link: Link) -> None:
        self._links.add(link)
        link.send(10, {"heartbeat_interval": self.moods.heartbeat_interval_ms, "_trace": ["sandbox"]})

    def lost(self, link: Link) -> None:
        self._links.discard(link)
        for session in self._sessions.values():
            if session.link is link:
                session.link = None
        self._core.world.emit(PRESENCE)

    def end_session(self, session: Session) -> None:
        self._sessions.pop(session.id, None)

    def start_session(self, link: Link, intents: int, shard: tuple[int, int]) -> Session:
        session = Session(intents, shard, link)
        self._sessions[session.id] = session
        while len(self._sessions) > KEPT_SESSIONS:
            self._sessions.pop(next(iter(self._sessions)))
        guilds = [each for each in self._core.world.guilds_of(BOT) if session.owns(each.id)]
        session.dispatch("READY", self._ready(session, guilds))
        if intents & events.GUILDS:
            for guild in guilds:
                session.dispatch("GUILD_CREATE", render.guild_create(self._core.world, guild))
        self._core.world.emit(PRESENCE)
        return session

    def _ready(self, session: Session, guilds: list[Guild]) -> dict[str, Any]:
        flags = render.GATEWAY_MESSAGE_CONTENT_LIMITED if self._core.switches.message_content else 0
        return {
            "v": 10,
            "user": {**render.own_user(self._core.world.state.users[BOT]), "verified": True, "email": None},
            "guilds": [{"id": str(each.id), "unavailable": True} for each in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": f"{self._core.gateway_url}/resume",
            "shard": list(session.shard),
            "application": {"id": str(self._core.application_id), "flags": flags},
            "private_channels": [],
            "relationships": [],
            "presences": [],
            "user_settings": {},
            "_trace": ["sandbox"],
        }

    def resume(self, link: Link, session_id: str, last_seen: int) -> Session | None:
        session = self._sessions.get(session_id)
        if session is None or not session.resume(link, last_seen):
            return None
        self._core.world.emit(PRESENCE)
        return session

    def _hear(self, event: str, facts: dict[str, Any]) -> None:
        prepared = events.prepare(self._core, event, facts)
        if prepared is None:
            return
        guild_id, make = prepared
        copies = self.moods.copies if event.startswith("MESSAGE_") else 1
        for session in self._sessions.values():
            needed = events.NEEDS[event]
            if session.owns(guild_id) and session.intents & needed == needed and not self.moods.silent:
                for _ in range(copies):
                    session.dispatch(event, make(session.intents))

    def drop(self) -> None:
        """Cut every connection without a word; sessions stay resumable."""
        for link in list(self._links):
            link.abort()

    def close(self, code: int = 4000) -> None:
        for link in list(self._links):
            link.close(code)

    def ask_to_reconnect(self) -> None:
        """Op 7."""
        for link in list(self._links):
            link.send(7)

    def invalidate(self, *, is_resumable: bool = False) -> None:
        """Op 9; unless resumable the sessions are forgotten."""
        for session in list(self._sessions.values()):
            if session.link:
                session.link.send(9, is_resumable)
            if not is_resumable:
                self.end_session(session)

    def set_outage(self, guild: Guild, *, is_down: bool) -> None:
        """A server that is unavailable for a while: GUILD_DELETE with `unavailable`, later GUILD_CREATE."""
        self._core.world.emit("GUILD_DELETE" if is_down else "GUILD_CREATE", guild=guild, unavailable=is_down)

    async def stop(self) -> None:
        links = list(self._links)
        for link in links:
            link.close(1001)
        await asyncio.sleep(0)
        for _ in range(20):
            if not self._links:
                return
            await asyncio.sleep(0.05)
        self.drop()
