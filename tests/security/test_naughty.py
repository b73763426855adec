"""Texts that have broken programs, in every field there is: over none of them do we fall."""

import json
import re
import tomllib
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.support.engines import ONLY_SQLITE
from tests.support.people import Person
from tests.support.routes import Operation, operations
from tests.support.serving import Site

import botbot.ui
from botbot.catalog.models import PersonalityTemplate
from botbot.sandbox.handle import DiscordHandle

CORPUS = tomllib.loads((Path(__file__).parent / "naughty.toml").read_text(encoding="utf-8"))
EVERY = [*CORPUS["break"], *CORPUS["run"], "a" * 5000, "\ud800"]
FINAL = (
    "/logout",
    "/sign-out-everywhere",
    "/api/account",
    "/account/erase",
    "/callback",
    "/api/auth/discord",
    "/progress",
)
"""Where whoever asks would be gone, led to Discord, or told of a move for as long as it lasts."""
HTML = {"accept": "text/html"}


def texts(begin: int) -> Iterator[str]:
    """The corpus round and round, from somewhere in it."""
    return (EVERY[(begin + number) % len(EVERY)] for number in count())


def form_fields() -> list[str]:
    """The name of every field in any of our forms."""
    folder = Path(botbot.ui.__file__).parent / "templates"
    found = {name for page in folder.rglob("*.html") for name in re.findall(r'\bname="([\w.]+)"', page.read_text())}
    return sorted(found - {"sure"})


def properties(document: Any, operation: Operation) -> list[str]:
    """What an operation reads of its body, and of its query."""
    described = document["paths"].get(operation.path, {}).get(operation.method.lower(), {})
    schema = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return sorted(schema.get("properties", {}))


def queries(document: Any, operation: Operation) -> list[str]:
    described = document["paths"].get(operation.path, {}).get(operation.method.lower(), {})
    return [each["name"] for each in described.get("parameters", []) if each["in"] == "query"]


def sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


async def ask(who: Person, operation: Operation, path: str, document: Any, begin: int) -> Any:
    """One request with something else from the corpus in every field."""
    fresh = texts(begin)
    if not operation.path.startswith("/api/"):
        fields = {name: sendable(next(fresh)) for name in form_fields()}
        if operation.is_unsafe:
            return await who.http.request(operation.method, path, data=fields, headers=HTML)
        return await who.get(path, params={"q": next(fresh).replace("\ud800", ""), "page": "-1"}, headers=HTML)
    query = "&".join(f"{name}={quote(sendable(next(fresh)))}" for name in queries(document, operation))
    body: dict[str, Any] = {}
    if operation.is_unsafe and (names := properties(document, operation)):
        body = {"content": json.dumps({name: next(fresh) for name in names}),
                "headers": {"content-type": "application/json"}}  # fmt: skip
    return await who.http.request(operation.method, f"{path}?{query}", **body)


async def sweep(who: Person, site: Site, places: dict[str, str], rounds: int) -> int:
    document = (await who.get("/openapi.json")).json()
    asked = 0
    for operation in operations(site.house):
        if operation.path.endswith(FINAL) or operation.path == "/static/{file_name}":
            continue
        for turn in range(rounds):
            filled = operation.at(**places)
            text = quote(sendable(EVERY[(turn * 7 + asked) % len(EVERY)]), safe="")
            strange = re.sub(r"\{\w+\}", text or "x", operation.path)
            for path in {filled, strange}:
                answer = await ask(who, operation, path, document, turn * 31 + asked)
                assert answer.status_code not in range(500, 600), (operation, path, answer.text[:400])
                asked += 1
    return asked


@ONLY_SQLITE
async def test_a_few_in_every_field(
    cleo: Person, site: Site, personality: PersonalityTemplate, discord: DiscordHandle
) -> None:
    discord.limits.is_enabled = False
    places = {"personality_id": personality.id, "slug": personality.slug, "user_id": await cleo.user_id()}
    assert await sweep(cleo, site, places, 1) > 100
