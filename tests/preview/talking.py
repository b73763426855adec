"""Talking over the stream, and reading what came of it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from botbot.house import House
from botbot.kit import clock
from botbot.usage.queries import DayOfUsage, list_usage

Events = list[tuple[str, dict[str, Any]]]
STREAM = {"accept": "text/event-stream"}
PATIENCE_SECONDS = 15.0


def events_of(text: str) -> Any:
    """(name, data) of each event, comments left out; fails on anything that is no event stream."""
    found = []
    for block in text.split("\n\n"):
        if not block or block.startswith(":"):
            continue
        lines = dict(line.split(": ", 1) for line in block.split("\n"))
        assert set(lines) == {"event", "data"}, block
        found.append((lines["event"], json.loads(lines["data"])))
    return found


async def talk(client: httpx.AsyncClient, path: str, message: str = "Why is the sky blue?", **more: Any) -> Any:
    answer = await client.post(path, json={"message": message, **more}, headers=STREAM)
    assert answer.status_code == 200, answer.text
    return events_of(answer.text)


def assert_whole(events: Events, source: str) -> Any:
    """`session`, `token` …, then exactly one end."""
    names = [name for name, _ in events]
    assert names[0] == "session"
    assert set(names[1:-1]) == {"token"}
    assert names[-1] == "done"
    assert set(events[0][1]) == {"sessionId", "remaining", "resetAfterSeconds"}
    assert all(set(data) == {"text"} and data["text"] for name, data in events if name == "token")
    assert events[-1][1]["source"] == source
    return "".join(data["text"] for name, data in events if name == "token")


def said_in(events: Events) -> str:
    return "".join(data["text"] for name, data in events if name == "token")


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it is so; for what happens after a reply has ended."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await is_so():
            await asyncio.sleep(0.02)


async def usage_of(house: House, exchanges: int) -> list[DayOfUsage]:
    """Today's rows, once so many exchanges are noted."""
    today = clock.now().date()
    rows: list[DayOfUsage] = []

    async def is_noted() -> bool:
        nonlocal rows
        async with house.db.read() as session:
            rows = await list_usage(session, today, today)
        return sum(each.live + each.samples + each.blocked + each.failed for each in rows) >= exchanges

    await until(is_noted)
    return rows
