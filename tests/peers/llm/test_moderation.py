"""Asking the provider's `/moderations` over real sockets: what it says, and how little it may cost when it can't."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from tests.peers.llm.conftest import KEY, Model

from botbot.peers.llm import moderation
from botbot.peers.llm.moderation import ModerationClient
from botbot.settings import Settings

SECRET = "a text that nobody may log"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Provider:
    """A server with one route, which answers as it is told to."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.answer: Answer = flagging({})
        self.url = ""
        self.authorization: str | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        self.authorization = request.headers.get("Authorization")
        return await self.answer(request)


def saying(status: int, body: bytes = b"{}", headers: dict[str, str] | None = None) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers=headers)

    return answer


def flagging(scores: dict[str, float]) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        categories = dict.fromkeys(scores, True)
        result = {"flagged": bool(scores), "categories": categories, "category_scores": scores}
        return web.json_response({"id": "modr-1", "model": "any", "results": [result]})

    return answer


async def never(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    app = web.Application()
    app.router.add_post("/v1/moderations", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield made
    await runner.cleanup()


@pytest.fixture
async def client(provider: Provider) -> AsyncIterator[ModerationClient]:
    opened = ModerationClient(Settings(openai_base_url=provider.url, openai_api_key=KEY), deadline_seconds=10)
    yield opened
    await opened.aclose()


async def test_the_stand_in_judges_and_finds_nothing_against_the_official_description(model: Model) -> None:
    asking = ModerationClient(Settings(openai_base_url=model.url, openai_api_key=KEY))
    threat = await asking.opinion_of("I will find you")
    recipe = await asking.opinion_of("a recipe for soup")
    await asking.aclose()
    assert threat is not None
    assert threat["harassment/threatening"] > 0.9
    assert recipe == {}
    assert model.control.violations == []


async def test_flagged_categories_come_with_their_scores(provider: Provider, client: ModerationClient) -> None:
    provider.answer = flagging({"hate": 0.7, "violence": 0.2})
    assert await client.opinion_of("some text") == {"hate": 0.7, "violence": 0.2}
    assert provider.asked == [{"input": "some text"}]
    assert provider.authorization == f"Bearer {KEY}"


async def test_what_is_flagged_without_categories_is_flagged_all_the_same(
    provider: Provider, client: ModerationClient
) -> None:
    provider.answer = saying(200, b'{"results": [{"flagged": true}]}')
    assert await client.opinion_of("some text") == {"flagged": 1.0}


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_server_without_moderation_is_asked_once(
    provider: Provider, client: ModerationClient, status: int
) -> None:
    provider.answer = saying(status)
    for _ in range(3):
        assert await client.opinion_of("some text") is None
    assert len(provider.asked) == 1
    assert not client.is_asking


@pytest.mark.parametrize(
    "answer",
    [
        saying(500),
        saying(200, b"<h1>Please sign in</h1>"),
        saying(200, b'{"results": "none"}'),
        saying(200, b'{"results": [{"flagged": "maybe"}]}'),
        saying(200, b"\xff\xfe"),
        saying(200, b" " * (moderation.MAX_BODY_BYTES + 1)),
        reset,
    ],
    ids=["500", "html", "wrong types", "wrong values", "no utf-8", "too long", "reset"],
)
async def test_one_that_fails_twice_in_a_row_gets_a_rest(
    provider: Provider, client: ModerationClient, answer: Answer
) -> None:
    provider.answer = answer
    for _ in range(4):
        assert await client.opinion_of("some text") is None
    assert len(provider.asked) == moderation.FAILURES_IN_A_ROW


async def test_a_failure_between_successes_is_forgiven(provider: Provider, client: ModerationClient) -> None:
    for answer in (saying(500), flagging({}), saying(500), flagging({"hate": 1.0})):
        provider.answer = answer
        opinion = await client.opinion_of("some text")
    assert opinion == {"hate": 1.0}
    assert len(provider.asked) == 4


async def test_a_slow_one_costs_its_deadline_and_then_nothing(provider: Provider) -> None:
    provider.answer = never
    asking = ModerationClient(Settings(openai_base_url=provider.url), deadline_seconds=0.2)
    for _ in range(6):
        assert await asking.opinion_of("some text") is None
    await asking.aclose()
    assert len(provider.asked) <= moderation.FAILURES_IN_A_ROW


async def test_a_busy_one_is_left_alone_for_as_long_as_it_asks(provider: Provider, client: ModerationClient) -> None:
    provider.answer = saying(429, headers={"Retry-After": "60"})
    for _ in range(3):
        assert await client.opinion_of("some text") is None
    assert len(provider.asked) == 1


async def test_a_refused_key_is_not_tried_on_every_message(provider: Provider, client: ModerationClient) -> None:
    provider.answer = saying(401)
    for _ in range(3):
        assert await client.opinion_of("some text") is None
    assert len(provider.asked) == 1


async def test_without_a_server_nothing_is_sent_anywhere() -> None:
    asking = ModerationClient(Settings())
    assert await asking.opinion_of("some text") is None
    await asking.aclose()


async def test_odd_texts_are_sent_whole_or_not_at_all(provider: Provider, client: ModerationClient) -> None:
    assert await client.opinion_of("a\ud800b") == {}
    assert await client.opinion_of(" \n ") is None
    assert await client.opinion_of("x" * 50_000) == {}
    assert [len(each["input"]) for each in provider.asked] == [3, moderation.MAX_CHARACTERS]


async def test_no_text_and_no_key_is_ever_logged(
    provider: Provider, client: ModerationClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for answer in (flagging({"hate": 1.0}), saying(500, SECRET.encode()), saying(401), saying(404)):
        provider.answer = answer
        await client.opinion_of(SECRET)
    assert SECRET not in caplog.text
    assert KEY not in caplog.text
