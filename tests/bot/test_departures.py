"""Taken out of a server, the bot's personality has moved out there, also when that happened while the bot was away."""

import asyncio
from typing import Any

from tests import factories
from tests.bot.talk import Room, move_in
from tests.bot.test_connection import end, run_bot
from tests.deployments import scene
from tests.support.people import Person
from tests.support.serving import Site

from botbot.deployments.departures import missing_homes
from botbot.house import House
from botbot.sandbox import cast
from botbot.sandbox.handle import DiscordHandle

NEXT_SHARD = 2**22
"""Servers whose ids differ by this much are on neighbouring shards."""


async def removed(who: Person, deployment_id: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while (shown := await scene.see(who, deployment_id))["status"] != "removed":
            await asyncio.sleep(0.02)
    return shown


async def kept_turns(house: House) -> int:
    async with house.db.reading() as connection:
        return int((await connection.exec_driver_sql("select count(*) from channel_messages")).scalar_one())


async def test_taken_out_it_has_moved_out_and_forgotten(
    room: Room, tenant: dict[str, Any], ada: Person, house: House, discord: DiscordHandle
) -> None:
    await room.ask("What is a cloud?")
    discord.take_bot_out(cast.TEA_HOUSE)
    shown = await removed(ada, tenant["id"])
    assert shown["failure"]["error"] == "bot_removed"
    assert await kept_turns(house) == 0
    again = await scene.deploy(ada, tenant["personality"]["id"])
    assert again["status"] == "awaiting_install", "the place is free"


async def test_the_one_that_made_room_is_gone_too(
    tenant: dict[str, Any], bot: Site, ada: Person, house: House, discord: DiscordHandle
) -> None:
    newcomer = await factories.add_personality(house, "Brass Owl")
    present = await move_in(bot, ada, newcomer, replace=True)
    assert (await scene.see(ada, tenant["id"]))["status"] == "paused"
    discord.take_bot_out(cast.TEA_HOUSE)
    for each in (present, tenant):
        assert (await removed(ada, each["id"]))["replacedBy"] is None


async def test_what_was_missed_while_away_is_made_up_for(
    tenant: dict[str, Any], site: Site, ada: Person, discord: DiscordHandle
) -> None:
    discord.take_bot_out(cast.TEA_HOUSE)
    running = await run_bot(site)
    try:
        assert (await removed(ada, tenant["id"]))["failure"]["error"] == "bot_removed"
    finally:
        await end(running)


async def test_an_outage_is_no_departure(room: Room, tenant: dict[str, Any], ada: Person) -> None:
    """The server is told to be unavailable, then comes back; meanwhile everybody still lives there."""
    guild = room.discord.guilds[cast.TEA_HOUSE]
    room.discord.gateway.set_outage(guild, is_down=True)
    room.discord.gateway.set_outage(guild, is_down=False)
    await room.ask("still there?")
    assert (await scene.see(ada, tenant["id"]))["status"] == "active"


async def test_discord_is_asked_before_anything_ends(
    room: Room, tenant: dict[str, Any], ada: Person, bot: Site
) -> None:
    """A READY that leaves a server out proves nothing while REST says that the bot is there."""
    assert bot.bot is not None
    await bot.bot._settle_departures([cast.TEA_HOUSE])
    assert (await scene.see(ada, tenant["id"]))["status"] == "active"


def test_each_connection_misses_only_the_servers_of_its_own_shards() -> None:
    homes = [shard * NEXT_SHARD + 7 for shard in range(6)]
    assert missing_homes(homes, set(), [0], 1) == homes
    assert missing_homes(homes, {homes[2]}, [0, 2], 3) == [homes[0], homes[3], homes[5]]
    assert missing_homes(homes, set(homes), [0, 1, 2], 3) == []
