"""Arranging the front page: admins write, moderators read, to everybody else it isn't there."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import text
from tests import factories
from tests.conftest import SignIn
from tests.support.browser import Form, forms_of
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person

from botbot.accounts.service import grant_role
from botbot.catalog.models import PersonalityTemplate
from botbot.house import House
from botbot.sandbox import cast

API = "/api/marketplace/admin/shelves"
PAGE = "/admin/shelves"
HTML = {"accept": "text/html"}


async def arrangement(person: Person) -> Any:
    answer = await person.get(API)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def titles(person: Person) -> list[str]:
    return [each["title"] for each in (await arrangement(person))["shelves"]]


async def put(person: Person, *shelves: Any, **headers: str) -> httpx.Response:
    return await person.put(API, json={"shelves": list(shelves)}, headers=headers)


async def actions(house: House) -> list[str]:
    async with house.db.reading() as connection:
        rows = await connection.execute(
            text("select action from audit_log where action not like 'account%' order by id")
        )
        return [row[0] for row in rows]


@pytest.fixture
async def saved(house: House) -> Sequence[PersonalityTemplate]:
    return await factories.add_shelf(house, 6)


@pytest.fixture
async def moderator(house: House, sign_in: SignIn) -> Person:
    async with house.db.write() as session:
        await grant_role(session, cast.BEN, "moderator")
    return await sign_in("ben")


# Who may


@MOSTLY_SQLITE
async def test_strangers_moderators_and_admins(
    client: httpx.AsyncClient, ada: Person, moderator: Person, cleo: Person, personality: PersonalityTemplate
) -> None:
    body = {"shelves": [{"kind": "new", "title": "New"}]}
    featured = f"{API}/featured/{personality.id}"
    expected: list[tuple[Any, int, int, str]] = [
        (client, 401, 401, "authentication_required"),
        (ada, 404, 404, "not_found"),
        (moderator, 200, 403, "permission_denied"),
    ]
    for who, reading, writing, error in expected:
        for path in (API, PAGE):
            answer = await who.get(path)
            assert answer.status_code == reading, (path, answer.text)
        for answer in (
            await who.put(API, json=body), await who.put(featured), await who.delete(featured),
            await who.post(PAGE, data={"action": "defaults", "version": "x"}),
        ):  # fmt: skip
            assert (answer.status_code, answer.json()["error"]) == (writing, error)
    assert (await cleo.put(API, json=body)).status_code == 200
    assert (await moderator.get("/admin")).status_code == 200
    assert (await ada.get("/admin")).status_code == 404


@MOSTLY_SQLITE
async def test_a_moderator_sees_no_buttons(moderator: Person, saved: Any) -> None:
    page = await moderator.get(PAGE, headers=HTML)
    assert "Just moved in" in page.text
    assert [form for form in forms_of(page) if form.action.endswith(PAGE)] == []
    assert 'href="/admin"' in (await moderator.get("/", headers=HTML)).text


@MOSTLY_SQLITE
async def test_only_staff_are_shown_the_way(ada: Person, client: httpx.AsyncClient, saved: Any) -> None:
    for who in (ada, client):
        assert "/admin" not in (await who.get("/", headers=HTML)).text


@MOSTLY_SQLITE
async def test_another_site_arranges_nothing(cleo: Person, saved: Any) -> None:
    evil = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert (await put(cleo, **evil)).status_code == 403
    answer = await cleo.post(PAGE, data={"action": "defaults"}, headers=evil)
    assert (answer.status_code, answer.json()["error"]) == (403, "cross_site_request")


# The whole at once


async def test_the_arrangement_goes_out_and_in_again(cleo: Person, house: House, saved: Any) -> None:
    before = await arrangement(cleo)
    assert before["isDefault"] is True
    wanted = [
        {"kind": "picked", "title": "By hand", "personalities": [saved[3].id, saved[1].id]},
        {"kind": "category", "title": "Science", "category": "science-learning", "isVisible": False},
        {"kind": "new", "title": "New"},
    ]
    answer = await put(cleo, *wanted)
    assert answer.status_code == 200, answer.text
    after = await arrangement(cleo)
    assert after == answer.json()
    assert after["isDefault"] is False
    assert [each["slug"] for each in after["shelves"][0]["personalities"]] == [saved[3].slug, saved[1].slug]
    assert after["shelves"][1] | {"id": ""} == {
        "id": "", "kind": "category", "title": "Science", "category": "science-learning", "isVisible": False,
        "personalities": [],
    }  # fmt: skip
    assert await actions(house) == ["shelves.arrange"]
    back = [{**each, "personalities": [person["id"] for person in each["personalities"]]} for each in after["shelves"]]
    again = await put(cleo, *back)
    assert again.json() == after
    assert await actions(house) == ["shelves.arrange"], "nothing changed, nothing noted"
    assert (await put(cleo)).json()["isDefault"] is True


async def test_if_match_keeps_two_admins_apart(cleo: Person, saved: Any) -> None:
    etag = (await cleo.get(API)).headers["etag"]
    first = await put(cleo, {"kind": "new", "title": "Mine"}, **{"if-match": etag})
    assert first.status_code == 200
    second = await put(cleo, {"kind": "new", "title": "Theirs"}, **{"if-match": etag})
    assert (second.status_code, second.json()["error"]) == (412, "edit_conflict")
    assert await titles(cleo) == ["Mine"]
    third = await put(cleo, {"kind": "new", "title": "Later"}, **{"if-match": first.headers["etag"]})
    assert third.status_code == 200
    for always in ({}, {"if-match": "*"}):
        assert (await put(cleo, {"kind": "new", "title": "Anyway"}, **always)).status_code == 200


@MOSTLY_SQLITE
@pytest.mark.parametrize(
    "body",
    [
        {}, {"shelves": None}, {"shelves": {}}, {"shelves": [7]}, {"shelves": [{}]}, {"shelves": [{"kind": "new"}]},
        {"shelves": [{"kind": "new", "title": ""}]}, {"shelves": [{"kind": "x", "title": "T"}]},
        {"shelves": [{"kind": "picked", "title": "T", "personalities": ["nobody"]}]},
        {"shelves": [{"kind": "picked", "title": "T", "personalities": "abc"}]},
        {"shelves": [{"kind": "category", "title": "T", "category": "'; drop table shelves"}]},
        {"shelves": [{"kind": "new", "title": "T"}] * 13}, [], "text", {"shelves": [[[]]]},
    ],
)  # fmt: skip
async def test_what_cannot_be_stored_is_named(cleo: Person, saved: Any, body: Any) -> None:
    answer = await cleo.put(API, json=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "validation_failed"), answer.text
    assert answer.json()["details"]["fields"]
    assert (await arrangement(cleo))["isDefault"] is True


async def test_featuring_by_script(cleo: Person, client: httpx.AsyncClient, house: House, saved: Any) -> None:
    assert (await cleo.put(f"{API}/featured/{saved[2].slug}")).status_code == 204
    page = await client.get("/", headers=HTML)
    assert "Picked by the house" in page.text
    assert (await cleo.delete(f"{API}/featured/{saved[2].id}")).status_code == 204
    assert "Picked by the house" not in (await client.get("/", headers=HTML)).text
    assert (await cleo.put(f"{API}/featured/nobody")).status_code == 404
    assert await actions(house) == ["personality.feature", "personality.unfeature"]


# By form, as without a script


async def press(cleo: Person, button: str, *, on: str = "", at: str = PAGE, **fields: str) -> httpx.Response:
    """Press a button of the page; `on` is in the form's hidden fields or its title."""
    page = await cleo.get(at, headers=HTML)
    form = _form(forms_of(page), button, on)
    data = {**form.fields, "action": button, **fields}
    return await cleo.post(PAGE, data=data, headers=HTML)


