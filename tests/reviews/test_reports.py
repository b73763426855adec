"""Reports: once per person and subject, in words of bounded length, and not too many at once."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, select
from tests import factories
from tests.support.browser import forms_of
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person
from tests.support.serving import Site

from botbot.accounts.models import User
from botbot.catalog.models import PersonalityTemplate
from botbot.house import House
from botbot.reviews.models import Report


@pytest.fixture
def path(personality: PersonalityTemplate) -> str:
    return f"/api/marketplace/personalities/{personality.id}"


async def reports(house: House) -> list[tuple[str, str, str, str]]:
    async with house.db.read() as session:
        rows = await session.execute(
            select(Report.subject_type, Report.subject_id, Report.reason, Report.words).order_by(Report.created_at)
        )
        return [(row[0], row[1], row[2], row[3]) for row in rows]


async def test_a_personality_and_a_review_each_once(
    house: House, ada: Person, ben: Person, personality: PersonalityTemplate, path: str
) -> None:
    await ada.post(f"{path}/rate", json={"rating": 1, "review": "Buy my boots."})
    review_id = (await ben.get(f"{path}/reviews")).json()["reviews"][0]["id"]
    for where in (path, f"{path}/reviews/{review_id}"):
        answer = await ben.post(f"{where}/report", json={"reason": "spam", "words": " boots "})
        assert (answer.status_code, answer.json()) == (202, {"state": "open"})
        again = await ben.post(f"{where}/report", json={"reason": "other"})
        assert (again.status_code, again.json()["error"]) == (409, "conflict")
    assert (await ada.post(f"{path}/report", json={"reason": "harmful"})).status_code == 202
    assert await reports(house) == [
        ("personality", personality.id, "spam", "boots"),
        ("review", review_id, "spam", "boots"),
        ("personality", personality.id, "harmful", ""),
    ]


async def test_the_same_report_many_times_at_once_is_one(house: House, ada: Person, path: str) -> None:
    script = await ada.by_token()
    answers = await asyncio.gather(*(script.post(f"{path}/report", json={"reason": "spam"}) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    assert len(await reports(house)) == 1


@MOSTLY_SQLITE
async def test_what_is_no_report_is_named(ada: Person, client: httpx.AsyncClient, house: House, path: str) -> None:
    for body in (
        {}, {"reason": "dull"}, {"reason": 5}, {"reason": "spam", "words": "x" * 501}, {"reason": "spam", "words": 1},
        {"reason": None},
    ):  # fmt: skip
        answer = await ada.post(f"{path}/report", json=body)
        assert (answer.status_code, answer.json()["error"]) == (400, "validation_failed"), body
    assert (await client.post(f"{path}/report", json={"reason": "spam"})).status_code == 401
    assert (await ada.post(f"{path}/reviews/nothing/report", json={"reason": "spam"})).status_code == 404
    assert await reports(house) == []


@MOSTLY_SQLITE
async def test_one_person_sends_a_few_a_minute(house: House, ada: Person) -> None:
    codes = []
    for n in range(7):
        entry = await factories.add_personality(house, f"Number {n}")
        answer = await ada.post(f"/api/marketplace/personalities/{entry.id}/report", json={"reason": "spam"})
        codes.append(answer.status_code)
    assert codes == [202] * 5 + [429] * 2
    assert int(answer.headers["retry-after"]) > 0


async def test_it_outlives_who_sent_it(house: House, ada: Person, path: str) -> None:
    await ada.post(f"{path}/report", json={"reason": "rights"})
    user_id = await ada.user_id()
    async with house.db.write() as session:
        await session.execute(delete(User).where(User.id == user_id))
    async with house.db.read() as session:
        kept = (await session.scalars(select(Report))).one()
    assert (kept.reporter_id, kept.reason) == (None, "rights")


class TestForms:
    @MOSTLY_SQLITE
    async def test_without_a_script(
        self, house: House, ada: Person, ben: Person, site: Site, personality: PersonalityTemplate, path: str
    ) -> None:
        await ada.post(f"{path}/rate", json={"rating": 1, "review": "<b>Boots</b>"})
        review_id = (await ben.get(f"{path}/reviews")).json()["reviews"][0]["id"]
        for where in ("report", f"reviews/{review_id}/report"):
            page = await ben.browser.open(f"{site.url}/personalities/{personality.slug}/{where}")
            assert "<b>Boots" not in page.text
            form = next(each for each in forms_of(page) if each.action.endswith("/report"))
            sent = await ben.browser.submit(form, reason="hateful", words="Line one\r\nline two")
            assert (sent.status_code, "A moderator will look at it" in sent.text) == (200, True)
            again = await ben.browser.submit(form, reason="hateful")
            assert (again.status_code, "You have reported this before" in again.text) == (409, True)
        assert [each[2:] for each in await reports(house)] == [("hateful", "Line one\nline two")] * 2

    @MOSTLY_SQLITE
    async def test_a_refused_form_keeps_what_was_written(
        self, ada: Person, personality: PersonalityTemplate, house: House
    ) -> None:
        url = f"/personalities/{personality.slug}/report"
        html = {"accept": "text/html"}
        answer = await ada.post(url, data={"words": "I wrote this."}, headers=html)
        assert (answer.status_code, "I wrote this." in answer.text, 'role="alert"' in answer.text) == (400, True, True)
        long = await ada.post(url, data={"reason": "spam", "words": "x" * 501}, headers=html)
        assert long.status_code == 400
        assert await reports(house) == []

    @MOSTLY_SQLITE
    async def test_visitors_are_shown_the_way_in(
        self, browser: Any, site: Site, personality: PersonalityTemplate, client: httpx.AsyncClient, house: House
    ) -> None:
        url = f"/personalities/{personality.slug}/report"
        page = await browser.open(f"{site.url}{url}")
        assert f"next={url}" in page.text
        assert not [form for form in forms_of(page) if form.action.endswith("/report")]
        sent = await client.post(url, data={"reason": "spam"}, headers={"accept": "text/html"})
        assert sent.status_code == 401
        assert await reports(house) == []
