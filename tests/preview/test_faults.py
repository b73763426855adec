"""Every way a model can fail, seen by a visitor: exactly one end, in time, and not a word of the model's server."""

import asyncio
import socket
import time
from typing import Any

import httpx
import pytest
from tests.conftest import MakeSite
from tests.preview.talking import STREAM, Events, events_of, said_in
from tests.support.engines import MOSTLY_SQLITE, ONLY_SQLITE
from tests.support.people import api_client
from tests.support.serving import Site

from botbot.sandbox.model.control import Mode, ModelControl
from botbot.sandbox.model.faults import UPSTREAM_SECRET

KEY = "sk-canary-3e0b77"
AT_ONCE: list[Mode] = ["unauthorized", "rate_limited", "server_error", "html", "reset", "empty"]
WITHIN: list[Mode] = [
    "truncate", "reset_midstream", "bad_json", "bad_utf8", "wrong_types", "error_event", "huge_line",
]  # fmt: skip
FIRST_TOKEN_SECONDS, BETWEEN_SECONDS = 8.0, 10.0
ROOM_SECONDS = 15.0
"""For a machine that is busy with other tests."""


@pytest.fixture
async def site(make_site: MakeSite) -> Site:
    return await make_site(openai_api_key=KEY, preview_per_minute=1000)


async def ask(client: httpx.AsyncClient, path: str) -> Events:
    """One question; what came back has one end, in its place, and holds nothing that it should not."""
    answer = await client.post(path, json={"message": "Why is the sky blue?"}, headers=STREAM, timeout=40)
    assert answer.status_code == 200
    for secret in (UPSTREAM_SECRET, KEY, "org-secret", "Please sign in", "chatcmpl", "Traceback"):
        assert secret not in answer.text
    events: Events = events_of(answer.text)
    names = [name for name, _ in events]
    assert names[0] == "session"
    assert [name for name in names if name in {"done", "error"}] == names[-1:]
    assert set(names[1:-1]) <= {"token"}
    return events


def assert_sample(events: Events) -> None:
    assert said_in(events)
    assert events[-1][0] == "done"
    assert (events[-1][1]["source"], events[-1][1]["reason"]) == ("sample", "unavailable")


def assert_cut_off(events: Events, words: int) -> None:
    assert len(said_in(events).split()) <= words
    assert (events[-1][0], events[-1][1]["error"]) == ("error", "model_unavailable")
    assert set(events[-1][1]) == {"error", "message", "code", "details"}


def asked(model: ModelControl) -> list[str]:
    """The models that were asked for a reply, in order."""
    return [each.body["model"] for each in model.recorded if each.path == "/chat/completions"]


@ONLY_SQLITE
class TestBeforeTheFirstWord:
    async def test_a_fault_gives_a_sample_and_the_next_reply_is_live(
        self, client: httpx.AsyncClient, path: str, model: ModelControl
    ) -> None:
        for mode in (*AT_ONCE, *WITHIN):
            model.fail(mode, times=1, after_words=0)
            assert_sample(await ask(client, path))
            assert (await ask(client, path))[-1][1]["source"] == "live", mode

    async def test_nobody_there_gives_a_sample(self, make_site: MakeSite, path: str) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        alone = await make_site(openai_base_url=f"http://127.0.0.1:{port}/v1", openai_api_key=KEY)
        async with api_client(alone.url) as client:
            assert_sample(await ask(client, path))

    async def test_the_next_model_is_asked_in_its_turn(
        self, make_site: MakeSite, path: str, model: ModelControl
    ) -> None:
        model.fail("server_error", model="first", times=None)
        model.fail("bad_json", model="second", times=None, after_words=0)
        rich = await make_site(openai_model="first", openai_fallback_models=("second", "third"))
        async with api_client(rich.url) as client:
            events = await ask(client, path)
        assert events[-1][1]["source"] == "live"
        assert asked(model) == ["first", "second", "third"]


@ONLY_SQLITE
class TestInTheMiddle:
    async def test_a_fault_ends_with_an_error(self, client: httpx.AsyncClient, path: str, model: ModelControl) -> None:
        for mode in WITHIN:
            model.fail(mode, times=1)
            assert_cut_off(await ask(client, path), words=3)

    async def test_no_other_model_takes_over(self, make_site: MakeSite, path: str, model: ModelControl) -> None:
        model.fail("truncate", model="first", times=None)
        rich = await make_site(openai_model="first", openai_fallback_models=("second",))
        async with api_client(rich.url) as client:
            assert_cut_off(await ask(client, path), words=3)
        assert asked(model) == ["first"]

    async def test_characters_cut_anywhere_arrive_whole(
        self, client: httpx.AsyncClient, path: str, model: ModelControl
    ) -> None:
        model.say = "Füchse 🦊 und 👩‍👩‍👧‍👦 sagen 日本語, naïve\u2028Ægir 🏳️‍🌈 — fin."
        model.fail("split_bytes", times=None)
        events = await ask(client, path)
        assert (said_in(events), events[-1][0]) == (model.say, "done")


@MOSTLY_SQLITE
async def test_silence_ends_in_time_and_is_waited_for_once(make_site: MakeSite, path: str, model: ModelControl) -> None:
    """Four kinds of it at the same time, each at a marketplace of its own."""
    kinds: list[tuple[Mode, int]] = [("hang", 0), ("comments", 0), ("stall", 0), ("stall", 3)]
    for number, (mode, words) in enumerate(kinds):
        model.fail(mode, model=f"model-{number}", times=None, after_words=words)
    sites = [await make_site(openai_model=f"model-{n}", openai_api_key=KEY) for n in range(len(kinds))]

    async def wait(at: Site) -> tuple[Events, float]:
        async with api_client(at.url) as client:
            began = time.monotonic()
            first = await ask(client, path)
            seconds = time.monotonic() - began
            assert_sample(await ask(client, path))
            return first, seconds

    *silent, stalled = await asyncio.gather(*(wait(each) for each in sites))
    for events, seconds in silent:
        assert_sample(events)
        assert seconds < FIRST_TOKEN_SECONDS + ROOM_SECONDS
    assert_cut_off(stalled[0], words=3)
    assert BETWEEN_SECONDS - 1 < stalled[1] < BETWEEN_SECONDS + ROOM_SECONDS
    counts: dict[Any, int] = {name: asked(model).count(name) for name in set(asked(model))}
    assert counts == {f"model-{n}": 1 for n in range(len(kinds))}
