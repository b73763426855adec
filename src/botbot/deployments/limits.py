"""How often personalities may be moved: so many deploys, changes and removals an hour, by one person and in one server.

They are counted in rows (`jobs/budgets.py`), so the count is exact over all processes and survives a restart. A
person's attempt counts before anybody asks Discord, whatever becomes of it; a server's counts in the transaction of the
deed, so that nobody who may not change it uses up its share. Pausing and waking are free: somebody may always have to
stop it at once. An admin isn't counted, because they clean up after others."""

import math
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.rules import Viewer
from botbot.errors import RateLimited
from botbot.house import House
from botbot.jobs import budgets
from botbot.kit import clock

KEY = "moves"
"""How the keys of these counts begin; they are deleted a day later."""
KEEP = timedelta(days=1)
BY_PERSON = "You have moved a lot within this hour. Please go on when the next one begins."
IN_SERVER = "A lot was changed in this server within this hour. Please go on when the next one begins."


async def count_person(house: House, viewer: Viewer) -> None:
    """One attempt more of that person's hour. Raises `RateLimited` (429) when it is used up."""
    if not viewer.is_admin:
        async with house.db.write() as session:
            await _count(session, "person", viewer.user_id, house.settings.deployments_per_person, BY_PERSON)


async def count_server(session: AsyncSession, house: House, viewer: Viewer, guild_id: int) -> None:
    """One deed more of that server's hour, if this transaction is committed. Raises `RateLimited` (429)."""
    if not viewer.is_admin:
        await _count(session, "server", str(guild_id), house.settings.deployments_per_server, IN_SERVER)


async def _count(session: AsyncSession, what: str, whose: str, most: int, message: str) -> None:
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    if not await budgets.reserve(session, f"{KEY}/{what}/{whose}/{hour:%Y-%m-%dT%H}", 1, most):
        raise RateLimited(message, retry_after=_seconds_left(hour), limit=most, per=what)


def _seconds_left(hour: datetime) -> int:
    return max(1, math.ceil((hour + timedelta(hours=1) - clock.now()).total_seconds()))
