"""What is chosen before a personality moves in: the channels where it may speak, and whether it says hello."""

import html
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from tests.deployments import scene
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person

from botbot.catalog.models import PersonalityTemplate
from botbot.deployments.preflight import find_places, list_places
from botbot.house import House
from botbot.peers.discord.permissions import Permission
from botbot.sandbox import cast
from botbot.sandbox.handle import DiscordHandle
from botbot.sandbox.world import Overwrite

pytestmark = MOSTLY_SQLITE
Drain = Callable[[], Awaitable[None]]
HTML = {"accept": "text/html"}
FORM = {"content-type": "application/x-www-form-urlencoded", **HTML}


async def start(who: Person, personality: PersonalityTemplate, guild: int = cast.TEA_HOUSE) -> str:
    answer = await who.get(f"/personalities/{personality.slug}/deploy?discordGuildId={guild}", headers=HTML)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


async def send(who: Person, personality: PersonalityTemplate, *fields: tuple[str, str]) -> Any:
    body = urlencode([("discordGuildId", str(cast.TEA_HOUSE)), *fields])
    return await who.post(f"/personalities/{personality.slug}/deploy", content=body, headers=FORM)


async def arrived(who: Person, answer: Any, drain: Drain) -> dict[str, Any]:
    assert answer.status_code == 303, answer.text
    await drain()
    return await scene.see(who, answer.headers["location"].rpartition("/")[2])


async def test_the_form_names_where_it_may_speak_and_where_not(ada: Person, personality: PersonalityTemplate) -> None:
    text = await start(ada, personality)
    offered = re.findall(r'name="channel" value="(\d+)".*?<bdi>(.+?)</bdi>', text)
    assert "parlour" in [name for _, name in offered]
    assert "house-rules" not in [name for _, name in offered]
    assert re.search(r"may not speak in.*#house-rules", text)


async def test_a_server_without_the_bot_has_nothing_to_choose_yet(
    ada: Person, personality: PersonalityTemplate
) -> None:
    text = await start(ada, personality, cast.CLOCKWORK_GARDEN)
    assert 'name="channel"' not in text
    assert "Once BotBot is there" in text


async def test_nobody_learns_of_channels_they_may_not_see(house: House, ada: Person, discord: DiscordHandle) -> None:
    """A secret one that the bot may see is nothing for everybody who may manage the server."""
    secret = discord.channel(cast.TEA_HOUSE, "parlour")
    mine = discord.guilds[cast.TEA_HOUSE].bot_role(cast.BOT)
    assert mine is not None
    view = int(Permission.VIEW_CHANNEL)
    secret.overwrites = [Overwrite(cast.TEA_HOUSE, 0, deny=view), Overwrite(mine.id, 0, allow=view)]
    as_ben = await list_places(house, cast.TEA_HOUSE, seen_by=cast.BEN)
    as_ada = await list_places(house, cast.TEA_HOUSE, seen_by=cast.ADA)
    assert "parlour" not in [place.name for place in as_ben]
    assert "parlour" in [place.name for place in as_ada if place.can_speak]
    assert await find_places(house, cast.TEA_HOUSE, seen_by=4242) == [], "no member at all"


async def test_it_keeps_to_the_chosen_channels(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, drain: Drain
) -> None:
    kitchen = discord.channel(cast.TEA_HOUSE, "kitchen")
    answer = await send(ada, personality, ("where", "some"), ("channel", str(kitchen.id)))
    shown = await arrived(ada, answer, drain)
    assert (shown["status"], shown["channelIds"]) == ("active", [str(kitchen.id)])
    assert [each.author_id for each in discord.messages(kitchen.id)][-1] == cast.BOT, "it says hello there"


