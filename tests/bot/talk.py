"""Talking in the Tea House and listening for what the personality says."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from tests.deployments import scene
from tests.support.people import Person
from tests.support.serving import Site

from botbot.catalog.models import PersonalityTemplate
from botbot.sandbox import cast
from botbot.sandbox.handle import DiscordHandle
from botbot.sandbox.model.control import ModelControl
from botbot.sandbox.world import Message

PATIENCE_SECONDS = 8.0
REPLY = "A cloud is tea that has forgotten its cup."


class Room:
    """The Tea House with Atlas in it, as its members use it. `say` speaks, `reply_to` waits for the answer."""

    def __init__(self, discord: DiscordHandle, model: ModelControl) -> None:
        self.discord = discord
        self.model = model
        model.say = REPLY

    def channel(self, name: str = "parlour") -> int:
        return self.discord.channel(cast.TEA_HOUSE, name).id

    def say(self, text: str, channel: str = "parlour", user: int = cast.BEN, **more: Any) -> Message:
        """With a mention of the bot, unless told otherwise."""
        return self.discord.post_message(user, self.channel(channel), text, **({"mention_bot": True} | more))

    def replies(self, said: Message) -> list[Message]:
        kept = self.discord.messages(said.channel_id)
        return [each for each in kept if each.author_id == cast.BOT and each.replies_to == said.id]

    def spoken(self, channel: str = "parlour") -> list[Message]:
        return [each for each in self.discord.messages(self.channel(channel)) if each.author_id == cast.BOT]

    async def reply_to(self, said: Message, seconds: float = PATIENCE_SECONDS) -> Message:
        await until(lambda: bool(self.replies(said)), seconds, f"no answer to {said.content!r}")
        return self.replies(said)[0]

    async def ask(self, text: str, channel: str = "parlour", **more: Any) -> str:
        return (await self.reply_to(self.say(text, channel, **more))).content

    async def is_silent_on(self, *said: Message) -> bool:
        """Whether these stayed unanswered, though a later message was heard and answered."""
        await self.reply_to(self.say("And now somebody else asks.", "kitchen"))
        await asyncio.sleep(0.1)
        return not any(self.replies(each) for each in said)

    @property
    def prompts(self) -> list[list[dict[str, Any]]]:
        """The messages of each request to the model, oldest first."""
        return [each.messages for each in self.model.recorded]


async def until(is_so: Callable[[], bool], seconds: float, complaint: str) -> float:
    """Wait until it is so; the seconds that took."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, complaint
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def move_in(site: Site, who: Person, personality: PersonalityTemplate, **wanted: Any) -> dict[str, Any]:
    """Deploy and run it to its end; what was said on arrival is not of interest here."""
    shown = await scene.deploy(who, personality.id, **wanted)
    await site.drain()
    shown = await scene.see(who, shown["id"])
    assert shown["status"] == "active", shown
    return shown
