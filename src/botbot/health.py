"""Alive, ready, and how much: `/healthz`, `/readyz`, `/metrics`.

`web` and `serve` are ready when the site and its database are; everything else is reported beside it."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response, get

from botbot.db.migrate import revision
from botbot.errors import BotBotError
from botbot.house import House

Check = Callable[[], Awaitable[dict[str, Any]] | dict[str, Any]]
STARTED = time.time()


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
        checks["discord"] = _configured(settings.has_discord, f"missing: {', '.join(settings.missing_discord)}")
        checks["model"] = _configured(settings.has_model, "no OPENAI_API_KEY or OPENAI_BASE_URL; sample replies only")
        ready = all(checks[name]["state"] == "ok" for name in self.required if name in checks)
        return ready, {"status": "ready" if ready else "not_ready", "checks": checks}

    async def _database(self) -> dict[str, Any]:
        try:
            await self._house.db.ping()
            present, newest = await revision(self._house.db)
        except BotBotError as error:
            return {"state": "down", "reason": error.message}
        if present != newest:
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
    """Requests by status class since the start, and the uptime."""
    counts: dict[str, int] = request.app.state.counts
    lines = ["# TYPE botbot_requests_total counter"]
    lines += [f'botbot_requests_total{{status="{status}"}} {count}' for status, count in sorted(counts.items())]
    lines += ["# TYPE botbot_uptime_seconds gauge", f"botbot_uptime_seconds {time.time() - STARTED:.0f}"]
    return "\n".join(lines) + "\n"


handlers: list[Any] = [healthz, readyz, metrics]
