"""Hard caps, kept in the database: reserved before the call, settled after it, exact across processes.

A reservation is one conditional update, so whatever races, the sum never passes the cap. When the database can't
answer there is no reservation: budgets fail closed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from sqlalchemy import BigInteger, TextClause, bindparam, delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.db.base import Moment
from botbot.jobs.models import Budget
from botbot.kit import clock

_TABLE = Budget.metadata.tables[Budget.__tablename__]


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
    named = {"amount": amount, "at": clock.now()}
    for n, (key, cap) in enumerate(allowances):
        named |= {f"key{n}": key, f"cap{n}": cap}
    taken = await session.scalars(_taking(len(allowances)), named)
    got = list(taken)
    if len(got) < len(allowances):
        await give_back(session, got, amount)
        return False
    return True


@cache
def _taking(count: int) -> TextClause:
    """Take from so many allowances at once; written out, because SQLAlchemy builds an insert of several rows anew each
    time, which costs as much as running it."""
    rows = ", ".join(f"(:key{n}, :amount, :at)" for n in range(count))
    caps = " ".join(f"when :key{n} then cast(:cap{n} as bigint)" for n in range(count))
    return text(
        f"insert into budgets (key, used, created_at) values {rows} "  # noqa: S608  # numbers are all that is put in
        "on conflict (key) do update set used = budgets.used + excluded.used "
        f"where budgets.used + excluded.used <= case budgets.key {caps} end returning key"
    ).bindparams(bindparam("at", type_=Moment()), bindparam("amount", type_=BigInteger()))


async def give_back(session: AsyncSession, keys: Sequence[str], amount: int = 1) -> None:
    """Undo a reservation that was not needed."""
    for key in keys:
        await settle(session, key, amount, 0)


_SETTLE = update(_TABLE).where(_TABLE.c.key == bindparam("named")).values(used=_TABLE.c.used + bindparam("more"))


async def settle(session: AsyncSession, key: str, reserved: int, spent: int) -> None:
    """Replace a reservation by what was really spent."""
    await session.execute(_SETTLE, {"named": key, "more": spent - reserved})


async def used(session: AsyncSession, key: str) -> int:
    return await session.scalar(select(Budget.used).where(Budget.key == key)) or 0


async def forget(session: AsyncSession, before: datetime, *, name: str = "") -> None:
    """Delete the days before that moment; with `name` (`preview-visitor`) those of its keys alone."""
    old = delete(Budget).where(Budget.created_at < before)
    await session.execute(old.where(Budget.key.startswith(f"{name}/", autoescape=True)) if name else old)
