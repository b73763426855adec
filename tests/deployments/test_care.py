"""Looking after a personality by links and forms: newer versions and the way back, what fits this server, and news of
what went wrong meanwhile. No page here needs a script."""

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from tests import factories
from tests.deployments import scene
from tests.deployments.conftest import Finish
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person
from tests.support.statements import recorded

from botbot.accounts.service import get_or_create_user
from botbot.agents.models import Agent
from botbot.agents.queries import find_speaker
from botbot.agents.rules import system_message
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.service import save_new_version
from botbot.house import House
from botbot.kit import clock
from botbot.sandbox import cast
from botbot.sandbox.handle import DiscordHandle
from botbot.usage.models import UsageDay

pytestmark = MOSTLY_SQLITE
Drain = Callable[[], Awaitable[None]]
HTML = {"accept": "text/html"}
FORM = {"content-type": "application/x-www-form-urlencoded", **HTML}
PROFILE = ("PATCH", "/guilds/*/members/@me")
SECRET = "Speak of the copper kettle only in riddles."


async def page_of(who: Person, path: str) -> str:
    answer = await who.get(path, headers=HTML)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


async def send(who: Person, path: str, *fields: tuple[str, str]) -> Any:
    return await who.post(path, content=urlencode(fields), headers=FORM)


async def edit(house: House, personality: PersonalityTemplate, changelog: str, **changes: Any) -> None:
    """A newer version of it, as an author would save it."""
    async with house.db.write() as session:
        row = await session.get_one(PersonalityTemplate, personality.id)
        for name, value in changes.items():
            setattr(row, name, value)
        await save_new_version(session, row, changelog)


async def the_agent(house: House) -> Agent:
    (agent,) = await scene.agents_of(house.db)
    return agent


@pytest.fixture
async def home(ada: Person, personality: PersonalityTemplate, drain: Drain) -> str:
    """The page of a deployment at home in the Tea House."""
    made = await scene.deploy(ada, personality.id)
    await drain()
    return f"/deployments/{made['id']}"


@pytest.fixture
async def undone(ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, finish: Finish) -> str:
    """The page of a deployment that Discord refused."""
    made = await scene.deploy(ada, personality.id)
    discord.fail(*PROFILE, status=403, code=50013)
    assert (await finish(ada, made["id"]))["status"] == "rolled_back"
    return f"/deployments/{made['id']}"


# Versions


async def test_a_newer_version_is_told_taken_and_given_back(
    ada: Person, personality: PersonalityTemplate, home: str, house: House, drain: Drain
) -> None:
    assert "newer version" not in await page_of(ada, "/deployments")
    prompt = f"{personality.system_prompt} {SECRET}"
    await edit(house, personality, "Now <b>warmer</b>.", opening_line="Ask me why anything is as it is.")
    await edit(house, personality, "Knows kettles.", system_prompt=prompt, traits={"curious": 0.2, "formal": 0.4})
    assert "newer version" in await page_of(ada, "/deployments")
    text = await page_of(ada, home)
    assert "Update to version 3" in text
    assert "Now &lt;b&gt;warmer&lt;/b&gt;." in text
    assert "Knows kettles." in text
    assert re.search(r"<ins>.*?anything", text, re.S), "the opening line, word by word"
    assert "90 % from settled to curious" in text
    assert "instructions" in text
    assert "copper" not in text, "nobody but the staff reads them"
    assert (await send(ada, f"{home}/customise", ("version", "3"))).status_code == 303
    await drain()
    assert (await the_agent(house)).version == 3
    text = await page_of(ada, home)
    assert "Go back to version 1" in text
    assert "Update to" not in text
    assert (await send(ada, f"{home}/customise", ("version", "1"))).status_code == 303
    await drain()
    assert (await the_agent(house)).version == 1
    text = await page_of(ada, home)
    assert "Update to version 3" in text
    assert "Go back" not in text


async def test_the_staff_reads_what_changed_in_the_instructions(
    cleo: Person, ada: Person, personality: PersonalityTemplate, home: str, house: House
) -> None:
    await edit(house, personality, "Knows kettles.", system_prompt=f"{personality.system_prompt} {SECRET}")
    async with house.db.write() as session:
        (await get_or_create_user(session, cast.CLEO)).role = "admin"
    assert "copper" in await page_of(cleo, home)
    assert "copper" not in await page_of(ada, home)


