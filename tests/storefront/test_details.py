"""One personality over JSON: the short way for visitors and the long one say the same, and nothing they should not."""

from typing import Any

import httpx
import pytest
from tests import factories
from tests.support.engines import ONLY_SQLITE
from tests.support.people import Person

from botbot.catalog.models import PersonalityTemplate
from botbot.errors import NotFound
from botbot.house import House
from botbot.storefront.details import encode_detail, usual_detail

PATH = "/api/marketplace/personalities"


async def test_visitors_and_people_read_the_same_bytes(
    house: House, client: httpx.AsyncClient, ada: Person, personality: PersonalityTemplate
) -> None:
    for n, stars in enumerate((5, 3, 3)):
        user = await factories.add_user(house, 800 + n)
        await factories.add_rating(house, personality, user, stars, f"Wörd {n}" if n else None)
    for key in (personality.id, personality.slug):
        kept = await client.get(f"{PATH}/{key}?any=thing")
        assert kept.status_code == 200
        assert kept.content == (await ada.get(f"{PATH}/{key}")).content
        assert kept.content == await encode_detail(house, key)
        assert kept.content == await usual_detail(house, f"{PATH}/{key}", b"any=thing")


async def test_the_stars_are_counted_and_the_words_come_newest_first(
    house: House, client: httpx.AsyncClient, personality: PersonalityTemplate
) -> None:
    for n, stars in enumerate((5, 3, 3)):
        user = await factories.add_user(house, 800 + n)
        await factories.add_rating(house, personality, user, stars, f"Word {n}" if n else None)
    told = (await client.get(f"{PATH}/{personality.slug}")).json()
    assert told["ratings"]["histogram"] == {"1": 0, "2": 0, "3": 2, "4": 0, "5": 1}
    assert [each["review"] for each in told["ratings"]["newest"]] == ["Word 2", "Word 1"]
    assert (told["avgRating"], told["ratingCount"]) == (3.67, 3)


@pytest.mark.parametrize("rated", [False, True])
async def test_what_was_never_said_has_its_default(house: House, client: httpx.AsyncClient, rated: bool) -> None:
    entry = await factories.add_personality(
        house, compatibility={"languages": ["de"], "minContextTokens": "4096"}, traits={}, tags=[]
    )
    if rated:
        await factories.add_rating(house, entry, await factories.add_user(house, 800), 4)
    told = (await client.get(f"{PATH}/{entry.id}")).json()
    assert told["compatibility"] == {
        "permissions": [], "intents": [], "languages": ["de"], "minContextTokens": 4096
    }  # fmt: skip
    assert (told["traits"], told["tags"]) == ({}, [])
    assert sum(told["ratings"]["histogram"].values()) == rated


async def test_what_is_not_on_the_shelf_is_not_there(house: House, client: httpx.AsyncClient) -> None:
    hidden = await factories.add_personality(house, is_public=False)
    for key in (hidden.id, hidden.slug, "nobody", "%00", "%F0%9F%90%88", "a%2Fb", "' or 1=1 --", "%"):
        answer = await client.get(f"{PATH}/{key}")
        assert (answer.status_code, answer.json()["error"]) == (404, "not_found"), key
    with pytest.raises(NotFound):
        await encode_detail(house, hidden.id)


@ONLY_SQLITE
async def test_the_prompt_is_nowhere_in_it(house: House, client: httpx.AsyncClient, ada: Person) -> None:
    entry = await factories.add_personality(house)
    for asker in (client, ada):
        told: Any = await asker.get(f"{PATH}/{entry.id}")
        assert b"Quicksilver" not in told.content
        assert "systemPrompt" not in told.json()
