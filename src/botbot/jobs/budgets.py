"""Hard caps, kept in the database: reserved before the call, settled after it, exact across processes.

A reservation is one conditional update, so whatever races, the sum never passes the cap. When the database can't
answer there is no reservation: budgets fail closed."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.jobs.models import Budget
from botbot.kit import clock


def day_key(name: str, *parts: object) -> str:
    """The key of today's (UTC) allowance, such as `preview/2026-01-31` or `guild/42/2026-01-31`."""
    return "/".join([name, *map(str, parts), clock.now().date().isoformat()])


async def reserve(session: AsyncSession, key: str, amount: int, cap: int) -> bool:
    """Take `amount` from the allowance if it still fits under `cap`; false if it does not."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    await session.execute(insert(Budget).values(key=key, used=0, created_at=clock.now()).on_conflict_do_nothing())
    taken = await session.execute(
        update(Budget).where(Budget.key == key, Budget.used + amount <= cap).values(used=Budget.used + amount)
    )
    return cast(CursorResult[Any], taken).rowcount == 1


async def settle(session: AsyncSession, key: str, reserved: int, spent: int) -> None:
    """Replace a reservation by what was really spent."""
    await session.execute(update(Budget).where(Budget.key == key).values(used=Budget.used + (spent - reserved)))


async def used(session: AsyncSession, key: str) -> int:
    return await session.scalar(select(Budget.used).where(Budget.key == key)) or 0


async def forget(session: AsyncSession, before: datetime) -> None:
    await session.execute(delete(Budget).where(Budget.created_at < before))
