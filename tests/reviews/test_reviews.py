"""Reviews: in order and in pages, found helpful once by each, taken back and put back."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, func, select
from tests import factories
from tests.support.browser import forms_of
from tests.support.engines import MOSTLY_SQLITE, ONLY_POSTGRES
from tests.support.people import Person
from tests.support.serving import Site

from botbot.accounts.models import User
from botbot.audit.models import AuditEntry
from botbot.catalog.models import PersonalityTemplate
from botbot.errors import Conflict, NotFound
from botbot.house import House
from botbot.reviews import service, voting
from botbot.reviews.models import PersonalityRating, ReviewVote

FIELDS = {
    "id", "rating", "review", "username", "usedIt", "helpfulCount", "createdAt", "updatedAt", "isMine", "foundHelpful",
}  # fmt: skip


@pytest.fixture
def path(personality: PersonalityTemplate) -> str:
    return f"/api/marketplace/personalities/{personality.id}"


async def add_reviews(house: House, personality: PersonalityTemplate, count: int, tick: Callable[..., None]) -> Any:
    """`count` reviewers, the oldest first, and their reviews' ids."""
    users, found = [], []
    for n in range(count):
        users.append(await factories.add_user(house, 700 + n, username=f"Reader {n}"))
        await factories.add_rating(house, personality, users[-1], n % 5 + 1, f"Words {n}")
        tick(seconds=1)
    async with house.db.read() as session:
        rows = await session.execute(select(PersonalityRating.id).order_by(PersonalityRating.created_at))
        found = [row[0] for row in rows]
    return users, found


async def vote(house: House, personality: PersonalityTemplate, user: User, review_id: str) -> None:
    async with house.db.write() as session:
        await voting.find_helpful(session, factories.viewer_of(user), personality.id, review_id)


async def counts(house: House) -> dict[str, tuple[int, int]]:
    """Per review: what it claims, and how many votes there are."""
    votes = select(func.count()).where(ReviewVote.rating_id == PersonalityRating.id).scalar_subquery()
    async with house.db.read() as session:
        rows = await session.execute(select(PersonalityRating.id, PersonalityRating.helpful_count, votes))
        return {row[0]: (row[1], row[2]) for row in rows}


class TestTheList:
    async def test_helpful_first_or_newest_first_in_pages(
        self,
        house: House,
        client: httpx.AsyncClient,
        personality: PersonalityTemplate,
        path: str,
        tick: Callable[..., None],
    ) -> None:
        users, reviews = await add_reviews(house, personality, 13, tick)
        for voters, place in ((3, 4), (2, 9)):
            for voter in [each for each in users if each is not users[place]][:voters]:
                await vote(house, personality, voter, reviews[place])

        async def words(**query: Any) -> list[str]:
            answer = (await client.get(f"{path}/reviews", params=query)).json()
            assert [set(each) for each in answer["reviews"]] == [FIELDS] * len(answer["reviews"])
            return [each["review"] for each in answer["reviews"]]

        newest = [f"Words {n}" for n in range(12, -1, -1)]
        assert await words(sort="newest", limit=100) == newest
        helpful = ["Words 4", "Words 9", *(each for each in newest if each not in {"Words 4", "Words 9"})]
        assert await words() == helpful[:10]
        assert await words(page=2) == helpful[10:]
        first = (await client.get(f"{path}/reviews?limit=5")).json()["pagination"]
        assert first == {
            "page": 1, "limit": 5, "totalCount": 13, "totalPages": 3, "hasNextPage": True, "hasPreviousPage": False,
        }  # fmt: skip

    @MOSTLY_SQLITE
    async def test_what_cannot_be_asked_is_named(self, client: httpx.AsyncClient, path: str) -> None:
        for query, field in (
            ("sort=loudest", "sort"), ("page=0", "page"), ("limit=0", "limit"), ("limit=101", "limit"),
            ("page=10001", "page"), ("page=x", "page"), ("limit=-1", "limit"),
        ):  # fmt: skip
            answer = await client.get(f"{path}/reviews?{query}")
            assert (answer.status_code, field in answer.json()["details"]["fields"]) == (400, True), query

    @MOSTLY_SQLITE
    async def test_of_what_is_hidden_there_are_none(self, house: House, client: httpx.AsyncClient) -> None:
        hidden = await factories.add_personality(house, "Hidden", is_public=False)
        for each in (hidden.id, "nobody"):
            assert (await client.get(f"/api/marketplace/personalities/{each}/reviews")).status_code == 404

    @MOSTLY_SQLITE
    async def test_a_rating_without_words_is_no_review(self, ada: Person, path: str) -> None:
        await ada.post(f"{path}/rate", json={"rating": 5})
        assert (await ada.get(f"{path}/reviews")).json()["pagination"]["totalCount"] == 0


