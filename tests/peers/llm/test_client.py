"""The model's client against a real server: what it sends, what it reads, and how it lets go."""

import asyncio
import gc
from typing import Any

import anyio
import pytest

from botbot.errors import ModelUnavailable
from botbot.peers.llm import Deadlines, Message, ModelClient
from botbot.settings import Settings

from .conftest import CHAT, KEY, QUICK, MakeClient, Model


async def test_a_reply_comes_in_pieces_and_ends_with_its_reason_and_usage(
    make_client: MakeClient, model: Model
) -> None:
    async with make_client().stream(CHAT) as reply:
        pieces = [piece async for piece in reply]
    assert len(pieces) > 5
    assert "sky" in "".join(pieces)
    assert (reply.finish_reason, reply.usage_is_estimate, reply.model) == ("stop", False, "first")
    assert reply.usage.completion_tokens == len(pieces)
    assert model.control.violations == []


async def test_the_whole_reply_at_once_is_the_same_text(make_client: MakeClient) -> None:
    client = make_client()
    reply = await client.complete(CHAT)
    async with client.stream(CHAT) as stream:
        assert reply.text == "".join([piece async for piece in stream])


async def test_the_request_says_what_was_asked_and_no_more(make_client: MakeClient, model: Model) -> None:
    await make_client().complete(CHAT, max_tokens=7)
    await make_client().complete(CHAT, temperature=0.5)
    first, second = model.control.recorded
    assert first.body["max_tokens"] == 7
    assert "temperature" not in first.body
    assert second.body["temperature"] == 0.5
    assert first.body["messages"] == [{"role": each.role, "content": each.content} for each in CHAT]
    assert KEY not in repr(first)


async def test_a_length_limit_is_a_success_that_says_length(make_client: MakeClient) -> None:
    reply = await make_client().complete(CHAT, max_tokens=3)
    assert (reply.finish_reason, len(reply.text.split())) == ("length", 3)


@pytest.mark.parametrize(("key", "expected"), [(KEY, f"Bearer {KEY}"), ("", None)])
async def test_authorization_is_sent_only_with_a_key(key: str, expected: str | None) -> None:
    seen: list[str | None] = []

    async def read_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        found = [line.split(": ", 1)[1] for line in head.split("\r\n") if line.lower().startswith("authorization")]
        seen.append(found[0] if found else None)
        writer.close()

    async with await asyncio.start_server(read_head, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        client = ModelClient(Settings(openai_base_url=url, openai_api_key=key), deadlines=QUICK)
        with pytest.raises(ModelUnavailable):
            await client.complete(CHAT)
        await client.aclose()
    assert seen == [expected]


async def test_without_settings_there_is_nobody_to_ask() -> None:
    client = ModelClient(Settings())
    assert not client.is_configured
    with pytest.raises(ModelUnavailable) as caught:
        await client.complete(CHAT)
    assert caught.value.permanent
    await client.aclose()


async def test_characters_cut_across_segments_and_line_separators_stay_whole(
    make_client: MakeClient, model: Model
) -> None:
    model.control.say = "a\u2028b\u2029c 🦊👩‍👩‍👧 naïve 日本語\u0085 end"
    model.control.fail("split_bytes")
    reply = await make_client().complete(CHAT)
    assert reply.text == model.control.say


async def test_usage_is_estimated_and_said_to_be_when_the_server_sends_none(
    make_client: MakeClient, model: Model
) -> None:
    model.control.say = "x" * 40
    model.control.fail("no_usage")
    reply = await make_client().complete([Message("user", "y" * 40)])
    assert reply.usage_is_estimate
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (14, 10)


async def test_a_whole_reply_waits_for_its_usage_only_a_moment(make_client: MakeClient, model: Model) -> None:
    """A server that never closes after the finish_reason does not keep the reader."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        chunk = b'data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\n'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + chunk)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        client = make_client(openai_base_url=url)
        reply = await asyncio.wait_for(client.complete(CHAT), 1.0)
    assert (reply.text, reply.finish_reason, reply.usage_is_estimate) == ("hi", "stop", True)


async def test_a_model_that_wants_another_word_for_the_limit_gets_it_and_is_remembered(
    make_client: MakeClient, model: Model
) -> None:
    model.control.fail("unsupported_parameter", parameter="max_tokens", times=None)
    model.control.fail("unsupported_parameter", parameter="temperature", times=None)
    client = make_client()
    assert (await client.complete(CHAT, temperature=1.0)).text
    assert (await client.complete(CHAT, temperature=1.0)).text
    sent = [set(each.body) & {"max_tokens", "max_completion_tokens", "temperature"} for each in model.control.recorded]
    assert sent == [
        {"max_tokens", "temperature"},
        {"max_completion_tokens", "temperature"},
        {"max_completion_tokens"},
        {"max_completion_tokens"},
    ]


async def _closes_within(model: Model, seconds: float) -> bool:
    for _ in range(int(seconds / 0.02)):
        if model.control.open_requests == 0:
            return True
        await asyncio.sleep(0.02)
    return False


async def test_leaving_early_closes_the_upstream(make_client: MakeClient, model: Model) -> None:
    model.control.words_per_second = 20
    async with make_client().stream(CHAT) as reply:
        assert await anext(reply)
    assert await _closes_within(model, 2.0)


@pytest.mark.parametrize("mode", ["hang", "stall", None])
async def test_cancelling_at_any_moment_closes_the_upstream(make_client: MakeClient, model: Model, mode: Any) -> None:
    model.control.words_per_second = 10
    if mode:
        model.control.fail(mode)
    client = make_client(Deadlines())
    task = asyncio.create_task(client.complete(CHAT))
    await asyncio.sleep(0.5)
    assert model.control.open_requests == 1
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()  # a second time, as cancel scopes do until they are left
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await _closes_within(model, 2.0)


async def test_a_cancel_scope_that_cancels_every_await_closes_the_upstream_too(
    make_client: MakeClient, model: Model
) -> None:
    """As web frameworks leave a request whose visitor has gone."""
    model.control.words_per_second = 20
    with anyio.move_on_after(0.3) as scope:
        async with make_client(Deadlines()).stream(CHAT) as reply:
            async for _ in reply:
                pass
    assert scope.cancelled_caught
    assert await _closes_within(model, 2.0)


async def test_many_streams_at_once_and_abandoned_ones_leave_nothing_behind(
    make_client: MakeClient, model: Model
) -> None:
    client = make_client()
    replies = await asyncio.gather(*(client.complete(CHAT) for _ in range(60)))
    assert len({reply.text for reply in replies}) == 1
    for _ in range(30):
        async with client.stream(CHAT) as reply:
            await anext(reply)
    assert await _closes_within(model, 2.0)
    await client.aclose()
    gc.collect()
    await asyncio.sleep(0.1)
    assert model.connections == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_connection_is_used_again(make_client: MakeClient, model: Model) -> None:
    client = make_client()
    for _ in range(4):
        await client.complete(CHAT)
    assert model.connections == 1
