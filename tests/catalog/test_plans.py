"""What the hot reads cost: they walk the shelf's indexes, and ask as often for a hundred rows as for ten."""

import re
from typing import Any

import httpx
import pytest
from tests import factories
from tests.support import crowd
from tests.support.engines import has_trigrams
from tests.support.people import Person
from tests.support.statements import recorded

from botbot.catalog.listing import find_cards
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.queries import get_detail
from botbot.catalog.rules import Filters, SortBy
from botbot.house import House


async def plan(house: House, statement: str, parameters: Any, *, freely: bool = False) -> Any:
    """How the engine would run it; on PostgreSQL, unless `freely`, with what an index can do forbidden to be done
    without."""
    async with house.db.reading() as connection:
        if house.db.is_sqlite:
            rows = await connection.exec_driver_sql(f"explain query plan {statement}", parameters)
            return "\n".join(row[-1] for row in rows)
        for switch in () if freely else ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
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


async def asked(house: House, filters: Filters) -> Any:
    """The page, and the statements that it took; asked below HTTP, where answers are kept."""
    async with house.db.reading() as connection:
        with recorded() as seen:
            page, _ = await find_cards(connection, filters)
    return page, seen


async def listing(house: House, filters: Filters) -> Any:
    """The statement that takes the rows."""
    _, seen = await asked(house, filters)
    return next(each for each in seen if "opening_line" in each[0])


SORTED: list[SortBy] = ["popular", "newest", "rating", "name"]


@pytest.mark.parametrize("sort", SORTED)
async def test_each_order_walks_an_index_and_reads_only_the_rows_of_its_page(house: House, sort: SortBy) -> None:
    await factories.add_shelf(house, 120)
    plain = Filters(sort_by=sort, limit=10)
    cursor = (await asked(house, plain))[0].next_cursor
    narrow = plain.at(categories=("science-learning",), languages=("en",), content_ratings=("everyone",))
    for filters in (plain, plain.at(page=3), plain.at(cursor=cursor), narrow, narrow.at(tags=("science",))):
        found = await plan(house, *await listing(house, filters))
        if house.db.is_sqlite:
            assert f"COVERING INDEX ix_find_{sort}" in found, (filters, found)
            assert found.count("TEMP B-TREE") == 1, "the page's own rows, after the index has chosen them"
        else:
            assert re.search(rf"Index (Only )?Scan using ix_(find|shelf)_{sort}", found), (filters, found)
            assert "Seq Scan" not in found, (filters, found)


async def test_a_cursor_starts_where_it_stands(house: House) -> None:
    """And not at the beginning of the index."""
    await factories.add_shelf(house, 60)
    for sort in SORTED:
        filters = Filters(sort_by=sort, limit=10)
        cursor = (await asked(house, filters))[0].next_cursor
        found = await plan(house, *await listing(house, filters.at(cursor=cursor)))
        assert re.search(r"SEARCH personality_templates USING COVERING INDEX|Index Cond: \(\(?\w+\)? [<>]=", found), (
            found
        )


async def test_words_are_found_by_their_trigrams(house: House) -> None:
    if not await has_trigrams(house.db):
        pytest.skip("this PostgreSQL has no pg_trgm")
    await crowd.fill(house.db, 3000)
    _, seen = await asked(house, Filters(search=crowd.RARE))
    searches = [each for each in seen if " LIKE (" in each[0] or " match " in each[0]]
    assert len(searches) == 1, "the page with the total"
    for statement in searches:
        found = await plan(house, *statement, freely=True)
        if house.db.is_sqlite:
            assert "search_trigrams VIRTUAL TABLE" in found, found
            assert not re.search("SCAN (personality_templates|search_numbers)", found), found
        else:
            assert "Bitmap Index Scan on ix_search_text" in found, found
            assert "Seq Scan" not in found, found


async def test_a_count_never_goes_on_for_ever(house: House) -> None:
    await factories.add_shelf(house, 30)
    for filters in (
        Filters(), Filters(search="shelf"), Filters(search="sh"), Filters(categories=("science-learning",)),
        Filters(tags=("science",), min_rating=1.0),
    ):  # fmt: skip
        _, seen = await asked(house, filters)
        counts = [each[0] for each in seen if re.match(r"select count\(\*\) as", each[0], re.IGNORECASE)]
        assert counts, filters
        assert all("LIMIT" in statement for statement in counts), counts


async def test_a_list_asks_as_often_for_ten_rows_as_for_a_hundred(house: House) -> None:
    await factories.add_shelf(house, 10)
    questions = (Filters(limit=100), Filters(search="shelf", limit=100), Filters(tags=("science",), limit=100))
    for filters in questions:
        await asked(house, filters)
    few = [len((await asked(house, filters))[1]) for filters in questions]
    await factories.add_personalities(house, [factories.personality_row(f"More shelf {n:03}") for n in range(90)])
    assert [len((await asked(house, filters))[1]) for filters in questions] == few
    assert max(few) <= 3


async def test_a_detail_is_found_by_its_keys(house: House) -> None:
    saved = await factories.add_shelf(house, 60)
    for key in (saved[7].id, saved[7].slug):
        async with house.db.reading() as connection:
            with recorded() as seen:
                assert (await get_detail(connection, key)).id == saved[7].id
        (asked,) = seen
        found = await plan(house, *asked)
        assert "SCAN personality_templates" not in found, found
        assert "Seq Scan" not in found, found


@pytest.mark.parametrize("path", ["/", "/?search=shelf", "/?tags=science"])
async def test_a_page_costs_the_same_for_ten_rows_and_a_hundred(
    client: httpx.AsyncClient, house: House, path: str
) -> None:
    await factories.add_shelf(house, 10)
    client.cookies.set("botbot_session", "nobody")  # Else the answer is kept, and costs nothing.
    await client.get(path)
    few = len(await statements(client, path))
    rows = [factories.personality_row(f"More shelf {n:03}") for n in range(90)]
    await factories.add_personalities(house, rows)
    assert len(await statements(client, path)) == few
    assert 0 < few <= 12


async def test_a_detail_page_costs_the_same_for_one_review_and_twenty(
    client: httpx.AsyncClient, house: House, personality: PersonalityTemplate
) -> None:
    path = f"/personalities/{personality.slug}"

    client.cookies.set("botbot_session", "nobody")

    async def cost() -> Any:
        with recorded() as seen:
            await client.get(path, headers={"accept": "text/html"})
        return len(seen)

    users = [await factories.add_user(house, 700 + n) for n in range(20)]
    await factories.add_rating(house, personality, users[0], 5, "The first word.")
    one = await cost()
    for user in users[1:]:
        await factories.add_rating(house, personality, user, 4, "One more word.")
    assert await cost() == one <= 12


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
