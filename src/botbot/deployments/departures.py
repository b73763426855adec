"""What follows when the bot was taken out of a server: whoever lived there has moved out.

The gateway says so at once, or, if the bot was away, by leaving the server out of its next READY. Neither is believed
alone, because both may be wrong in an outage: Discord's REST API is asked whether the bot is there. A deployment that
is just moving in or out is left to its saga, which meets the same refusal and undoes itself."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.agents import service as agents
from botbot.audit import service as audit
from botbot.deployments import service
from botbot.deployments.models import PersonalityDeployment
from botbot.errors import BotRemoved, DiscordUnknown
from botbot.house import House

D = PersonalityDeployment
SETTLED = ("active", "paused", "needs_attention")


async def settle_departure(house: House, guild_id: int) -> int:
    """End what lived in that server, unless the bot is there after all; answers how many deployments that were.

    What they remembered of its talk is deleted with them. Raises `DiscordUnavailable` when Discord can't say, and
    `StorageUnavailable`."""
    try:
        await house.discord.get_guild(guild_id)
    except DiscordUnknown:
        async with house.db.write() as session:
            return await _end_all(session, guild_id)
    return 0


async def _end_all(session: AsyncSession, guild_id: int) -> int:
    found = select(D).where(D.discord_guild_id == guild_id, D.status.in_(SETTLED)).order_by(D.id).with_for_update()
    rows = list(await session.scalars(found))
    for row in rows:
        await service.end(session, row, BotRemoved())
        if row.agent_id:
            await agents.forget_agent(session, row.agent_id)
        audit.record(session, None, "deployment.bot_left", ("deployment", row.id), guild=str(guild_id))
    return len(rows)


async def list_homes(house: House) -> set[int]:
    """The servers where somebody lives, as far as we know."""
    async with house.db.read() as session:
        return set(await session.scalars(select(D.discord_guild_id).where(D.status.in_(SETTLED)).distinct()))


def missing_homes(homes: Iterable[int], present: set[int], shard_ids: Iterable[int], shard_count: int) -> list[int]:
    """Those of our servers that a READY left out. Each connection is told of its own shards' servers alone.

    Source: Discord docs, gateway, sharding: `shard_id = (guild_id >> 22) % num_shards`."""
    ours = set(shard_ids)
    return sorted(each for each in homes if each not in present and (each >> 22) % shard_count in ours)
