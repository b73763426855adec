"""Alive, ready, and how much: `/healthz`, `/readyz`, `/metrics`.

`web` and `serve` are ready when the site and its database are; everything else is reported beside it."""

import math
from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response, get
from prometheus_client import generate_latest

from botbot.db.migrate import is_enough, revision
from botbot.errors import BotBotError
from botbot.gauges import Gauges
from botbot.house import House

Check = Callable[[], Awaitable[dict[str, Any]] | dict[str, Any]]


class Health:
    """The checks of this process; parts add theirs under a name, each answering `{"state", "reason"}`."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.parts: dict[str, Callable[[], dict[str, Any]]] = {}
        self.required: set[str] = {"database"}

    async def report(self) -> tuple[bool, dict[str, Any]]:
        """(ready, body of `/readyz`)."""
        checks = {"database": await self._database()}
        checks |= {name: part() for name, part in self.parts.items()}
        settings = self._house.settings
        checks["discord"] = self._discord()
        checks["model"] = _configured(settings.has_model, "no OPENAI_API_KEY or OPENAI_BASE_URL; sample replies only")
        ready = all(checks[name]["state"] == "ok" for name in self.required if name in checks)
        return ready, {"status": "ready" if ready else "not_ready", "checks": checks}

    def _discord(self) -> dict[str, Any]:
        settings, rest = self._house.settings, self._house.discord.rest_seconds
        if rest:
            reason = f"it refused too many calls, so none is made for {math.ceil(rest)} s; see the log for 401 and 403"
            return {"state": "resting", "reason": reason}
        return _configured(settings.has_discord, f"missing: {', '.join(settings.missing_discord)}")

    async def _database(self) -> dict[str, Any]:
        try:
            await self._house.db.ping()
            present, newest = await revision(self._house.db)
        except BotBotError as error:
            return {"state": "down", "reason": error.message}
        if not is_enough(present):
            return {
                "state": "outdated",
                "reason": f"schema is {present or 'empty'}, wanted {newest}; run botbot migrate",
            }
        return {"state": "ok", "reason": None}


def _configured(is_set: bool, reason: str) -> dict[str, Any]:
    return {"state": "ok", "reason": None} if is_set else {"state": "not_configured", "reason": reason}


@get("/healthz", summary="Alive", tags=["health"])
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@get("/readyz", summary="Ready, and the state of each part", tags=["health"])
async def readyz(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    health: Health = request.app.state.health
    ready, body = await health.report()
    return Response(body, status_code=200 if ready else 503, headers={"cache-control": "no-store"})


@get("/metrics", summary="Prometheus metrics", tags=["health"], media_type="text/plain; version=0.0.4")
async def metrics(request: Request[Any, Any, Any]) -> str:
    """What this process counted since its start, and what the database says of the whole house."""
    house: House = request.app.state.house
    health: Health = request.app.state.health
    gateway = health.parts.get("discord_gateway")
    known = await request.app.state.facts.get()
    return generate_latest(Gauges(house, known, gateway()["state"] if gateway else "")).decode()


handlers: list[Any] = [healthz, readyz, metrics]
