"""Finding, against a librarian who looks at every entry: whatever is asked, by page and by cursor, the same answer."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from tests.factories import personality_row
from tests.support import crowd, librarian

from botbot.catalog.facets import count_facets, what_to_drop
from botbot.catalog.listing import count_cards, find_cards, list_cards
from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.ordering import EXACT, NAMES, RANKED, STARTS
from botbot.catalog.rules import Filters, SortBy, average, fold, score, search_text, slugify
from botbot.catalog.service import save_new_version
from botbot.db import Database
from botbot.kit import ids

WORDS = (
    "a", "té", "tea", "Tea-pot", "100%", "un_der", "O'Hara", '"quoted"', "back\\slash", "😀", "한국어", "한", "東京",
    "Straße", "İstanbul", "e\u0301lan", "AND", "NEAR(", "*", "col:umn", "--", "%", "_", "x" * 30, "ﬁsh", "Ǆ", "co-op",
)  # fmt: skip
TAGS = ("tea", "co-op", "100%", "한국어", "Straße", "un_der", "😀")
text_of = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
piece = st.sampled_from(WORDS).flatmap(
    lambda word: st.tuples(st.integers(0, len(word) - 1), st.integers(1, 4)).map(
        lambda cut: word[cut[0] : cut[0] + cut[1]]
    )
)
some_tags = st.lists(st.sampled_from(TAGS), max_size=2, unique=True).map(tuple)
entry = st.builds(
    lambda name, description, tags, **values: {
        "name": name[:60],
        "description": description,
        "tags": [*tags],
        **values,
    },
    name=text_of,
    description=text_of,
    tags=st.lists(st.sampled_from(TAGS), max_size=3, unique=True),
    category=st.sampled_from(["Gaming", "Role-play & story", "日本"]),
    language=st.sampled_from(["en", "de", "ja"]),
    content_rating=st.sampled_from(["everyone", "teen", "mature"]),
    deploy_count=st.integers(0, 3),
    is_public=st.sampled_from([True, True, True, False]),
    ratings=st.lists(st.integers(1, 5), max_size=3),
)
question = st.builds(
    Filters,
    search=st.lists(piece, max_size=2).map(" ".join),
    categories=st.lists(st.sampled_from(["gaming", "日本", "nothing"]), max_size=2, unique=True).map(tuple),
    tags=some_tags,
    without_tags=some_tags,
    languages=st.lists(st.sampled_from(["en", "ja"]), max_size=2, unique=True).map(tuple),
    content_ratings=st.lists(st.sampled_from(["everyone", "mature"]), max_size=1).map(tuple),
    min_rating=st.sampled_from([None, None, 2.5, 4.5]),
    sort_by=st.sampled_from([None, None, "popular", "newest", "rating", "name"]),
    limit=st.integers(1, 7),
)


class Library:
    """A database and the way to ask it from a test that is not a coroutine."""

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        self.runner, self.database = runner, database

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def ask(self, verb: Any, *arguments: Any) -> Any:
        async def go() -> Any:
            async with self.database.reading() as connection:
                return await verb(connection, *arguments)

        return self.run(go())

    async def _add(self, entries: Sequence[dict[str, Any]]) -> None:
        async with self.database.write() as session:
            for values in entries:
                await save_new_version(session, row_of(values), "")

    def add(self, entries: Sequence[dict[str, Any]]) -> None:
        self.run(self._add(entries))

    def entries(self) -> list[PersonalityTemplate]:
        return cast("list[PersonalityTemplate]", self.run(librarian.read_all(self.database)))

    def empty(self) -> None:
        async def go() -> None:
            async with self.database.write() as session:
                await session.execute(text("delete from personality_templates"))

        self.run(go())

    def walk(self, filters: Filters, meanwhile: Any = lambda: None) -> list[str]:
        """All ids, by cursor."""
        seen: list[str] = []
        while True:
            page = self.ask(list_cards, filters)
            seen += [row.id for row in page.rows]
            if page.next_cursor is None:
                return seen
            meanwhile()
            filters = filters.at(cursor=page.next_cursor)

    def leaf(self, filters: Filters) -> list[str]:
        """All ids, page by page."""
        seen: list[str] = []
        number = 1
        while rows := self.ask(list_cards, filters.at(page=number)).rows:
            seen += [row.id for row in rows]
            number += 1
        return seen


def row_of(values: dict[str, Any]) -> PersonalityTemplate:
    given = dict(values)
    stars = given.pop("ratings", [])
    rated = {
        "rating_sum": sum(stars),
        "rating_count": len(stars),
        "avg_rating": average(sum(stars), len(stars)),
        "rating_score": score(sum(stars), len(stars)),
    }
    return personality_row(**given, **rated, slug=ids.new_id(), content_hash=ids.new_id())


@pytest.fixture
def library(database_url: str) -> Iterator[Library]:
    with asyncio.Runner() as runner:
        database = Database(database_url)
        yield Library(runner, database)
        runner.run(database.dispose())


def test_whatever_is_asked_the_librarian_agrees(library: Library) -> None:
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(entry, min_size=1, max_size=12), st.lists(question, min_size=1, max_size=4))
    def compare(entries: list[dict[str, Any]], questions: list[Filters]) -> None:
        library.empty()
        library.add(entries)
        stored = library.entries()
        for filters in questions:
            expected = [each.id for each in librarian.ordered(stored, filters)]
            assert library.walk(filters) == expected, filters
            assert library.leaf(filters) == expected, filters
            assert library.ask(count_cards, filters).count == len(expected)
            counted = library.ask(count_facets, filters)
            told = {name: getattr(counted, name) for name in counted._fields if name != "is_estimate"}
            told["categories"] = {slug: count for _, slug, count in counted.categories}
            assert told == librarian.facets(stored, filters), filters
            assert not counted.is_estimate
            for wider, count in library.ask(what_to_drop, filters):
                assert count == len(librarian.matching(stored, wider)), (filters, wider)

    compare()


def test_everything_is_seen_once_while_others_arrive(library: Library) -> None:
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(entry, min_size=4, max_size=12), st.lists(entry, max_size=5), question.map(lambda q: q.at(limit=2)))
    def compare(entries: list[dict[str, Any]], others: list[dict[str, Any]], filters: Filters) -> None:
        library.empty()
        library.add(entries)
        expected = {each.id for each in librarian.matching(library.entries(), filters)}
        arriving = iter(others)

        def arrive() -> None:
            if (values := next(arriving, None)) is not None:
                library.add([values])

        seen = library.walk(filters, arrive)
        assert len(seen) == len(set(seen)), filters
        assert expected <= set(seen), filters

    compare()


CROWDED: list[tuple[str, SortBy | None, int]] = [
    (crowd.COMMON, None, RANKED), ("witch", None, RANKED), ("the", None, EXACT), ("the witch", None, RANKED),
    ("cosy", None, NAMES), ("lor", None, NAMES), ("ba", None, STARTS), ("a", None, STARTS), ("a e", None, STARTS),
    ("cosy", "newest", RANKED), ("the", "rating", RANKED), (crowd.RARE, "name", RANKED), ("e", "popular", RANKED),
]  # fmt: skip


@pytest.fixture
def crowded(library: Library) -> Library:
    """More names with "the" in them than may stand in front."""
    library.run(crowd.fill(library.database, 5_600))
    return library


def test_among_many_the_best_names_stand_in_front(crowded: Library) -> None:
    stored = crowded.entries()
    for search, sort_by, mode in CROWDED:
        filters = Filters(search=search, sort_by=sort_by, limit=100)
        expected = [each.id for each in librarian.ordered(stored, filters, mode)]
        assert crowded.walk(filters) == expected, search
        for number in (1, 2, 7, max(1, len(expected) // 100), len(expected) // 100 + 2):
            page = crowded.ask(list_cards, filters.at(page=number))
            assert [row.id for row in page.rows] == expected[(number - 1) * 100 : number * 100], (search, number)
        assert crowded.ask(count_cards, filters).count == len(expected)
    narrow = Filters(search="the", categories=("gaming",), tags=("cosy",), limit=50)
    names = [each.id for each in librarian.ordered(stored, narrow, NAMES)]
    assert len(names) <= 1000 or crowded.walk(narrow) == names


def test_a_reader_on_the_way_keeps_the_order_when_few_become_many(library: Library) -> None:
    library.add([{"name": f"Comet {n}", "description": "x", "deploy_count": n % 5} for n in range(990)])
    filters = Filters(search="comet", limit=100)
    first = library.ask(list_cards, filters)
    library.add([{"name": f"Late comet {n}", "description": "x", "deploy_count": n % 5} for n in range(30)])
    rest = library.walk(filters.at(cursor=first.next_cursor))
    seen = [row.id for row in first.rows] + rest
    stored = library.entries()
    expected = [each.id for each in librarian.ordered(stored, filters)]
    assert [each for each in expected if each in set(seen)] == seen
    assert {each.id for each in stored if each.name.startswith("Comet")} <= set(seen)


def test_the_total_is_exact_to_ten_thousand_and_says_so_beyond(library: Library) -> None:
    library.run(crowd.fill(library.database, 10_100))
    page, total = library.ask(find_cards, Filters())
    assert (len(page.rows), total.is_estimate) == (24, True)
    assert abs(total.count - 10_100) <= 100
    for search, count in ((crowd.COMMON, 101), (crowd.RARE, 100)):
        found = library.ask(count_cards, Filters(search=search))
        assert (found.count, found.is_estimate) == (count, False)
    everybody = library.ask(count_cards, Filters(search="the"))
    assert everybody.is_estimate
    assert everybody.count > 10_000
    some = Filters(categories=("gaming", "education"))
    counted = library.ask(count_facets, some.at(categories=()))
    assert counted.is_estimate
    assert sum(count for _, _, count in counted.categories) == pytest.approx(10_100, rel=0.02)
    assert not library.ask(count_facets, Filters(search=crowd.RARE)).is_estimate


def test_fold_of_a_word_is_in_the_fold_of_its_text() -> None:
    @given(st.text(max_size=12), st.text(min_size=1, max_size=6), st.text(max_size=12))
    @example("", "İ", "")
    @example("a", "ﬁ", "\u0301")
    def check(before: str, word: str, after: str) -> None:
        """Else a name could not be found by a part of itself. Marks at the seam belong to the neighbour."""
        for piece in fold(word).split():
            assert piece in search_text(f"{before} {word} {after}", "", [])
        assert slugify(word)

    check()
