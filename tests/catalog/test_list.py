"""The list of personalities: its shape, its filters and orders, and paging that never skips or repeats."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests import factories
from tests.conftest import MakeSite
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person
from tests.support.serving import Site

from botbot.catalog.models import PersonalityTemplate
from botbot.catalog.rules import PRIOR_COUNT, PRIOR_MEAN, fold
from botbot.house import House

PATH = "/api/marketplace/personalities"
CARD = {
    "id", "slug", "name", "description", "openingLine", "avatar", "category", "tags", "traits", "language",
    "contentRating", "deployCount", "avgRating", "ratingCount", "createdAt", "updatedAt",
}  # fmt: skip
PAGINATION = {"page", "limit", "totalCount", "totalPages", "hasNextPage", "hasPreviousPage", "nextCursor"}
SORTS = ["popular", "newest", "rating", "name"]

SEARCHES: list[tuple[str, set[str]]] = [
    ("tea", {"Tea Witch", "Captain Ferro", "Steamtea Engine"}),
    ("TEA", {"Tea Witch", "Captain Ferro", "Steamtea Engine"}),
    ("  tea  ", {"Tea Witch", "Captain Ferro", "Steamtea Engine"}),
    ("tea slow", {"Tea Witch"}),
    ("slow tea", {"Tea Witch"}),
    ("salt pirate", {"Captain Ferro"}),
    ("elan", {"Élan Vital"}),
    ("ÉLAN", {"Élan Vital"}),
    ("naive", {"Élan Vital"}),
    ("cafe\u0301", {"Élan Vital"}),
    ("strasse", {"Straße Sänger"}),
    ("SÄNGER", {"Straße Sänger"}),
    ("sanger", {"Straße Sänger"}),
    ("istanbul", {"Straße Sänger"}),
    ("%", {"Captain Ferro", 'O\'Hara "Quotes"'}),
    ("100%", {"Captain Ferro"}),
    ("_", {"Élan Vital", 'O\'Hara "Quotes"'}),
    ("under_score", {"Élan Vital"}),
    ("underXscore", set()),
    ("\\", {'O\'Hara "Quotes"'}),
    ("o'hara", {'O\'Hara "Quotes"'}),
    ('"quotes"', {'O\'Hara "Quotes"'}),
    ("'; drop table personality_templates; --", set()),
    ("*", set()),
    ("tea OR sea", set()),
    ("NEAR(tea)", set()),
    ("-tea", set()),
    ("name:tea", set()),
    ("cosy salt", set()),
    ("witch brews", {"Tea Witch"}),
    ("😀", set()),
]

ODD: list[Any] = [2**63, -1e300, "x\x00", "\ud800", None, [], True, "9999-99-99", "2026-01-01T00:00:00", 1]
"""What somebody may write into a cursor by hand."""
REFUSED = [
    ("limit=0", "limit"), ("limit=101", "limit"), ("limit=-1", "limit"), ("limit=abc", "limit"),
    ("limit=1.5", "limit"), ("limit=", "limit"), ("limit=99999999999999999999", "limit"), ("page=0", "page"),
    ("page=-3", "page"), ("page=two", "page"), ("page=9223372036854775808", "page"), ("minRating=0", "minRating"),
    ("minRating=5.1", "minRating"), ("minRating=good", "minRating"), ("minRating=nan", "minRating"),
    ("minRating=inf", "minRating"), ("sortBy=best", "sortBy"), ("sortBy=", "sortBy"),
    ("contentRating=adult", "contentRating"),
    ("cursor=abc&page=1", "cursor"), ("cursor=abc", "cursor"), ("cursor=", "cursor"),
]  # fmt: skip


async def names(client: httpx.AsyncClient, query: str = "") -> Any:
    answer = await client.get(f"{PATH}?{query}")
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["personalities"]]


async def fields(client: httpx.AsyncClient, query: str) -> Any:
    answer = await client.get(f"{PATH}?{query}")
    assert answer.status_code == 400, (query, answer.status_code)
    assert answer.json()["error"] == "validation_failed"
    return answer.json()["details"]["fields"]


@pytest.fixture
async def shelf(house: House) -> Any:
    """Six that differ in everything that can be asked for."""
    rows = [
        factories.personality_row("Tea Witch", category="Cosy Company", tags=["tea", "cosy"], deploy_count=3,
                                  description="Brews answers slowly."),
        factories.personality_row("Captain Ferro", category="Role Play", tags=["pirate", "sea", "100%"], deploy_count=9,
                                  description="Swears by salt and tea."),
        factories.personality_row("Élan Vital", category="Role Play", tags=["café", "under_score"], deploy_count=9,
                                  description="A philosopher of the naïve kind."),
        factories.personality_row("O'Hara \"Quotes\"", category="Cosy Company", tags=["quo'te"], deploy_count=0,
                                  description="Says \\ and % and _ and ; drop table."),
        factories.personality_row("Straße Sänger", category="Musik", tags=["lied"], deploy_count=5,
                                  description="Sings the İstanbul song."),
        factories.personality_row("Steamtea Engine", category="Musik", tags=["steam"], deploy_count=1,
                                  description="Puffs along."),
    ]  # fmt: skip
    return await factories.add_personalities(house, rows)


async def test_an_empty_catalogue_is_an_empty_page(client: httpx.AsyncClient) -> None:
    assert (await client.get(PATH)).json() == {
        "personalities": [],
        "pagination": {
            "page": 1, "limit": 24, "totalCount": 0, "totalPages": 0, "hasNextPage": False, "hasPreviousPage": False,
            "nextCursor": None,
        },
        "suggestions": [],
    }  # fmt: skip


async def test_a_card_has_exactly_the_promised_fields(
    client: httpx.AsyncClient, shelf: list[PersonalityTemplate]
) -> None:
    body = (await client.get(PATH)).json()
    assert {frozenset(each) for each in body["personalities"]} == {frozenset(CARD)}
    assert set(body["pagination"]) == PAGINATION
    card = next(each for each in body["personalities"] if each["name"] == "Tea Witch")
    assert card["avgRating"] is None
    assert (card["ratingCount"], card["deployCount"], card["tags"]) == (0, 3, ["tea", "cosy"])
    assert card["avatar"].startswith("/avatars/tea-witch.")
    assert card["createdAt"].endswith("Z")
    assert card["category"] == "Cosy Company"


async def test_its_avatar_is_a_picture_of_this_site(
    client: httpx.AsyncClient, shelf: list[PersonalityTemplate]
) -> None:
    card = (await client.get(PATH)).json()["personalities"][0]
    picture = await client.get(card["avatar"])
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/svg+xml")
    assert "immutable" in picture.headers["cache-control"]
    assert picture.headers["x-content-type-options"] == "nosniff"


class TestSearch:
    async def test_every_word_occurs_somewhere_and_every_sign_is_literal(
        self, client: httpx.AsyncClient, shelf: list[PersonalityTemplate]
    ) -> None:
        for search, found in SEARCHES:
            assert set(await names(client, f"search={quote(search, safe='')}")) == found, search

    async def test_a_word_does_not_run_across_two_fields(self, client: httpx.AsyncClient, house: House) -> None:
        await factories.add_personality(house, "Alpha", description="Beta gamma delta epsilon.", tags=["zeta"])
        assert await names(client, "search=phabeta") == []
        assert await names(client, "search=epsilon.zeta") == []

    async def test_the_best_match_comes_first(self, client: httpx.AsyncClient, house: House) -> None:
        rows = [
            factories.personality_row("Nothing here", slug="six", description="But comet in its story."),
            factories.personality_row("Tagged", slug="five", tags=["comet"]),
            factories.personality_row("The Xcomet", slug="four"),
            factories.personality_row("The Comet Rider", slug="three"),
            factories.personality_row("Comets and more", slug="two"),
            factories.personality_row("Comet", slug="one"),
        ]
        for weight, row in enumerate(rows):
            row.deploy_count = 100 - weight
        await factories.add_personalities(house, rows)
        found = await names(client, "search=comet")
        assert found == ["Comet", "Comets and more", "The Comet Rider", "The Xcomet", "Tagged", "Nothing here"]

    async def test_equal_matches_go_by_deployments_then_id(self, client: httpx.AsyncClient, house: House) -> None:
        rows = [factories.personality_row(f"Comet {n}", deploy_count=[1, 5, 5][n]) for n in range(3)]
        saved = await factories.add_personalities(house, rows)
        answer = (await client.get(f"{PATH}?search=comet")).json()["personalities"]
        first, second = sorted((saved[1].id, saved[2].id))
        assert [each["id"] for each in answer] == [first, second, saved[0].id]

    async def test_a_chosen_sort_goes_before_the_match(
        self, client: httpx.AsyncClient, shelf: list[PersonalityTemplate]
    ) -> None:
        assert await names(client, "search=tea&sortBy=name") == ["Captain Ferro", "Steamtea Engine", "Tea Witch"]

    async def test_too_long_is_told(self, client: httpx.AsyncClient) -> None:
        assert set(await fields(client, f"search={'x' * 201}")) == {"search"}
        assert await names(client, f"search={'x' * 200}") == []

    async def test_what_no_text_holds_is_no_500(
        self, client: httpx.AsyncClient, shelf: list[PersonalityTemplate]
    ) -> None:
        for raw in ("%00", "a%00b", "%ED%A0%80", "%FF%FE"):
            answer = await client.get(f"{PATH}?search={raw}")
            assert answer.status_code in {200, 400}, raw
            assert answer.status_code == 400 or answer.json()["personalities"] == [], raw


class TestFilters:
    async def test_category_by_name_or_slug(self, client: httpx.AsyncClient, shelf: list[PersonalityTemplate]) -> None:
        for value in ("Cosy Company", "cosy-company", "COSY COMPANY", "cosy company"):
            assert set(await names(client, f"category={quote(value)}")) == {"Tea Witch", 'O\'Hara "Quotes"'}, value

    async def test_categories_add_up(self, client: httpx.AsyncClient, shelf: list[PersonalityTemplate]) -> None:
        found = set(await names(client, "category=musik&category=cosy-company"))
        assert found == {"Tea Witch", 'O\'Hara "Quotes"', "Straße Sänger", "Steamtea Engine"}

    async def test_an_unknown_category_is_empty_and_no_error(
        self, client: httpx.AsyncClient, shelf: list[PersonalityTemplate]
    ) -> None:
        assert await names(client, "category=nonsense") == []

    async def test_all_of_the_tags(self, client: httpx.AsyncClient, shelf: list[PersonalityTemplate]) -> None:
        everything = {row.name for row in shelf}
        for tags, found in [
            ("tea", {"Tea Witch"}), ("tea,cosy", {"Tea Witch"}), ("TEA, Cosy ", {"Tea Witch"}), ("tea,sea", set()),
            ("cafe", {"Élan Vital"}), ("100%25", {"Captain Ferro"}), ("te", set()), (",,", everything),
            ("quo'te", {"O'Hara \"Quotes\""}),
        ]:  # fmt: skip
            assert set(await names(client, f"tags={tags}")) == found, tags

    async def test_none_of_the_excluded_tags(self, client: httpx.AsyncClient, shelf: list[PersonalityTemplate]) -> None:
        assert set(await names(client, "excludeTags=tea,pirate,CAFE")) == {
            'O\'Hara "Quotes"', "Straße Sänger", "Steamtea Engine",
        }  # fmt: skip
        assert await names(client, "tags=tea&excludeTags=cosy") == []
        assert len(await names(client, "excludeTags=,nothing,")) == 6

    async def test_any_of_the_languages_and_content_ratings(self, client: httpx.AsyncClient, house: House) -> None:
        for n, (language, rating) in enumerate(
            [("en", "everyone"), ("de", "teen"), ("ja", "mature"), ("de", "mature")]
        ):
            row = factories.personality_row(f"Entry {n}", language=language, content_rating=rating, deploy_count=9 - n)
            await factories.add_personalities(house, [row])
        for query, found in [
            ("language=de", [1, 3]), ("language=de&language=ja", [1, 2, 3]), ("language=xx", []),
            ("contentRating=mature", [2, 3]), ("contentRating=teen&contentRating=everyone", [0, 1]),
            ("contentRating=mature&language=de", [3]), ("language=en&search=entry", [0]),
        ]:  # fmt: skip
            assert await names(client, query) == [f"Entry {n}" for n in found], query

    async def test_min_rating_compares_the_two_decimal_average(
        self, client: httpx.AsyncClient, house: House, shelf: list[PersonalityTemplate]
    ) -> None:
        users = [await factories.add_user(house, 900 + n) for n in range(3)]
        for user, stars in zip(users, (4, 4, 5), strict=True):
            await factories.add_rating(house, shelf[0], user, stars)
        await factories.add_rating(house, shelf[1], users[0], 3)
        assert await names(client, "minRating=4.33") == ["Tea Witch"]
        assert await names(client, "minRating=4.34") == []
        assert set(await names(client, "minRating=1")) == {"Tea Witch", "Captain Ferro"}

    async def test_filters_combine_with_and(self, client: httpx.AsyncClient, shelf: list[PersonalityTemplate]) -> None:
        assert await names(client, "search=tea&category=musik&tags=steam") == ["Steamtea Engine"]
        assert await names(client, "search=tea&category=musik&tags=sea") == []

    async def test_total_count_is_of_the_filter(
        self, client: httpx.AsyncClient, shelf: list[PersonalityTemplate]
    ) -> None:
        pagination = (await client.get(f"{PATH}?search=tea&limit=2")).json()["pagination"]
        assert (pagination["totalCount"], pagination["totalPages"], pagination["hasNextPage"]) == (3, 2, True)


class TestSorts:
    async def test_popular_is_the_default_and_ties_go_by_id(
        self, client: httpx.AsyncClient, shelf: list[PersonalityTemplate]
    ) -> None:
        by_hand = [row.name for row in sorted(shelf, key=lambda row: (-row.deploy_count, row.id))]
        assert await names(client) == await names(client, "sortBy=popular") == by_hand

    async def test_newest(
        self, client: httpx.AsyncClient, shelf: list[PersonalityTemplate], house: House, tick: Callable[..., None]
    ) -> None:
        tick(minutes=5)
        await factories.add_personality(house, "Newcomer")
        assert (await names(client, "sortBy=newest"))[0] == "Newcomer"

    async def test_name_goes_by_the_folded_name(
        self, client: httpx.AsyncClient, shelf: list[PersonalityTemplate]
    ) -> None:
        found = await names(client, "sortBy=name")
        assert found == [
            "Captain Ferro",
            "Élan Vital",
            'O\'Hara "Quotes"',
            "Steamtea Engine",
            "Straße Sänger",
            "Tea Witch",
        ]

    async def test_name_sorts_alike_on_both_databases(self, client: httpx.AsyncClient, house: House) -> None:
        """By code points of the folded name, whatever the server's locale; cursors depend on it."""
        odd = ["ab", "a-b", "a b", "A_b", "_a", "Zz", "zz top", "1st", "10th", "é", "f", "ß", "'x", "a", "Ω", "€"]
        await factories.add_personalities(
            house, [factories.personality_row(f"{name} name", slug=f"odd-{n}") for n, name in enumerate(odd)]
        )
        found = await names(client, "sortBy=name&limit=100")
        assert found == sorted(found, key=fold)

    async def test_rating_weighs_how_many_rated(
        self, client: httpx.AsyncClient, house: House, shelf: list[PersonalityTemplate]
    ) -> None:
        users = [await factories.add_user(house, 900 + n) for n in range(6)]
        given = {0: [5], 1: [5, 5, 5, 4, 5, 5], 2: [1, 2], 3: [4, 4, 4]}
        for index, stars in given.items():
            for user, star in zip(users, stars, strict=False):
                await factories.add_rating(house, shelf[index], user, star)
        score = {n: (sum(s) + PRIOR_COUNT * PRIOR_MEAN) / (len(s) + PRIOR_COUNT) for n, s in given.items()}
        rated = [shelf[n].name for n in sorted(given, key=lambda n: -score[n])]
        found = await names(client, "sortBy=rating")
        assert found[:4] == rated
        assert set(found[4:]) == {shelf[4].name, shelf[5].name}, "the unrated come last, even after the badly rated"