class TestHelpful:
    async def test_once_by_each_and_taken_back(self, ada: Person, ben: Person, path: str) -> None:
        await ada.post(f"{path}/rate", json={"rating": 5, "review": "Helpful, I hope."})
        review = (await ben.get(f"{path}/reviews")).json()["reviews"][0]
        for _ in range(2):
            answer = await ben.put(f"{path}/reviews/{review['id']}/helpful")
            assert (answer.status_code, answer.json()) == (200, {"helpfulCount": 1, "foundHelpful": True})
        seen = (await ben.get(f"{path}/reviews")).json()["reviews"][0]
        assert (seen["foundHelpful"], seen["isMine"], seen["updatedAt"]) == (True, False, review["updatedAt"])
        assert (await ada.get(f"{path}/reviews")).json()["reviews"][0]["isMine"] is True
        for _ in range(2):
            answer = await ben.delete(f"{path}/reviews/{review['id']}/helpful")
            assert (answer.status_code, answer.json()) == (200, {"helpfulCount": 0, "foundHelpful": False})

    @MOSTLY_SQLITE
    async def test_not_ones_own_and_not_by_strangers(
        self, ada: Person, client: httpx.AsyncClient, house: House, path: str
    ) -> None:
        await ada.post(f"{path}/rate", json={"rating": 5, "review": "Mine."})
        review_id = (await ada.get(f"{path}/reviews")).json()["reviews"][0]["id"]
        assert (await ada.put(f"{path}/reviews/{review_id}/helpful")).status_code == 403
        assert (await client.put(f"{path}/reviews/{review_id}/helpful")).status_code == 401
        assert (await ada.put(f"{path}/reviews/nothing/helpful")).status_code == 404
        other = await factories.add_personality(house, "Somebody else")
        elsewhere = f"/api/marketplace/personalities/{other.id}/reviews/{review_id}/helpful"
        assert (await ada.put(elsewhere)).status_code == 404
        assert await counts(house) == {review_id: (0, 0)}

    async def test_thirty_at_once_are_counted_exactly(
        self, house: House, personality: PersonalityTemplate, tick: Callable[..., None]
    ) -> None:
        """Each votes, withdraws and votes again, all at the same moment; every third withdraws at last."""
        _, (review_id,) = await add_reviews(house, personality, 1, tick)
        voters = [factories.viewer_of(await factories.add_user(house, 9000 + n)) for n in range(30)]

        async def go(number: int) -> None:
            steps = [voting.find_helpful, voting.withdraw_helpful, voting.find_helpful]
            for step in steps + [voting.withdraw_helpful] * (number % 3 == 0):
                async with house.db.write() as session:
                    await step(session, voters[number], personality.id, review_id)

        await asyncio.gather(*(go(n) for n in range(30)))
        assert await counts(house) == {review_id: (20, 20)}

    async def test_an_account_that_goes_takes_its_votes_and_stars_out_of_the_counts(
        self, house: House, personality: PersonalityTemplate, tick: Callable[..., None]
    ) -> None:
        users, reviews = await add_reviews(house, personality, 4, tick)
        for voter in users[1:]:
            await vote(house, personality, voter, reviews[0])
        await vote(house, personality, users[0], reviews[3])
        async with house.db.write() as session:
            await service.forget_reviewer(session, users[3].id)
            await session.execute(delete(User).where(User.id == users[3].id))
        assert await counts(house) == {reviews[0]: (2, 2), reviews[1]: (0, 0), reviews[2]: (0, 0)}
        async with house.db.read() as session:
            entry = await session.get(PersonalityTemplate, personality.id)
        assert entry is not None
        assert (entry.rating_sum, entry.rating_count, entry.avg_rating) == (6, 3, 2.0)

    @ONLY_POSTGRES
    @pytest.mark.long
    async def test_people_leave_while_others_vote(
        self, house: House, personality: PersonalityTemplate, tick: Callable[..., None]
    ) -> None:
        """Locks are taken in one order: nobody waits for somebody who waits for them."""
        users, reviews = await add_reviews(house, personality, 12, tick)

        async def vote_around(number: int) -> None:
            for place, review_id in enumerate(reviews):
                if place != number:
                    try:
                        await vote(house, personality, users[number], review_id)
                    except NotFound:
                        continue  # Its author has just left.

        async def leave(number: int) -> None:
            async with house.db.write() as session:
                await service.forget_reviewer(session, users[number].id)

        await asyncio.gather(*(vote_around(n) for n in range(8)), *(leave(n) for n in range(8, 12)))
        after = await counts(house)
        assert len(after) == 8
        assert all(claimed == there for claimed, there in after.values())


