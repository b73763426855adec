"""A new key in front: everything is sealed anew, beside whoever is writing, and the old key may go."""

import dataclasses
from typing import Any

import pytest
from sqlalchemy import select
from tests import factories
from tests.conftest import SECRET_KEY

from botbot.accounts import barring
from botbot.accounts.models import OAuthToken
from botbot.agents.models import Agent, ChannelMessage
from botbot.agents.service import remember_turn
from botbot.house import House
from botbot.kit.cipher import Cipher
from botbot.privacy import rotation
from botbot.privacy.console import rotate_keys
from botbot.settings import Settings

NEW = "another-key-that-nobody-had-before"
BOTH, ONLY_NEW = Cipher([NEW, SECRET_KEY]), Cipher([NEW])
BANNED = 4242


@pytest.fixture
async def old_house(settings: Settings) -> Any:
    """A house with rows under the first key: talk, one person's tokens, a ban that outlived its account."""
    house = House.build(settings)
    personality = await factories.add_personality(house)
    user = await factories.add_user(house, 4711)
    async with house.db.write() as session:
        agent = Agent(template_id=personality.id, version=1, discord_guild_id=5, name="Atlas")
        session.add(agent)
        await session.flush()
        for number in range(450):
            remember_turn(session, house.cipher, agent.id, 7, role="user", text=f"turn {number}", user_id=9)
        session.add(
            OAuthToken(
                user_id=user.id,
                access_token=house.cipher.encrypt("access"),
                refresh_token=house.cipher.encrypt("refresh"),
                expires_at=user.created_at,
            )
        )
        await barring.bar(session, house.cipher, BANNED)
    yield house
    await house.close()


async def turns(house: House) -> list[str]:
    async with house.db.read() as session:
        return list(await session.scalars(select(ChannelMessage.content).order_by(ChannelMessage.id)))


async def whole_run(house: House) -> rotation.Standing:
    return [found async for found in rotation.rotate(house.db, BOTH)][-1]


async def test_afterwards_the_old_key_is_not_needed(old_house: House) -> None:
    assert (await rotation.look(old_house.db, BOTH)).old > 0
    found = await whole_run(old_house)
    assert (found.old, found.unreadable) == (452, {})
    assert [ONLY_NEW.decrypt(each) for each in await turns(old_house)] == [f"turn {n}" for n in range(450)]
    async with old_house.db.read() as session:
        token = (await session.scalars(select(OAuthToken))).one()
        assert (ONLY_NEW.decrypt(token.access_token), ONLY_NEW.decrypt(token.refresh_token)) == ("access", "refresh")
        assert await barring.is_barred(session, ONLY_NEW, BANNED)
        assert not await barring.is_barred(session, ONLY_NEW, BANNED + 1)
    assert (await rotation.look(old_house.db, ONLY_NEW)).old == 0


async def test_cut_off_in_the_middle_it_goes_on(old_house: House) -> None:
    begun = rotation.rotate(old_house.db, BOTH)
    first = await anext(begun)
    assert 0 < first.old < 452
    done = first.old
    await begun.aclose()
    assert (await whole_run(old_house)).old == 452 - done
    assert (await whole_run(old_house)).old == 0


async def test_what_somebody_wrote_meanwhile_is_theirs(old_house: House) -> None:
    """The row was read, and changed before it was written back."""
    ((table, columns),) = [each for each in rotation.sealed_columns() if each[0].name == "oauth_tokens"]
    async with old_house.db.reading() as connection:
        rows = await rotation._batch(connection, table, columns, None)
    async with old_house.db.write() as session:
        token = (await session.scalars(select(OAuthToken))).one()
        token.refresh_token = old_house.cipher.encrypt("a newer one")
    await rotation._reseal(old_house.db, BOTH, table, columns, rows)
    async with old_house.db.read() as session:
        token = (await session.scalars(select(OAuthToken))).one()
        assert BOTH.decrypt(token.refresh_token) == "a newer one"


async def test_rows_whose_key_is_gone_are_named(
    old_house: House, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    before = await turns(old_house)
    house = House.build(dataclasses.replace(settings, secret_key=NEW))
    try:
        assert await rotate_keys(house) == 1
    finally:
        await house.close()
    assert "450 rows of channel_messages open with none" in capsys.readouterr().out
    assert await turns(old_house) == before