class TestWhatIsRefused:
    async def test_each_parameter_is_named(self, client: httpx.AsyncClient) -> None:
        for query, named in REFUSED:
            found = await fields(client, query)
            assert named in found, query
            assert all(isinstance(text, str) and text for text in found.values())

    async def test_several_at_once_are_all_named(self, client: httpx.AsyncClient) -> None:
        assert {"limit", "minRating"} <= set(await fields(client, "limit=0&minRating=9"))

    async def test_unknown_parameters_are_ignored(
        self, client: httpx.AsyncClient, shelf: list[PersonalityTemplate]
    ) -> None:
        assert len(await names(client, "utm_source=x&systemPrompt=1")) == 6


class TestPaging:
    @pytest.mark.parametrize("sort", [*SORTS, "match"])
    async def test_cursors_yield_each_exactly_once_while_others_arrive(
        self, client: httpx.AsyncClient, house: House, sort: str
    ) -> None:
        saved = await factories.add_shelf(house, 37)
        query = "search=shelf" if sort == "match" else f"sortBy={sort}"
        seen, cursor, turn = [], "", 0
        while True:
            body = (await client.get(f"{PATH}?{query}&limit=5{cursor}")).json()
            seen += [each["id"] for each in body["personalities"]]
            turn += 1
            await factories.add_personality(house, f"Shelf arrival {turn}", deploy_count=turn % 9)
            if body["pagination"]["nextCursor"] is None:
                break
            cursor = f"&cursor={quote(body['pagination']['nextCursor'])}"
            assert turn < 30
        assert len(seen) == len(set(seen))
        assert {row.id for row in saved} <= set(seen)

    async def test_pages_yield_each_exactly_once(self, client: httpx.AsyncClient, house: House) -> None:
        saved = await factories.add_shelf(house, 23)
        for sort in SORTS:
            seen = []
            for page in range(1, 6):
                body = (await client.get(f"{PATH}?sortBy={sort}&limit=5&page={page}")).json()
                seen += [each["id"] for each in body["personalities"]]
                assert body["pagination"]["hasNextPage"] == (page < 5)
                assert body["pagination"]["hasPreviousPage"] == (page > 1)
                assert (body["pagination"]["page"], body["pagination"]["totalPages"]) == (page, 5)
            assert len(seen) == 23
            assert set(seen) == {row.id for row in saved}

    async def test_cursor_and_pages_agree(self, client: httpx.AsyncClient, house: House) -> None:
        await factories.add_shelf(house, 12)
        for sort in SORTS:
            await self.compare(client, sort)

    async def compare(self, client: httpx.AsyncClient, sort: str) -> None:
        whole = [each["id"] for each in (await client.get(f"{PATH}?sortBy={sort}&limit=100")).json()["personalities"]]
        first = (await client.get(f"{PATH}?sortBy={sort}&limit=7")).json()
        cursor = quote(first["pagination"]["nextCursor"])
        second = (await client.get(f"{PATH}?sortBy={sort}&limit=7&cursor={cursor}")).json()
        assert [each["id"] for each in first["personalities"] + second["personalities"]] == whole
        assert second["pagination"]["page"] is None
        assert second["pagination"]["hasPreviousPage"]
        assert second["pagination"]["nextCursor"] is None

    async def test_a_page_past_the_end_is_empty(
        self, client: httpx.AsyncClient, shelf: list[PersonalityTemplate]
    ) -> None:
        body = (await client.get(f"{PATH}?page=999999")).json()
        assert body["personalities"] == []
        assert not body["pagination"]["hasNextPage"]

    async def test_a_cursor_belongs_to_its_filters(self, client: httpx.AsyncClient, house: House) -> None:
        await factories.add_shelf(house, 9)
        cursor = quote((await client.get(f"{PATH}?limit=3&sortBy=name")).json()["pagination"]["nextCursor"])
        for query in (
            "sortBy=newest",
            "",
            "sortBy=name&search=shelf",
            "sortBy=name&category=x",
            "sortBy=name&minRating=2",
        ):
            assert set(await fields(client, f"{query}&limit=3&cursor={cursor}")) == {"cursor"}
        assert len(await names(client, f"sortBy=name&limit=5&cursor={cursor}")) == 5, "the limit may change"

    async def test_a_cursor_that_is_not_ours(self, client: httpx.AsyncClient, house: House) -> None:
        await factories.add_shelf(house, 3)
        for cursor in (
            "x", "====", "e30", "bnVsbA", "W10", "WyIiLDEsMSwiIl0", "🙂", "A" * 3000, "%00", "WyJhIiwxZTk5OSwxLCJiIl0",
            "WyJhIiwiMjAyNi0xMy00NSIsMSwiYiJd", "AP__", "-_-_",
        ):  # fmt: skip
            for sort in ("popular", "newest", "name"):
                raw = cursor if cursor.startswith("%") else quote(cursor)
                assert set(await fields(client, f"sortBy={sort}&cursor={raw}")) == {"cursor"}, cursor

    @MOSTLY_SQLITE
    async def test_a_cursor_changed_by_hand_is_no_500(self, client: httpx.AsyncClient, house: House) -> None:
        import base64
        import json

        await factories.add_shelf(house, 9)
        for sort in SORTS:
            cursor = (await client.get(f"{PATH}?limit=3&sortBy={sort}")).json()["pagination"]["nextCursor"]
            parts = json.loads(base64.urlsafe_b64decode(cursor + "=="))
            for place in range(len(parts)):
                for value in ODD:
                    changed = [*parts[:place], value, *parts[place + 1 :]]
                    packed = base64.urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip("=")
                    answer = await client.get(f"{PATH}?limit=3&sortBy={sort}&cursor={packed}")
                    assert answer.status_code in {200, 400}, (sort, changed, answer.status_code)


