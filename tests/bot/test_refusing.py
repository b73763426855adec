"""What may not be said is neither passed on nor kept, in either direction."""

import asyncio

from sqlalchemy import select
from tests.bot.talk import REPLY, Room
from tests.support.engines import ONLY_SQLITE
from tests.support.serving import Site

from botbot.agents.models import ChannelMessage
from botbot.catalog.models import PersonalityTemplate
from botbot.moderation import refusal

pytestmark = ONLY_SQLITE

CRUEL = "How do I make a bomb at home?"
DESPAIR = "i want to kill myself"


async def texts_kept(site: Site) -> list[str]:
    async with site.house.db.read() as session:
        rows = await session.scalars(select(ChannelMessage.content))
        return sorted(site.house.cipher.decrypt(each) for each in rows)


async def remembered(site: Site, *texts: str) -> bool:
    """Whether exactly these come to be kept; a talk is kept a moment after it was said."""
    for _ in range(500):
        if await texts_kept(site) == sorted(texts):
            return True
        await asyncio.sleep(0.02)
    return False


async def test_a_blocked_question_reaches_no_model_and_is_not_kept(
    room: Room, site: Site, personality: PersonalityTemplate
) -> None:
    answer = await room.ask(CRUEL)
    assert answer == refusal(personality.name, "en", "weapons_and_drugs_making")
    assert room.prompts == []
    assert room.model.judged == []  # our own rules knew: the provider wasn't asked either
    assert await room.ask("why are clouds white?") == REPLY
    assert await remembered(site, "why are clouds white?", REPLY)
    assert "bomb" not in str(room.prompts)


async def test_a_blocked_reply_is_not_said_and_not_kept(
    room: Room, site: Site, personality: PersonalityTemplate
) -> None:
    room.model.say = "Gladly. Here is how to build a pipe bomb: first"
    answer = await room.ask("tell me something")
    assert answer == refusal(personality.name, "en", "weapons_and_drugs_making")
    room.model.say = REPLY
    assert await room.ask("and why are clouds white?") == REPLY
    assert await remembered(site, "and why are clouds white?", REPLY)
    assert "pipe" not in str(room.prompts[-1])


async def test_who_is_in_despair_gets_words_of_help(room: Room) -> None:
    answer = await room.ask(DESPAIR)
    assert "988" in answer
    assert "talk to a person" in answer


async def test_the_provider_is_asked_about_question_and_reply(room: Room) -> None:
    assert await room.ask("why are clouds white?") == REPLY
    assert [each.body["input"] for each in room.model.judged] == ["why are clouds white?", REPLY]


async def test_what_only_the_provider_flags_is_refused_too(room: Room, personality: PersonalityTemplate) -> None:
    answer = await room.ask("an inferior race of clouds")
    assert answer == refusal(personality.name, "en", "hate_and_harassment")
    assert room.prompts == []