NONSENSE = (
    [("version", "²")],
    [("version", "0")],
    [("version", "9")],
    [("version", "-1")],
    [("version", "1" * 400)],
    [("language", "<script>")],
    [("name", "Clyde")],
    [("asks_traits", "1"), ("trait.curious", "101")],
    [("asks_traits", "1"), ("trait.curious", "NaN")],
    [("asks_traits", "1"), ("trait.accent", "x" * 201)],
)


async def test_nonsense_in_a_form_is_refused_and_changes_nothing(ada: Person, home: str, house: House) -> None:
    for fields in NONSENSE:
        answer = await send(ada, f"{home}/customise", *fields)
        assert answer.status_code == 400, fields
        assert "text/html" in answer.headers["content-type"]
    (row,) = await scene.rows_of(house.db)
    assert (row.version, row.customizations) == (1, {})


# What fits this server


async def test_language_and_manner_are_chosen_and_taken_back(
    ada: Person, home: str, house: House, drain: Drain
) -> None:
    fields = [("asks_traits", "1"), ("trait.curious", "10"), ("trait.formal", "40"), ("trait.accent", "harsh")]
    await send(ada, f"{home}/customise", ("name", "Professor A"), ("language", "de"), *fields)
    await drain()
    agent = await the_agent(house)
    assert (agent.name, agent.language) == ("Professor A", "de")
    assert agent.traits == {"curious": 0.1, "accent": "harsh"}, "what wasn't moved follows the personality"
    async with house.db.read() as session:
        speaker = await find_speaker(session, cast.TEA_HOUSE)
    assert speaker is not None
    told = system_message(speaker.snapshot, speaker.name, speaker.traits).content
    assert "Answer in German" in told
    assert "accent: harsh" in told
    text = await page_of(ada, home)
    assert re.search(r'value="de" selected', text)
    assert re.search(r'name="trait.curious"[^>]*value="10"', text)
    own = [("asks_traits", "1"), ("trait.curious", "90"), ("trait.formal", "40"), ("trait.accent", "soft")]
    await send(ada, f"{home}/customise", ("name", ""), ("language", ""), *own)
    await drain()
    agent = await the_agent(house)
    assert (agent.name, agent.language, agent.traits) == ("Atlas the Scientist", None, {})


async def test_what_is_chosen_before_it_moves_in_is_there_from_the_start(
    ada: Person, personality: PersonalityTemplate, house: House, drain: Drain
) -> None:
    fields = [("discordGuildId", str(cast.TEA_HOUSE)), ("language", "ja"), ("asks_traits", "1"), ("trait.formal", "95")]
    answer = await send(ada, f"/personalities/{personality.slug}/deploy", *fields)
    assert answer.status_code == 303, answer.text
    await drain()
    agent = await the_agent(house)
    assert (agent.language, agent.traits) == ("ja", {"formal": 0.95})


# Before it moves in


async def test_the_check_names_what_is_held_and_what_is_missing(ada: Person, personality: PersonalityTemplate) -> None:
    path = f"/personalities/{personality.slug}/deploy"
    text = await page_of(ada, f"{path}?discordGuildId={cast.NIGHT_OWLS}")
    held = dict(re.findall(r'class="right( right--held)?">.*?<span class="muted">\(([\w ]+)', text, re.S))
    assert held == {" right--held": "Send Messages", "": "Send Messages In Threads"}
    assert "exactly what is missing" in text
    choose = await page_of(ada, path)
    assert "BotBot may not yet" in choose
    assert 'name="q"' not in choose, "a few servers need no search"
    found = await page_of(ada, f"{path}?q=TEA+house")
    assert re.findall(r'class="server" href="[^"]*discordGuildId=(\d+)"', found) == [str(cast.TEA_HOUSE)]
    assert "None of your servers" in await page_of(ada, f"{path}?q=%3Cscript%3E")


async def test_whoever_has_no_server_gets_a_link_for_somebody_who_has(
    ben: Person, personality: PersonalityTemplate
) -> None:
    text = await page_of(ben, f"/personalities/{personality.slug}/deploy")
    assert "Manage Server" in text
    assert re.search(rf"readonly[^>]*>[^<]*http[^<]+/personalities/{personality.slug}/deploy</textarea>", text)


async def test_what_was_said_there_is_summed(
    ada: Person, personality: PersonalityTemplate, home: str, house: House
) -> None:
    day = clock.now().date().isoformat()
    spent = {"personality_id": personality.id, "kind": "bot", "live": 7, "samples": 1, "prompt_tokens": 4000}
    async with house.db.write() as session:
        session.add(UsageDay(day=day, discord_guild_id=cast.TEA_HOUSE, model="m", completion_tokens=321, **spent))
        session.add(UsageDay(day=day, discord_guild_id=cast.CLOCKWORK_GARDEN, model="m", **spent))
        session.add(UsageDay(day="2020-01-01", discord_guild_id=cast.TEA_HOUSE, model="m", **spent))
    assert "8 answers and 4.3k tokens in 30 days" in await page_of(ada, "/deployments")
    assert re.search(r"Tokens in 30 days</dt><dd>4.3k<", await page_of(ada, home))


