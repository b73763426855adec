"""What search engines read."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import httpx
from tests import factories
from tests.support.engines import ONLY_SQLITE
from tests.support.serving import Site

from botbot.house import House
from botbot.kit import clock
from botbot.storefront import sitemaps

SPACE = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


async def locations(client: httpx.AsyncClient, path: str) -> list[tuple[str, str | None]]:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml; charset=utf-8")
    root = ElementTree.fromstring(answer.text)
    return [(each.findtext("s:loc", "", SPACE), each.findtext("s:lastmod", None, SPACE)) for each in root]


async def test_everything_on_the_shelf_and_nothing_else(
    house: House, client: httpx.AsyncClient, site: Site, tick: Callable[..., None]
) -> None:
    entries = await factories.add_shelf(house, 5)
    await factories.add_personality(house, "Hidden", is_public=False)
    await factories.add_personality(house, "Archived", archived_at=clock.now())
    base = site.house.settings.public_url
    index = dict(await locations(client, "/sitemap.xml"))
    assert set(index) == {f"{base}/sitemaps/1.xml", f"{base}/sitemaps/pages.xml"}
    listed = await locations(client, "/sitemaps/1.xml")
    changed = {f"{base}/personalities/{each.slug}": f"{each.updated_at:%Y-%m-%dT%H:%M:%SZ}" for each in entries}
    assert dict(listed) == changed
    assert index[f"{base}/sitemaps/1.xml"] == max(changed.values())
    assert [each[0] for each in await locations(client, "/sitemaps/pages.xml")] == [
        f"{base}/", f"{base}/privacy", f"{base}/terms",
    ]  # fmt: skip


async def test_chunks_leave_nothing_out_and_repeat_nothing(house: House) -> None:
    await factories.add_shelf(house, 23)
    for size in (1, 5, 22, 23, 24):
        async with house.db.reading() as connection:
            found = await sitemaps.find_chunks(connection, size)
        assert len(found) == -(-23 // size), size
        edges: list[Any] = [*(after for after, _ in found[1:]), None]
        listed = []
        for (after, newest), end in zip(found, edges, strict=True):
            assert newest is not None
            text = "".join([part async for part in sitemaps._addresses(house, after, end)])
            ElementTree.fromstring(text)
            listed += [line for line in text.splitlines() if line.startswith("<url>")]
        assert len(listed) == len(set(listed)) == 23, size


@ONLY_SQLITE
async def test_an_empty_marketplace_has_an_empty_one(client: httpx.AsyncClient) -> None:
    assert await locations(client, "/sitemaps/1.xml") == []


@ONLY_SQLITE
async def test_there_are_no_other_chunks(client: httpx.AsyncClient) -> None:
    for name in ("0.xml", "2.xml", "-1.xml", "x.xml", "٣.xml", "99999999999999999999.xml", "1e1.xml"):
        assert (await client.get(f"/sitemaps/{name}")).status_code == 404, name


@ONLY_SQLITE
async def test_robots_are_told_where_it_is_and_what_is_not_for_them(client: httpx.AsyncClient, site: Site) -> None:
    answer = await client.get("/robots.txt")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert f"Sitemap: {site.house.settings.public_url}/sitemap.xml" in lines
    assert "Disallow: /api/" in lines
    assert not [line for line in lines if line in {"Disallow: /", "Disallow: /personalities"}]
