"""Ways past the framework: taken for their own addresses and the ones below, left again for whatever is unusual."""

from typing import Any

from botbot.catalog.answers import Answers
from botbot.catalog.kept import LIST, KeptAnswers
from botbot.errors import NotFound


async def the_long_way(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b'"long"'})


async def the_list(path: str, query: bytes) -> bytes | None:
    return b'"list"' if query != b"odd" else None


async def one(path: str, query: bytes) -> bytes:
    if path.endswith("nobody"):
        raise NotFound
    return b'"' + path.rpartition("/")[2].encode() + b'"'


async def answer(path: str, query: bytes = b"", **headers: str) -> bytes:
    kept = KeptAnswers(
        the_long_way, Answers(), cookies=("botbot_session", "botbot_theme"), short={LIST: the_list, f"{LIST}/": one}
    )
    told: list[Any] = []

    async def send(message: Any) -> None:
        told.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    named = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": named}
    await kept(scope, receive, send)
    return bytes(told[1]["body"])


async def test_each_address_has_its_own() -> None:
    assert await answer(LIST) == b'"list"'
    assert await answer(f"{LIST}/luna") == b'"luna"'
    assert await answer("/personalities/luna") == b'"long"', "a page is no JSON"
    assert await answer(f"{LIST}/luna/reviews") == b'"long"'
    assert await answer(f"{LIST}/") == b'"long"'


async def test_what_it_cannot_answer_goes_the_long_way() -> None:
    assert await answer(LIST, b"odd") == b'"long"'
    assert await answer(f"{LIST}/nobody") == b'"long"'


async def test_nobody_who_says_who_they_are_goes_a_short_way() -> None:
    assert await answer(f"{LIST}/luna", cookie="botbot_session=x") == b'"long"'
    assert await answer(f"{LIST}/luna", authorization="Bearer x") == b'"long"'
