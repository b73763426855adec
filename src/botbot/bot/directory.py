"""Who lives in which server, as the running bot knows it.

Kept in memory for a few seconds and corrected by the outbox: a deployment's last step leaves a note in its own
transaction, the signal wakes us, and what we knew is dropped. A server where nobody lived is looked up again whenever
somebody speaks to us there. So a lost signal costs seconds, also where several bots run and another one put the note
away."""

import logging
import time

from botbot.agents import queries, service
from botbot.agents.queries import Speaker
from botbot.house import House
from botbot.jobs import outbox
from botbot.watching import trails

log = logging.getLogger("botbot.bot")

POLL_SECONDS = 5.0


class Directory:
    def __init__(self, house: House) -> None:
        self._house = house
        self._known: dict[int, tuple[float, Speaker | None]] = {}
        self._woken = house.signal.subscribe(service.TOPIC)

    async def find(self, guild_id: int) -> Speaker | None:
        """The personality of that server, paused or not; `None` when nobody lives there."""
        looked_at, speaker = self._known.get(guild_id, (0.0, None))
        if speaker is None or time.monotonic() - looked_at > POLL_SECONDS:
            async with self._house.db.read() as session:
                speaker = await queries.find_speaker(session, guild_id)
            self._known[guild_id] = (time.monotonic(), speaker)
        return speaker

    async def keep_current(self) -> None:
        """Follow the outbox until cancelled."""
        while True:
            await self.catch_up()
            await self._woken.wait(POLL_SECONDS)

    async def catch_up(self) -> None:
        """Forget what changed, then put the notes away."""
        self._known.clear()
        async with self._house.db.read() as session:
            notes = await outbox.list_waiting(session, service.TOPIC)
        if notes:
            async with self._house.db.write() as session:
                await outbox.mark_handled(session, [note.id for note in notes])
        for note in notes:
            with trails.follow(note.trail, f"news {note.topic}"):
                log.debug("heard of a change in %s", note.topic)
