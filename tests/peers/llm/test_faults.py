"""Every way a model can fail ends in one typed error, in time, and tells nothing it should not."""

import asyncio
import time
from typing import Any

import pytest

from botbot.errors import ModelUnavailable
from botbot.peers.llm import Breaker, Deadlines, ModelClient
from botbot.sandbox.model.faults import UPSTREAM_SECRET
from botbot.settings import Settings

from .conftest import CHAT, KEY, QUICK, MakeClient, Model

BEFORE_THE_FIRST_TOKEN: dict[str, dict[str, Any]] = {
    "unauthorized": {"permanent": True, "retry_after": None, "code": "unauthorized"},
    "rate_limited": {"permanent": False, "retry_after": 1337, "code": "rate_limited"},
    "server_error": {"permanent": False, "retry_after": None, "code": "upstream_error"},
    "html": {"permanent": False, "retry_after": None, "code": "bad_reply"},
    "reset": {"permanent": False, "retry_after": None, "code": "bad_reply"},
    "hang": {"permanent": False, "retry_after": None, "code": "timeout"},
    "comments": {"permanent": False, "retry_after": None, "code": "timeout"},
    "empty": {"permanent": False, "retry_after": None, "code": "bad_reply"},
}
ANYWHERE = ("truncate", "reset_midstream", "bad_json", "bad_utf8", "wrong_types", "error_event", "huge_line", "stall")


async def _fail(client: ModelClient) -> tuple[ModelUnavailable, str]:
    """Read until the error; return it with the text that came before."""
    pieces: list[str] = []
    with pytest.raises(ModelUnavailable) as caught:
        await _read_into(pieces, client)
    shown = f"{caught.value.to_api_error()} {caught.value} {caught.value.__cause__}"
    assert UPSTREAM_SECRET not in shown
    assert KEY not in shown
    return caught.value, "".join(pieces)


async def _read_into(pieces: list[str], client: ModelClient) -> None:
    async with client.stream(CHAT) as reply:
        async for piece in reply:
            pieces.append(piece)


@pytest.mark.parametrize("mode", BEFORE_THE_FIRST_TOKEN)
async def test_a_fault_before_the_first_token(make_client: MakeClient, model: Model, mode: Any) -> None:
    model.control.fail(mode)
    began = time.monotonic()
    error, text = await _fail(make_client())
    assert time.monotonic() - began < QUICK.first_token + 0.5
    expected = BEFORE_THE_FIRST_TOKEN[mode]
    assert (error.started, text) == (False, "")
    assert {name: getattr(error, name) for name in expected} == expected


@pytest.mark.parametrize("words", [0, 3])
@pytest.mark.parametrize("mode", ANYWHERE)
async def test_a_fault_within_the_stream(make_client: MakeClient, model: Model, mode: Any, words: int) -> None:
    model.control.fail(mode, after_words=words)
    began = time.monotonic()
    error, text = await _fail(make_client())
    assert time.monotonic() - began < QUICK.first_token + QUICK.between_tokens + 0.5
    assert error.started is (words > 0)
    assert len(text.split()) == words
    assert not error.permanent


async def test_a_refused_connection_is_told_at_once(make_client: MakeClient) -> None:
    async with await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
    began = time.monotonic()
    error, _ = await _fail(make_client(openai_base_url=f"http://127.0.0.1:{port}/v1"))
    assert (error.code, error.started, error.permanent) == ("unreachable", False, False)
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize("settings", [{"openai_api_key": "sk\nX: 1"}, {"openai_api_key": "schlüssel"}])
async def test_a_key_that_is_no_header_is_a_setting_to_mend(make_client: MakeClient, settings: dict[str, str]) -> None:
    error, _ = await _fail(make_client(**settings))
    assert (error.permanent, error.code) == (True, "misconfigured")
    assert settings["openai_api_key"] not in str(error.to_api_error())


async def test_a_reply_without_end_is_cut_at_its_cap(make_client: MakeClient, model: Model) -> None:
    model.control.fail("endless")
    error, text = await _fail(make_client(Deadlines()))
    assert error.started
    assert 150_000 < len(text) <= 200_000


async def test_a_slow_drip_of_words_ends_at_the_total(make_client: MakeClient, model: Model) -> None:
    model.control.words_per_second = 8
    began = time.monotonic()
    error, text = await _fail(make_client(Deadlines(first_token=1.0, between_tokens=0.5, total=1.0)))
    assert (error.started, error.code) == (True, "timeout")
    assert text
    assert 0.8 < time.monotonic() - began < 1.5


