"""One connection to the gateway, watched: silence ends it.

discord.py waits a minute for a word, and half a minute more for the other side to agree that it is over. Here a
connection that says neither an event nor a heartbeat's acknowledgement for a little more than a heartbeat is dead, and
one that doesn't greet us or let us in never lived."""

import asyncio
from typing import Any

from discord.gateway import DiscordWebSocket, ReconnectWebSocket

GREETING_SECONDS = 10.0
"""For the first word, and again for being let in."""
CLOSING_SECONDS = 2.0


class Line(DiscordWebSocket):
    """`is_in` says whether Discord took our IDENTIFY or RESUME: then something of the session came."""

    _resumed_at: int | None = None

    @property
    def is_in(self) -> bool:
        return self.session_id is not None and self.sequence != self._resumed_at

    @property
    def _patience(self) -> float:
        """Seconds until the next word: an acknowledgement comes with each heartbeat, and may be a little late."""
        if self._keep_alive is None or self._keep_alive.interval is None or not self.is_in:
            return GREETING_SECONDS
        return self._keep_alive.interval * 1.2 + 2

    async def poll_event(self) -> None:
        """Raises `ReconnectWebSocket` also for a line that went silent."""
        try:
            async with asyncio.timeout(self._patience):
                await super().poll_event()
        except TimeoutError:
            await self.close(4000)
            raise ReconnectWebSocket(self.shard_id) from None

    async def identify(self) -> None:
        """Refused a turn or told to stop, nothing stays behind."""
        try:
            await super().identify()
        except BaseException:
            await self.close(4000)
            raise

    async def resume(self) -> None:
        self._resumed_at = self.sequence
        await super().resume()

    async def close(self, code: int = 4000) -> None:
        """Also when the other side no longer answers, or never will."""
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await super().close(code)
        except TimeoutError:
            return  # Then aiohttp has cut the connection.


def as_line(ws: Any) -> Line | None:
    """A client has no connection before its first one."""
    return ws if isinstance(ws, Line) else None
