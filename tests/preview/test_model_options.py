"""How a personality wants its model asked: within bounds, kept with its version, the same in a preview and a server."""

from typing import Any

import httpx
import msgspec
import pytest
from tests import factories
from tests.conftest import MakeSite
from tests.preview.talking import talk
from tests.support.engines import MOSTLY_SQLITE

from botbot.agents.rules import asking
from botbot.catalog.entries import CURATED, Entry, read_curated, read_entry
from botbot.catalog.models import PersonalityTemplate, PersonalityVersion
from botbot.catalog.service import seed_entry
from botbot.errors import ValidationFailed
from botbot.house import House
from botbot.sandbox.model.control import ModelControl

ENTRY = CURATED / "atlas-the-scientist.toml"


async def test_the_preview_asks_as_the_personality_says(
    house: House, client: httpx.AsyncClient, model: ModelControl
) -> None:
    options = {"temperature": 0.3, "max_tokens": 123}
    for name, wanted in (("Calm One", options), ("Plain One", {})):
        made = await factories.add_personality(house, name, model_options=wanted)
        await talk(client, f"/api/marketplace/preview/{made.id}/chat")
    calm, plain = (each.body for each in model.recorded)
    assert (calm["temperature"], calm["max_tokens"]) == (0.3, 123)
    assert ("temperature" in plain, plain["max_tokens"]) == (False, 400)


@MOSTLY_SQLITE
async def test_they_are_part_of_the_version_and_a_change_is_a_new_one(make_site: MakeSite) -> None:
    house = (await make_site()).house
    entry = read_entry(ENTRY)
    warm = msgspec.structs.replace(entry, model=msgspec.convert({"temperature": 1.1}, type(entry.model)))
    told = []
    for each in (entry, entry, warm, warm, entry):
        async with house.db.write() as session:
            told.append(await seed_entry(session, each))
    assert told == ["created", "unchanged", "updated", "unchanged", "updated"]
    async with house.db.read() as session:
        from sqlalchemy import select

        kept = (await session.scalars(select(PersonalityVersion).order_by(PersonalityVersion.version))).all()
        row = await session.scalar(select(PersonalityTemplate))
    assert [each.snapshot["model_options"] for each in kept] == [{}, {"temperature": 1.1}, {}]
    assert row is not None
    assert row.model_options == {}


@pytest.mark.parametrize(
    "wrong",
    ["temperature = 1.6", "temperature = -0.1", "max_tokens = 49", "max_tokens = 601", 'temperature = "hot"',
     "max_tokens = 99.5", "top_p = 1.0", "temperature = nan", "temperature = inf"],
)  # fmt: skip
def test_an_entry_that_asks_for_more_is_refused(wrong: str, tmp_path: Any) -> None:
    written = ENTRY.read_text(encoding="utf-8").partition("\n[model]")[0]
    copy = tmp_path / ENTRY.name
    copy.write_text(f"{written}\n[model]\n{wrong}\n", encoding="utf-8")
    with pytest.raises(ValidationFailed):
        read_entry(copy)


def test_some_curated_characters_make_use_of_it() -> None:
    asked = [each.model for each in read_curated() if each.model.temperature is not None or each.model.max_tokens]
    assert 3 <= len(asked) <= 20


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (None, (400, None)), ({}, (400, None)), ({"temperature": 0}, (400, 0.0)), ({"temperature": 9}, (400, 1.5)),
        ({"temperature": -1}, (400, 0.0)), ({"max_tokens": 1}, (50, None)), ({"max_tokens": 10**9}, (600, None)),
    ],
)  # fmt: skip
def test_whatever_a_snapshot_holds_our_bounds_hold(options: Any, expected: tuple[int, float | None]) -> None:
    assert asking({"model_options": options}, 400) == expected
    assert asking({}, 400) == (400, None)


def test_entries_that_say_nothing_are_what_they_were() -> None:
    entry = read_entry(ENTRY)
    assert isinstance(entry, Entry)
    assert entry.content()["model_options"] == {}