async def test_the_next_model_answers_when_the_first_fails(make_client: MakeClient, model: Model) -> None:
    model.control.fail("server_error", model="first", times=None)
    model.control.fail("bad_json", model="second", after_words=0, times=None)
    client = make_client(openai_fallback_models=("second", "third"))
    reply = await client.complete(CHAT)
    assert (reply.model, reply.finish_reason) == ("third", "stop")
    assert [each.body["model"] for each in model.control.recorded] == ["first", "second", "third"]


async def test_a_first_model_that_hangs_leaves_time_for_the_next(make_client: MakeClient, model: Model) -> None:
    model.control.fail("hang", model="first", times=None)
    began = time.monotonic()
    reply = await make_client(openai_fallback_models=("second",)).complete(CHAT)
    assert reply.model == "second"
    assert time.monotonic() - began < QUICK.first_token + 0.5


async def test_all_models_together_have_one_deadline(make_client: MakeClient, model: Model) -> None:
    model.control.fail("hang", times=None)
    began = time.monotonic()
    error, _ = await _fail(make_client(openai_fallback_models=("second", "third")))
    assert error.code == "timeout"
    assert time.monotonic() - began < QUICK.first_token + 0.3


async def test_once_a_token_was_given_out_no_other_model_is_asked(make_client: MakeClient, model: Model) -> None:
    model.control.fail("truncate", model="first")
    error, _ = await _fail(make_client(openai_fallback_models=("second",)))
    assert error.started
    assert [each.body["model"] for each in model.control.recorded] == ["first"]


async def test_a_refused_key_is_not_tried_on_every_model(make_client: MakeClient, model: Model) -> None:
    model.control.fail("unauthorized", times=None)
    await _fail(make_client(openai_fallback_models=("second",)))
    assert len(model.control.recorded) == 1


async def test_the_breaker_opens_probes_and_closes(make_client: MakeClient, model: Model) -> None:
    model.control.fail("server_error", times=4)
    client = make_client(breaker=Breaker(failures=3, pause_seconds=0.3))
    for _ in range(3):
        await _fail(client)
    error, _ = await _fail(client)
    assert (error.code, error.started, len(model.control.recorded)) == ("circuit_open", False, 3)
    assert error.retry_after is not None
    await asyncio.sleep(0.35)
    probe, _ = await _fail(client)  # the fourth fault: the probe fails, and it is open again
    reopened, _ = await _fail(client)
    assert (probe.code, reopened.code) == ("upstream_error", "circuit_open")
    await asyncio.sleep(0.65)  # twice as long as before
    assert (await client.complete(CHAT)).text
    assert (await client.complete(CHAT)).text


@pytest.mark.parametrize("mode", ["hang", "comments", "stall"])
async def test_a_silent_server_is_waited_for_only_once(make_client: MakeClient, model: Model, mode: Any) -> None:
    """Before the first token and between tokens alike."""
    model.control.fail(mode, times=None)
    client = make_client()
    first, _ = await _fail(client)
    second, _ = await _fail(client)
    assert (first.code, second.code, len(model.control.recorded)) == ("timeout", "circuit_open", 1)


async def test_one_slow_reply_among_good_ones_closes_nobody_out(make_client: MakeClient, model: Model) -> None:
    model.control.fail("hang", times=1)
    client = make_client()
    slow = asyncio.create_task(_fail(client))
    while not model.control.recorded:
        await asyncio.sleep(0.01)
    assert (await client.complete(CHAT)).text
    assert (await slow)[0].code == "timeout"
    assert (await client.complete(CHAT)).text


async def test_words_that_drip_until_the_total_are_no_silence(make_client: MakeClient, model: Model) -> None:
    model.control.words_per_second = 8
    client = make_client(Deadlines(first_token=1.0, between_tokens=5.0, total=1.0))
    await _fail(client)
    error, text = await _fail(client)
    assert (error.started, bool(text)) == (True, True)


async def test_a_server_that_asks_to_be_left_alone_is(make_client: MakeClient, model: Model) -> None:
    model.control.fail("rate_limited", times=None)
    client = make_client(breaker=Breaker(failures=3, pause_seconds=0.0))
    for _ in range(3):
        await _fail(client)
    error, _ = await _fail(client)
    assert (error.code, len(model.control.recorded)) == ("circuit_open", 3)
    assert error.retry_after is not None
    assert 30 < error.retry_after <= 60


