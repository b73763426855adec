"""The short way to the list and the framework's way give the same bytes, and the short one knows when to step aside."""

import json

import httpx
import pytest
from tests import factories
from tests.support.engines import ONLY_SQLITE

from botbot.catalog.lists import usual_filters
from botbot.errors import ValidationFailed
from botbot.house import House

LIST = "/api/marketplace/personalities"
LONG_WAY = {"cookie": "botbot_session=nobody"}
QUERIES = (
    "", "limit=3", "limit=3&page=2", "limit=100&sortBy=name", "sortBy=newest&limit=2", "sortBy=rating", "page=50",
    "search=shelf", "search=SHELF+0001", "search=%C3%A9t%C3%A9", "search=100%25", "search=_", "search=null",
    "search=true", "search=5", "search=nothing+like+it", "category=science-%26-learning", "category=a&category=b",
    "category=Science+%26+Learning", "category=null", "tags=science,patient", "tags=,science,,", "excludeTags=science",
    "language=en&language=de", "contentRating=everyone", "minRating=1", "minRating=4.5", "unknown=1", "_=7&limit=2",
    "search=", "category=", "tags=", "minRating=", "page=", "limit=", "search=a&search=b", "limit=2&limit=3",
    "page=1.0", "page=%31", "limit=02", "limit=0", "limit=101", "limit=1000", "limit=-1", "limit=x", "page=0",
    "page=9999999",
    "minRating=0.5", "minRating=5.5", "minRating=1e0", "minRating=nan", "minRating=inf", "sortBy=random",
    "contentRating=none", "cursor=nonsense", "cursor=x&page=1", "search=%00", "search=%ff", "search=a%2", "search=%",
    "=x", "&", "search", "search=a;b", "search=" + "x" * 300, "limit=3&x=%F0%9F%90%88", "page=%D9%A1", "limit=+5",
)  # fmt: skip


async def both(client: httpx.AsyncClient, query: str) -> tuple[httpx.Response, httpx.Response]:
    return await client.get(f"{LIST}?{query}"), await client.get(f"{LIST}?{query}", headers=LONG_WAY)


async def test_both_ways_answer_alike(client: httpx.AsyncClient, house: House) -> None:
    await factories.add_shelf(house, 8)
    await factories.add_personality(
        house, "Été at the sea", language="de", avg_rating=4.5, rating_count=2, rating_sum=9
    )
    for query in QUERIES:
        short, long = await both(client, query)
        assert (short.status_code, short.content) == (long.status_code, long.content), query
        assert short.headers.get("etag", "").replace("-gzip", "").replace("-br", "") == long.headers.get("etag", "")


async def test_every_page_by_cursor_is_the_same_on_both_ways(client: httpx.AsyncClient, house: House) -> None:
    await factories.add_shelf(house, 12)
    for sort in ("popular", "newest", "rating", "name"):
        seen, cursor = [], ""
        while True:
            query = f"limit=5&sortBy={sort}{f'&cursor={cursor}' if cursor else ''}"
            short, long = await both(client, query)
            assert short.content == long.content, query
            found = json.loads(short.content)
            seen += [each["id"] for each in found["personalities"]]
            cursor = found["pagination"]["nextCursor"]
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 12, sort


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "page=1.0", "search=a&search=b", "search=", "search=%ff", "é", "a=%zz%", "x"]
)
def test_what_looks_unusual_is_left_to_the_framework(query: str) -> None:
    assert usual_filters(query.encode()) is None or query == "a=%zz%"


def test_a_question_that_can_be_read_but_not_answered_is_refused() -> None:
    with pytest.raises(ValidationFailed):
        usual_filters(b"sortBy=random")


@ONLY_SQLITE
async def test_the_prompt_is_in_neither(client: httpx.AsyncClient, house: House) -> None:
    await factories.add_personality(house)
    for answer in await both(client, ""):
        assert b"Quicksilver" not in answer.content
