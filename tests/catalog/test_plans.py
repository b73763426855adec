"""What the hot reads cost: they walk the shelf's indexes, and ask as often for a hundred rows as for ten."""

from typing import Any

import httpx
import pytest
from tests import factories
from tests.support.people import Person
from tests.support.statements import recorded

from botbot.catalog.models import PersonalityTemplate
from botbot.house import House

PATH = "/api/marketplace/personalities"


async def plan(house: House, statement: str, parameters: Any) -> Any:
    """How the engine would run it; on PostgreSQL with what an index can do forbidden to be done without."""
    async with house.db.reading() as connection:
        if house.db.is_sqlite:
            rows = await connection.exec_driver_sql(f"explain query plan {statement}", parameters)
            return "\n".join(row[-1] for row in rows)
        for switch in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
            await connection.exec_driver_sql(f"set {switch} = off")
        try:
            rows = await connection.exec_driver_sql(f"explain {statement}", parameters)
            return "\n".join(row[0] for row in rows)
        finally:
            await connection.exec_driver_sql("reset all")


async def statements(client: httpx.AsyncClient, path: str) -> Any:
    with recorded() as seen:
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return [each for each in seen if "personality_templates" in each[0]]


@pytest.mark.parametrize("sort", ["popular", "newest", "rating", "name"])
async def test_each_order_walks_its_index_without_sorting(client: httpx.AsyncClient, house: House, sort: str) -> None:
    await factories.add_shelf(house, 120)
    first = await client.get(f"{PATH}?sortBy={sort}&limit=10")
    cursor = first.json()["pagination"]["nextCursor"]
    for query in (f"sortBy={sort}", f"sortBy={sort}&page=3", f"sortBy={sort}&limit=10&cursor={cursor}"):
        asked = await statements(client, f"{PATH}?{query}")
        (listing,) = [each for each in asked if "count(" not in each[0].lower().split("from")[0]]
        found = await plan(house, *listing)
        assert f"ix_shelf_{sort}" in found, (query, found)
        assert "TEMP B-TREE" not in found, (query, found)
        assert "Sort" not in found, (query, found)


async def test_a_detail_is_found_by_its_keys(client: httpx.AsyncClient, house: House) -> None:
    saved = await factories.add_shelf(house, 60)
    for key in (saved[7].id, saved[7].slug):
        asked = await statements(client, f"{PATH}/{key}")
        found = await plan(house, *asked[0])
        assert "SCAN personality_templates" not in found, found
        assert "Seq Scan" not in found, found


@pytest.mark.parametrize("path", [f"{PATH}?limit=100", "/", "/?search=shelf", f"{PATH}?limit=100&search=shelf"])
async def test_a_list_costs_the_same_for_ten_rows_and_a_hundred(
    client: httpx.AsyncClient, house: House, path: str
) -> None:
    await factories.add_shelf(house, 10)
    await client.get(path)
    few = len(await statements(client, path))
    rows = [factories.personality_row(f"More shelf {n:03}") for n in range(90)]
    await factories.add_personalities(house, rows)
    assert len(await statements(client, path)) == few
    assert few <= 5


async def test_a_detail_page_costs_the_same_for_one_review_and_twenty(
    client: httpx.AsyncClient, house: House, personality: PersonalityTemplate
) -> None:
    path = f"/personalities/{personality.slug}"

    async def cost() -> Any:
        with recorded() as seen:
            await client.get(path, headers={"accept": "text/html"})
        return len(seen)

    users = [await factories.add_user(house, 700 + n) for n in range(20)]
    await factories.add_rating(house, personality, users[0], 5, "The first word.")
    one = await cost()
    for user in users[1:]:
        await factories.add_rating(house, personality, user, 4, "One more word.")
    assert await cost() == one <= 8


async def test_my_deployments_cost_the_same_for_two_and_ten(
    ada: Person, house: House, personality: PersonalityTemplate
) -> None:
    """Rows, not questions: each further deployment adds none."""
    from botbot.deployments.models import PersonalityDeployment

    async def add(count: int, base: int) -> None:
        user_id = await ada.user_id()
        async with house.db.write() as session:
            session.add_all(
                PersonalityDeployment(
                    template_id=personality.id, user_id=user_id, discord_guild_id=base + n, status="removed", version=1
                )
                for n in range(count)
            )

    async def cost(path: str) -> Any:
        await ada.get(path)
        with recorded() as seen:
            assert (await ada.get(path)).status_code == 200
        return len(seen)

    await add(2, 10)
    before = [await cost(path) for path in ("/api/marketplace/deployments", "/deployments")]
    await add(8, 100)
    assert [await cost(path) for path in ("/api/marketplace/deployments", "/deployments")] == before
