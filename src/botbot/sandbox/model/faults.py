"""How the stand-in misbehaves, each way as a real server or the network between has been seen to."""

import asyncio
import socket
import struct

import msgspec
from aiohttp import web

from botbot.sandbox.model.control import Fault

DURING = {
    "stall", "comments", "truncate", "reset_midstream", "bad_json", "bad_utf8", "wrong_types", "error_event",
    "huge_line", "split_bytes", "endless",
}  # fmt: skip
LOOK_SECONDS = 0.02
UPSTREAM_SECRET = "internal: shard 7 of org-secret failed"  # noqa: S105  a text that must never be passed on

_SPOILED = {
    "bad_json": b'data: {"choices": [{"delta": {"content": "' + b"\n\n",
    "bad_utf8": b'data: {"choices":[{"index":0,"delta":{"content":"\xff\xfe\xc3"},"finish_reason":null}]}\n\n',
    "wrong_types": b'data: {"choices":"none","model":7}\n\n',
    "error_event": b'event: error\ndata: {"error":{"message":"' + UPSTREAM_SECRET.encode() + b'"}}\n\n',
    "huge_line": b"data: " + b"x" * 10_000_000,
}


def refusal(status: int, message: str, *, kind: str, parameter: str | None = None) -> web.Response:
    """An error in the shape of the official `ErrorResponse`."""
    error = {"message": message, "type": kind, "param": parameter, "code": None}
    return web.Response(body=msgspec.json.encode({"error": error}), status=status, content_type="application/json")


async def before_headers(request: web.Request, fault: Fault) -> web.StreamResponse | None:
    """The answer in place of a reply; `None` when the fault comes later."""
    if fault.mode == "unauthorized":
        return refusal(401, UPSTREAM_SECRET, kind="invalid_request_error")
    if fault.mode == "rate_limited":
        response = refusal(429, UPSTREAM_SECRET, kind="rate_limit_error")
        response.headers["Retry-After"] = str(fault.retry_after)
        return response
    if fault.mode == "server_error":
        return refusal(500, UPSTREAM_SECRET, kind="server_error")
    if fault.mode == "unsupported_parameter":
        message = f"Unsupported parameter: '{fault.parameter}' is not supported with this model."
        return refusal(400, message, kind="invalid_request_error", parameter=fault.parameter)
    if fault.mode == "html":
        return web.Response(text="<h1>Please sign in to the network</h1>", content_type="text/html")
    if fault.mode in {"reset", "hang"}:
        return await _say_nothing(request, fault)
    return None


async def _say_nothing(request: web.Request, fault: Fault) -> web.StreamResponse:
    if fault.mode == "reset":
        reset(request)
    await wait_until_left(request)
    return web.Response()  # nobody reads it any more


async def during(request: web.Request, response: web.StreamResponse, fault: Fault) -> None:
    """What happens after the words that got through."""
    if fault.mode == "truncate":
        await response.write_eof()
    elif fault.mode == "reset_midstream":
        reset(request)
    elif fault.mode == "comments":
        await _drip(request, response)
    else:
        if fault.mode in _SPOILED:
            await response.write(_SPOILED[fault.mode])
        await wait_until_left(request)


async def _drip(request: web.Request, response: web.StreamResponse) -> None:
    while not has_left(request):
        await response.write(b": still here\n\n")
        await asyncio.sleep(LOOK_SECONDS)


async def send_split(response: web.StreamResponse, body: bytes) -> None:
    """Three bytes at a time, so that every longer character is cut somewhere."""
    for start in range(0, len(body), 3):
        await response.write(body[start : start + 3])
        await asyncio.sleep(0)


async def send_for_ever(response: web.StreamResponse, events: bytes) -> None:
    """Ends with the `ConnectionError` of a reader who has had enough."""
    while True:
        await response.write(events)
        await asyncio.sleep(0)


def reset(request: web.Request) -> None:
    """Cut the connection with RST and not with FIN: what a dying process or a firewall does."""
    transport = request.transport
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def has_left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


async def wait_until_left(request: web.Request) -> None:
    """Keep the connection open and silent until the other side closes it."""
    while not has_left(request):  # noqa: ASYNC110  (aiohttp has no event for it)
        await asyncio.sleep(LOOK_SECONDS)
