"""Favourites: marking, finding again, taking away; by script, by form, and only one's own."""

from typing import Any

import httpx
import pytest
from tests import factories
from tests.support.browser import forms_of
from tests.support.people import Person
from tests.support.statements import recorded

from botbot.catalog import favourites
from botbot.catalog.models import PersonalityFavourite, PersonalityTemplate
from botbot.errors import Conflict
from botbot.house import House
from botbot.kit import clock

LIST = "/api/marketplace/favourites"
HTML = {"accept": "text/html"}


def mark(personality: PersonalityTemplate, *, by_slug: bool = False) -> str:
    return f"/api/marketplace/personalities/{personality.slug if by_slug else personality.id}/favourite"


async def mine(person: Person, query: str = "") -> Any:
    answer = await person.get(f"{LIST}{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def names(person: Person, query: str = "") -> list[str]:
    return [each["name"] for each in (await mine(person, query))["personalities"]]


async def test_marking_and_taking_away_are_safe_to_repeat(ada: Person, personality: PersonalityTemplate) -> None:
    for by_slug in (False, True, True):
        answer = await ada.put(mark(personality, by_slug=by_slug))
        assert (answer.status_code, answer.content) == (204, b"")
    assert await names(ada) == [personality.name]
    for _ in range(2):
        assert (await ada.delete(mark(personality, by_slug=True))).status_code == 204
    assert await names(ada) == []


async def test_the_newest_mark_comes_first_and_pages_hold_each_once(ada: Person, house: House, tick: Any) -> None:
    saved = await factories.add_shelf(house, 7)
    for each in saved:
        tick(seconds=1)
        await ada.put(mark(each))
    expected = [each.name for each in reversed(saved)]
    pages = [await mine(ada, f"?limit=3&page={n}") for n in (1, 2, 3, 4)]
    assert [each["name"] for page in pages for each in page["personalities"]] == expected
    assert [page["pagination"]["hasNextPage"] for page in pages] == [True, True, False, False]
    assert pages[0]["pagination"] == {
        "page": 1, "limit": 3, "totalCount": 7, "totalPages": 3, "hasNextPage": True, "hasPreviousPage": False,
        "nextCursor": None,
    }  # fmt: skip


async def test_favourites_are_ones_own(ada: Person, ben: Person, personality: PersonalityTemplate) -> None:
    await ada.put(mark(personality))
    assert await names(ben) == []
    assert (await ben.delete(mark(personality))).status_code == 204
    assert await names(ada) == [personality.name]


async def test_the_list_is_private_and_holds_no_system_prompt(ada: Person, personality: PersonalityTemplate) -> None:
    await ada.put(mark(personality))
    answer = await ada.get(LIST)
    assert answer.headers["cache-control"] == "private, no-store"
    assert "Quicksilver" not in answer.text
    assert (await ada.get("/favourites", headers=HTML)).headers["cache-control"] == "private, no-store"


async def test_a_visitor_is_asked_to_sign_in(client: httpx.AsyncClient, personality: PersonalityTemplate) -> None:
    for answer in (
        await client.get(LIST), await client.put(mark(personality)), await client.delete(mark(personality)),
        await client.get("/favourites"),
    ):  # fmt: skip
        assert (answer.status_code, answer.json()["error"]) == (401, "authentication_required")
        assert answer.json()["details"]["loginUrl"].endswith("/api/auth/discord")


async def test_what_nobody_may_see_cannot_be_marked_or_guessed(ada: Person, house: House) -> None:
    hidden = await factories.add_personality(house, "Hidden", is_public=False)
    gone = await factories.add_personality(house, "Gone", archived_at=clock.now())
    for each in (hidden, gone):
        for answer in (await ada.put(mark(each)), await ada.delete(mark(each))):
            assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
    for key in ("nobody", "%00", "'; drop table users; --", "x" * 3000, "%F0%9F%98%80"):
        assert (await ada.put(f"/api/marketplace/personalities/{key}/favourite")).status_code in {400, 404}


async def test_what_left_the_marketplace_keeps_its_place(ada: Person, house: House) -> None:
    personality = await factories.add_personality(house)
    await ada.put(mark(personality))
    await _change(house, personality, archived_at=clock.now())
    answer = await mine(ada)
    assert (answer["personalities"], answer["awayCount"], answer["pagination"]["totalCount"]) == ([], 1, 0)
    assert "1 favourite has left" in (await ada.get("/favourites", headers=HTML)).text
    await _change(house, personality, archived_at=None)
    assert await names(ada) == [personality.name]
    await _change(house, personality, archived_at=clock.now())
    assert (await ada.delete(mark(personality))).status_code == 204
    assert (await mine(ada))["awayCount"] == 0


async def _change(house: House, personality: PersonalityTemplate, **values: Any) -> None:
    async with house.db.write() as session:
        row = await session.get(PersonalityTemplate, personality.id)
        assert row is not None
        for name, value in values.items():
            setattr(row, name, value)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "page=0", "page=1000001", "limit=x", "page=9e9"])
async def test_pages_that_cannot_be(ada: Person, query: str) -> None:
    answer = await ada.get(f"{LIST}?{query}")
    assert (answer.status_code, answer.json()["error"]) == (400, "validation_failed")
    assert query.partition("=")[0] in answer.json()["details"]["fields"]


