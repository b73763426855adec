"""What an erasure still owes once the person is gone from our rows: Discord takes its tokens back, and what they had
deployed leaves the servers. Looked at again and again until both are done, whoever dies in between.

Several workers may do this: a look is claimed by moving `run_at` ahead, and everything done twice does no harm."""

import logging
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts.models import NOBODY
from botbot.accounts.rules import Viewer
from botbot.deployments import leaving
from botbot.errors import BotBotError, DiscordSignInExpired, NotConfigured, PeerError, StorageUnavailable
from botbot.house import House
from botbot.jobs.signal import Subscription
from botbot.kit import clock
from botbot.privacy.models import Erasure
from botbot.privacy.service import TOPIC

log = logging.getLogger("botbot.privacy")

LOOK_EVERY_SECONDS = 15.0
LEASE = timedelta(seconds=60)
SOON = timedelta(seconds=2)
"""While something is moving out of a server."""
LONGEST_WAIT, LONGEST_WAIT_FOR_A_SERVER = timedelta(minutes=15), timedelta(hours=6)
PATIENCE = timedelta(days=8)
"""Discord's refresh tokens are dead by then anyhow, and with them what could be taken back. A server that hasn't let us
out by then needs a person: it stands among those that need attention."""
PRODUCT = Viewer(NOBODY, 0, "", None, "user")


async def settle_forever(house: House, woken: Subscription) -> None:
    """Settle what is due, until cancelled."""
    while True:
        try:
            wait = await settle_due(house)
        except Exception:
            log.warning("erasures have to wait", exc_info=True)
            wait = LOOK_EVERY_SECONDS
        await woken.wait(wait)


def subscribe(house: House) -> Subscription:
    return house.signal.subscribe(TOPIC)


async def settle_due(house: House) -> float:
    """Look at every erasure that is due; answers how many seconds may pass before the next look."""
    async with house.db.read() as session:
        due = select(Erasure.id).where(Erasure.run_at <= clock.now()).order_by(Erasure.run_at).limit(100)
        found = list(await session.scalars(due))
    for erasure_id in found:
        try:
            await _settle(house, erasure_id)
        except StorageUnavailable:
            raise
        except Exception:  # It must not keep the others waiting.
            log.exception("erasure %s has to wait", erasure_id[:8])
            await _put_off(house, erasure_id)
    async with house.db.read() as session:
        upcoming = select(Erasure.run_at).where(Erasure.run_at.is_not(None)).order_by(Erasure.run_at).limit(1)
        soonest = await session.scalar(upcoming)
    return _seconds_until(soonest)


def _seconds_until(soonest: datetime | None) -> float:
    if soonest is None:
        return LOOK_EVERY_SECONDS
    return min(LOOK_EVERY_SECONDS, max(0.1, (soonest - clock.now()).total_seconds()))


async def _settle(house: House, erasure_id: str) -> None:
    async with house.db.write() as session:
        if not await _claim(session, erasure_id):
            return
        erasure = await session.get_one(Erasure, erasure_id)
        left = await leaving.move_out(session, PRODUCT, erasure.deployment_ids)
        session.expunge(erasure)
    outcome = await _revoke(house, erasure) if erasure.revocation == "waiting" else {}
    revocation = outcome.get("revocation", erasure.revocation)
    has_moved_out = not left or erasure.erased_at < clock.now() - PATIENCE  # What is stuck by then is the admins'.
    is_over = has_moved_out and revocation != "waiting"
    times = {"run_at": None, "finished_at": clock.now()} if is_over else {"run_at": _next_look(erasure, left, outcome)}
    async with house.db.write() as session:
        noted = {"attempts": Erasure.attempts + 1, **outcome, **times}
        noted.pop("retry_at", None)
        await session.execute(update(Erasure).where(Erasure.id == erasure_id).values(noted))


async def _put_off(house: House, erasure_id: str) -> None:
    async with house.db.write() as session:
        later = update(Erasure).where(Erasure.id == erasure_id)
        await session.execute(later.values(attempts=Erasure.attempts + 1, run_at=clock.now() + LONGEST_WAIT))


async def _claim(session: AsyncSession, erasure_id: str) -> bool:
    now = clock.now()
    due = (Erasure.id == erasure_id, Erasure.run_at <= now)
    claimed = await session.execute(update(Erasure).where(*due).values(run_at=now + LEASE))
    return cast(CursorResult[Any], claimed).rowcount == 1


def _next_look(erasure: Erasure, left: int, outcome: dict[str, Any]) -> datetime:
    """Soon at first; then less and less often, for a server or a Discord that doesn't let us."""
    slower = min(LONGEST_WAIT, SOON * 1.5 ** min(erasure.attempts, 30))
    looks = [clock.now() + min(LONGEST_WAIT_FOR_A_SERVER, SOON * 1.5 ** min(erasure.attempts, 30))] if left else []
    if outcome.get("revocation", erasure.revocation) == "waiting":
        looks.append(outcome.get("retry_at") or clock.now() + slower)
    return min(looks)


async def _revoke(house: House, erasure: Erasure) -> dict[str, Any]:
    """Have Discord take its tokens back; what to note of it. The token is dropped in the same breath as it is dead."""
    done: dict[str, Any] = {"revocation": "done", "sealed_token": None, "problem": None}
    given_up: dict[str, Any] = {"revocation": "given_up", "sealed_token": None}
    try:
        token = house.cipher.decrypt(erasure.sealed_token or "")
    except ValueError:
        return given_up | {"problem": "key_missing"}
    try:
        await house.oauth.revoke(token)
    except DiscordSignInExpired:
        return done  # It was dead already.
    except (PeerError, NotConfigured) as error:
        if erasure.erased_at < clock.now() - PATIENCE:
            return given_up | {"problem": error.error}
        log.warning("taking back tokens at Discord waits: %s", error.message)
        return {"problem": error.error, "retry_at": _retry_at(erasure, error)}
    return done


def _retry_at(erasure: Erasure, error: BotBotError) -> datetime:
    slower = min(LONGEST_WAIT, SOON * 1.5 ** min(erasure.attempts, 30))
    return clock.now() + max(slower, timedelta(seconds=error.retry_after_seconds or 0))
