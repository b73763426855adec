"""Every metric is documented, every documented metric is there, and labels stay few."""

import re
from pathlib import Path

import httpx
import pytest
from tests.conftest import MakeSite
from tests.support.engines import ONLY_SQLITE
from tests.support.people import api_client
from tests.support.serving import Site

from botbot.catalog.models import PersonalityTemplate
from botbot.sandbox.model.control import ModelControl

pytestmark = ONLY_SQLITE
ROOT = Path(__file__).resolve().parents[2]


async def samples(client: httpx.AsyncClient) -> dict[str, float]:
    lines = [line for line in (await client.get("/metrics")).text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def families(client: httpx.AsyncClient) -> dict[str, str]:
    """Every metric's kind by its name."""
    return dict(re.findall(r"^# TYPE (\w+) (\w+)$", (await client.get("/metrics")).text, re.MULTILINE))


def documented() -> dict[str, str]:
    """The same, as the table says."""
    found = {}
    for line in (ROOT / "docs/api/health.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        for name in re.findall(r"`(botbot_\w+)`", cells[0]) if line.startswith("| `botbot_") else []:
            found[name] = cells[1]
    return found


async def test_what_is_documented_is_exported_and_the_other_way_round(client: httpx.AsyncClient) -> None:
    assert await families(client) == documented()


async def test_a_request_is_counted_by_its_route_kept_or_not(
    client: httpx.AsyncClient, personality: PersonalityTemplate
) -> None:
    for path in ("/", f"/personalities/{personality.slug}", "/api/marketplace/personalities?search=at", "/nowhere/7"):
        before = await samples(client)
        await client.get(path, headers={"accept": "text/html"})
        await client.get(path, headers={"accept": "text/html"})
        after = await samples(client)
        grown = {name for name in after if name.endswith("}") and after[name] - before.get(name, 0) == 2}
        route = {"/nowhere/7": "(none)", f"/personalities/{personality.slug}": "/personalities/{slug}"}
        name = route.get(path, path.partition("?")[0])
        assert f'botbot_request_seconds_count{{method="GET",route="{name}"}}' in grown, path


async def test_addresses_that_nobody_wrote_make_no_new_labels(client: httpx.AsyncClient) -> None:
    await client.get("/warm/up")
    await client.request("BREW", "/warm/up")
    before = set(await samples(client))
    for n in range(20):
        await client.get(f"/secret/{n}/of/ada")
        await client.request("BREW", f"/pot/{n}")
        await client.get(f"/api/marketplace/personalities/ada-{n}")
        await client.get(f"/personalities/ada-{n}")
    new = set(await samples(client)) - before
    assert len({name.partition("{")[0] + name.partition("{")[2] for name in new if "_bucket" not in name}) <= 12, new
    assert not [name for name in new if "ada" in name or "secret" in name or "BREW" in name]


async def test_a_stream_counts_while_it_is_read(
    client: httpx.AsyncClient, personality: PersonalityTemplate, model: ModelControl
) -> None:
    model.words_per_second = 5
    path = f"/api/marketplace/preview/{personality.id}/chat"
    name = 'botbot_streams_open{route="/api/marketplace/preview/{personality_id}/chat"}'
    body = {"message": "Tell me a long story, please"}
    async with client.stream("POST", path, json=body, headers={"accept": "text/event-stream"}) as answer:
        lines = answer.aiter_lines()
        assert await anext(lines)
        during = (await samples(client))[name]
    assert during >= 1
    for _ in range(500):
        if (await samples(client))[name] == during - 1:
            return
    pytest.fail("the stream still counts as open")


async def test_replies_tokens_and_the_first_word_are_counted(
    client: httpx.AsyncClient, personality: PersonalityTemplate
) -> None:
    before = await samples(client)
    answer = await client.post(f"/api/marketplace/preview/{personality.id}/chat", json={"message": "Hello there"})
    usage = answer.json()["usage"]
    after = await samples(client)

    def grew(start: str) -> float:
        return sum(after[name] - before.get(name, 0) for name in after if name.startswith(start))

    assert grew('botbot_replies_total{kind="preview",outcome="live"}') == 1
    assert grew('botbot_model_first_word_seconds_count{outcome="ok"}') == 1
    assert grew('botbot_tokens_total{kind="preview"') == sum(usage.values())


async def test_the_budget_shrinks_and_the_pool_and_database_are_seen(
    make_site: MakeSite, personality: PersonalityTemplate
) -> None:
    site = await make_site(preview_per_day=50)
    async with api_client(site.url) as client:
        await client.post(f"/api/marketplace/preview/{personality.id}/chat", json={"message": "Hello"})
        found = await samples(client)
    assert found["botbot_preview_budget"] == 50
    assert found["botbot_preview_budget_left"] == 49
    assert found["botbot_database_up"] == 1
    assert {'botbot_pool_connections{pool="reader",state="in_use"}'} <= set(found)


async def test_without_a_database_the_rest_is_still_told(site: Site, client: httpx.AsyncClient) -> None:
    await site.house.db.dispose()
    found = await samples(client)
    assert found["botbot_database_up"] == 0
    assert found["botbot_uptime_seconds"] > 0
    assert not [name for name in found if name.startswith(("botbot_preview_budget_left", "botbot_saga_wait"))]


async def test_asking_often_does_not_ask_the_database_often(site: Site) -> None:
    facts = site.state.facts
    first = await facts.get()
    assert await facts.get() is first