async def test_there_is_a_most(house: House) -> None:
    user, saved = await factories.add_user(house, 77), await factories.add_shelf(house, 4)
    async with house.db.write() as session:
        for each in saved[:3]:
            await favourites.add_favourite(session, user.id, each.id, most=3)
        await favourites.add_favourite(session, user.id, saved[0].id, most=3)
        with pytest.raises(Conflict):
            await favourites.add_favourite(session, user.id, saved[3].id, most=3)


async def test_which_of_these(house: House) -> None:
    user, saved = await factories.add_user(house, 77), await factories.add_shelf(house, 3)
    async with house.db.write() as session:
        await favourites.add_favourite(session, user.id, saved[1].slug)
    everyone = [each.id for each in saved]
    async with house.db.reading() as connection:
        assert await favourites.favourite_ids(connection, user.id, everyone) == {saved[1].id}
        assert await favourites.favourite_ids(connection, user.id, [saved[0].id]) == set()
        with recorded() as seen:
            assert await favourites.favourite_ids(connection, user.id, []) == set()
    assert seen == []
    async with house.db.read() as session:
        assert await favourites.favourite_ids(session, user.id, everyone) == {saved[1].id}


async def test_a_forgotten_person_leaves_no_mark(house: House, personality: PersonalityTemplate) -> None:
    user = await factories.add_user(house, 77)
    async with house.db.write() as session:
        await favourites.add_favourite(session, user.id, personality.id)
    async with house.db.write() as session:
        await session.delete(await session.get(type(user), user.id))
    async with house.db.read() as session:
        assert await session.get(PersonalityFavourite, (user.id, personality.id)) is None


# The form


async def test_the_heart_works_as_a_form_and_comes_back(ada: Person, personality: PersonalityTemplate) -> None:
    path = f"/personalities/{personality.slug}/favourite"
    answer = await ada.post(path, data={"action": "add", "next": "/?search=atlas"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/?search=atlas&notice=favourite")
    assert await names(ada) == [personality.name]
    page = await ada.get("/favourites", headers=HTML)
    assert personality.name in page.text
    (heart,) = [form for form in forms_of(page) if form.action.endswith("/favourite")]
    assert heart.buttons == [("action", "remove")]
    assert heart.fields == {"next": "/favourites"}
    assert 'aria-pressed="true"' in page.text
    answer = await ada.post(path, data={"action": "remove", "next": "/favourites?notice=favourite"})
    assert answer.headers["location"] == "/favourites?notice=favourite-gone"
    assert await names(ada) == []


async def test_the_form_leads_nowhere_else(ada: Person, personality: PersonalityTemplate) -> None:
    path = f"/personalities/{personality.slug}/favourite"
    for target in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""):
        answer = await ada.post(path, data={"action": "add", "next": target})
        assert answer.headers["location"] == "/?notice=favourite", target
    for action in ("", "toggle", "add\n"):
        assert (await ada.post(path, data={"action": action})).status_code == 400


async def test_another_site_cannot_press_it(ada: Person, personality: PersonalityTemplate) -> None:
    evil = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    path = f"/personalities/{personality.slug}/favourite"
    refused = [
        await ada.post(path, data={"action": "add"}, headers=evil),
        await ada.put(mark(personality), headers=evil),
    ]
    assert {(answer.status_code, answer.json()["error"]) for answer in refused} == {(403, "cross_site_request")}
    assert await names(ada) == []


async def test_the_page_says_who_is_not_there_yet(ada: Person) -> None:
    page = await ada.get("/favourites", headers=HTML)
    assert page.status_code == 200
    assert "Nobody here yet" in page.text
    assert 'href="/favourites" aria-current="page"' in page.text
    assert (await ada.get("/favourites?page=7", headers=HTML)).status_code == 404
    assert (await ada.get("/favourites?page=%00x", headers=HTML)).status_code == 200


async def test_ten_or_a_hundred_cost_the_same(ada: Person, house: House) -> None:
    saved = await factories.add_shelf(house, 100)
    for each in saved[:10]:
        await ada.put(mark(each))
    with recorded() as few:
        await ada.get(f"{LIST}?limit=100")
    for each in saved[10:]:
        await ada.put(mark(each))
    with recorded() as many:
        await ada.get(f"{LIST}?limit=100")
    assert len(few) == len(many)


async def test_one_person_marks_sixty_times_a_minute_and_others_go_on(
    ada: Person, ben: Person, personality: PersonalityTemplate
) -> None:
    form = f"/personalities/{personality.slug}/favourite"
    for _ in range(20):
        assert (await ada.put(mark(personality))).status_code == 204
        assert (await ada.delete(mark(personality))).status_code == 204
        assert (await ada.post(form, data={"action": "add"})).status_code == 303
    for refused in (
        await ada.put(mark(personality)),
        await ada.delete(mark(personality)),
        await ada.post(form, data={"action": "remove"}),
    ):
        assert (refused.status_code, refused.json()["error"]) == (429, "rate_limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert await names(ada) == [personality.name]
    assert (await ben.put(mark(personality))).status_code == 204
