"""Noting what an exchange cost."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Literal

from sqlalchemy import bindparam, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.kit import clock
from botbot.usage.models import NO_GUILD, UsageDay
from botbot.usage.rules import micro_dollars
from botbot.watching import figures

Kind = Literal["preview", "bot"]
Outcome = Literal["live", "sample", "blocked", "failed"]
COLUMNS: dict[Outcome, str] = {"live": "live", "sample": "samples", "blocked": "blocked", "failed": "failed"}
LONGEST_MODEL = 100


async def note(
    session: AsyncSession,
    *,
    personality_id: str,
    guild_id: int | None,
    prompt_tokens: int,
    completion_tokens: int,
    model: str,
    kind: Kind,
    outcome: Outcome | None,
    prices: Sequence[str] = (),
) -> None:
    """Add one exchange to its day's row, in one statement; without an `outcome` only what a call cost that came to
    nothing. `model` is the server's word for it, so it is cleaned; `prices` is the setting of that name."""
    name = _clean(model)
    grown = {column: int(each == outcome) for each, column in COLUMNS.items()} | {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "micro_dollars": micro_dollars(prices, name, prompt_tokens, completion_tokens),
    }
    place = {
        "day": clock.now().date().isoformat(),
        "personality_id": personality_id,
        "discord_guild_id": NO_GUILD if guild_id is None else guild_id,
        "kind": kind,
        "model": name,
    }
    await session.execute(_adding(session.get_bind().dialect.name), place | grown)
    figures.exchanged(kind, outcome, name, prompt_tokens, completion_tokens)


@cache
def _adding(engine: str) -> Any:
    """Insert a row, or add its numbers to the row that is there; built once."""
    table = UsageDay.metadata.tables[UsageDay.__tablename__]
    insert = (sqlite.insert if engine == "sqlite" else postgresql.insert)(table)
    numbers = [each for each in table.columns if each not in set(table.primary_key)]
    return insert.values({each.name: bindparam(each.name) for each in table.columns}).on_conflict_do_update(
        index_elements=list(table.primary_key), set_={each.name: each + insert.excluded[each.name] for each in numbers}
    )


async def forget(session: AsyncSession, before: datetime) -> None:
    """Delete the sums of the days before that moment's."""
    await session.execute(delete(UsageDay).where(UsageDay.day < before.date().isoformat()))


def _clean(model: str) -> str:
    """Printable and not too long: PostgreSQL takes no NUL, and a key is no place for a novel."""
    return "".join(each for each in model if each.isprintable())[:LONGEST_MODEL]
