"""The stand-in's doors: `/v1/chat/completions`, `/v1/models`, `/v1/moderations`, and the one for orders."""

import hashlib
import re
from typing import Any

import msgspec
from aiohttp import web

from botbot.kit import clock
from botbot.sandbox.model import faults, moderation, spec
from botbot.sandbox.model.answering import answer
from botbot.sandbox.model.control import Fault, ModelControl, Orders, Recorded, control
from botbot.sandbox.model.streaming import Outgoing, stream

MAX_BODY_BYTES = 1024 * 1024  # aiohttp's own default limit, said here because we read the body ourselves
MODELS = ("sandbox-chat", "sandbox-moderation")
HIDDEN_HEADERS = {"authorization", "api-key", "x-api-key", "cookie"}


def routes() -> list[web.RouteDef]:
    """Everything this model answers, to be added to an application's router."""
    return [
        web.post("/v1/chat/completions", chat),
        web.post("/v1/moderations", moderate),
        web.get("/v1/models", list_models),
        web.post("/_sandbox/model/faults", take_orders),
        web.get("/_sandbox/model/faults", show_state),
    ]


async def chat(request: web.Request) -> web.StreamResponse:
    state = control(request.app)
    state.open_requests += 1
    try:
        body = await _read(request, "/chat/completions", state)
        fault = state.take_fault(body)
        if fault is not None and (early := await faults.before_headers(request, fault)):
            return early
        return await _answer(request, body, fault, state)
    except Refused as refused:
        return refused.response
    finally:
        state.open_requests -= 1


async def _answer(
    request: web.Request, body: dict[str, Any], fault: Fault | None, state: ModelControl
) -> web.StreamResponse:
    text = state.say if state.say is not None else answer(body["messages"])
    if fault is not None and fault.mode == "echo":
        text = "\n".join(str(message.get("content")) for message in body["messages"])
    outgoing = _outgoing(body, text)
    if body.get("stream"):
        return await stream(request, outgoing, fault, state.words_per_second)
    return _json(outgoing.whole())


def _outgoing(body: dict[str, Any], text: str) -> Outgoing:
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    pieces = re.findall(r"\s*\S+|\s+$", text)
    is_cut = limit is not None and len(pieces) > limit
    return Outgoing(
        id="chatcmpl-" + hashlib.sha256(msgspec.json.encode(body, order="sorted")).hexdigest()[:24],
        model=str(body["model"]),
        created=int(clock.now().timestamp()),
        pieces=pieces[:limit] if is_cut else pieces,
        prompt_tokens=sum(len(str(each.get("content"))) // 4 + 4 for each in body["messages"]),
        finish_reason="length" if is_cut else "stop",
        include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
    )


async def moderate(request: web.Request) -> web.StreamResponse:
    try:
        body = await _read(request, "/moderations", control(request.app))
    except Refused as refused:
        return refused.response
    return _json(moderation.answer(body["input"], str(body.get("model") or MODELS[1])))


async def list_models(request: web.Request) -> web.StreamResponse:
    models = [{"id": name, "object": "model", "created": 0, "owned_by": "sandbox"} for name in MODELS]
    return _json({"object": "list", "data": models})


async def take_orders(request: web.Request) -> web.StreamResponse:
    try:
        control(request.app).obey(msgspec.json.decode(await request.read(), type=Orders))
    except msgspec.MsgspecError as wrong:
        return _json({"error": "validation_failed", "message": str(wrong)}, 400)
    return await show_state(request)


async def show_state(request: web.Request) -> web.StreamResponse:
    return _json(control(request.app).report())


class Refused(Exception):
    """The request is not one the real server would take."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.response = faults.refusal(400, message, kind="invalid_request_error")


async def _read(request: web.Request, path: str, state: ModelControl) -> dict[str, Any]:
    """The request's body, recorded and found right; raises `Refused` otherwise."""
    raw = await request.read()
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        body = None
    if not isinstance(body, dict):
        state.violations.append("$: the body is not a JSON object")
        raise Refused("We could not parse the JSON body of your request.")
    headers = {name.lower(): value for name, value in request.headers.items()}
    shown = {name: value for name, value in headers.items() if name not in HIDDEN_HEADERS}
    kept = state.judged if path == "/moderations" else state.recorded
    kept.append(Recorded(path, shown, body))
    if found := spec.request_violations(path, body):
        state.violations.extend(found)
        raise Refused(found[0])
    return body


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