# Off the shelf


async def test_what_left_the_marketplace_stays_and_says_so_and_moves_in_nowhere(
    ada: Person, personality: PersonalityTemplate, home: str, undone_elsewhere: str, house: House
) -> None:
    async with house.db.write() as session:
        (await session.get_one(PersonalityTemplate, personality.id)).archived_at = clock.now()
    text = await page_of(ada, home)
    assert "has left the marketplace" in text
    assert "Pause it here" in text
    for answer in (
        await scene.ask_deploy(ada, personality.id, cast.CLOCKWORK_GARDEN),
        await ada.get(f"/personalities/{personality.slug}/deploy", headers=HTML),
    ):
        assert answer.status_code == 404
    assert "Try again" not in await page_of(ada, undone_elsewhere)
    again = await scene.verb(ada, undone_elsewhere.rpartition("/")[2], "retry")
    assert (again.status_code, again.json()["error"]) == (409, "conflict")


async def test_what_left_the_marketplace_does_not_come_back_by_being_woken(
    ada: Person, personality: PersonalityTemplate, home: str, house: House, finish: Finish
) -> None:
    """It was replaced, then taken down: waking it would move it in anew."""
    rival = await factories.add_personality(house, "Rival")
    second = await scene.deploy(ada, rival.id, replace=True)
    assert (await finish(ada, second["id"]))["status"] == "active"
    async with house.db.write() as session:
        (await session.get_one(PersonalityTemplate, personality.id)).archived_at = clock.now()
    first = home.rpartition("/")[2]
    answer = await scene.verb(ada, first, "resume", replace=True)
    assert (answer.status_code, answer.json()["error"]) == (409, "conflict")
    assert (await scene.see(ada, second["id"]))["status"] == "active"


@pytest.fixture
async def undone_elsewhere(
    ada: Person, personality: PersonalityTemplate, discord: DiscordHandle, finish: Finish
) -> str:
    """One that went back in another server of hers."""
    scene.install_bot(discord, cast.CLOCKWORK_GARDEN)
    made = await scene.deploy(ada, personality.id, cast.CLOCKWORK_GARDEN)
    discord.fail(*PROFILE, status=403, code=50013)
    assert (await finish(ada, made["id"]))["status"] == "rolled_back"
    return f"/deployments/{made['id']}"


# News


async def test_a_failure_is_told_on_every_page_until_it_is_dismissed(
    ada: Person, ben: Person, undone: str, discord: DiscordHandle, finish: Finish
) -> None:
    text = await page_of(ada, "/")
    assert "could not move into" in text
    key = re.search(r'name="key" value="([^"]+)"', text)
    assert key is not None
    assert "could not move into" not in await page_of(ben, "/")
    assert "could not move into" not in await page_of(ada, undone), "it is told there anyway"
    for who, named in ((ben, key[1]), (ada, "another:undone")):
        await send(who, f"{undone}/dismiss", ("key", named), ("next", "/terms"))
    assert "could not move into" in await page_of(ada, "/terms")
    gone = await send(ada, f"{undone}/dismiss", ("key", key[1]), ("next", "/terms"))
    assert (gone.status_code, gone.headers["location"]) == (303, "/terms")
    assert "could not move into" not in await page_of(ada, "/")
    away = await send(ada, f"{undone}/dismiss", ("key", key[1]), ("next", "//evil.example"))
    assert "evil" not in away.headers["location"]
    await scene.verb(ada, undone.rpartition("/")[2], "retry")
    discord.fail(*PROFILE, status=403, code=50013)
    await finish(ada, undone.rpartition("/")[2])
    assert "could not move into" in await page_of(ada, "/"), "failing again is news again"


async def test_news_cost_one_question_and_nothing_where_nobody_is_signed_in(ada: Person, undone: str) -> None:
    with recorded() as asked:
        assert "could not move into" in await page_of(ada, "/terms")
    assert len([sql for sql, _ in asked if "personality_deployments" in sql]) == 1
    ada.http.cookies.clear()
    with recorded() as asked:
        assert "could not move into" not in await page_of(ada, "/terms")
    assert [sql for sql, _ in asked if "personality_deployments" in sql] == []
