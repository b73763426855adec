"""The tests' hand over HTTP, for when the product runs in another process: `/_sandbox/…`, JSON both ways.

| call | does |
| --- | --- |
| `GET /_sandbox/state` | the whole world |
| `GET /_sandbox/calls` | every API call so far (`?method=&path=` as globs) |
| `GET /_sandbox/violations` | requests that broke a rule |
| `POST /_sandbox/failures` | a `Fault` as an object; `GET` lists those waiting, `DELETE` clears them |
| `POST /_sandbox/reset` | everything as on the first day |
| `POST /_sandbox/messages` | `{user, channel, content, mention_bot?, reply_to?, ping?}` |
| `GET /_sandbox/channels/{id}/messages` | as Discord's API would show them to someone who sees all |
| `POST /_sandbox/commands` | `{user, channel, name, text?, target?}` |
| `POST /_sandbox/consent` | `{url, user, guild?, cancel?}`, answers `{location}` |
| `POST /_sandbox/roles` | `{guild, user, role_ids}` |
| `POST /_sandbox/gateway` | `{do}`: drop, close (`code`), reconnect, invalidate (`is_resumable`), |
| | outage (`guild`, `is_down`) |
| `PATCH /_sandbox/gateway` | any of `Moods`, and `remaining`, `total`, `seconds_apart`, `shards`; `GET` shows |
| `PATCH /_sandbox/switches` | any of `Switches`, and `limits` (on or off) |
"""

from dataclasses import asdict
from typing import Any

import msgspec
from aiohttp import web

from botbot.sandbox.handle import DiscordHandle
from botbot.sandbox.oauth.consent import BadAsk
from botbot.sandbox.people import CannotSpeak

BASE = "/_sandbox"


class Control:
    def __init__(self, handle: DiscordHandle) -> None:
        self._handle = handle

    def routes(self) -> list[web.RouteDef]:
        table: dict[tuple[str, str], Any] = {
            ("GET", "/state"): lambda _: self._handle._core.world.state,
            ("GET", "/calls"): self._calls,
            ("DELETE", "/calls"): lambda _: self._handle.clear_calls(),
            ("GET", "/violations"): lambda _: [asdict(each) for each in self._handle.violations],
            ("GET", "/failures"): lambda _: self._handle._core.faults.shown(),
            ("POST", "/failures"): self._fail,
            ("DELETE", "/failures"): lambda _: self._handle.clear_failures(),
            ("POST", "/reset"): lambda _: self._handle.reset(),
            ("POST", "/messages"): self._post_message,
            ("GET", "/channels/{channel_id}/messages"): self._messages,
            ("POST", "/commands"): lambda ask: {"interaction_id": self._handle.run_command(**ask.body)},
            ("POST", "/consent"): self._consent,
            ("POST", "/roles"): lambda ask: self._handle.change_member_roles(**ask.body),
            ("GET", "/gateway"): lambda _: self._gateway_shown(),
            ("POST", "/gateway"): self._gateway,
            ("PATCH", "/gateway"): self._gateway_moods,
            ("PATCH", "/switches"): self._switches,
        }
        return [web.route(method, BASE + path, _served(verb)) for (method, path), verb in table.items()]

    def _calls(self, ask: "Ask") -> Any:
        query = ask.request.query
        calls = self._handle.calls_to(query.get("method", "*"), query.get("path", "*"))
        return [asdict(each) for each in calls]

    def _fail(self, ask: "Ask") -> Any:
        self._handle.fail(**ask.body)
        return self._handle._core.faults.shown()

    def _post_message(self, ask: "Ask") -> Any:
        return self._handle.message_json(self._handle.post_message(**ask.body))

    def _messages(self, ask: "Ask") -> Any:
        kept = self._handle.messages(ask.request.match_info["channel_id"])
        return [self._handle.message_json(each) for each in kept]

    def _consent(self, ask: "Ask") -> Any:
        return {"location": self._handle.consent(ask.body.pop("url"), **ask.body)}

    def _gateway(self, ask: "Ask") -> Any:
        hub, body = self._handle.gateway, ask.body
        what = body.get("do")
        if what == "drop":
            hub.drop()
        elif what == "close":
            hub.close(int(body.get("code", 4000)))
        elif what == "reconnect":
            hub.ask_to_reconnect()
        elif what == "invalidate":
            hub.invalidate(is_resumable=bool(body.get("is_resumable")))
        elif what == "outage":
            hub.set_outage(self._handle.guilds[int(body["guild"])], is_down=bool(body["is_down"]))
        else:
            raise ValueError(f"do what? not {what!r}")
        return self._gateway_shown()

    def _gateway_moods(self, ask: "Ask") -> Any:
        hub = self._handle.gateway
        for name, value in ask.body.items():
            owner = next(
                (each for each in (hub.moods, hub.starts, hub) if name in _FIELDS and hasattr(each, name)), None
            )
            if owner is None:
                raise ValueError(f"the gateway has no {name!r}")
            setattr(owner, name, value)
        return self._gateway_shown()

    def _gateway_shown(self) -> Any:
        hub = self._handle.gateway
        return {
            **asdict(hub.moods),
            **hub.starts.shown(),
            "shards": hub.shards,
            "connected": hub.connected,
            "sessions": [each.id for each in hub.sessions],
            "identified": len(hub.starts.identified_at),
        }

    def _switches(self, ask: "Ask") -> Any:
        for name, value in ask.body.items():
            if name == "limits":
                self._handle.limits.is_enabled = bool(value)
            elif name in asdict(self._handle.switches):
                setattr(self._handle.switches, name, value)
            else:
                raise ValueError(f"there is no switch {name!r}")
        return {**asdict(self._handle.switches), "limits": self._handle.limits.is_enabled}


_FIELDS = {"copies", "refuse_connect", "refuse_resume_url", "silent", "heartbeat_interval_ms"} | {
    "remaining",
    "total",
    "seconds_apart",
    "max_concurrency",
    "shards",
}


class Ask(msgspec.Struct):
    request: Any
    body: dict[str, Any]


def _served(verb: Any) -> Any:
    async def serve(request: web.Request) -> web.Response:
        try:
            answer = verb(Ask(request, await _object(request)))
        except (TypeError, ValueError, LookupError, BadAsk, CannotSpeak) as error:
            return _json({"error": f"{type(error).__name__}: {error}"}, 400)
        return _json({} if answer is None else answer, 200)

    return serve


async def _object(request: web.Request) -> dict[str, Any]:
    """JSON only: that is what no other site's page can send without being asked."""
    if request.method == "GET":
        return {}
    if request.content_type != "application/json" and request.can_read_body:
        raise web.HTTPUnsupportedMediaType(text="Please send application/json.")
    if request.method in ("POST", "DELETE") and not request.can_read_body:
        if "Origin" in request.headers or "Sec-Fetch-Site" in request.headers:
            raise web.HTTPForbidden(text="Not for browsers.")
        return {}
    body = await request.json()
    if not isinstance(body, dict):
        raise ValueError("the body must be an object")
    return body


def _json(value: Any, status: int) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(value), content_type="application/json")
