"""The door every API call passes: remember it, fail it if told to, check who knocks, count, validate, answer."""

import asyncio
import json
import re
import socket
import struct
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from botbot.kit import clock
from botbot.sandbox import overlay, spec
from botbot.sandbox.calls import SECRET_HEADERS, Call, Endpoint, File, Recorded, Violation
from botbot.sandbox.core import BOT_TOKEN, Core
from botbot.sandbox.faults import Fault
from botbot.sandbox.limits import BAN_PAGE
from botbot.sandbox.refusals import Refusal, invalid, plain, refuse, unauthorized
from botbot.sandbox.world import Grant

BASE = "/api/v10"
_PREFIX = re.compile(r"^/api(/v\d+)?")
_HIDDEN_FIELDS = {"client_secret", "code", "refresh_token", "code_verifier", "token"}
_BOT_AGENT = re.compile(r"^DiscordBot \(.+\)")


@dataclass
class Answer:
    status: int
    body: Any = None
    headers: dict[str, str] | None = None
    content_type: str = "application/json"

    def raw(self) -> bytes:
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


async def pass_through(core: Core, endpoint: Endpoint | None, request: web.Request) -> web.StreamResponse:
    """Serve one request; `endpoint` is `None` where Discord has nothing."""
    record = _record(core, request)
    fault = core.faults.take(request.method, record.path)
    if fault and fault.delay:
        await asyncio.sleep(fault.delay)
    answer = None
    if fault is None or fault.after_effect or _only_slow(fault):
        answer = await _answer(core, endpoint, request, record)
        core.world.save()
    if fault and not _only_slow(fault):
        return await _go_wrong(core, request, record, fault, answer)
    assert answer is not None
    return await _send(core, request, record, answer)


def _only_slow(fault: Fault) -> bool:
    return not (fault.changes_answer or fault.reset or fault.truncate or fault.hang is not None)


def _record(core: Core, request: web.Request) -> Recorded:
    shown = {name: value for name, value in request.headers.items() if name.lower() not in SECRET_HEADERS}
    scheme = request.headers.get("Authorization", "").partition(" ")[0]
    path = _PREFIX.sub("", request.path)
    record = Recorded(request.method, path, dict(request.query), shown, clock.now(), auth=scheme)
    core.calls.append(record)
    return record


async def _answer(core: Core, endpoint: Endpoint | None, request: web.Request, record: Recorded) -> Answer:
    headers: dict[str, str] = {}
    try:
        if core.limits.is_banned:
            return Answer(429, BAN_PAGE, {"Retry-After": "600"}, "text/html")
        call = Call(core, request)
        call.body, call.files = await _body(request, record)
        if endpoint is None:
            raise plain(404, "Not Found")
        call.grant = _who(core, endpoint, request)
        headers = _spend(core, endpoint, request, call.grant)
        call.body = _judge(core, endpoint, call.body, record)
        data = await endpoint.handler(call)
        return Answer(204 if data is None else 200, data, headers)
    except Refusal as no:
        return Answer(no.status, no.body, {**headers, **no.headers})


async def _body(request: web.Request, record: Recorded) -> tuple[Any, list[File]]:
    kind = request.content_type
    try:
        if kind == "multipart/form-data":
            return await _multipart(request, record)
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise refuse(40005) from None
    if kind == "application/x-www-form-urlencoded":
        form = {key: str(value) for key, value in (await request.post()).items()}
        record.form = {key: "…" if key in _HIDDEN_FIELDS else value for key, value in form.items()}
        return form, []
    if not raw:
        return None, []
    if kind != "application/json":
        text = f'Expected "Content-Type" header to be one of {{"application/json"}}, but got "{kind}".'
        raise invalid("", "CONTENT_TYPE_INVALID", text)
    record.json = _json(raw)
    return record.json, []


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise refuse(50109) from None


async def _multipart(request: web.Request, record: Recorded) -> tuple[Any, list[File]]:
    parts = await request.post()
    payload = parts.get("payload_json", "{}")
    files = [
        File(part.filename, part.content_type, part.file.read())
        for part in parts.values()
        if isinstance(part, web.FileField)
    ]
    text = payload if isinstance(payload, str) else "{}"
    record.json = _json(text.encode())
    return record.json, files


