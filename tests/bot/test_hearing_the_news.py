"""A deployment's last step reaches the running bot at once, in this process or another."""

import time
from typing import Any

from tests.bot.talk import REPLY, Room, until
from tests.conftest import MakeSite
from tests.deployments import scene
from tests.support.engines import ONLY_POSTGRES
from tests.support.people import Person
from tests.support.serving import Site

from botbot.bot.directory import POLL_SECONDS
from botbot.catalog.models import PersonalityTemplate
from botbot.sandbox.handle import DiscordHandle
from botbot.sandbox.model.control import ModelControl

AT_ONCE_SECONDS = POLL_SECONDS - 1
"""By the signal, and not by looking now and then. It takes milliseconds; the machine may be busy."""


async def active_then_answered(room: Room, ada: Person, personality: PersonalityTemplate) -> float:
    """Seconds from `active` to the answer. The bot had looked before, and found nobody."""
    assert "Nobody lives here" in await room.ask("anybody?")
    shown = await scene.deploy(ada, personality.id)
    while (await scene.see(ada, shown["id"]))["status"] != "active":
        pass
    began = time.monotonic()
    assert await room.ask("hello?") == REPLY
    return time.monotonic() - began


async def silent_soon(room: Room, ada: Person) -> None:
    """Paused, it says nothing any more, however lately it spoke."""
    assert await room.ask("still there?") == REPLY
    listed = (await ada.get(scene.DEPLOYMENTS)).json()["deployments"]
    await scene.verb(ada, listed[0]["id"], "pause")
    began = time.monotonic()
    while time.monotonic() - began < AT_ONCE_SECONDS:
        said = room.say("now?")
        try:
            await room.reply_to(said, 1.0)
        except AssertionError:
            return
    raise AssertionError("it still speaks")


async def test_in_one_process(
    worker: Site,
    bot: Site,
    ada: Person,
    personality: PersonalityTemplate,
    discord: DiscordHandle,
    model: ModelControl,
) -> None:
    room = Room(discord, model)
    assert await active_then_answered(room, ada, personality) < AT_ONCE_SECONDS
    await silent_soon(room, ada)


@ONLY_POSTGRES
async def test_between_processes(
    worker: Site,
    make_site: MakeSite,
    ada: Person,
    personality: PersonalityTemplate,
    discord: DiscordHandle,
    model: ModelControl,
) -> None:
    """The worker in one house, the bot in another; only the database between them."""
    elsewhere = await make_site()
    await elsewhere.start_bot()
    room = Room(discord, model)
    assert await active_then_answered(room, ada, personality) < AT_ONCE_SECONDS
    await silent_soon(room, ada)


async def test_a_new_name_is_the_next_answers_name(room: Room, ada: Person, tenant: dict[str, Any], site: Site) -> None:
    await room.ask("who are you?")
    await ada.patch(f"{scene.DEPLOYMENTS}/{tenant['id']}", json={"customizations": {"traits": {"accent": "Welsh"}}})
    await site.drain()

    def knows() -> bool:
        return "Welsh" in room.prompts[-1][0]["content"]

    began = time.monotonic()
    while not knows():
        assert time.monotonic() - began < 30, "it never heard of the change"
        await room.ask("and now?")
    await until(knows, 1, "it forgot again")
