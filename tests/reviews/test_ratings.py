"""Ratings: one each, replaced and taken back, with an average that is exact whoever races."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from tests import factories
from tests.conftest import MakeSite
from tests.support.browser import forms_of
from tests.support.engines import ONLY_SQLITE
from tests.support.people import Person, api_client
from tests.support.serving import Site

from botbot.catalog.models import PersonalityTemplate
from botbot.house import House
from botbot.reviews.models import PersonalityRating
from botbot.sandbox import cast


@pytest.fixture
def path(personality: PersonalityTemplate) -> Any:
    return f"/api/marketplace/personalities/{personality.id}"


async def shown(client: httpx.AsyncClient | Person, path: str) -> Any:
    body = (await client.get(path)).json()
    return body["avgRating"], body["ratingCount"], body["ratings"]["histogram"]


async def truth(house: House, personality: PersonalityTemplate) -> Any:
    """(mean, count) from the rows themselves, and what the entry claims."""
    async with house.db.read() as session:
        rows = select(func.avg(PersonalityRating.rating), func.count()).where(
            PersonalityRating.template_id == personality.id
        )
        mean, count = (await session.execute(rows)).one()
        entry = await session.get(PersonalityTemplate, personality.id)
    return (None if mean is None else round(float(mean), 2), count), entry


async def test_a_rating_answers_mine_and_what_became_of_the_average(ada: Person, ben: Person, path: str) -> None:
    first = await ada.post(f"{path}/rate", json={"rating": 5, "review": "Made me curious."})
    assert (first.status_code, first.json()) == (
        200,
        {"rating": 5, "review": "Made me curious.", "avgRating": 5.0, "ratingCount": 1},
    )
    second = await ben.post(f"{path}/rate", json={"rating": 2})
    assert second.json() == {"rating": 2, "review": None, "avgRating": 3.5, "ratingCount": 2}


async def test_a_second_one_replaces_the_first(ada: Person, ben: Person, path: str) -> None:
    await ben.post(f"{path}/rate", json={"rating": 4})
    for stars in (1, 5, 3):
        await ada.post(f"{path}/rate", json={"rating": stars, "review": f"{stars} stars"})
    body = (await ada.get(path)).json()
    assert (body["avgRating"], body["ratingCount"]) == (3.5, 2)
    assert body["ratings"]["histogram"] == {"1": 0, "2": 0, "3": 1, "4": 1, "5": 0}
    assert [each["review"] for each in body["ratings"]["newest"]] == ["3 stars"]


async def test_taken_back_it_never_was(ada: Person, ben: Person, path: str) -> None:
    await ben.post(f"{path}/rate", json={"rating": 2})
    await ada.post(f"{path}/rate", json={"rating": 5, "review": "Gone soon."})
    for _ in range(2):
        answer = await ada.delete(f"{path}/rate")
        assert (answer.status_code, answer.content) == (204, b"")
    assert await shown(ada, path) == (2.0, 1, {"1": 0, "2": 1, "3": 0, "4": 0, "5": 0})
    await ben.delete(f"{path}/rate")
    assert (await shown(ada, path))[:2] == (None, 0)


async def test_a_review_shows_who_and_whether_they_used_it(
    house: House, ada: Person, ben: Person, path: str, personality: PersonalityTemplate
) -> None:
    from botbot.catalog.service import note_use

    async with house.db.write() as session:
        await note_use(session, personality.id, cast.ADA)
    await ada.post(f"{path}/rate", json={"rating": 5, "review": "Lives with us."})
    await ben.post(f"{path}/rate", json={"rating": 4, "review": "Only looked."})
    newest = (await ada.get(path)).json()["ratings"]["newest"]
    assert [set(each) for each in newest] == [{"id", "rating", "review", "username", "createdAt", "usedIt"}] * 2
    assert [(each["username"], each["usedIt"]) for each in newest] == [("Ben", False), ("Ada", True)]


async def test_only_the_ten_newest_with_words_are_shown(
    house: House, client: httpx.AsyncClient, personality: PersonalityTemplate, path: str, tick: Callable[..., None]
) -> None:
    for n in range(13):
        user = await factories.add_user(house, 800 + n)
        await factories.add_rating(house, personality, user, 4, f"Word {n}" if n % 4 else None)
        tick(seconds=1)
    newest = [each["review"] for each in (await client.get(path)).json()["ratings"]["newest"]]
    assert newest == [f"Word {n}" for n in range(12, -1, -1) if n % 4][:10]


async def test_visitors_are_asked_to_sign_in(client: httpx.AsyncClient, path: str) -> None:
    for answer in (await client.post(f"{path}/rate", json={"rating": 5}), await client.delete(f"{path}/rate")):
        assert (answer.status_code, answer.json()["error"]) == (401, "authentication_required")
        assert answer.json()["details"]["loginUrl"].endswith("/api/auth/discord")


async def test_what_is_no_rating_is_named_and_changes_nothing(ada: Person, path: str) -> None:
    for body, field in [
        ({"rating": 0}, "rating"), ({"rating": 6}, "rating"), ({"rating": -1}, "rating"), ({"rating": 4.5}, "rating"),
        ({"rating": "5"}, "rating"), ({"rating": None}, "rating"), ({"rating": True}, "rating"), ({}, "rating"),
        ({"rating": [5]}, "rating"), ({"rating": 2**63}, "rating"), ({"rating": 1e300}, "rating"),
        ({"rating": 5, "review": 7}, "review"), ({"rating": 5, "review": "x" * 1001}, "review"),
        ({"rating": 5, "review": "nul \x00"}, "review"), ({"rating": 5, "review": {"a": 1}}, "review"),
    ]:  # fmt: skip
        answer = await ada.post(f"{path}/rate", json=body)
        assert answer.status_code == 400, (body, answer.text)
        assert answer.json()["error"] == "validation_failed", body
        assert field in answer.json()["details"]["fields"], (body, answer.text)
    assert (await shown(ada, path))[:2] == (None, 0)


async def test_hostile_words_come_back_as_they_were_and_are_only_text_on_the_page(
    ada: Person, path: str, personality: PersonalityTemplate
) -> None:
    for words in (
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "{{7*7}} ${7*7} {user.__class__} %s",
        "'; drop table personality_ratings; --", "<b hx-get='/logout' hx-trigger='load'>x</b>", "javascript:alert(1)",
        "@everyone <@1>",
        "\u202egnirts desrever\u202c", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A", "😀" * 500, "a\nb\n\n\nc", "</textarea><script>x</script>",
        "\\u0000", "&lt;b&gt;", "\ufeffbom", "x" * 1000,
    ):  # fmt: skip
        answer = await ada.post(f"{path}/rate", json={"rating": 3, "review": words})
        assert answer.status_code == 200, (words, answer.text)
        kept = answer.json()["review"]
        assert kept == (await ada.get(path)).json()["ratings"]["newest"][0]["review"]
        page = await ada.get(f"/personalities/{personality.slug}", headers={"accept": "text/html"})
        assert page.status_code == 200
        for tag in ("<script>alert", "<img src=x", "<b hx-get", "<script>x"):
            assert tag not in page.text, words


async def test_accents_are_kept_in_one_form(ada: Person, path: str) -> None:
    answer = await ada.post(f"{path}/rate", json={"rating": 3, "review": "  cafe\u0301  "})
    assert answer.json()["review"] == "caf\u00e9"


async def test_broken_characters_are_refused_alike(ada: Person, path: str) -> None:
    for raw in (rb'{"rating": 5, "review": "\ud800"}', rb'{"rating": 5, "review": "\u0000"}',
                b'{"rating": 5, "review": "\xff"}'):  # fmt: skip
        answer = await ada.post(f"{path}/rate", content=raw, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["error"]) == (400, "validation_failed"), raw
    assert (await shown(ada, path))[:2] == (None, 0)


async def test_fifty_at_once_leave_an_exact_average(
    site: Site, house: House, client: httpx.AsyncClient, personality: PersonalityTemplate, path: str
) -> None:
    """Each rates three times at the same moment as the others; the last one counts, and nothing is lost."""
    from botbot.accounts.service import create_api_token

    scripts = []
    for n in range(50):
        async with house.db.write() as session:
            token = await create_api_token(session, 5000 + n)
        scripts.append(api_client(site.url, headers={"authorization": f"Bearer {token}"}))

    async def rate(number: int, script: httpx.AsyncClient) -> Any:
        codes = []
        for turn in range(3):
            codes.append((await script.post(f"{path}/rate", json={"rating": (number + turn) % 5 + 1})).status_code)
        if number % 10 == 0:
            codes.append((await script.delete(f"{path}/rate")).status_code)
        return codes

    answered = await asyncio.gather(*(rate(n, script) for n, script in enumerate(scripts)))
    await asyncio.gather(*(script.aclose() for script in scripts))
    assert {code for codes in answered for code in codes} == {200, 204}
    (mean, count), entry = await truth(house, personality)
    expected = [(n + 2) % 5 + 1 for n in range(50) if n % 10]
    assert (mean, count) == (round(sum(expected) / 45, 2), 45)
    assert (entry.avg_rating, entry.rating_count, entry.rating_sum) == (mean, count, sum(expected))
    assert (await shown(client, path))[0] == mean


async def test_one_person_racing_with_themselves_counts_once(
    house: House, ada: Person, personality: PersonalityTemplate, path: str
) -> None:
    answers = await asyncio.gather(*(ada.post(f"{path}/rate", json={"rating": n % 5 + 1}) for n in range(12)))
    assert {answer.status_code for answer in answers} == {200}
    (mean, count), entry = await truth(house, personality)
    assert count == entry.rating_count == 1
    assert entry.avg_rating == mean


async def test_two_processes_share_the_sums(
    make_site: MakeSite, site: Site, ada: Person, ben: Person, house: House, personality: PersonalityTemplate, path: str
) -> None:
    other = await make_site()
    mine, theirs = await ada.by_token(), await ben.by_token()
    await asyncio.gather(
        *(mine.post(f"{site.url}{path}/rate", json={"rating": n % 5 + 1}) for n in range(8)),
        *(theirs.post(f"{other.url}{path}/rate", json={"rating": n % 5 + 1}) for n in range(8)),
    )
    (mean, count), entry = await truth(house, personality)
    assert (entry.avg_rating, entry.rating_count, count) == (mean, 2, 2)


@ONLY_SQLITE
async def test_authors_do_not_rate_their_own(house: House, ada: Person) -> None:
    mine = await factories.add_personality(house, "Mine", created_by=await ada.user_id())
    answer = await ada.post(f"/api/marketplace/personalities/{mine.id}/rate", json={"rating": 5})
    assert (answer.status_code, answer.json()["error"]) == (403, "permission_denied")


class TestForms:
    async def test_rate_and_take_back_without_a_script(
        self, ada: Person, personality: PersonalityTemplate, path: str
    ) -> None:
        page = f"/personalities/{personality.slug}"
        answer = await ada.post(f"{page}/rate", data={"rating": "4", "review": "By form."})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(f"{page}?notice=rated")
        assert (await shown(ada, path))[:2] == (4.0, 1)
        gone = await ada.post(f"{page}/rate", data={"action": "take-back"})
        assert (gone.status_code, 'value="undo"' in gone.text) == (200, True)
        assert (await shown(ada, path))[:2] == (None, 0)
        again = await ada.post(f"{page}/rate", data={"action": "take-back"})
        assert (again.status_code, again.headers["location"]) == (303, f"{page}?notice=unrated#reviews")

    async def test_a_bad_form_is_a_page_that_says_so(
        self, ada: Person, personality: PersonalityTemplate, path: str
    ) -> None:
        for data in ({"rating": "9"}, {"rating": ""}, {}, {"rating": "5", "review": "x" * 1001}):
            answer = await ada.post(
                f"/personalities/{personality.slug}/rate", data=data, headers={"accept": "text/html"}
            )
            assert answer.status_code == 400, data
            assert 'role="alert"' in answer.text
        assert (await shown(ada, path))[:2] == (None, 0)

    async def test_through_the_page_a_person_sees(
        self, ada: Person, site: Site, personality: PersonalityTemplate, path: str
    ) -> None:
        """The page's own form, filled in and sent by the browser."""
        page = await ada.browser.open(f"{site.url}/personalities/{personality.slug}")

        form = next(each for each in forms_of(page) if each.action.endswith("/rate"))
        done = await ada.browser.submit(form, rating="5", review="From the page.")
        assert done.status_code == 200
        assert "From the page." in done.text
        assert (await shown(ada, path))[:2] == (5.0, 1)
