"""Servers that refuse a part of what everybody else takes, and name it in their own ways."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from botbot.errors import ModelUnavailable
from botbot.peers.llm import Message
from botbot.peers.llm.dialect import Dialect

from .conftest import MakeClient

CHAT = [
    Message("system", "You are Atlas."),
    Message("user", "Hello?", name="example_user"),
    Message("assistant", "Hello!", name="example_assistant"),
    Message("user", "Why is the sky blue?"),
]
FORBIDDEN = [{"type": "extra_forbidden", "loc": ["body", "messages", 1, "user", "name"], "msg": "Extra inputs"}]
REFUSALS: list[tuple[int, Any]] = [
    (422, {"detail": FORBIDDEN}),
    (422, {"object": "error", "message": {"detail": FORBIDDEN}, "type": "invalid_request_error"}),
    (400, {"error": {"message": "Validation error", "details": FORBIDDEN}}),
    (400, {"error": {"message": "'messages.1' : property 'name' is unsupported"}}),
    (400, {"error": {"message": "Not supported", "param": "messages[1].name"}}),
]
WHOLE = b'data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


class Strict:
    """Takes no names; `refusal` says how. Keeps the bodies it got."""

    def __init__(self) -> None:
        self.refusal: tuple[int, Any] = REFUSALS[0]
        self.seen: list[dict[str, Any]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.seen.append(body)
        if any("name" in each for each in body["messages"]):
            return web.json_response(self.refusal[1], status=self.refusal[0])
        return web.Response(body=WHOLE, content_type="text/event-stream")


@pytest.fixture
async def strict() -> AsyncIterator[Strict]:
    server = Strict()
    app = web.Application()
    app.router.add_post("/chat/completions", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_names_are_left_out_where_they_are_refused_and_that_is_remembered(
    make_client: MakeClient, strict: Strict, refusal: tuple[int, Any]
) -> None:
    strict.refusal = refusal
    client = make_client(openai_base_url=strict.url)
    assert (await client.complete(CHAT)).text == "hi"
    assert (await client.complete(CHAT)).text == "hi"
    plain = [{"role": each.role, "content": each.content} for each in CHAT]
    assert ["name" in json.dumps(each["messages"]) for each in strict.seen] == [True, False, False]
    assert strict.seen[1]["messages"] == plain


async def test_a_refusal_that_names_nothing_is_final(make_client: MakeClient, strict: Strict) -> None:
    strict.refusal = (422, {"detail": [{"loc": ["body", "messages", 1, "content"], "msg": "The filename is too long"}]})
    with pytest.raises(ModelUnavailable) as caught:
        await make_client(openai_base_url=strict.url).complete(CHAT)
    assert (caught.value.permanent, len(strict.seen)) == (True, 1)


@pytest.mark.parametrize(
    "message",
    ["Invalid model name", "The messages have a wrong username", '{"filename": "messages"}', "the 'name' is unknown"],
)
def test_a_name_of_something_else_is_none_of_a_message(message: str) -> None:
    assert Dialect().adapted(json.dumps({"error": {"message": message}}).encode()) is None


def test_what_a_validator_nests_is_found() -> None:
    body = json.dumps({"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"]}]}).encode()
    assert Dialect().adapted(body) == Dialect(has_stream_options=False)
