"""Progress as it happens: one stream for each open page of a deployment that is moving.

The rows are the truth. The tables of deployments and of saga steps wake us (`info={"wakes": TOPIC}`), and then one
question to the database serves all the pages that are open in this process. Without a wake it is asked every few
seconds, because a wake may be lost; that, too, is one question for all of them. A page whose stream is refused or
breaks asks again by itself, as one does that can't stream."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from botbot.accounts.rules import Viewer
from botbot.deployments.models import PersonalityDeployment
from botbot.errors import RateLimited, StorageUnavailable
from botbot.house import House
from botbot.jobs.models import PROGRESS, SagaStep

D = PersonalityDeployment
MOST = 500
"""Streams of one process."""
MOST_OF_ONE = 4
"""Streams of one person: a browser has six connections to a site, and needs some for the rest of it."""
LONGEST_SECONDS = 120.0
"""Then the page asks anew, and it is looked again at who it is."""
LOOK_SECONDS = 5.0
GATHER_SECONDS = 0.05
"""Wakes that follow each other so closely are answered by one question."""
RETRY_SECONDS = 5.0
FULL = "Too many pages are watched right now. This one goes on by itself, a little later."

_ROWS = (
    select(D.id, D.status, D.updated_at, SagaStep.position, SagaStep.status, SagaStep.at, SagaStep.retry_at)
    .outerjoin(SagaStep, SagaStep.saga_id == D.saga_id)
    .order_by(D.id, SagaStep.position)
)
Stamp = tuple[Any, ...]
"""Of a deployment and its steps what changes whenever they do."""


@dataclass(eq=False)
class _Watcher:
    deployment_id: str
    user_id: str
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Progress:
    """Everybody in this process who watches a deployment move."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._watchers: set[_Watcher] = set()
        self._asking = asyncio.Lock()
        self._stamps: dict[str, Stamp] = {}
        self._wakes = 0
        self._known_wakes = -1
        self._known_at = 0.0
        self._is_closing = False
        self.questions = 0
        """How often the database was asked."""
        house.signal.on_wake(PROGRESS, self.wake)

    def __len__(self) -> int:
        return len(self._watchers)

    def wake(self) -> None:
        """Something moved, whose ever it is."""
        self._wakes += 1
        for watcher in self._watchers:
            watcher.woken.set()

    def interrupt(self) -> None:
        """End every stream, because this process is going down; the pages ask the next one."""
        self._is_closing = True
        self.wake()

    def require_place(self, viewer: Viewer) -> None:
        """Raises `RateLimited` (429) when this process, or this person, has as many streams as there may be."""
        if not self._has_place(viewer.user_id):
            raise RateLimited(FULL, retry_after=RETRY_SECONDS)

    def _has_place(self, user_id: str) -> bool:
        mine = sum(watcher.user_id == user_id for watcher in self._watchers)
        return not self._is_closing and len(self._watchers) < MOST and mine < MOST_OF_ONE

    async def changes(self, viewer: Viewer, deployment_id: str) -> AsyncGenerator[bool]:
        """True at once and whenever the deployment or a step of it has changed; false as a sign of life.

        It ends by itself after two minutes, when the database can't say, and when the process goes down; at once where
        somebody else took the last place between the question for it and the first word."""
        if not self._has_place(viewer.user_id):
            return
        watcher = _Watcher(deployment_id, viewer.user_id)
        self._watchers.add(watcher)
        seen: Stamp | None = None
        until = time.monotonic() + LONGEST_SECONDS
        try:
            while not self._is_closing and time.monotonic() < until:
                stamp = await self._stamp_of(deployment_id)
                yield stamp != seen
                seen = stamp
                await self._rest(watcher)
        except StorageUnavailable:
            return
        finally:
            self._watchers.discard(watcher)

    async def _rest(self, watcher: _Watcher) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await watcher.woken.wait()
        watcher.woken.clear()

    async def _stamp_of(self, deployment_id: str) -> Stamp:
        """As it stood at the last wake or later. Whoever comes first asks for everybody."""
        async with self._asking:
            if self._is_old(deployment_id):
                await asyncio.sleep(GATHER_SECONDS)
                await self._ask()
            return self._stamps.get(deployment_id, ())

    def _is_old(self, deployment_id: str) -> bool:
        is_late = time.monotonic() - self._known_at > LOOK_SECONDS / 2
        return is_late or self._known_wakes != self._wakes or deployment_id not in self._stamps

    async def _ask(self) -> None:
        """What is woken while the answer is on its way is asked about again."""
        watched = {watcher.deployment_id for watcher in self._watchers}
        wakes, self.questions = self._wakes, self.questions + 1
        found: dict[str, list[Any]] = {each: [] for each in watched}
        async with self._house.db.reading() as connection:
            for row in await connection.execute(_ROWS.where(D.id.in_(watched))):
                found[row[0]].append(tuple(row[1:]))
        self._stamps = {each: tuple(rows) for each, rows in found.items()}
        self._known_wakes, self._known_at = wakes, time.monotonic()
