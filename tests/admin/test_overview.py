"""The overview: the same figures on the page, as JSON, as CSV and as a picture, for those who may read them."""

import csv
import io
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from tests import factories
from tests.deployments.scene import deploy
from tests.support.engines import MOSTLY_SQLITE
from tests.support.people import Person

from botbot.admin import charts
from botbot.admin.overview_tables import Table
from botbot.catalog.models import PersonalityTemplate
from botbot.house import House
from botbot.kit import clock
from botbot.usage import service as usage

API = "/api/marketplace/admin/overview"
HTML = {"accept": "text/html"}


@pytest.fixture(autouse=True)
def noon(clean_test: None) -> None:
    """No midnight falls into a test."""
    now = clock.now()
    clock.move(now.replace(hour=12, minute=0) - now)


async def tables(person: Person, days: int = 7) -> dict[str, Any]:
    answer = await person.get(API, params={"days": days})
    assert answer.status_code == 200, answer.text
    return {each["name"]: each for each in answer.json()["tables"]}


async def test_it_counts_what_happened_and_when(
    house: House, cleo: Person, ada: Person, personality: PersonalityTemplate, drain: Any, tick: Callable[..., None]
) -> None:
    async with house.db.write() as session:
        for outcome in ("live", "live", "sample", "failed"):
            await usage.note(
                session, personality_id=personality.id, guild_id=7, prompt_tokens=100, completion_tokens=20,
                model="m", kind="bot", outcome=outcome, prices=("*=1000/1000",),
            )  # fmt: skip
    await deploy(ada, personality.id)
    await drain()
    await factories.add_rating(house, personality, await factories.add_user(house, 77), 4)
    found = await tables(cleo)
    assert {name: table["rows"][-1][1] for name, table in found.items() if table["kind"] != "ranks"} == {
        "deployments": [1, 0], "success": [100.0], "servers": [1], "conversations": [2, 1], "previews": [0, 0, 0],
        "tokens": [80, 400], "money": [0.48], "ratings": [1], "errors": [1, 0],
    }  # fmt: skip
    assert found["top"]["rows"] == [[personality.name, [3]]]
    assert found["rising"]["rows"] == [[personality.name, [1, 1]]]
    assert {len(table["rows"]) for table in found.values() if table["kind"] != "ranks"} == {7}
    tick(days=7)
    async with house.db.read():
        later = await (await cleo.by_token()).get(API, params={"days": 7})
    assert not any(any(row[1][0] or 0 for row in table["rows"]) for table in later.json()["tables"])


@MOSTLY_SQLITE
async def test_each_table_is_a_picture_and_a_file(
    house: House, cleo: Person, ada: Person, client: httpx.AsyncClient, personality: PersonalityTemplate
) -> None:
    names = (await tables(cleo)).keys()
    for name in names:
        sheet = await cleo.get(f"{API}/{name}/figures.csv", params={"days": 30})
        assert sheet.headers["content-type"].startswith("text/csv")
        assert next(csv.reader(io.StringIO(sheet.text)))[0] in {"Day", "Personality"}
        picture = await cleo.get(f"{API}/{name}/picture.svg", params={"days": 30, "theme": "dark"})
        assert picture.headers["content-type"].startswith("image/svg+xml")
        assert_safe(picture.content)
    page = (await cleo.get("/admin?days=90", headers=HTML)).text
    assert all(f'id="{name}"' in page for name in names)
    for path in ("nothing/picture.svg", "nothing/figures.csv"):
        assert (await cleo.get(f"{API}/{path}")).status_code == 404
    for query in ({"days": 8}, {"days": "x"}):
        assert (await cleo.get(f"{API}/top/figures.csv", params=query)).status_code == 400
    assert (await cleo.get(f"{API}/top/picture.svg", params={"theme": "<script>"})).status_code == 400
    assert (await ada.get(f"{API}/top/picture.svg")).status_code == 404
    assert (await client.get(f"{API}/top/picture.svg")).status_code == 401
    assert (await cleo.get("/admin?days=<script>", headers=HTML)).status_code == 200


def test_a_picture_holds_only_shapes_and_words_whatever_the_names_are() -> None:
    hostile = '<script>alert("x")</script>\x00\x0b]]>&'
    for kind, rows in (
        ("ranks", [(hostile, [3, -2]), ("", [0, 0])]), ("line", [("2026-01-01", [None, 5])]),
        ("bars", [(f"2026-01-{n:02}", [n * 10**9, 0.004]) for n in range(1, 30)]), ("bars", []), ("ranks", []),
    ):  # fmt: skip
        table = Table("t", "T", "L", ["One", hostile.replace("\x00", "").replace("\x0b", "")], rows, kind)  # type: ignore[arg-type]
        for theme in charts.THEMES:
            assert_safe(charts.draw(table, theme))


def assert_safe(picture: bytes) -> None:
    root = ElementTree.fromstring(picture)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "g", "path", "rect", "text", "circle", "line"}, tags
    names = {name for element in root.iter() for name in element.attrib}
    assert not any(name == "style" or name.startswith("on") or "href" in name for name in names)
    assert b"url(" not in picture
