"""Hard caps, kept in the database: reserved before the call, settled after it, exact across processes.

A reservation is one conditional update, so whatever races, the sum never passes the cap. When the database can't
answer there is no reservation: budgets fail closed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.jobs.models import Budget
from botbot.kit import clock


def day_key(name: str, *parts: object) -> str:
    """The key of today's (UTC) allowance, such as `preview/2026-01-31` or `guild/42/2026-01-31`."""
    return "/".join([name, *map(str, parts), clock.now().date().isoformat()])


class Allowance(NamedTuple):
    """What may be spent under one key."""

    key: str
    cap: int


def next_day() -> datetime:
    """When today's allowances are over."""
    return (clock.now() + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


async def reserve(session: AsyncSession, key: str, amount: int, cap: int) -> bool:
    """Take `amount` from the allowance if it still fits under `cap`; false if it does not."""
    return await reserve_all(session, [Allowance(key, cap)], amount)


async def reserve_all(session: AsyncSession, allowances: Sequence[Allowance], amount: int = 1) -> bool:
    """Take `amount` from every allowance, or from none of them; false then. One statement, so the pen is held briefly.

    Name them in the same order everywhere, the one that most share last: its row is locked until the commit."""
    if any(amount > cap for _, cap in allowances):
        return False
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    caps = case(dict(allowances), value=Budget.key)
    rows = [{"key": key, "used": amount, "created_at": clock.now()} for key, _ in allowances]
    taken = await session.scalars(
        insert(Budget)
        .values(rows)
        .on_conflict_do_update(
            index_elements=[Budget.key],
            set_={"used": Budget.used + amount},
            where=Budget.used + amount <= caps,
        )
        .returning(Budget.key)
    )
    got = list(taken)
    if len(got) < len(allowances):
        await give_back(session, got, amount)
        return False
    return True


async def give_back(session: AsyncSession, keys: Sequence[str], amount: int = 1) -> None:
    """Undo a reservation that was not needed."""
    for key in keys:
        await settle(session, key, amount, 0)


async def settle(session: AsyncSession, key: str, reserved: int, spent: int) -> None:
    """Replace a reservation by what was really spent."""
    await session.execute(update(Budget).where(Budget.key == key).values(used=Budget.used + (spent - reserved)))


async def used(session: AsyncSession, key: str) -> int:
    return await session.scalar(select(Budget.used).where(Budget.key == key)) or 0


async def forget(session: AsyncSession, before: datetime, *, name: str = "") -> None:
    """Delete the days before that moment; with `name` (`preview-visitor`) those of its keys alone."""
    old = delete(Budget).where(Budget.created_at < before)
    await session.execute(old.where(Budget.key.startswith(f"{name}/", autoescape=True)) if name else old)
