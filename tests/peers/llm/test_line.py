"""The line to the model's server: through which proxy, and what happens where no request can be made."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from botbot.errors import ModelUnavailable
from botbot.peers.llm import ModelClient
from botbot.peers.llm.line import proxy_for
from botbot.settings import Settings

from .conftest import CHAT, KEY, QUICK, MakeClient, Model


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
async def proxy() -> AsyncIterator[tuple[str, list[str]]]:
    """A proxy's address, and the first lines of the requests it got."""
    seen: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[0])
        chunk = b'data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + chunk)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen


async def test_the_environments_proxy_is_used(proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    address, seen = proxy
    monkeypatch.setenv("HTTP_PROXY", address)
    client = ModelClient(Settings(openai_base_url="http://model.example/v1", openai_api_key=KEY), deadlines=QUICK)
    assert (await client.complete(CHAT)).text == "hi"
    await client.aclose()
    assert seen == ["POST http://model.example/v1/chat/completions HTTP/1.1"]


async def test_a_model_on_this_machine_is_asked_without_one(
    make_client: MakeClient, model: Model, proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy[0])
    assert (await make_client().complete(CHAT)).text
    assert proxy[1] == []


def test_each_scheme_has_its_own_and_exceptions_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_for("https://model.example/v1") is None
    monkeypatch.setenv("ALL_PROXY", "any.example:3128")
    assert proxy_for("https://model.example/v1") == "http://any.example:3128"
    monkeypatch.setenv("HTTPS_PROXY", "http://secure.example:8080")
    assert proxy_for("https://model.example/v1") == "http://secure.example:8080"
    monkeypatch.setenv("NO_PROXY", "model.example")
    assert proxy_for("https://model.example/v1") is None


@pytest.mark.parametrize(
    "url", ["ftp://model.example/v1", "http://user:word@127.0.0.1:9/v1", "model.example", "http://"]
)
async def test_an_address_that_is_none_is_a_setting_to_mend(make_client: MakeClient, url: str) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        await make_client(openai_base_url=url).complete(CHAT)
    assert (caught.value.code, caught.value.permanent) == ("misconfigured", True)
    assert "word" not in str(caught.value.to_api_error())


async def test_what_arrives_together_is_given_out_together(make_client: MakeClient) -> None:
    words = b"".join(
        b'data: {"choices":[{"delta":{"content":"%s "}}]}\n\n' % each for each in (b"one", b"two", b"three")
    )
    spoiled = b'data: {"choices": 7}\n\n'

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + words + spoiled)
        await writer.drain()
        writer.close()

    pieces: list[str] = []
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        client = make_client(openai_base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(ModelUnavailable) as caught:
            await _read_into(pieces, client)
    assert (pieces, caught.value.started) == (["one two three "], True)


async def _read_into(pieces: list[str], client: ModelClient) -> None:
    async with client.stream(CHAT) as reply:
        async for piece in reply:
            pieces.append(piece)
