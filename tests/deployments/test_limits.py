"""How often personalities may be moved in an hour, by one person and in one server, over all processes."""

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest
from tests.conftest import MakeSite, SignIn
from tests.deployments import scene
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person
from tests.support.serving import Site

from botbot.catalog.models import PersonalityTemplate
from botbot.kit import clock
from botbot.sandbox import cast
from botbot.sandbox.handle import DiscordHandle

FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}


@pytest.fixture(autouse=True)
def early_in_the_hour(tick: Callable[..., None]) -> None:
    """So that no test runs into the next one."""
    now = clock.now()
    tick(seconds=3605 - now.minute * 60 - now.second)


@pytest.fixture
async def site(make_site: MakeSite) -> Site:
    return await make_site(deployments_per_person=5, deployments_per_server=3)


async def test_twelve_at_once_at_two_processes_are_counted_exactly(
    site: Site, make_site: MakeSite, sign_in: SignIn, ben: Person, personality: PersonalityTemplate
) -> None:
    second = await make_site(deployments_per_person=5)
    elsewhere = await sign_in("ben", second)
    answers = await asyncio.gather(*(scene.ask_deploy(who, personality.id) for who in [ben, elsewhere] * 6))
    assert Counter(answer.status_code for answer in answers) == {403: 5, 429: 7}, "he manages nothing, and still"
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["error"] == "rate_limited"
    assert refused.json()["details"] == {"limit": 5, "per": "person"}
    assert 3400 < int(refused.headers["retry-after"]) <= 3600


@MOSTLY_SQLITE
async def test_a_server_has_an_hour_too_but_pausing_is_always_free(
    site: Site, ada: Person, personality: PersonalityTemplate, tick: Callable[..., None]
) -> None:
    home = (await scene.deploy(ada, personality.id))["id"]
    await site.drain()
    for name in ("Dot", "Dash"):
        changed = await ada.patch(f"{scene.DEPLOYMENTS}/{home}", json={"customizations": {"name": name}})
        assert changed.status_code == 202
        await site.drain()
    refused = await ada.delete(f"{scene.DEPLOYMENTS}/{home}")
    assert (refused.status_code, refused.json()["details"]) == (429, {"limit": 3, "per": "server"})
    for verb in ("pause", "resume") * 4:
        assert (await scene.verb(ada, home, verb)).status_code == 202
    tick(hours=1)
    assert (await ada.delete(f"{scene.DEPLOYMENTS}/{home}")).status_code == 202


@MOSTLY_SQLITE
async def test_who_may_not_change_a_server_uses_nothing_of_it_up(
    site: Site, ben: Person, ada: Person, personality: PersonalityTemplate
) -> None:
    for _ in range(4):
        assert (await scene.ask_deploy(ben, personality.id, cast.TEA_HOUSE)).status_code == 403
    assert (await scene.ask_deploy(ada, personality.id)).status_code == 202


@MOSTLY_SQLITE
async def test_the_same_request_again_and_a_refusal_by_the_place_cost_the_server_nothing(
    site: Site, ada: Person, personality: PersonalityTemplate
) -> None:
    for _ in range(8):
        assert (await scene.ask_deploy(ada, personality.id, key="once")).status_code == 202
    for _ in range(4):
        assert (await scene.ask_deploy(ada, personality.id)).status_code == 409
    assert (await scene.ask_deploy(ada, personality.id)).status_code == 429, "attempts are a person's own"


async def test_the_same_request_at_once_is_answered_alike_also_when_it_takes_the_last_place(
    site: Site, ada: Person, personality: PersonalityTemplate
) -> None:
    for _ in range(4):
        await scene.ask_deploy(ada, personality.id, 1)
    answers = await asyncio.gather(*(scene.ask_deploy(ada, personality.id, key="once") for _ in range(6)))
    assert {answer.status_code for answer in answers} <= {202, 429}
    settled = await asyncio.gather(*(scene.ask_deploy(ada, personality.id, key="once") for _ in range(6)))
    assert {answer.status_code for answer in settled} == {202}


@MOSTLY_SQLITE
async def test_an_admin_cleans_up_as_often_as_it_takes(
    site: Site, cleo: Person, personality: PersonalityTemplate, discord: DiscordHandle, co_manager: int
) -> None:
    for _ in range(4):
        home = (await scene.deploy(cleo, personality.id, cast.TEA_HOUSE))["id"]
        assert (await cleo.delete(f"{scene.DEPLOYMENTS}/{home}")).status_code == 202
        await site.drain()


@MOSTLY_SQLITE
async def test_the_form_comes_back_with_what_was_chosen(
    site: Site, ada: Person, personality: PersonalityTemplate
) -> None:
    for _ in range(5):
        await scene.ask_deploy(ada, personality.id, 1)
    fields = f"discordGuildId={cast.TEA_HOUSE}&name=Dot&asks_greeting=1"
    answer = await ada.post(f"/personalities/{personality.slug}/deploy", content=fields, headers=FORM)
    assert answer.status_code == 429
    assert "You have moved a lot within this hour" in answer.text
    assert 'value="Dot"' in answer.text
