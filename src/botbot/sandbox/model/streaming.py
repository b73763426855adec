"""The reply on its way out: whole, or word by word as server-sent events."""

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
from aiohttp import web

from botbot.sandbox.model import faults
from botbot.sandbox.model.control import Fault

DONE = b"data: [DONE]\n\n"


class Outgoing(msgspec.Struct):
    """One reply with what its envelope needs. `pieces` are words with the space before them."""

    id: str
    model: str
    created: int
    pieces: list[str]
    prompt_tokens: int
    finish_reason: str
    include_usage: bool

    def whole(self) -> dict[str, Any]:
        """The answer to a request that did not ask for a stream."""
        message = {"role": "assistant", "content": "".join(self.pieces), "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish_reason}
        return {**self._envelope("chat.completion"), "choices": [choice], "usage": self._usage()}

    def events(self) -> Iterator[bytes]:
        """Every event of the stream but `[DONE]`."""
        yield self.event({"role": "assistant", "content": ""})
        for piece in self.pieces:
            yield self.event({"content": piece})
        yield from self.closing_events()

    def closing_events(self) -> Iterator[bytes]:
        yield self.event({}, self.finish_reason)
        if self.include_usage:
            chunk = {**self._envelope("chat.completion.chunk"), "choices": [], "usage": self._usage()}
            yield _event(chunk)

    def event(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        chunk = {**self._envelope("chat.completion.chunk"), "choices": [choice]}
        return _event({**chunk, "usage": None} if self.include_usage else chunk)

    def _envelope(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _usage(self) -> dict[str, int]:
        spoken = len(self.pieces)
        total = self.prompt_tokens + spoken
        return {"prompt_tokens": self.prompt_tokens, "completion_tokens": spoken, "total_tokens": total}


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


async def stream(
    request: web.Request, outgoing: Outgoing, fault: Fault | None, words_per_second: float
) -> web.StreamResponse:
    """Send the reply at that pace, or as far as the fault lets it come."""
    headers = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
    response = web.StreamResponse(headers=headers)
    if fault is not None and fault.mode in {"no_usage", "empty"}:
        outgoing = _lessened(outgoing, fault)
    try:
        await response.prepare(request)
        if fault is not None and fault.mode in faults.DURING:
            await _misbehave(request, response, outgoing, fault, words_per_second)
        else:
            await _send(response, outgoing, words_per_second)
    except ConnectionError:
        pass  # the reader has left: nothing to tell anybody
    return response


def _lessened(outgoing: Outgoing, fault: Fault) -> Outgoing:
    if fault.mode == "empty":
        return msgspec.structs.replace(outgoing, pieces=[])
    return msgspec.structs.replace(outgoing, include_usage=False)


async def _send(response: web.StreamResponse, outgoing: Outgoing, words_per_second: float) -> None:
    for event in outgoing.events():
        await response.write(event)
        await asyncio.sleep(1 / words_per_second)
    await response.write(DONE)


async def _misbehave(
    request: web.Request,
    response: web.StreamResponse,
    outgoing: Outgoing,
    fault: Fault,
    words_per_second: float,
) -> None:
    if fault.mode == "split_bytes":
        return await faults.send_split(response, b"".join(outgoing.events()) + DONE)
    if fault.mode == "endless":
        return await faults.send_for_ever(response, b"".join(map(outgoing.event, _deltas(outgoing))))
    for delta in _deltas(outgoing)[: fault.after_words if fault.mode != "comments" else 0]:
        await response.write(outgoing.event(delta))
        await asyncio.sleep(1 / words_per_second)
    return await faults.during(request, response, fault)


def _deltas(outgoing: Outgoing) -> list[dict[str, Any]]:
    return [{"content": piece} for piece in outgoing.pieces]