def _form(forms: list[Form], button: str, on: str) -> Form:
    for form in forms:
        if ("action", button) in form.buttons and (not on or on in form.fields.values()):
            return form
    raise LookupError(f"no {button} for {on!r}")


async def test_shelves_move_hide_change_names_and_go(cleo: Person, house: House, saved: Any) -> None:
    assert (await titles(cleo))[:3] == ["Picked by the house", "Trending this week", "Just moved in"]
    answer = await press(cleo, "up", on="Just moved in")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{PAGE}?did=up&at=new&notice=saved"
    await press(cleo, "down", on="Picked by the house")
    assert (await titles(cleo))[:3] == ["Just moved in", "Picked by the house", "Trending this week"]
    await press(cleo, "rename", on="Just moved in", title="  Fresh   faces ")
    await press(cleo, "hide", on="Trending this week")
    shelves = (await arrangement(cleo))["shelves"]
    assert (shelves[0]["title"], shelves[2]["isVisible"]) == ("Fresh faces", False)
    await press(cleo, "show", on="Trending this week")
    await press(cleo, "remove", on="Picked by the house")
    assert (await titles(cleo))[:2] == ["Fresh faces", "Trending this week"]
    assert await actions(house) == ["shelves.arrange"] * 6
    await press(cleo, "defaults")
    assert (await arrangement(cleo))["isDefault"] is True


