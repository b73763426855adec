"""The front page's shelves: what stands in them, each personality once, in few statements."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests import factories
from tests.support.statements import recorded

from botbot.catalog import arranging, shelves
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.shelves import MOST_SHELVES, PER_SHELF, Plan
from botbot.errors import EditConflict, ValidationFailed
from botbot.house import House
from botbot.kit import clock


async def shown(house: House) -> dict[str, list[str]]:
    """Titles to the names that stand there, in order."""
    async with house.db.reading() as connection:
        found = await shelves.list_shelves(connection)
    return {shelf.title: [row.name for row in shelf.rows] for shelf in found}


async def arrange(house: House, *plans: Plan, version: str | None = None) -> list[Plan]:
    async with house.db.write() as session:
        return await arranging.arrange(session, "somebody", plans, version=version)


def entry(name: str, **changes: Any) -> PersonalityTemplate:
    return factories.personality_row(name, **changes)


async def test_an_empty_catalogue_has_no_shelves(house: House) -> None:
    assert await shown(house) == {}


async def test_the_usual_shelves_each_with_its_own(house: House) -> None:
    old = clock.now() - timedelta(days=300)
    await factories.add_personalities(
        house,
        [
            entry("Star", is_featured=True, deploy_count=1, created_at=old),
            entry("Sun", is_featured=True, deploy_count=5, created_at=old),
            entry("Riser", trend_score=4.0, created_at=old),
            entry("Climber", trend_score=7.0, created_at=old),
            *(entry(f"Old {n:02}", created_at=old - timedelta(days=n)) for n in range(20)),
        ],
    )
    found = await shown(house)
    assert list(found) == ["Picked by the house", "Trending this week", "Just moved in", "Science & Learning"]
    assert found["Picked by the house"] == ["Sun", "Star"]
    assert found["Trending this week"] == ["Climber", "Riser"]
    assert found["Just moved in"] == [f"Old {n:02}" for n in range(PER_SHELF)]
    assert sorted(found["Science & Learning"]) == [f"Old {n:02}" for n in range(PER_SHELF, 20)]


async def test_the_three_categories_are_those_that_lead(house: House) -> None:
    counts = {"Gaming": 4, "Music": 3, "Science": 2, "Sleep": 1}
    rows = [entry(f"{name} {n}", category=name, deploy_count=9) for name, count in counts.items() for n in range(count)]
    await factories.add_personalities(house, rows)
    async with house.db.reading() as connection:
        plans = await shelves.default_shelves(connection)
    assert [plan.title for plan in plans[3:]] == ["Gaming", "Music", "Science"]


async def test_nobody_stands_on_two_shelves_and_no_shelf_is_too_long(house: House) -> None:
    rows = [
        entry(f"All {n:02}", is_featured=True, trend_score=1.0 + n, deploy_count=n, category="AB"[n % 2] * 4)
        for n in range(60)
    ]
    await factories.add_personalities(house, rows)
    found = await shown(house)
    names = [name for each in found.values() for name in each]
    assert len(names) == len(set(names)) == 60
    assert {len(each) for each in found.values()} == {PER_SHELF}
    assert found["Picked by the house"][0] == "All 59"


async def test_what_visitors_cannot_see_stands_nowhere(house: House) -> None:
    for changes in ({"is_public": False}, {"archived_at": clock.now()}):
        saved = await factories.add_personality(
            house, f"Away {len(changes)} {[*changes]}", is_featured=True, trend_score=9.0, **changes
        )
        await arrange(house, Plan("", "picked", "Mine", None, True, (saved.id,)), Plan("", "featured", "Featured"))
        assert await shown(house) == {}


async def test_hand_picked_ones_stay_where_they_were_put(house: House) -> None:
    saved = await factories.add_shelf(house, 4, is_featured=True)
    picked = (saved[2].id, saved[0].id)
    await arrange(house, Plan("", "featured", "Featured"), Plan("", "picked", "By hand", None, True, picked))
    found = await shown(house)
    assert found["By hand"] == ["Shelf 0002", "Shelf 0000"]
    assert sorted(found["Featured"]) == ["Shelf 0001", "Shelf 0003"]


async def test_hidden_and_empty_shelves_are_left_out_and_order_is_kept(house: House) -> None:
    await factories.add_shelf(house, 3, trend_score=1.0)
    await arrange(
        house,
        Plan("", "trending", "Second", None, False),
        Plan("", "picked", "Nobody"),
        Plan("", "featured", "Nobody either"),
        Plan("", "new", "  Fresh \t faces "),
    )
    assert list(await shown(house)) == ["Fresh faces"]


async def test_few_statements_however_many_shelves(house: House) -> None:
    saved = await factories.add_shelf(house, 30, is_featured=True, trend_score=2.0)
    with recorded() as usual:
        await shown(house)
    assert len(usual) == 4
    many = [Plan("", "picked", f"Picked {n}", None, True, (saved[n].id,)) for n in range(MOST_SHELVES - 1)]
    await arrange(house, Plan("", "new", "New"), *many)
    with recorded() as asked:
        assert len(await shown(house)) == MOST_SHELVES
    assert len(asked) == 3


async def test_urls_lead_to_lists_that_say_the_same(house: House) -> None:
    await factories.add_shelf(house, 40, is_featured=True, trend_score=1.0)
    async with house.db.reading() as connection:
        found = await shelves.list_shelves(connection)
    assert [shelf.url for shelf in found] == [None, None, "/?sortBy=newest", "/?category=science-learning"]


# Arranging


async def test_the_usual_shelves_come_back_when_all_are_taken_away(house: House) -> None:
    await factories.add_shelf(house, 3, is_featured=True)
    await arrange(house, Plan("", "featured", "Ours"))
    assert list(await shown(house)) == ["Ours"]
    await arrange(house)
    assert "Picked by the house" in await shown(house)


async def test_a_shelf_keeps_its_id_and_a_foreign_one_gets_a_new_one(house: House) -> None:
    await factories.add_shelf(house, 1)
    (first,) = await arrange(house, Plan("mine", "new", "New"))
    assert first.id != "mine"
    again = await arrange(house, first._replace(title="Newer"), first._replace(kind="featured"))
    assert (again[0].id, again[0].title) == (first.id, "Newer")
    assert again[1].id != first.id


async def test_the_version_tells_of_every_change(house: House) -> None:
    (saved,) = await factories.add_shelf(house, 1)
    plan = Plan("a", "picked", "One", None, True, (saved.id,))
    others = [plan._replace(**change) for change in (
        {"title": "Two"}, {"kind": "new"}, {"is_visible": False}, {"picked": ()}, {"category_slug": "x"}, {"id": "b"},
    )]  # fmt: skip
    versions = {arranging.version_of([each]) for each in [plan, *others]} | {arranging.version_of([])}
    assert len(versions) == len(others) + 2


async def test_whoever_comes_second_is_told(house: House) -> None:
    await factories.add_shelf(house, 1)
    async with house.db.reading() as connection:
        version = arranging.version_of(await shelves.list_plans(connection))
    await arrange(house, Plan("", "new", "Mine"), version=version)
    with pytest.raises(EditConflict):
        await arrange(house, Plan("", "new", "Theirs"), version=version)
    assert list(await shown(house)) == ["Mine"]


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        (Plan("", "weird", "Title"), "shelves[0].kind"),
        (Plan("", "new", "   "), "shelves[0].title"),
        (Plan("", "new", "x" * 61), "shelves[0].title"),
        (Plan("", "new", "a\x07b"), "shelves[0].title"),
        (Plan("", "category", "None"), "shelves[0].category"),
        (Plan("", "category", "Odd", "no-such-thing"), "shelves[0].category"),
        (Plan("", "picked", "Nobody", None, True, ("unknown",)), "shelves[0].personalities"),
        (Plan("", "picked", "Twice", None, True, ("same", "same")), "shelves[0].personalities"),
        (Plan("", "picked", "Many", None, True, tuple(map(str, range(25)))), "shelves[0].personalities"),
        (Plan("", "new", "New", None, True, ("x",)), "shelves[0].personalities"),
    ],
)
async def test_what_cannot_be_arranged_is_refused_by_field(house: House, plan: Plan, field: str) -> None:
    await factories.add_shelf(house, 1)
    with pytest.raises(ValidationFailed) as refused:
        await arrange(house, plan)
    assert field in refused.value.details["fields"]
    async with house.db.reading() as connection:
        assert await shelves.stored_plans(connection) == []


async def test_no_kind_twice_and_not_too_many(house: House) -> None:
    await factories.add_shelf(house, 1)
    with pytest.raises(ValidationFailed):
        await arrange(house, Plan("", "new", "One"), Plan("", "new", "Two"))
    with pytest.raises(ValidationFailed):
        await arrange(house, *(Plan("", "picked", f"{n}") for n in range(MOST_SHELVES + 1)))


async def test_featuring_is_noted_and_is_no_new_version(house: House, personality: PersonalityTemplate) -> None:
    for wanted in (True, True, False, False):
        async with house.db.write() as session:
            await arranging.feature(session, "somebody", personality.slug, wanted)
    async with house.db.read() as session:
        found = await session.get(PersonalityTemplate, personality.id)
        assert found is not None
        assert (found.is_featured, found.version) == (False, 1)
        trail = await session.execute(text("select action from audit_log order by id"))
        assert [row[0] for row in trail] == ["personality.feature", "personality.unfeature"]


async def test_the_shelves_follow_a_large_catalogue_by_index(house: House) -> None:
    """The parts that walk the whole shelf stop along an index."""
    await factories.add_shelf(house, 50, trend_score=1.0)
    with recorded() as asked:
        await shown(house)
    union = next(each for each in asked if "UNION ALL" in each[0])
    async with house.db.reading() as connection:
        if not house.db.is_sqlite:
            await connection.exec_driver_sql("set enable_seqscan = off")
            await connection.exec_driver_sql("set enable_sort = off")
        word = "explain query plan" if house.db.is_sqlite else "explain"
        rows = await connection.exec_driver_sql(f"{word} {union[0]}", union[1])
        plan = "\n".join(str(row[-1]) for row in rows)
        if not house.db.is_sqlite:
            await connection.exec_driver_sql("reset all")
    for order in ("trending", "newest"):
        assert re.search(f"ix_(shelf|find)_{order}", plan), plan