async def test_a_server_that_is_away_is_not_asked_for_another_model(make_client: MakeClient) -> None:
    asked = 0

    async def permit() -> bool:
        nonlocal asked
        asked += 1
        return True

    async with await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
    client = make_client(openai_base_url=f"http://127.0.0.1:{port}/v1", openai_fallback_models=("second", "third"))
    with pytest.raises(ModelUnavailable):
        async with client.stream(CHAT, permit=permit):
            pass
    assert asked == 1


@pytest.mark.parametrize("mode", ["rate_limited", "server_error", "hang"])
async def test_a_model_that_fails_closes_nobody_out_of_the_next_one(
    make_client: MakeClient, model: Model, mode: Any
) -> None:
    model.control.fail(mode, model="first", times=None)
    client = make_client(openai_fallback_models=("second",))
    for _ in range(5):
        assert (await client.complete(CHAT)).text
    asked = [each.body["model"] for each in model.control.recorded]
    assert (asked.count("first"), asked.count("second")) == (1 if mode == "hang" else 3, 5)


async def test_refused_connections_close_the_whole_server(make_client: MakeClient) -> None:
    async with await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
    client = make_client(openai_base_url=f"http://127.0.0.1:{port}/v1", openai_fallback_models=("second",))
    codes = [(await _fail(client))[0].code for _ in range(4)]
    assert codes == ["unreachable"] * 3 + ["circuit_open"]


@pytest.mark.parametrize(
    ("mode", "lost"), [("hang", ["first"]), ("empty", ["first"]), ("server_error", []), ("unauthorized", [])]
)
async def test_who_took_a_call_and_gave_nothing_is_told(
    make_client: MakeClient, model: Model, mode: Any, lost: list[str]
) -> None:
    model.control.fail(mode)
    heard: list[str] = []
    with pytest.raises(ModelUnavailable):
        async with make_client().stream(CHAT, lost=heard.append):
            pass
    assert heard == lost


async def test_a_permit_that_takes_all_the_time_is_no_silence_of_the_server(
    make_client: MakeClient, model: Model
) -> None:
    """Asked for the first model, and for a fallback whose predecessor failed at once."""
    model.control.fail("server_error", model="first", times=1)
    asked: list[str] = []

    async def permit() -> bool:
        asked.append("")
        await asyncio.sleep(0 if len(asked) == 1 else 30)
        return True

    client = make_client(Deadlines(first_token=0.6), openai_fallback_models=("second",))
    for expected in (2, 4):
        began = time.monotonic()
        with pytest.raises(ModelUnavailable) as caught:
            async with client.stream(CHAT, permit=permit):
                pass
        assert (caught.value.code, caught.value.started, len(asked)) == ("timeout", False, expected)
        assert time.monotonic() - began < 1.0
    assert (await client.complete(CHAT)).text
    assert len(model.control.recorded) == 2


async def test_half_open_lets_a_single_call_through(make_client: MakeClient, model: Model) -> None:
    model.control.fail("server_error", times=3)
    model.control.fail("hang", times=1)
    client = make_client(breaker=Breaker(failures=3, pause_seconds=0.1))
    for _ in range(3):
        await _fail(client)
    await asyncio.sleep(0.15)
    outcomes = await asyncio.gather(*(_fail(client) for _ in range(5)))
    assert sorted(str(error.code) for error, _ in outcomes) == ["circuit_open"] * 4 + ["timeout"]


async def test_a_cancelled_probe_lets_the_next_one_try(make_client: MakeClient, model: Model) -> None:
    model.control.fail("server_error", times=3)
    model.control.fail("hang", times=1)
    client = make_client(Deadlines(), breaker=Breaker(failures=3, pause_seconds=0.05))
    for _ in range(3):
        await _fail(client)
    await asyncio.sleep(0.1)
    probe = asyncio.create_task(client.complete(CHAT))
    await asyncio.sleep(0.2)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert (await client.complete(CHAT)).text


async def test_one_bad_request_and_faults_after_the_first_token_do_not_open_the_breaker(
    make_client: MakeClient, model: Model
) -> None:
    model.control.fail("unsupported_parameter", parameter="messages", times=3)
    model.control.fail("truncate", times=3)
    client = make_client()
    for _ in range(6):
        await _fail(client)
    assert (await client.complete(CHAT)).text


async def test_a_closed_client_fails_like_a_missing_model() -> None:
    client = ModelClient(Settings(openai_base_url="http://127.0.0.1:9/v1"))
    await client.aclose()
    with pytest.raises(ModelUnavailable):
        await client.complete(CHAT)