class TestUndo:
    async def test_it_comes_back_as_it_was_with_its_votes(
        self, house: House, personality: PersonalityTemplate, tick: Callable[..., None]
    ) -> None:
        users, reviews = await add_reviews(house, personality, 3, tick)
        for voter in users[1:]:
            await vote(house, personality, voter, reviews[0])
        me = factories.viewer_of(users[0])
        async with house.db.read() as session:
            before = await session.get(PersonalityRating, reviews[0])
        async with house.db.write() as session:
            taken = await service.take_rating_back(session, me, personality.id)
        assert taken is not None
        assert reviews[0] not in await counts(house)
        async with house.db.write() as session:
            await service.forget_reviewer(session, users[2].id)
            await session.execute(delete(User).where(User.id == users[2].id))
        async with house.db.write() as session:
            await service.put_rating_back(session, me, taken)
        async with house.db.read() as session:
            after = await session.get(PersonalityRating, reviews[0])
            entry = await session.get(PersonalityTemplate, personality.id)
        assert before is not None
        assert after is not None
        assert entry is not None
        assert (after.rating, after.review, after.created_at) == (before.rating, before.review, before.created_at)
        assert (await counts(house))[reviews[0]] == (1, 1)
        assert (entry.rating_sum, entry.rating_count) == (1 + 2, 2)

    async def test_not_twice_not_late_and_not_by_others(
        self, house: House, personality: PersonalityTemplate, tick: Callable[..., None]
    ) -> None:
        users, _ = await add_reviews(house, personality, 2, tick)
        me, other = (factories.viewer_of(user) for user in users)
        async with house.db.write() as session:
            taken = await service.take_rating_back(session, me, personality.id)
        assert taken is not None
        with pytest.raises(NotFound):
            async with house.db.write() as session:
                await service.put_rating_back(session, other, taken)
        tick(minutes=14)
        async with house.db.write() as session:
            await service.put_rating_back(session, me, taken)
        async with house.db.write() as session:
            late = await service.take_rating_back(session, me, personality.id)
        assert late is not None
        for old in (taken, late):
            tick(minutes=8)
            with pytest.raises(NotFound):
                async with house.db.write() as session:
                    await service.put_rating_back(session, me, old)
            tick(minutes=8)

    async def test_the_same_form_again_brings_no_withdrawn_vote_back(
        self, house: House, personality: PersonalityTemplate, tick: Callable[..., None]
    ) -> None:
        """Undo, let the voter change their mind, delete again, send the first form again: in turn and at once."""
        users, reviews = await add_reviews(house, personality, 2, tick)
        me, voter = factories.viewer_of(users[0]), factories.viewer_of(users[1])
        await vote(house, personality, users[1], reviews[0])

        async def take() -> Any:
            async with house.db.write() as session:
                return await service.take_rating_back(session, me, personality.id)

        async def undo(taken: Any) -> str:
            try:
                async with house.db.write() as session:
                    await service.put_rating_back(session, me, taken)
            except (NotFound, Conflict) as refusal:
                return refusal.error
            return "undone"

        first = await take()
        outcomes = await asyncio.gather(*(undo(first) for _ in range(4)))
        assert sorted(outcomes) == ["not_found"] * 3 + ["undone"]
        assert (await counts(house))[reviews[0]] == (1, 1)
        async with house.db.write() as session:
            await voting.withdraw_helpful(session, voter, personality.id, reviews[0])
        second = await take()
        assert await undo(first) == "not_found"
        assert reviews[0] not in await counts(house)
        assert await undo(second) == "undone"
        assert (await counts(house))[reviews[0]] == (0, 0)

    async def test_a_rating_given_meanwhile_stays_and_leaves_the_form_usable(
        self, house: House, personality: PersonalityTemplate, tick: Callable[..., None]
    ) -> None:
        users, _ = await add_reviews(house, personality, 1, tick)
        me = factories.viewer_of(users[0])
        async with house.db.write() as session:
            taken = await service.take_rating_back(session, me, personality.id)
        assert taken is not None
        await factories.add_rating(house, personality, users[0], 5)
        with pytest.raises(Conflict):
            async with house.db.write() as session:
                await service.put_rating_back(session, me, taken)
        async with house.db.write() as session:
            await service.take_rating_back(session, me, personality.id)
        async with house.db.write() as session:
            await service.put_rating_back(session, me, taken)

    @MOSTLY_SQLITE
    async def test_by_the_pages_own_forms(
        self, ada: Person, site: Site, personality: PersonalityTemplate, path: str
    ) -> None:
        page = f"{site.url}/personalities/{personality.slug}"
        await ada.post(f"{path}/rate", json={"rating": 4, "review": "Let me think."})
        shown = await ada.browser.open(page)
        back = next(each for each in forms_of(shown) if ("action", "take-back") in each.buttons)
        gone = await ada.browser.submit(back, action="take-back")
        assert "Your rating is gone" in gone.text
        assert (await ada.get(path)).json()["ratingCount"] == 0
        undo = next(each for each in forms_of(gone) if ("action", "undo") in each.buttons)
        again = await ada.browser.submit(undo, action="undo")
        assert "Your rating is back" in again.text
        newest = (await ada.get(path)).json()["ratings"]["newest"]
        assert [(each["rating"], each["review"]) for each in newest] == [(4, "Let me think.")]

    @MOSTLY_SQLITE
    async def test_what_we_did_not_seal_undoes_nothing(
        self, ada: Person, personality: PersonalityTemplate, path: str
    ) -> None:
        for sealed in ("", "x" * 200, "gAAAAA"):
            answer = await ada.post(f"/personalities/{personality.slug}/rate", data={"action": "undo", "taken": sealed})
            assert answer.status_code == 404
        assert (await ada.get(path)).json()["ratingCount"] == 0


