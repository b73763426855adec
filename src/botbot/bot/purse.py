"""What one answer takes of its server's day: reserved before each call to the model, settled after the last one."""

import contextlib
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from botbot.errors import StorageUnavailable
from botbot.house import House
from botbot.jobs import budgets
from botbot.kit.tasks import settle
from botbot.peers.llm import Message


class Purse:
    """A second model that is asked because the first one fell silent costs as much again, and needs as much room."""

    def __init__(self, house: House, guild_id: int, prompt: Sequence[Message], max_tokens: int) -> None:
        self._house = house
        self._key = budgets.day_key("guild", guild_id)
        self._a_call = _from_above(prompt) + max_tokens
        self._reserved = 0
        self._has_unused = False
        self.spent = 0
        """Tokens that are owed so far."""
        self.lost: list[str] = []
        """The models that took the prompt and said nothing."""

    async def open(self) -> bool:
        """Reserve a call. False when the server's day is over; raises `StorageUnavailable`."""
        cap = self._house.settings.guild_tokens_per_day
        return await settle(self._reserve(cap))

    async def _reserve(self, cap: int) -> bool:
        """Whoever stops waiting for it must not make us forget what was reserved."""
        async with self._house.db.write() as session:
            is_ours = await budgets.reserve(session, self._key, self._a_call, cap)
        self._has_unused = is_ours
        self._reserved += self._a_call * is_ours
        return is_ours

    async def permit(self) -> bool:
        """Asked before each call: the first uses what was reserved. Without a database no further one is made."""
        with contextlib.suppress(StorageUnavailable):
            is_permitted = self._has_unused or await self.open()
            self._has_unused = False
            return is_permitted
        return False

    def lose(self, model: str) -> None:
        """It may have worked for it all the same, so the whole call is owed."""
        self.lost.append(model)
        self.spent += self._a_call

    def broke_off(self) -> None:
        """In the middle of a reply: every call is owed whole, since nobody says how far it had come."""
        self.spent = self._reserved - self._a_call * self._has_unused

    async def close(self, session: AsyncSession) -> None:
        await budgets.settle(session, self._key, self._reserved, self.spent)


def _from_above(prompt: Sequence[Message]) -> int:
    """Tokens of a prompt: no token is shorter than a byte."""
    return sum(len(turn.content.encode()) + 8 for turn in prompt)
