"""When the bot may say who it is.

Discord counts every IDENTIFY: one per lane in five seconds, and a thousand a day, beyond which it resets the bot's
token and the bot is gone until a person acts. A process that dies and is started again in a loop would spend them in
an hour. So each IDENTIFY is a row, written before it is sent and shared by all processes: a new one waits for its turn,
and the more there were lately, the longer.

Source: Discord docs, topics/gateway, Session Start Limit and Rate Limiting."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.bot.models import GatewayStart
from botbot.errors import PeerError
from botbot.kit import clock
from botbot.peers.discord.wire import GatewayInfo

APART = timedelta(seconds=5.5)
"""Discord's five seconds, and half a one for the way there."""
RESERVE = 50
"""Sessions of the day that are left to a person."""
BRAKES = (
    (timedelta(minutes=10), 10, timedelta(seconds=30)),
    (timedelta(hours=1), 35, timedelta(minutes=2)),
)
"""(within, so many of one shard, then so far apart): a loop that lasts all day stays below the day's thousand."""
KEPT = timedelta(days=2)


def require_starts_left(gateway: GatewayInfo) -> None:
    """Raises `PeerError` when so few are left today that they belong to a person."""
    limit = gateway.session_start_limit
    if limit.remaining < RESERVE:
        hours = limit.reset_after / 3_600_000
        raise PeerError(
            f"Only {limit.remaining} gateway sessions are left for today, so we wait. Discord grants new ones in "
            f"{hours:.1f} hours; until then find out what uses them up.",
            retry_after=limit.reset_after / 1000,
        )


def next_start(now: datetime, last: datetime | None, own: Sequence[datetime]) -> datetime:
    """The moment of the next IDENTIFY, given the lane's last one and those of the shard itself, newest first.

    A time ahead of us is of a clock that was put back since; it doesn't hold us up for longer than usual."""
    due = now if last is None or last > now + APART else last + APART
    past = [at for at in own if at <= now + APART]
    for within, most, apart in BRAKES:
        if sum(at > now - within for at in past) >= most:
            due = max(due, past[0] + apart)
    return due


async def seconds_to_wait(session: AsyncSession, lane: int, shard_id: int) -> float:
    """How long until this shard's turn; 0 when it is due."""
    return _wait_after(await _last_of(session, lane), await _own(session, shard_id))


def _wait_after(last: GatewayStart | None, own: Sequence[datetime]) -> float:
    now = clock.now()
    return max(0.0, (next_start(now, last.at if last else None, own) - now).total_seconds())


async def take_turn(session: AsyncSession, lane: int, shard_id: int) -> float:
    """Note an IDENTIFY that is about to be sent. Answers 0 when it may be, else how many seconds to wait and ask again:
    also when another process was faster."""
    last = await _last_of(session, lane)  # Once: what is decided by it is written after it.
    if wait := _wait_after(last, await _own(session, shard_id)):
        return wait
    await session.execute(delete(GatewayStart).where(GatewayStart.at < clock.now() - KEPT))
    try:
        async with session.begin_nested():
            session.add(GatewayStart(lane=lane, turn=last.turn + 1 if last else 1, shard_id=shard_id))
    except IntegrityError:
        return APART.total_seconds()
    return 0.0


async def _last_of(session: AsyncSession, lane: int) -> GatewayStart | None:
    statement = select(GatewayStart).where(GatewayStart.lane == lane).order_by(GatewayStart.turn.desc()).limit(1)
    found: GatewayStart | None = await session.scalar(statement)
    return found


async def _own(session: AsyncSession, shard_id: int) -> list[datetime]:
    longest = max(within for within, _, _ in BRAKES)
    statement = (
        select(GatewayStart.at)
        .where(GatewayStart.shard_id == shard_id, GatewayStart.at > clock.now() - longest)
        .order_by(GatewayStart.at.desc())
    )
    return list(await session.scalars(statement))
