"""More like this: by tags, category and words, always the same, at a bounded cost."""

from types import SimpleNamespace
from typing import Any

import httpx
from tests import factories
from tests.catalog.test_plans import plan
from tests.support.statements import recorded

from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.similar import COMPARED, MOST_TAGS, POPULAR, RARE, list_similar, rank
from botbot.house import House
from botbot.kit import clock


async def similar(house: House, personality: PersonalityTemplate, limit: int = 6) -> list[str]:
    async with house.db.reading() as connection:
        return [row.name for row in await list_similar(connection, personality, limit)]


async def add(house: House, name: str, **changes: Any) -> PersonalityTemplate:
    plain = {"description": name, "category": f"Only {name}", "tags": [f"only {name}"]}
    return await factories.add_personality(house, name, **(plain | changes))


async def test_what_has_more_in_common_comes_first(house: House) -> None:
    about: dict[str, Any] = {"category": "Nature", "tags": ["bees", "calm", "garden"], "description": "Keeps bees."}
    me = await add(house, "Tilda", **about)
    await add(house, "Twin", **about)
    await add(house, "Two tags", tags=["bees", "garden"])
    await add(house, "One tag", tags=["CALM"])
    await add(house, "Category", category="Nature")
    await add(house, "Stranger")
    assert await similar(house, me) == ["Twin", "Two tags", "One tag", "Category"]
    assert await similar(house, me, limit=2) == ["Twin", "Two tags"]


async def test_never_itself_nor_what_visitors_cannot_see(house: House) -> None:
    me = await factories.add_personality(house, "Tilda")
    await factories.add_personality(house, "Hidden", is_public=False)
    await factories.add_personality(house, "Archived", archived_at=clock.now())
    assert await similar(house, me) == []
    await factories.add_personality(house, "There")
    assert await similar(house, me) == ["There"]


async def test_ties_go_to_the_more_deployed_and_stay(house: House) -> None:
    me = await factories.add_personality(house, "Tilda")
    for name, count in (("Some", 3), ("Most", 9), ("None", 0)):
        await factories.add_personality(house, name, deploy_count=count)
    for _ in range(3):
        assert await similar(house, me) == ["Most", "Some", "None"]


async def test_its_cost_does_not_grow_with_the_catalogue(house: House) -> None:
    """Two statements, and a bounded number of rows, whether there are ten entries or eight hundred."""
    me = await factories.add_personality(house, "Tilda", tags=[f"tag {n}" for n in range(12)])
    for more in (10, 790):
        rows = [
            factories.personality_row(f"Other {more} {n}", tags=[f"tag {n % 12}", "all"], deploy_count=n)
            for n in range(more)
        ]
        await factories.add_personalities(house, rows)
        with recorded() as seen:
            found = await similar(house, me, limit=1000)
        assert len(seen) == 2
        assert len(found) <= COMPARED
        for statement, parameters in seen:
            assert len(parameters) < 40 + (MOST_TAGS + 1) * RARE
            walked = await plan(house, statement, parameters)
            assert "SCAN personality_templates" not in walked.replace("SCAN personality_templates USING", ""), walked
            assert "Seq Scan" not in walked, walked


async def test_a_rare_tag_is_found_below_the_most_deployed(house: House) -> None:
    """Nobody deployed the only other beekeeper, and hundreds of others are in the way."""
    me = await factories.add_personality(house, "Tilda", tags=["bees", "all"])
    crowd = [
        factories.personality_row(f"Crowd {n}", tags=["all"], category="Crowd", description="", deploy_count=9)
        for n in range(POPULAR + 20)
    ]
    await factories.add_personalities(house, crowd)
    await add(house, "Beekeeper", tags=["bees"])
    assert (await similar(house, me))[0] == "Beekeeper"


def row(name: str, **changes: Any) -> SimpleNamespace:
    made = {
        "id": name, "name": name, "description": "", "tags": [], "category_slug": name, "language": "en",
        "deploy_count": 0,
    }  # fmt: skip
    return SimpleNamespace(**(made | changes))


def test_a_rare_tag_says_more_than_a_frequent_one() -> None:
    me = row("me", tags=["common", "rare"])
    crowd = [row(f"crowd {n}", tags=["common"]) for n in range(9)]
    assert rank(me, [*crowd, row("kin", tags=["rare"])])[0].name == "kin"


def test_the_language_matters_only_beside_something_else() -> None:
    me = row("me", tags=["bees"], language="de")
    english, german = row("english", tags=["bees"]), row("german", tags=["bees"], language="de")
    assert rank(me, [english, german, row("only", language="de")]) == [german, english]


def test_words_count_without_accents_and_case() -> None:
    me = row("me", description="Un café tranquille")
    alike, other = row("alike", description="CAFE noir"), row("other", description="nothing")
    assert rank(me, [alike, other]) == [alike]


async def test_the_page_shows_them(house: House, client: httpx.AsyncClient) -> None:
    me = await factories.add_personality(house, "Tilda")
    await factories.add_personality(house, "Kindred soul")
    page = (await client.get(f"/personalities/{me.slug}")).text
    assert "More like this" in page
    assert "Kindred soul" in page
