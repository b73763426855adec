"""Whatever people do, in whatever order: the database says what a dictionary would."""

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import delete, func, select, update
from tests.factories import personality_row, viewer_of
from tests.support.engines import ONLY_POSTGRES, ONLY_SQLITE

from botbot.accounts.models import User
from botbot.accounts.service import get_or_create_user
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.rules import fold
from botbot.catalog.service import save_new_version
from botbot.db import Database
from botbot.errors import Conflict, NotFound, PermissionDenied
from botbot.kit import ids
from botbot.reviews import service, voting
from botbot.reviews.models import PersonalityRating, ReviewVote
from botbot.reviews.queries import histogram_of, list_reviews
from botbot.reviews.schemas import RatingIn, TakenBack

PEOPLE, PERSONALITIES = 4, 2
person = st.integers(0, PEOPLE - 1)
which = st.integers(0, PERSONALITIES - 1)
words = st.sampled_from([None, "", "  ", "Good.", "Ein Wort", "ж" * 1000])


@dataclass
class Kept:
    stars: int
    words: str | None
    voters: set[int] = field(default_factory=set)


class Ratings(RuleBasedStateMachine):
    """`kept` is the model: who gave what to whom, and who found it helpful."""

    runner: asyncio.Runner
    db: Database

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[int, int], Kept] = {}
        self.taken: list[tuple[int, int, Kept, TakenBack]] = []
        self.undone: set[str] = set()
        self.hidden: set[int] = set()
        self.users: list[User] = [self.do(self._new_user()) for _ in range(PEOPLE)]
        self.entries: list[PersonalityTemplate] = [self.do(self._new_entry()) for _ in range(PERSONALITIES)]

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    async def _new_user(self) -> User:
        async with self.db.write() as session:
            return await get_or_create_user(session, int(ids.new_id().replace("-", "")[:15], 16))

    async def _new_entry(self) -> PersonalityTemplate:
        row = personality_row(f"Entry {ids.new_id()}", slug=ids.new_id())
        async with self.db.write() as session:
            await save_new_version(session, row, "")
        return row

    async def _write(self, verb: Any, who: int, *arguments: Any) -> Any:
        async with self.db.write() as session:
            return await verb(session, viewer_of(self.users[who]), *arguments)

    def _expect(self, allowed: bool, *refusals: type[Exception], work: Coroutine[Any, Any, Any]) -> Any:
        if allowed:
            return self.do(work)
        with pytest.raises(refusals):
            self.do(work)
        return None

    @rule(who=person, entry=which, stars=st.integers(1, 5), text=words)
    def rate(self, who: int, entry: int, stars: int, text: str | None) -> None:
        work = self._write(service.rate_personality, who, self.entries[entry].id, RatingIn(stars, text))
        if self._expect(entry not in self.hidden, NotFound, work=work):
            before = self.kept.get((who, entry))
            said = (text or "").strip() or None
            is_reworded = before is None or fold(before.words or "") != fold(said or "")
            self.kept[who, entry] = Kept(stars, said, set() if is_reworded else before.voters)

    @rule(who=person, entry=which)
    def take_back(self, who: int, entry: int) -> None:
        work = self._write(service.take_rating_back, who, self.entries[entry].id)
        taken = self._expect(entry not in self.hidden, NotFound, work=work)
        if taken is not None:
            self.taken.append((who, entry, self.kept.pop((who, entry)), taken))

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        who, entry, before, taken = data.draw(st.sampled_from(self.taken))
        is_theirs = taken.user_id == self.users[who].id and taken.nonce not in self.undone
        allowed = is_theirs and entry not in self.hidden and (who, entry) not in self.kept
        work = self._write(service.put_rating_back, who, taken)
        self._expect(allowed, NotFound, Conflict, work=work)
        if allowed:
            self.undone.add(taken.nonce)
            here = {each.id: place for place, each in enumerate(self.users)}
            voters = {here[voter] for voter in taken.voters if voter in here}
            self.kept[who, entry] = Kept(before.stars, before.words, voters)

    @rule(who=person, author=person, entry=which, up=st.booleans())
    def vote(self, who: int, author: int, entry: int, up: bool) -> None:
        there = self.kept.get((author, entry))
        review_id = self.do(self._review_id(author, entry)) or "nothing"
        verb = voting.find_helpful if up else voting.withdraw_helpful
        allowed = bool(there and there.words) and entry not in self.hidden and not (up and who == author)
        work = self._write(verb, who, self.entries[entry].id, review_id)
        self._expect(allowed, NotFound, PermissionDenied, work=work)
        if allowed and there:
            (there.voters.add if up else there.voters.discard)(who)

    async def _review_id(self, author: int, entry: int) -> str | None:
        async with self.db.read() as session:
            found: str | None = await session.scalar(
                select(PersonalityRating.id).where(
                    PersonalityRating.template_id == self.entries[entry].id,
                    PersonalityRating.user_id == self.users[author].id,
                )
            )
            return found

    @rule(who=person)
    def leave(self, who: int) -> None:
        """The account goes, and somebody new takes its place in the model."""

        async def go() -> None:
            async with self.db.write() as session:
                await service.forget_reviewer(session, self.users[who].id)
                await session.execute(delete(User).where(User.id == self.users[who].id))

        self.do(go())
        self.users[who] = self.do(self._new_user())
        self.kept = {key: kept for key, kept in self.kept.items() if key[0] != who}
        for kept in self.kept.values():
            kept.voters.discard(who)

    @rule(entry=which, is_public=st.booleans())
    def show(self, entry: int, is_public: bool) -> None:
        async def go() -> None:
            async with self.db.write() as session:
                await session.execute(
                    update(PersonalityTemplate)
                    .where(PersonalityTemplate.id == self.entries[entry].id)
                    .values(is_public=is_public)
                )

        self.do(go())
        (self.hidden.discard if is_public else self.hidden.add)(entry)

    @invariant()
    def the_database_agrees(self) -> None:
        self.do(self._compare())

    async def _compare(self) -> None:
        async with self.db.read() as session:
            for place, entry in enumerate(self.entries):
                mine = {who: kept for (who, of), kept in self.kept.items() if of == place}
                stars = [kept.stars for kept in mine.values()]
                row = await session.get_one(PersonalityTemplate, entry.id)
                mean = round(sum(stars) / len(stars), 2) if stars else None
                assert (row.rating_sum, row.rating_count, row.avg_rating) == (sum(stars), len(stars), mean)
                assert await histogram_of(session, entry.id) == {str(n): stars.count(n) for n in range(1, 6)}
                shown = await list_reviews(session, entry.id, "helpful", 1, 100, None)
                there = {each.id: each for each in shown.reviews}
                counted = [(each.rating, each.review, each.helpful_count) for each in shown.reviews]
                expected = [(each.stars, each.words, len(each.voters)) for each in mine.values() if each.words]
                assert sorted(counted) == sorted(expected)
                assert [each.helpful_count for each in shown.reviews] == sorted((n for *_, n in counted), reverse=True)
                assert shown.total == len(there) == len(expected)
            votes = select(func.count()).where(ReviewVote.rating_id == PersonalityRating.id).scalar_subquery()
            wrong = select(func.count()).select_from(PersonalityRating).where(PersonalityRating.helpful_count != votes)
            assert await session.scalar(wrong) == 0


@pytest.fixture
def machine(database_url: str) -> Iterator[type[Ratings]]:
    """The machine on this database. Every run of it has people and entries of its own."""
    with asyncio.Runner() as runner:
        database = Database(database_url)
        yield type("RatingsHere", (Ratings,), {"runner": runner, "db": database})
        runner.run(database.dispose())


def play(machine: type[Ratings], runs: int, steps: int) -> None:
    chosen = settings(
        max_examples=runs, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(machine, settings=chosen)


@ONLY_SQLITE
def test_a_little_of_everything(machine: type[Ratings]) -> None:
    play(machine, runs=8, steps=20)


@pytest.mark.long
@ONLY_SQLITE
def test_a_lot_of_everything(machine: type[Ratings]) -> None:
    play(machine, runs=60, steps=40)


@pytest.mark.long
@ONLY_POSTGRES
def test_a_lot_of_everything_on_postgresql(machine: type[Ratings]) -> None:
    play(machine, runs=30, steps=30)
