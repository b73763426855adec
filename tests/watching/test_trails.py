"""One deployment is one trail and one trace, from the click over the worker to the bot; nobody's words are in them."""

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from tests.bot.talk import Room, until
from tests.deployments import scene
from tests.support.engines import ONLY_SQLITE
from tests.support.people import Person
from tests.support.serving import Site
from tests.watching.receivers import Receiver, receiving

from botbot import logs
from botbot.catalog.models import PersonalityTemplate
from botbot.house import House
from botbot.jobs.models import OutboxEntry, Saga
from botbot.sandbox.handle import DiscordHandle
from botbot.sandbox.model.control import ModelControl
from botbot.watching import tracing

pytestmark = ONLY_SQLITE
SECRET = "Marmalade-7731"


@pytest.fixture
async def traced(receiver: Receiver) -> Any:
    """Traces go to the receiver; what waits is sent by the stop at the end."""
    tracing.set_up(f"http://127.0.0.1:{receiver.port}", "serve", "1.0")
    yield receiver
    await asyncio.to_thread(tracing.stop)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """All that our loggers say, in every detail, as it would stand in the file."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonLines())
    handler.addFilter(lambda record: record.name != "httpx")  # the test's own client; the house has none of that name
    root, ours = logging.getLogger(), logging.getLogger("botbot")
    before = root.level, ours.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    ours.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before[0])
    ours.setLevel(before[1])


def attributes(span: Any) -> dict[str, str]:
    return {each.key: each.value.string_value or str(each.value.int_value) for each in span.attributes}


async def test_every_answer_names_its_request(client: httpx.AsyncClient, personality: PersonalityTemplate) -> None:
    seen = set()
    for path in ("/", "/healthz", "/nowhere", f"/personalities/{personality.slug}", "/"):
        seen.add((await client.get(path)).headers["x-request-id"])
    refused = await client.post("/logout", headers={"origin": "https://evil.example", "x-request-id": SECRET})
    assert len(seen | {refused.headers["x-request-id"]}) == 6
    assert SECRET not in refused.headers["x-request-id"]


async def test_the_work_that_follows_keeps_the_requests_id(
    ada: Person, personality: PersonalityTemplate, house: House, drain: Callable[[], Awaitable[None]]
) -> None:
    answer = await scene.ask_deploy(ada, personality.id)
    await drain()
    async with house.db.read() as session:
        saga = (await session.scalars(select(Saga))).one()
        notes = list(await session.scalars(select(OutboxEntry)))
    assert saga.trail == answer.headers["x-request-id"]
    assert {note.trail for note in notes} == {saga.trail}


async def test_a_deployment_is_one_trace_from_the_click_to_the_bot(
    traced: Receiver, ada: Person, personality: PersonalityTemplate, worker: Site, bot: Site
) -> None:
    deployment = await scene.deploy(ada, personality.id)
    await scene.settled(ada, deployment["id"])
    await asyncio.to_thread(tracing._kit.provider.force_flush)  # type: ignore[union-attr]
    names = lambda: {span.name for span in traced.spans}  # noqa: E731
    await until(
        lambda: "saga deploy" in names() and any(name.startswith("news ") for name in names()), 20, "no trace came"
    )
    spans = {span.span_id: span for span in traced.spans}
    saga = next(span for span in spans.values() if span.name == "saga deploy")
    whole = [span for span in spans.values() if span.trace_id == saga.trace_id]
    told = {span.name for span in whole}
    assert spans[saga.parent_span_id].name == "POST /api/marketplace/personalities/{personality_id}/deploy"
    assert {"step set_profile", "Discord PATCH /guilds/{guild_id}/members/@me"} <= told
    assert [name for name in told if name.startswith("news ")], told
    assert attributes(saga)["subject"] == deployment["id"]
    step = next(span for span in whole if span.name == "step set_profile")
    call = next(span for span in whole if span.name == "Discord PATCH /guilds/{guild_id}/members/@me")
    assert step.parent_span_id == saga.span_id
    assert call.parent_span_id == step.span_id


async def test_a_receiver_that_is_away_holds_nobody_up(client: httpx.AsyncClient) -> None:
    with receiving() as receiver:
        gone = receiver.port
    tracing.set_up(f"http://127.0.0.1:{gone}", "serve", "1.0")
    try:
        for _ in range(20):
            assert (await client.get("/healthz")).status_code == 200
    finally:
        began = asyncio.get_running_loop().time()
        await asyncio.to_thread(tracing.stop)
    assert asyncio.get_running_loop().time() - began < tracing.STOP_SECONDS + 2


async def talk(ada: Person, client: httpx.AsyncClient, personality: PersonalityTemplate, model: ModelControl) -> None:
    """Every door through which a person's own words come in, those included that break on the way."""
    market = "/api/marketplace"
    chat = f"{market}/preview/{personality.id}/chat"
    await client.get("/", params={"search": SECRET}, headers={"accept": "text/html"})
    await client.get(f"/personalities/{SECRET}")
    await client.post(chat, json={"message": f"I am {SECRET}"})
    model.fail("cut")
    await client.post(chat, json={"message": f"Still {SECRET}"})
    model.clear()
    await client.post(chat, content=f'{{"message": "{SECRET}'.encode(), headers={"content-type": "application/json"})
    await client.post(chat, json={"message": SECRET}, headers={"authorization": f"Bearer bbt_{SECRET}"})
    await ada.post(f"{market}/personalities/{personality.id}/rate", json={"rating": 4, "review": f"It is {SECRET}"})
    await ada.post(f"{market}/personalities/{personality.id}/report", json={"reason": "other", "details": SECRET})


async def test_no_word_of_anybody_comes_into_the_log_or_into_a_trace(
    written: io.StringIO,
    traced: Receiver,
    ada: Person,
    client: httpx.AsyncClient,
    personality: PersonalityTemplate,
    worker: Site,
    bot: Site,
    discord: DiscordHandle,
    model: ModelControl,
) -> None:
    await talk(ada, client, personality, model)
    discord.fail("PATCH", "/guilds/*/members/@me", status=502, body={"message": SECRET})
    deployment = await scene.deploy(ada, personality.id, customizations={"name": SECRET})
    await until(lambda: bool(discord.calls_to("PATCH", "/guilds/*/members/@me")), 20, "no saga began")
    discord.clear_failures()
    await scene.settled(ada, deployment["id"])
    room = Room(discord, model)
    model.say = f"Hello, {SECRET}."
    assert SECRET in (await room.reply_to(room.say(f"I am {SECRET}"), seconds=20)).content
    await asyncio.to_thread(tracing.stop)
    assert len(written.getvalue().splitlines()) > 0
    assert SECRET not in written.getvalue()
    assert traced.spans
    assert SECRET.encode() not in b"".join(body for _, body in traced.posted)