async def test_a_shelf_is_filled_by_hand(cleo: Person, client: httpx.AsyncClient, saved: Any) -> None:
    answer = await press(cleo, "add", what="picked", title="From the harbour")
    (shelf,) = parse_qs(urlsplit(answer.headers["location"]).query)["at"]
    opened = f"{PAGE}?open={shelf}&search=shelf"
    for n in (0, 1, 2):
        answer = await press(cleo, "pick", on=saved[n].id, at=opened)
        assert f"open={shelf}" in answer.headers["location"], "the page comes back where the hand was"
    await press(cleo, "pick-down", on=saved[0].id, at=opened)
    await press(cleo, "unpick", on=saved[2].id, at=opened)
    await press(cleo, "pick-up", on=saved[0].id, at=opened)
    await press(cleo, "pick-down", on=saved[0].id, at=opened)
    (mine,) = [each for each in (await arrangement(cleo))["shelves"] if each["id"] == shelf]
    assert [each["name"] for each in mine["personalities"]] == ["Shelf 0001", "Shelf 0000"]
    front = (await client.get("/", headers=HTML)).text
    assert front.index("From the harbour") < front.index("Shelf 0001")


async def test_featuring_by_form(cleo: Person, client: httpx.AsyncClient, saved: Any) -> None:
    at = f"{PAGE}?open=featured&search=0004"
    await press(cleo, "feature", on=saved[4].id, at=at)
    assert "Picked by the house" in (await client.get("/", headers=HTML)).text
    await press(cleo, "unfeature", on=saved[4].id, at=f"{PAGE}?open=featured")
    assert "Picked by the house" not in (await client.get("/", headers=HTML)).text


async def test_a_page_that_is_out_of_date_says_so_and_changes_nothing(cleo: Person, saved: Any) -> None:
    page = await cleo.get(PAGE, headers=HTML)
    old = _form(forms_of(page), "up", "Just moved in")
    await press(cleo, "rename", on="Just moved in", title="Changed")
    answer = await cleo.post(PAGE, data={**old.fields, "action": "up"}, headers=HTML)
    assert answer.status_code == 412
    assert 'role="alert"' in answer.text
    assert "Somebody changed this in the meantime" in answer.text
    assert (await titles(cleo))[2] == "Changed"


@MOSTLY_SQLITE
@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"action": "explode"}, 400), ({}, 400), ({"action": "up", "shelf": "nowhere"}, 404),
        ({"action": "rename", "shelf": "new", "title": ""}, 400),
        ({"action": "rename", "shelf": "new", "title": "x" * 61}, 400),
        ({"action": "add", "what": "weird"}, 400), ({"action": "add", "what": "new"}, 400),
        ({"action": "add", "what": "category:nowhere:Nowhere"}, 400),
        ({"action": "pick", "shelf": "new", "personality": "x"}, 400),
        ({"action": "pick-up", "shelf": "new", "personality": "x"}, 404),
        ({"action": "feature", "personality": "x"}, 404),
    ],
)  # fmt: skip
async def test_a_form_that_cannot_be_is_answered_on_the_page(
    cleo: Person, saved: Any, fields: dict[str, str], status: int
) -> None:
    page = await cleo.get(PAGE, headers=HTML)
    version = _form(forms_of(page), "up", "Just moved in").fields["version"]
    answer = await cleo.post(PAGE, data={"version": version, **fields}, headers=HTML)
    assert answer.status_code == status, answer.text
    assert 'role="alert"' in answer.text
    assert "The front page’s shelves" in answer.text
    assert (await arrangement(cleo))["isDefault"] is True


@MOSTLY_SQLITE
async def test_the_last_shelf_is_hidden_not_removed(cleo: Person, saved: Any) -> None:
    await put(cleo, {"kind": "new", "title": "Only"})
    answer = await press(cleo, "remove", on="Only")
    assert answer.status_code == 400
    assert await titles(cleo) == ["Only"]


@MOSTLY_SQLITE
async def test_hostile_words_are_only_text(cleo: Person, client: httpx.AsyncClient, saved: Any) -> None:
    title = "<img src=x onerror=alert(1)> {{7*7}}"
    await put(cleo, {"kind": "new", "title": title})
    for page in (await cleo.get(PAGE, headers=HTML), await client.get("/", headers=HTML)):
        assert "<img src=x" not in page.text
        assert "{{7*7}}" in page.text
    for query in ("open=%00", "open=<script>", "open=new&search=%25'\"\\", "did=up&at=nowhere&who=%F0%9F%98%80"):
        assert (await cleo.get(f"{PAGE}?{query}", headers=HTML)).status_code == 200
