"""What the server counted arrives with the end of a reply, in one piece or in many; and not every count is believed."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from botbot.peers.llm import Reply

from .conftest import CHAT, MakeClient

Ask = Callable[[list[bytes]], Awaitable[Reply]]


def event(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def counted(prompt: Any, completion: Any) -> bytes:
    return event(choices=[], usage={"prompt_tokens": prompt, "completion_tokens": completion})


TEXT = event(choices=[{"delta": {"content": "hi "}}], model="m")
FINISH = event(choices=[{"delta": {}, "finish_reason": "stop"}])
USAGE = counted(1111, 222)
DONE = b"data: [DONE]\n\n"


@asynccontextmanager
async def speaking(parts: list[bytes]) -> AsyncIterator[str]:
    """The address of a server that writes these parts apart, the last of them together with the end of the body."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for n, part in enumerate(parts, 1):
            writer.write(b"%x\r\n%s\r\n" % (len(part), part) + (b"0\r\n\r\n" if n == len(parts) else b""))
            await writer.drain()
            await asyncio.sleep(0.03)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
def ask(make_client: MakeClient) -> Ask:
    async def asked(parts: list[bytes]) -> Reply:
        async with speaking(parts) as url:
            return await make_client(openai_base_url=url).complete(CHAT)

    return asked


@pytest.mark.parametrize(
    "parts",
    [
        [TEXT + FINISH + USAGE + DONE],
        [TEXT, FINISH + USAGE + DONE],
        [TEXT, FINISH, USAGE + DONE],
        [TEXT, FINISH, USAGE, DONE],
        [TEXT, FINISH + DONE + USAGE],
    ],
    ids=["together", "apart from the text", "apart from the reason", "one by one", "after the end"],
)
async def test_the_count_is_exact_however_it_arrives(ask: Ask, parts: list[bytes]) -> None:
    reply = await ask(parts)
    assert (reply.text, reply.finish_reason, reply.usage_is_estimate) == ("hi ", "stop", False)
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (1111, 222)


@pytest.mark.parametrize(
    "usage", [counted(10**30, 2), counted(5, 10_000_001), counted(-1, 2), counted(5, -2), counted(1e30, 2)]
)
async def test_a_count_that_cannot_be_is_estimated_instead(ask: Ask, usage: bytes) -> None:
    reply = await ask([TEXT, FINISH + usage + DONE])
    assert reply.usage_is_estimate
    assert 0 < reply.usage.total_tokens < 100


async def test_a_large_count_is_believed(ask: Ask) -> None:
    reply = await ask([TEXT, FINISH + counted(10_000_000, 0) + DONE])
    assert (reply.usage.total_tokens, reply.usage_is_estimate) == (10_000_000, False)
