"""What one exchange may cost and has cost: reserved before a call, noted after it, each in one short transaction."""

import asyncio
import hashlib
import hmac
import logging
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from botbot.errors import ModelUnavailable, StorageUnavailable
from botbot.house import House
from botbot.jobs import budgets
from botbot.jobs.budgets import Allowance
from botbot.peers.llm import ReplyStream, Usage, estimate_usage
from botbot.preview.exchanges import Exchange
from botbot.usage import service as usage
from botbot.usage.service import Outcome

NOTHING = Usage(0, 0)
VISITOR_KEY = "preview-visitor"
Reserved = Literal["taken", "spent", "unknown"]
"""`unknown`: the database did not say."""
NO_CALL = {"unreachable", "misconfigured"}
"""The codes of failures that found no server: no call was made."""
RESERVE_SECONDS = 5.0
"""A visitor waits; so long a database may be busy before a sample answers."""
NOTE_SECONDS = 10.0
"""Nobody waits."""
log = logging.getLogger("botbot.preview")


def allowances(house: House, personality_id: str, visitor: str) -> list[Allowance]:
    """Today's, the one that everybody shares last. The visitor's key holds no address: only we could tell whether an
    address made it, and only until the row is deleted, a day later."""
    settings = house.settings
    day = budgets.day_key("visitor")
    secret = settings.secret_keys()[0].encode()
    sign = hmac.new(secret, f"{day}/{visitor}".encode(), hashlib.sha256).hexdigest()[:32]
    return [
        Allowance(budgets.day_key(VISITOR_KEY, sign), settings.visitor_calls_per_day),
        Allowance(budgets.day_key("preview-personality", personality_id), settings.personality_calls_per_day),
        Allowance(budgets.day_key("preview"), settings.preview_per_day),
    ]


class Books:
    """Of one exchange. `close` it however the exchange ends; without an `outcome` nothing came of it, and a visitor who
    left before the first word is no exchange."""

    def __init__(self, house: House, exchange: Exchange) -> None:
        self._house = house
        self._exchange = exchange
        self._reserved: list[list[str]] = []
        self._taking: asyncio.Task[Reserved] | None = None
        self._unused = 0
        self._spent = NOTHING
        self._model = ""
        self._lost: list[str] = []
        self.outcome: Outcome | None = None
        self.is_spent = True

    async def reserve(self) -> Reserved:
        """Take one call from the visitor's, the personality's and the site's day; from all three, or from none.

        Without a database there is no budget: fail closed. What is taken when nobody waits any more, `close` gives
        back."""
        self._taking = asyncio.ensure_future(self._take())
        await asyncio.wait({self._taking}, timeout=RESERVE_SECONDS)
        return self._taking.result() if self._taking.done() else "unknown"

    async def _take(self) -> Reserved:
        wanted = allowances(self._house, self._exchange.personality_id, self._exchange.visitor)
        if self._exchange.is_draft:  # Its editor is no visitor, and what the public may ask of it stays theirs.
            wanted = wanted[-1:]
        try:
            async with self._house.db.write() as session:
                if not await budgets.reserve_all(session, wanted):
                    return "spent"
        except StorageUnavailable:
            return "unknown"
        self._reserved.append([each.key for each in wanted])
        self._unused += 1
        return "taken"

    async def permit(self) -> bool:
        """Asked before each call to a server: the first uses what was reserved, a further one reserves anew."""
        if not self._unused and (answer := await self.reserve()) != "taken":
            self.is_spent = answer == "spent"
            return False
        self._unused -= 1
        return True

    def failed(self, error: ModelUnavailable) -> None:
        """Before its first word. A call that found no server counts as not made."""
        if error.code in NO_CALL and len(self._reserved) > self._unused:
            self._unused += 1

    def lost(self, model: str) -> None:
        """That model read the prompt, perhaps, and said nothing."""
        self._lost.append(model)

    def began(self) -> None:
        """A reply is being given out; until it is known to be whole, it counts as live, whoever leaves."""
        self.outcome = "live"

    def spent(self, reply: ReplyStream) -> None:
        self._spent, self._model = reply.usage, reply.model

    async def _note(self, session: AsyncSession, spent: Usage, model: str, outcome: Outcome | None) -> None:
        await usage.note(
            session,
            personality_id=self._exchange.personality_id,
            guild_id=None,
            prompt_tokens=spent.prompt_tokens,
            completion_tokens=spent.completion_tokens,
            model=model,
            kind="preview",
            outcome=outcome,
            prices=self._house.settings.openai_prices,
        )

    async def close(self) -> None:
        """Give back what no call was made for, and note the exchange. Whatever fails here is the log's business alone:
        the reply has been given out."""
        if self._taking is not None:
            await asyncio.wait({self._taking})
        try:
            async with asyncio.timeout(NOTE_SECONDS), self._house.db.write() as session:
                for keys in self._reserved[len(self._reserved) - self._unused :]:
                    await budgets.give_back(session, keys)
                if self.outcome is not None:
                    await self._note(session, self._spent, self._model, self.outcome)
                for model in self._lost:
                    await self._note(session, estimate_usage(self._exchange.prompt, 0), model, None)
        except (StorageUnavailable, TimeoutError):
            log.warning("what a preview cost could not be noted: the database isn't answering")
        except Exception:
            log.exception("what a preview cost could not be noted")