class TestFreshness:
    async def test_an_etag_saves_the_body(self, client: httpx.AsyncClient, shelf: list[PersonalityTemplate]) -> None:
        first = await client.get(PATH)
        again = await client.get(PATH, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]

    async def test_every_form_of_if_none_match(
        self, client: httpx.AsyncClient, shelf: list[PersonalityTemplate]
    ) -> None:
        tag = (await client.get(PATH)).headers["etag"]
        for wrap in ("{}", "W/{}", '"other", {}', "*"):
            assert (await client.get(PATH, headers={"if-none-match": wrap.format(tag)})).status_code == 304, wrap

    async def test_another_answer_has_another_etag(
        self, client: httpx.AsyncClient, shelf: list[PersonalityTemplate], house: House
    ) -> None:
        first = await client.get(PATH)
        other = await client.get(f"{PATH}?limit=2")
        assert first.headers["etag"] != other.headers["etag"]
        await factories.add_personality(house, "One more")
        now = await client.get(PATH, headers={"if-none-match": first.headers["etag"]})
        assert now.status_code == 200
        assert now.json()["pagination"]["totalCount"] == 7

    async def test_a_write_is_visible_to_another_process_within_two_seconds(
        self, make_site: MakeSite, site: Site, client: httpx.AsyncClient, shelf: list[PersonalityTemplate], ada: Person
    ) -> None:
        other = await make_site()
        path = f"{PATH}/{shelf[0].id}"
        await client.get(f"{other.url}{path}")
        await ada.post(f"{path}/rate", json={"rating": 5})
        await asyncio.sleep(0)
        async with asyncio.timeout(2):
            while (await client.get(f"{other.url}{path}")).json()["ratingCount"] != 1:
                await asyncio.sleep(0.05)


async def test_categories_count_what_is_on_the_shelf(
    client: httpx.AsyncClient, house: House, shelf: list[PersonalityTemplate]
) -> None:
    await factories.add_personality(house, "Hidden", category="Secret", is_public=False)
    assert (await client.get("/api/marketplace/categories")).json() == [
        {"name": "Cosy Company", "slug": "cosy-company", "count": 2},
        {"name": "Musik", "slug": "musik", "count": 2},
        {"name": "Role Play", "slug": "role-play", "count": 2},
    ]


async def test_too_many_words_are_refused_as_json_and_cut_on_the_page(client: Any, personality: Any) -> None:
    """Each number of words is a statement of its own; one sign may fold into many."""
    for search in ("a " * 25, "\ufdfa" * 200):
        refused = await client.get("/api/marketplace/personalities", params={"search": search})
        assert (refused.status_code, refused.json()["error"]) == (400, "validation_failed")
        assert "words" in refused.json()["details"]["fields"]["search"]
        assert (await client.get("/", params={"search": search}, headers={"accept": "text/html"})).status_code == 200
    assert (await client.get("/api/marketplace/personalities", params={"search": "a " * 24})).status_code == 200
