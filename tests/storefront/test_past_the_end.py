"""A page behind the last one says so and leads back, as a page and over the API; it never says that nothing matches."""

import re
from typing import Any

import httpx
import pytest
from tests import factories

from botbot.house import House

HTML = {"accept": "text/html"}


@pytest.mark.parametrize(("query", "back"), [("", "/?page=2"), ("search=shelf", "/?search=shelf&amp;page=2")])
async def test_the_page_leads_back_to_the_last_one(
    house: House, client: httpx.AsyncClient, query: str, back: str
) -> None:
    await factories.add_shelf(house, 30)
    told = (await client.get(f"/?{query}&page=99", headers=HTML)).text
    assert "The shelves end before here: 2 pages" in told
    assert f'href="{back}"' in told
    assert "page 99" in told
    for wrong in ("I looked behind every shelf", "still empty", "Let go of", "Did you mean"):
        assert wrong not in told
    last = (await client.get(back.replace("&amp;", "&"), headers=HTML)).text
    assert len(re.findall(r'class="grid" data-page="2"', last)) == 1


async def test_where_one_page_holds_everything_it_leads_there(house: House, client: httpx.AsyncClient) -> None:
    await factories.add_shelf(house, 3)
    told = (await client.get("/?tags=science&page=2", headers=HTML)).text
    assert "1 page, and you asked for page 2" in told
    assert 'href="/?tags=science"' in told


async def test_where_nothing_matches_every_page_says_that(house: House, client: httpx.AsyncClient) -> None:
    await factories.add_shelf(house, 3)
    told = (await client.get("/?search=nobodyhere&page=7", headers=HTML)).text
    assert "I looked behind every shelf" in told
    assert "end before here" not in told


async def test_an_empty_marketplace_is_empty_on_every_page(client: httpx.AsyncClient) -> None:
    assert "still empty" in (await client.get("/?page=3", headers=HTML)).text


async def test_the_api_says_how_much_there_is(house: House, client: httpx.AsyncClient) -> None:
    await factories.add_shelf(house, 30)
    for query in ("limit=24", "limit=24&search=shelf", "limit=24&tags=science"):
        told: Any = (await client.get(f"/api/marketplace/personalities?{query}&page=99")).json()
        assert (told["personalities"], told["suggestions"]) == ([], [])
        assert told["pagination"] == {
            "page": 99, "limit": 24, "totalCount": 30, "totalPages": 2, "hasNextPage": False, "hasPreviousPage": True,
            "nextCursor": None,
        }  # fmt: skip
