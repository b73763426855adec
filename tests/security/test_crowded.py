"""More requests than can be answered soon: those who are too many hear so at once, and nobody else notices."""

import asyncio
from typing import Any

import pytest

from botbot.errors import BotBotError
from botbot.security.gate import MOST_AT_ONCE, Gate

Sent = list[dict[str, Any]]


class Hall:
    """An application that answers nobody before the doors are opened."""

    def __init__(self) -> None:
        self.doors = asyncio.Event()
        self.inside = 0
        self.drawn = 0
        self.gate = Gate(self._answer, own_origin="http://127.0.0.1", error_page=self._draw)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        self.inside += 1
        if scope["method"] == "POST":
            await receive()
        await self.doors.wait()
        if scope["path"] == "/breaks":
            raise BotBotError
        kind = b"text/event-stream" if scope["path"] == "/stream" else b"text/plain"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": b""})

    def _draw(self, scope: Any, failure: BotBotError) -> bytes:
        assert scope["headers"] == []
        self.drawn += 1
        return b"<p>crowded</p>"

    async def ask(self, path: str = "/", accept: str = "application/json", *, is_slow: bool = False) -> Sent:
        """`is_slow`: a post whose body never ends."""
        sent: Sent = []

        async def receive() -> Any:
            if is_slow:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        headers = [(b"accept", accept.encode()), (b"cookie", b"botbot_session=somebody")]
        if is_slow:
            own = [(b"origin", b"http://127.0.0.1"), (b"content-type", b"application/json"), (b"content-length", b"9")]
            headers = [*headers, *own]
        scope = {
            "type": "http",
            "method": "POST" if is_slow else "GET",
            "path": path,
            "query_string": b"",
            "headers": headers,
        }
        await self.gate(scope, receive, send)
        return sent

    async def fill(self, path: str = "/", *, is_slow: bool = False) -> list["asyncio.Task[Sent]"]:
        tasks = [asyncio.create_task(self.ask(path, is_slow=is_slow)) for _ in range(MOST_AT_ONCE)]
        async with asyncio.timeout(10):
            while self.inside < MOST_AT_ONCE:
                await asyncio.sleep(0)
        return tasks


async def test_one_too_many_is_turned_away_at_once_and_the_others_are_answered() -> None:
    hall = Hall()
    tasks = await hall.fill()
    start, body = await hall.ask()
    headers = dict(start["headers"])
    assert start["status"] == 503
    assert headers[b"retry-after"] == b"2"
    assert b"content-security-policy" in headers
    assert b'"overloaded"' in body["body"]
    hall.doors.set()
    assert {sent[0]["status"] for sent in await asyncio.gather(*tasks)} == {200}
    assert (await hall.ask())[0]["status"] == 200


async def test_who_watches_over_the_house_is_let_in() -> None:
    hall = Hall()
    tasks = await hall.fill()
    health = asyncio.create_task(hall.ask("/readyz"))
    await asyncio.sleep(0)
    hall.doors.set()
    assert (await health)[0]["status"] == 200
    await asyncio.gather(*tasks)


async def test_the_page_that_says_so_is_drawn_once_and_for_nobody() -> None:
    hall = Hall()
    tasks = await hall.fill()
    for _ in range(5):
        assert (await hall.ask("/secret", accept="text/html"))[1]["body"] == b"<p>crowded</p>"
    assert hall.drawn == 1
    hall.doors.set()
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("path", ["/breaks", "/stream", "/"])
async def test_however_a_request_ends_its_place_is_free_again(path: str) -> None:
    hall = Hall()
    hall.doors.set()
    for _ in range(2 * MOST_AT_ONCE):
        await hall.ask(path)
    assert hall.gate._waiting == 0


async def test_who_leaves_while_waiting_frees_a_place() -> None:
    hall = Hall()
    for task in (tasks := await hall.fill()):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert hall.gate._waiting == 0


@pytest.mark.parametrize(
    ("path", "is_slow"),
    [("/api/x", True), ("/api/marketplace/preview/atlas/chat", False), ("/personalities/a/try", False)],
)
async def test_slow_senders_and_those_who_wait_for_the_model_keep_nobody_out(path: str, is_slow: bool) -> None:
    hall = Hall()
    tasks = await hall.fill(path, is_slow=is_slow)
    visitor = asyncio.create_task(hall.ask())
    await asyncio.sleep(0)
    hall.doors.set()
    assert (await visitor)[0]["status"] == 200
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert hall.gate._waiting == 0