async def test_some_means_at_least_one(ada: Person, personality: PersonalityTemplate) -> None:
    answer = await send(ada, personality, ("name", "Old Brass"), ("asks_greeting", "1"), ("where", "some"))
    assert answer.status_code == 400
    assert "Choose at least one channel" in answer.text
    assert 'value="Old Brass"' in answer.text, "what was filled in is there again"
    assert re.search(r'value="some" checked', answer.text)
    assert not re.search(r'name="greeting" value="true" checked', answer.text)
    for odd in ("1; drop", "x" * 30, "²"):
        assert (await send(ada, personality, ("where", "some"), ("channel", odd))).status_code == 400


async def test_everywhere_takes_no_ticks(ada: Person, personality: PersonalityTemplate, drain: Drain) -> None:
    """Boxes that were ticked before the person changed their mind."""
    shown = await arrived(ada, await send(ada, personality, ("where", "all"), ("channel", "77")), drain)
    assert shown["channelIds"] == []


async def test_it_may_arrive_without_a_word(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, drain: Drain
) -> None:
    shown = await arrived(ada, await send(ada, personality, ("asks_greeting", "1")), drain)
    assert shown["status"] == "active"
    assert "say_hello" not in [step["name"] for step in shown["steps"]]
    said = [each for channel in discord.guilds[cast.TEA_HOUSE].channels for each in discord.messages(channel.id)]
    assert [each for each in said if each.author_id == cast.BOT] == []


async def test_a_form_that_never_asked_says_hello(ada: Person, personality: PersonalityTemplate, drain: Drain) -> None:
    shown = await arrived(ada, await send(ada, personality), drain)
    assert scene.step(shown, "say_hello")["status"] == "done"


async def test_a_script_may_ask_for_silence_too(ada: Person, personality: PersonalityTemplate, drain: Drain) -> None:
    made = await scene.deploy(ada, personality.id, customizations={"greeting": False})
    await drain()
    shown = await scene.see(ada, made["id"])
    assert (shown["status"], shown["customizations"]) == ("active", {"greeting": False})
    refused = await scene.ask_deploy(ada, personality.id, customizations={"greeting": "no"})
    assert refused.status_code == 400


async def test_channels_can_be_changed_later(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, drain: Drain
) -> None:
    shown = await arrived(ada, await send(ada, personality), drain)
    kitchen = str(discord.channel(cast.TEA_HOUSE, "kitchen").id)
    page = (await ada.get(f"/deployments/{shown['id']}", headers=HTML)).text
    assert "Choose its channels" in page
    body = urlencode([("where", "some"), ("channel", kitchen)])
    await ada.post(f"/deployments/{shown['id']}/customise", content=body, headers=FORM)
    await drain()
    changed = await scene.see(ada, shown["id"])
    assert (changed["channelIds"], changed["customizations"]) == ([kitchen], {})
    page = (await ada.get(f"/deployments/{shown['id']}", headers=HTML)).text
    assert re.search(rf'value="{kitchen}" checked', page)


async def test_what_was_taken_from_the_bot_later_is_named_and_given_back(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, drain: Drain
) -> None:
    home = (await scene.deploy(ada, personality.id))["id"]
    await drain()
    assert "Grant what is missing" not in (await ada.get(f"/deployments/{home}", headers=HTML)).text
    scene.take_from_bot(discord, int(Permission.CHANGE_NICKNAME))
    role = discord.guilds[cast.TEA_HOUSE].bot_role(cast.BOT)
    assert role is not None
    held = role.permissions
    text = (await ada.get(f"/deployments/{home}", headers=HTML)).text
    assert "BotBot may no longer wear its own name there" in text
    (address,) = re.findall(r'href="([^"]+)"><span>Grant what is missing', text)
    back = await ada.get(discord.consent(html.unescape(address), user=ada.discord_id, guild=cast.TEA_HOUSE))
    assert back.headers["location"] == f"/deployments/{home}"
    role = discord.guilds[cast.TEA_HOUSE].bot_role(cast.BOT)
    assert role is not None
    assert role.permissions == held | Permission.CHANGE_NICKNAME, "exactly what was missing"
    text = (await ada.get(f"/deployments/{home}", headers=HTML)).text
    assert "may no longer" not in text
    assert (await scene.see(ada, home))["status"] == "active"
