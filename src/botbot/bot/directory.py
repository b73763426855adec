"""Who lives in which server, as the running bot knows it.

Kept in memory and corrected by the outbox: a deployment's last step leaves a note in its own transaction, the signal
wakes us, and the server it names is read anew. A server we don't know is looked up when somebody speaks to us there,
so a lost signal delays nothing; a slow poll is the backstop."""

from botbot.agents import queries, service
from botbot.agents.queries import Speaker
from botbot.house import House
from botbot.jobs import outbox

POLL_SECONDS = 5.0


class Directory:
    def __init__(self, house: House) -> None:
        self._house = house
        self._speakers: dict[int, Speaker | None] = {}
        self._woken = house.signal.subscribe(service.TOPIC)

    async def find(self, guild_id: int) -> Speaker | None:
        """The personality of that server, paused or not; `None` when nobody lives there."""
        if self._speakers.get(guild_id) is None:
            await self._look(guild_id)
        return self._speakers.get(guild_id)

    async def _look(self, guild_id: int) -> None:
        async with self._house.db.read() as session:
            self._speakers[guild_id] = await queries.find_speaker(session, guild_id)

    async def keep_current(self) -> None:
        """Follow the outbox until cancelled."""
        while True:
            await self.catch_up()
            await self._woken.wait(POLL_SECONDS)

    async def catch_up(self) -> None:
        """Read again every server that a waiting note names, then put the notes away."""
        async with self._house.db.read() as session:
            notes = await outbox.list_waiting(session, service.TOPIC)
        for guild_id in {int(note.payload["guildId"]) for note in notes}:
            await self._look(guild_id)
        if notes:
            async with self._house.db.write() as session:
                await outbox.mark_handled(session, [note.id for note in notes])
