"""The pictures that stand for personalities elsewhere."""

import asyncio
import struct
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import factories
from tests.support.engines import ONLY_SQLITE

from botbot.catalog.models import PersonalityTemplate
from botbot.errors import RateLimited
from botbot.house import House
from botbot.storefront import postcard
from botbot.storefront.postcards import KEPT_BYTES, MOST_WAITING, Easel

PNG = b"\x89PNG\r\n\x1a\n"


def entry(**changes: Any) -> SimpleNamespace:
    made = {
        "slug": "tilda", "name": "Tilda", "opening_line": "Come in & sit.", "description": "Keeps bees.", "hue": 40,
        "category": "Nature", "avatar": {}, "avatar_path": "/avatars/tilda.1.svg",
    }  # fmt: skip
    return SimpleNamespace(**(made | changes))


@ONLY_SQLITE
async def test_it_is_a_png_of_the_usual_size_kept_for_ever(
    client: httpx.AsyncClient, personality: PersonalityTemplate
) -> None:
    path = postcard.path(personality)
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.content.startswith(PNG)
    assert struct.unpack(">II", answer.content[16:24]) == (1200, 630)
    assert "immutable" in answer.headers["cache-control"]
    assert len(answer.content) < 300_000
    outdated = await client.get(f"/og/{personality.slug}.000000000000.png")
    assert (outdated.status_code, "immutable" in outdated.headers["cache-control"]) == (200, False)
    assert outdated.content == answer.content


@ONLY_SQLITE
async def test_nobody_learns_of_hidden_entries_by_it(house: House, client: httpx.AsyncClient) -> None:
    hidden = await factories.add_personality(house, "Hidden", is_public=False)
    for path in (postcard.path(hidden), "/og/nobody.123.png", "/og/nobody", "/og/x.svg"):
        assert (await client.get(path)).status_code == 404, path


def test_the_address_changes_with_what_is_drawn() -> None:
    changes: list[dict[str, Any]] = [
        {}, {"name": "Tilde"}, {"opening_line": "Out!"}, {"category": "Bees"}, {"avatar_path": "/avatars/tilda.2.svg"},
    ]  # fmt: skip
    assert len({postcard.path(entry(**each)) for each in changes}) == len(changes)


def test_without_letters_the_portrait_stands_alone() -> None:
    drawn = postcard.svg(entry(), with_words=False)
    assert "<text" not in drawn
    assert "<text" in postcard.svg(entry())


@given(st.text(max_size=300), st.text(max_size=60), st.integers(0, 359))
def test_any_words_make_a_picture(line: str, name: str, hue: int) -> None:
    """Well-formed whatever was written: the drawing library refuses anything else."""
    from xml.etree import ElementTree

    drawn = postcard.svg(entry(opening_line=line, name=name, hue=hue))
    ElementTree.fromstring(drawn)


@given(st.text(max_size=400))
def test_words_fit_into_their_rows(text: str) -> None:
    size, rows = postcard.fitted(text, 540, sizes=(44, 29), rows=5)
    assert len(rows) <= 5
    assert all(postcard._width(row) <= 540 / size + 1.1 for row in rows)


def test_what_does_not_fit_ends_with_dots() -> None:
    _, rows = postcard.fitted("word " * 200, 540, sizes=(44, 29), rows=5)
    assert (len(rows), rows[-1][-1]) == (5, "…")
    assert postcard.fitted("Short.", 540, sizes=(44, 29), rows=5) == (44, ["Short."])


class TestTheEasel:
    async def test_the_same_picture_is_drawn_once_however_many_ask(self) -> None:
        easel = Easel()
        drawn = await asyncio.gather(*(easel.picture("/og/a.png", entry()) for _ in range(10)))
        assert all(each is drawn[0] for each in drawn)
        assert await easel.picture("/og/a.png", entry()) is drawn[0]

    async def test_too_many_at_once_are_asked_to_come_back(self) -> None:
        easel = Easel()
        waiting = [asyncio.ensure_future(easel.picture(f"/og/{n}.png", entry())) for n in range(MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(RateLimited):
            await easel.picture("/og/late.png", entry())
        for each in waiting[1:]:
            each.cancel()
        assert (await waiting[0]).startswith(PNG)
        for drawing in list(easel._drawing.values()):
            drawing.cancel()
        await asyncio.gather(*easel._drawing.values(), return_exceptions=True)

    async def test_it_keeps_a_few_and_drops_the_longest_unused(self) -> None:
        easel = Easel()
        for n in range(40):
            easel._keep(f"/og/{n}.png", bytes(KEPT_BYTES // 10))
        assert list(easel._kept) == [f"/og/{n}.png" for n in range(30, 40)]