class TestWordsThatChange:
    async def test_other_words_lose_the_votes_of_the_first_ones(
        self, house: House, personality: PersonalityTemplate, tick: Callable[..., None]
    ) -> None:
        users, reviews = await add_reviews(house, personality, 3, tick)
        for voter in users[1:]:
            await vote(house, personality, voter, reviews[0])
        for stars, said, left in (
            (5, "Words 0", 2), (5, "  wörds 0 ", 2), (4, "Buy my thing", 0), (4, None, 0),
        ):  # fmt: skip
            await factories.add_rating(house, personality, users[0], stars, said)
            assert (await counts(house))[reviews[0]] == (left, left), said
        assert (await counts(house))[reviews[1]] == (0, 0)

    async def test_no_vote_is_lost_or_left_over_when_both_happen_at_once(
        self, house: House, personality: PersonalityTemplate, tick: Callable[..., None]
    ) -> None:
        users, reviews = await add_reviews(house, personality, 8, tick)
        changes = [factories.add_rating(house, personality, users[0], 3, f"Version {n}") for n in range(4)]
        await asyncio.gather(*changes, *(vote(house, personality, voter, reviews[0]) for voter in users[1:]))
        claimed, there = (await counts(house))[reviews[0]]
        assert claimed == there

    async def test_the_same_again_is_no_change_and_nothing_to_write_down(
        self, house: House, personality: PersonalityTemplate, tick: Callable[..., None]
    ) -> None:
        users, reviews = await add_reviews(house, personality, 1, tick)

        async def written() -> Any:
            async with house.db.read() as session:
                rating = await session.get_one(PersonalityRating, reviews[0])
                return rating.updated_at, await session.scalar(select(func.count()).select_from(AuditEntry))

        before = await written()
        tick(minutes=5)
        same = await factories.add_rating(house, personality, users[0], 1, " Words 0 ")
        assert (same.rating, same.review, same.avg_rating, same.rating_count) == (1, "Words 0", 1.0, 1)
        assert await written() == before
        await factories.add_rating(house, personality, users[0], 2, "Words 0")
        after = await written()
        assert (after[0] > before[0], after[1]) == (True, before[1] + 1)


