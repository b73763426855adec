"""Erasing: a person, and what was said to a personality. `columns.TABLES` says what goes and what stays without them.

All of it is one transaction; what needs somebody else (Discord's tokens, the servers) is left in the `Erasure`, which
`privacy.jobs` works off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Table, delete, false, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.accounts import barring
from botbot.accounts.models import NOBODY, OAuthToken, User
from botbot.accounts.rules import Viewer
from botbot.agents import service as agents
from botbot.agents.models import Agent, ChannelMessage
from botbot.audit import service as audit
from botbot.catalog.models import PersonalityUse
from botbot.db import Base, wake_on_commit
from botbot.deployments import leaving
from botbot.errors import NotFound
from botbot.kit import clock, ids
from botbot.kit.cipher import Cipher
from botbot.privacy.columns import BY_HAND, DELETE, TABLES, Trace
from botbot.privacy.models import Erasure
from botbot.reviews import service as reviews

TOPIC = "erasures"
KEEP_RECEIPTS = timedelta(days=90)


@dataclass(frozen=True)
class Person:
    """Whom a row may lead to, by either number. `user_id` is empty for somebody without an account here."""

    user_id: str
    discord_id: int


async def erase_account(session: AsyncSession, cipher: Cipher, user_id: str) -> str:
    """Erase a person and what we hold about them; answers the address of the receipt, which is the same for a second
    click. Raises `NotFound` when there is no such person.

    Stars and votes go first, in the order in which everybody locks; then nobody can add any, and a second look takes
    what came between."""
    secret = cipher.sign(f"receipt/{user_id}")
    await reviews.forget_reviewer(session, user_id)
    user = await session.get(User, user_id, with_for_update=True, populate_existing=True)
    if user is None or user_id == NOBODY:
        return await _earlier(session, secret)
    await reviews.forget_reviewer(session, user_id)
    token = await session.scalar(select(OAuthToken.refresh_token).where(OAuthToken.user_id == user_id))
    deployments = await _let_go(session, user)
    if user.banned_at is not None:
        await barring.bar(session, cipher, user.discord_id)
    await agents.mark_forgotten(session, cipher, user.discord_id)
    counts = await _forget_rows(session, Person(user_id, user.discord_id))
    audit.record(session, user_id, "account.erase", ("user", user_id))
    await session.flush()
    await audit.forget_person(session, user_id)
    await session.delete(user)
    await session.flush()
    await _leave_receipt(session, secret, counts, deployments, token)
    return secret


async def _earlier(session: AsyncSession, secret: str) -> str:
    if await session.get(Erasure, ids.hash_secret(secret)) is None:
        raise NotFound("There is no such account.")
    return secret


async def _let_go(session: AsyncSession, user: User) -> list[str]:
    """What they deployed belongs to nobody from now on, and begins to move out."""
    await ensure_nobody(session)
    deployments = await leaving.hand_over(session, user.id)
    await leaving.forget_asker(session, user.discord_id)
    await leaving.move_out(session, Viewer(user.id, user.discord_id, "", None, "user"), deployments)
    return deployments


async def ensure_nobody(session: AsyncSession) -> None:
    """The row that stands for everybody who left."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    stand_in = {"id": NOBODY, "discord_id": 0, "username": "Somebody who left", "role": "user"}
    await session.execute(insert(User).values(created_at=clock.now(), **stand_in).on_conflict_do_nothing())


async def _leave_receipt(
    session: AsyncSession, secret: str, counts: dict[str, int], deployments: list[str], token: str | None
) -> None:
    session.add(
        Erasure(
            id=ids.hash_secret(secret),
            counts=counts,
            deployment_ids=deployments,
            sealed_token=token or None,
            revocation="waiting" if token else "none",
            run_at=clock.now(),
        )
    )
    await session.flush()
    wake_on_commit(session, TOPIC)


async def erase_by_discord_id(session: AsyncSession, cipher: Cipher, discord_id: int) -> str | None:
    """Erase whoever has that Discord id, with an account here or without; the receipt's address where there was one."""
    user_id = await session.scalar(select(User.id).where(User.discord_id == discord_id))
    if user_id is not None:
        return await erase_account(session, cipher, user_id)
    await agents.mark_forgotten(session, cipher, discord_id)
    await _forget_rows(session, Person("", discord_id))
    return None


async def forget_talk(session: AsyncSession, cipher: Cipher, discord_id: int, guild_id: int | None = None) -> int:
    """Delete what somebody said to personalities and what they answered, in one server or, with `None`, everywhere;
    then also that they ever talked to any. Answers how many turns that were."""
    await agents.mark_forgotten(session, cipher, discord_id, guild_id)
    theirs = delete(ChannelMessage).where(ChannelMessage.discord_user_id == discord_id)
    if guild_id is not None:
        there = select(Agent.id).where(Agent.discord_guild_id == guild_id)
        return await _count(session, theirs.where(ChannelMessage.agent_id.in_(there)))
    await session.execute(delete(PersonalityUse).where(PersonalityUse.discord_user_id == discord_id))
    return await _count(session, theirs)


async def _forget_rows(session: AsyncSession, person: Person) -> dict[str, int]:
    """Do what the table of columns says; answers how many rows of each table that touched."""
    counts: dict[str, int] = {}
    for kept in TABLES:
        for trace in kept.traces:
            if trace.erasure != BY_HAND and (found := await _forget_trace(session, kept.table, trace, person)):
                counts[kept.table] = counts.get(kept.table, 0) + found
    return counts


async def _forget_trace(session: AsyncSession, table_name: str, trace: Trace, person: Person) -> int:
    mapped = model_of(table_name)
    table = cast(Table, mapped.__table__)
    theirs = rows_of(table, trace, person)
    if trace.erasure == DELETE:
        return await _count(session, delete(mapped).where(*theirs))
    emptied: dict[str, Any] = dict(cast(Any, trace.erasure))
    if "updated_at" in table.c:  # Nobody edited it.
        emptied["updated_at"] = table.c.updated_at
    return await _count(session, update(mapped).where(*theirs).values(emptied))


def rows_of(table: Table, trace: Trace, person: Person) -> list[ColumnElement[bool]]:
    """What holds of the rows that lead to that person. Whoever has no account has no number, and no row by it."""
    holder = person.user_id if trace.whose == "user" else person.discord_id
    column = table.c[trace.column]
    leads = column.startswith(trace.begins.format(holder), autoescape=True) if trace.begins else column == holder
    known = true() if holder else false()
    return [leads, known, *(table.c[name] == value for name, value in trace.only.items())]


async def _count(session: AsyncSession, statement: Any) -> int:
    done = await session.execute(statement.execution_options(synchronize_session=False))
    return int(cast(CursorResult[Any], done).rowcount)


def model_of(table_name: str) -> type[Base]:
    """The mapped class of a table."""
    return next(cast(type[Base], each.class_) for each in Base.registry.mappers if _name(each) == table_name)


def _name(mapper: Any) -> Sequence[str]:
    return cast(str, mapper.local_table.name)


async def forget_old_receipts(session: AsyncSession) -> None:
    """Delete receipts of what was done long ago."""
    await session.execute(delete(Erasure).where(Erasure.finished_at < clock.now() - KEEP_RECEIPTS))
