"""The security headers stand on every answer, whoever wrote it: pages, JSON, files, streams, redirects and failures."""

import re
from typing import Any

import httpx
from tests.support.engines import ONLY_SQLITE
from tests.support.people import Person
from tests.support.routes import operations
from tests.support.serving import Site

from botbot.catalog.models import PersonalityTemplate

FIXED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}
REQUIRED = {"default-src": "'none'", "base-uri": "'none'", "frame-ancestors": "'none'", "form-action": "'self'"}


def policy(answer: httpx.Response) -> Any:
    text = answer.headers["content-security-policy"]
    return {name: " ".join(values) for name, *values in (each.split() for each in text.split(";") if each.strip())}


def assert_guarded(answer: httpx.Response, about: object) -> None:
    for name, value in FIXED.items():
        assert answer.headers.get_list(name) == [value], (about, name)
    assert len(answer.headers.get_list("content-security-policy")) == 1, about
    assert answer.headers["referrer-policy"] in {"same-origin", "no-referrer", "strict-origin-when-cross-origin"}, about
    found = policy(answer)
    assert REQUIRED.items() <= found.items(), (about, found)
    assert "unsafe-" not in str(found), about
    assert "*" not in str(found.get("script-src", "")), about
    assert "server" not in answer.headers, about
    assert "x-powered-by" not in answer.headers, about


@ONLY_SQLITE
async def test_on_every_route_as_page_and_as_json(
    ada: Person, client: httpx.AsyncClient, site: Site, personality: PersonalityTemplate
) -> None:
    avatar = personality.avatar_path.rpartition("/")[2]
    for operation in operations(site.house):
        if operation.path.endswith(("sign-out-everywhere", "/logout")) or operation[:2] == ("DELETE", "/api/account"):
            continue  # Nobody would be signed in for the rest.
        path = operation.at(personality_id=personality.id, slug=personality.slug, file_name=avatar)
        for accept in ("text/html", "application/json"):
            for who in (ada.http, client):
                answer = await who.request(operation.method, path, headers={"accept": accept})
                assert_guarded(answer, (operation, accept, answer.status_code))


@ONLY_SQLITE
async def test_on_refusals_of_every_layer(client: httpx.AsyncClient, ada: Person) -> None:
    asked = [
        await client.get("/nothing"),
        await client.post("/logout", headers={"origin": "https://evil.example"}),
        await client.post("/api/auth/logout", content=b"x", headers={"content-type": "text/plain"}),
        await client.post("/api/auth/logout", content=b"x" * 2_000_000, headers={"content-type": "application/json"}),
        await client.put("/healthz"),
        await client.options("/healthz"),
        await client.get("/api/auth/session", headers={"authorization": "Bearer bbt_x"}),
    ]
    for answer in asked:
        assert_guarded(answer, (answer.request.method, answer.url, answer.status_code))


@ONLY_SQLITE
async def test_on_files_streams_and_pictures(client: httpx.AsyncClient, personality: PersonalityTemplate) -> None:
    page = (await client.get("/", headers={"accept": "text/html"})).text
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert files
    for path in {*files, personality.avatar_path}:
        answer = await client.get(path)
        assert answer.status_code == 200, path
        assert_guarded(answer, path)
    path = f"/api/marketplace/preview/{personality.id}/chat"
    stream = await client.post(path, json={"message": "hi"}, headers={"accept": "text/event-stream"})
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert_guarded(stream, "stream")


@ONLY_SQLITE
async def test_pages_of_a_person_are_kept_by_nobody(ada: Person, personality: PersonalityTemplate) -> None:
    for path in ("/", f"/personalities/{personality.slug}", "/account", "/deployments", "/api/auth/session"):
        answer = await ada.get(path, headers={"accept": "text/html"})
        assert "no-store" in answer.headers["cache-control"], path


@ONLY_SQLITE
async def test_no_page_loads_anything_from_elsewhere(
    ada: Person, client: httpx.AsyncClient, site: Site, personality: PersonalityTemplate
) -> None:
    for path in (
        "/",
        f"/personalities/{personality.slug}",
        "/privacy",
        "/terms",
        "/account",
        "/deployments",
        "/nothing",
    ):
        page = (await ada.get(path, headers={"accept": "text/html"})).text
        loaded = re.findall(r'<(?:script|img|iframe|source|video|audio|embed|object)\b[^>]*?\bsrc="([^"]+)"', page)
        loaded += re.findall(
            r'<link\b[^>]*?\brel="(?:stylesheet|icon|preload|modulepreload|manifest)"[^>]*?\bhref="([^"]+)"', page
        )
        foreign = [each for each in loaded if not each.startswith(("/", "data:image/", "https://cdn.discordapp.com/"))]
        assert foreign == [], path
        assert not re.search(r"\son[a-z]+=|javascript:|\shx-on|<style|\sstyle=", page), path
        run = page.replace('<script type="application/ld+json">', "")  # data, which no browser runs
        assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>\s*\S", run), path