class TestLimits:
    @MOSTLY_SQLITE
    async def test_one_person_rates_thirty_times_a_minute_and_others_go_on(
        self, ada: Person, ben: Person, personality: PersonalityTemplate, path: str
    ) -> None:
        page = f"/personalities/{personality.slug}/rate"
        for n in range(10):
            assert (await ada.post(f"{path}/rate", json={"rating": n % 5 + 1})).status_code == 200
            assert (await ada.delete(f"{path}/rate")).status_code == 204
            assert (await ada.post(page, data={"rating": "3"})).status_code == 303
        for refused in (
            await ada.post(f"{path}/rate", json={"rating": 1}),
            await ada.delete(f"{path}/rate"),
            await ada.post(page, data={"rating": "1"}),
            await ada.post(page, data={"action": "take-back"}),
        ):
            assert refused.status_code == 429, refused.text
            assert refused.json()["error"] == "rate_limited"
            assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert (await ben.post(f"{path}/rate", json={"rating": 5})).status_code == 200
        assert (await ada.get(path)).json()["avgRating"] == 4.0, "what was refused changed nothing"

    @MOSTLY_SQLITE
    async def test_votes_have_a_limit_of_their_own(
        self, ada: Person, ben: Person, personality: PersonalityTemplate, path: str
    ) -> None:
        await ada.post(f"{path}/rate", json={"rating": 5, "review": "Read me."})
        review = (await ada.get(f"{path}/reviews")).json()["reviews"][0]["id"]
        helpful = f"{path}/reviews/{review}/helpful"
        for _ in range(30):
            assert (await ben.put(helpful)).status_code == 200
            assert (await ben.delete(helpful)).status_code == 200
        by_form = f"/personalities/{personality.slug}/reviews/{review}/helpful"
        for refused in (await ben.put(helpful), await ben.delete(helpful), await ben.post(by_form, data={})):
            assert (refused.status_code, refused.json()["error"]) == (429, "rate_limited")
        assert (await ben.post(f"{path}/rate", json={"rating": 5})).status_code == 200


class TestSignedOut:
    @MOSTLY_SQLITE
    async def test_a_visitors_stars_count_after_the_sign_in(
        self, site: Site, ada: Person, browser: Any, personality: PersonalityTemplate, path: str
    ) -> None:
        page = await browser.open(f"{site.url}/personalities/{personality.slug}")
        form = next(each for each in forms_of(page) if each.action.endswith("/rate"))
        asked = await browser.submit(form, rating="4", review="Before I signed in.")
        assert asked.status_code == 401
        assert "Sign in and it’s done" in asked.text
        assert (await ada.get(path)).json()["ratingCount"] == 0
        await browser.sign_in(site.url, ada.discord_id, f"/personalities/{personality.slug}")
        newest = (await ada.get(path)).json()["ratings"]["newest"]
        assert [(each["rating"], each["review"]) for each in newest] == [(4, "Before I signed in.")]

    @MOSTLY_SQLITE
    async def test_a_visitors_vote_too(
        self, site: Site, ada: Person, ben: Person, browser: Any, personality: PersonalityTemplate, path: str
    ) -> None:
        await ada.post(f"{path}/rate", json={"rating": 5, "review": "Read me."})
        page = await browser.open(f"{site.url}/personalities/{personality.slug}")
        form = next(each for each in forms_of(page) if each.action.endswith("/helpful"))
        assert (await browser.submit(form, action="add")).status_code == 401
        await browser.sign_in(site.url, ben.discord_id, f"/personalities/{personality.slug}")
        assert (await ben.get(f"{path}/reviews")).json()["reviews"][0]["foundHelpful"] is True

    @MOSTLY_SQLITE
    async def test_a_bad_form_is_refused_before_anybody_signs_in(
        self, browser: Any, site: Site, personality: PersonalityTemplate
    ) -> None:
        page = await browser.open(f"{site.url}/personalities/{personality.slug}")
        form = next(each for each in forms_of(page) if each.action.endswith("/rate"))
        assert (await browser.submit(form, rating="9")).status_code == 400