def _who(core: Core, endpoint: Endpoint, request: web.Request) -> Grant | None:
    """The sign-in behind a Bearer token, `None` for the bot or nobody. Refuses a token of the wrong kind."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    agent = request.headers.get("User-Agent", "")
    if not agent:
        raise refuse(40333)
    if "none" in endpoint.auth and scheme not in ("Bearer", "Bot"):
        return None
    if scheme == "Bot" and "bot" in endpoint.auth:
        if not _BOT_AGENT.match(agent):
            raise refuse(40333)
        if token == BOT_TOKEN:
            return None
    if scheme == "Bearer" and "bearer" in endpoint.auth:
        grant = core.world.find_grant(token)
        if grant:
            return grant
    if "none" in endpoint.auth:
        return None
    raise unauthorized()


def _spend(core: Core, endpoint: Endpoint, request: web.Request, grant: Grant | None) -> dict[str, str]:
    has_token = "Authorization" in request.headers
    who = f"user {grant.user_id}" if grant else "bot" if has_token else f"address {request.remote}"
    if not endpoint.is_outside_global:
        core.limits.spend_global(who)
    major = [
        value
        for name, value in request.match_info.items()
        if name in ("channel_id", "guild_id", "webhook_id", "webhook_token")
    ]
    key = " ".join([str(grant.user_id) if grant else "", *major])
    return core.limits.spend(f"{endpoint.method} {endpoint.path}", key, endpoint.rate)


def _judge(core: Core, endpoint: Endpoint, body: Any, record: Recorded) -> Any:
    """The body as the handler gets it; breaking the official description is refused as Discord does."""
    if record.form is not None or endpoint.path.startswith("/oauth2/token"):
        return body
    operation = (endpoint.method, endpoint.path)
    body = overlay.coerced(operation, body)
    found = spec.problems(spec.request_validator(*operation), {} if body is None else body)
    no = overlay.refusal(operation, body)
    for lapse in overlay.lapses(operation, body, spec.known_keys(*operation) if body else None):
        core.violations.append(Violation(record.method, record.path, lapse, is_refused=False))
    if found:
        no = _broken(found)
    if no:
        core.violations.append(Violation(record.method, record.path, json.dumps(no.body), is_refused=True))
        raise no
    return body


def _broken(found: list[spec.Problem]) -> Refusal:
    errors: dict[str, Any] = {}
    for where, text in found:
        node = errors
        for part in where:
            node = node.setdefault(str(part), {})
        node.setdefault("_errors", []).append({"code": "BASE_TYPE_BAD", "message": text})
    return refuse(50035, errors=errors)


async def _send(
    core: Core, request: web.Request, record: Recorded, answer: Answer, has_via: bool = True
) -> web.Response:
    record.status = answer.status
    headers = dict(answer.headers or {})
    core.limits.count(answer.status, headers)
    if has_via and core.switches.sends_via:
        headers["Via"] = "1.1 google"
    if answer.body is None:
        return web.Response(status=answer.status, headers=headers)
    # The exact type, without a charset: discord.py compares the whole string.
    headers["Content-Type"] = answer.content_type
    return web.Response(status=answer.status, body=answer.raw(), headers=headers)


async def _go_wrong(
    core: Core, request: web.Request, record: Recorded, fault: Fault, answer: Answer | None
) -> web.StreamResponse:
    if fault.hang is not None:
        await asyncio.sleep(fault.hang)
        return _cut(request, is_reset=False)
    if fault.reset:
        return _cut(request, is_reset=True)
    if fault.changes_answer or answer is None:
        status, body, headers = fault.answer()
        answer = Answer(status, body, headers, fault.content_type)
    if fault.truncate:
        return await _send_half(request, record, answer)
    return await _send(core, request, record, answer, has_via=not fault.without_via)


def _cut(request: web.Request, *, is_reset: bool) -> web.Response:
    """Close the connection without an answer; with a TCP reset when asked."""
    transport = request.transport
    if transport is not None:
        peer = transport.get_extra_info("socket")
        if is_reset and peer is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=500)  # never sent: the transport is gone


async def _send_half(request: web.Request, record: Recorded, answer: Answer) -> web.StreamResponse:
    raw = answer.raw()
    record.status = answer.status
    response = web.StreamResponse(status=answer.status, headers={"Via": "1.1 google"})
    response.headers["Content-Type"] = answer.content_type
    response.content_length = len(raw)
    await response.prepare(request)
    await response.write(raw[: len(raw) // 2])
    _cut(request, is_reset=False)
    return response
