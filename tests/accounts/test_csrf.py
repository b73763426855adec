"""Forged requests: every operation that changes something, called as another site would make a browser call it."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from tests.conftest import PUBLIC_URL, MakeSite
from tests.support.dump import differences, rows_of
from tests.support.engines import ONLY_SQLITE
from tests.support.people import Person, api_client
from tests.support.routes import Operation, operations
from tests.support.serving import Site

from botbot.catalog.models import PersonalityTemplate
from botbot.sandbox import cast

JSON = {"rating": 5, "message": "hi", "discordGuildId": str(cast.TEA_HOUSE), "customizations": {"name": "Mallory"}}
FORM = {"rating": "5", "message": "hi", "discordGuildId": str(cast.TEA_HOUSE), "name": "Mallory", "theme": "dark"}


def unsafe_operations(site: Site) -> Any:
    found = [operation for operation in operations(site.house) if operation.is_unsafe]
    assert len(found) >= 15
    return found


def forgeries(site: Site) -> Any:
    """(name, headers); the cookie comes on top, as a browser would add it."""
    host = site.url.removeprefix("http://")
    return {
        "a sandboxed frame": {"origin": "null"},
        "another site": {"origin": "https://evil.example"},
        "another site, modern": {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        "a name that begins like ours": {"origin": f"{site.url}.evil.example"},
        "a name that ends like ours": {"origin": f"http://evil.example/{host}"},
        "ours as somebody's user part": {"origin": f"http://{host}@evil.example"},
        "another port": {"origin": "http://127.0.0.1:1"},
        "an empty origin": {"origin": ""},
        "no origin, cross-site": {"sec-fetch-site": "cross-site"},
        "no origin, same-site": {"sec-fetch-site": "same-site"},
        "neither": {},
        "a referrer alone": {"referer": f"{site.url}/"},
        "a token that is none": {"origin": "https://evil.example", "authorization": "Basic YTpi"},
        "another method by header": {"origin": "https://evil.example", "x-http-method-override": "GET"},
    }


@pytest.fixture
async def deployment(ada: Person, personality: PersonalityTemplate, drain: Callable[[], Awaitable[None]]) -> Any:
    answer = await ada.post(
        f"/api/marketplace/personalities/{personality.id}/deploy", json={"discordGuildId": str(cast.TEA_HOUSE)}
    )
    assert answer.status_code == 202, answer.text
    await drain()
    return answer.json()["id"]


def filled(operation: Operation, personality: PersonalityTemplate, deployment: Any) -> Any:
    return operation.at(personality_id=personality.id, slug=personality.slug, deployment_id=deployment)


async def test_no_forgery_of_any_operation_changes_anything(
    site: Site, ada: Person, personality: PersonalityTemplate, deployment: Any
) -> None:
    unsafe, cookie = unsafe_operations(site), f"botbot_session={ada.secret}"
    async with api_client(site.url) as attacker:
        before = await rows_of(site.house.db)
        for operation in unsafe:
            method, path = operation.method, filled(operation, personality, deployment)
            for name, headers in forgeries(site).items():
                body = {"json": JSON} if path.startswith("/api/") else {"data": FORM}
                answer = await attacker.request(method, path, headers={"cookie": cookie, **headers}, **body)
                assert answer.status_code == 403, (method, path, name, answer.status_code, answer.text)
                assert answer.json()["error"] == "cross_site_request", (method, path, name)
                assert "access-control-allow-origin" not in answer.headers
        assert differences(before, await rows_of(site.house.db)) == {}
    assert (await ada.get("/api/auth/session")).json()["user"] is not None


@ONLY_SQLITE
async def test_simple_bodies_that_need_no_preflight_are_refused_as_json(
    site: Site, ada: Person, personality: PersonalityTemplate
) -> None:
    """text/plain and forms may be sent by any page; even from our own origin the API does not read them as JSON."""
    path = f"/api/marketplace/personalities/{personality.id}/rate"
    for kind in ("text/plain", "text/plain; charset=utf-8", "application/x-www-form-urlencoded", "", "text/json",
                 "application/jsonp", "application/x-json", "multipart/form-data"):  # fmt: skip
        answer = await ada.post(path, content=b'{"rating": 5}', headers={"content-type": kind})
        assert answer.status_code in {415, 400}, (kind, answer.status_code)
    assert (await ada.get(f"/api/marketplace/personalities/{personality.id}")).json()["ratingCount"] == 0


@ONLY_SQLITE
async def test_every_way_of_our_own_pages_works(site: Site, ada: Person, personality: PersonalityTemplate) -> None:
    """The same call by the ways browsers really make it, so that the refusals above are about the forgery."""
    path, cookie = f"/api/marketplace/personalities/{personality.id}/rate", f"botbot_session={ada.secret}"
    honest = [
        {"origin": site.url},
        {"origin": site.url, "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
    ]
    async with api_client(site.url) as http:
        for headers in honest:
            answer = await http.post(path, json={"rating": 4}, headers={"cookie": cookie, **headers})
            assert answer.status_code == 200, (headers, answer.text)


@ONLY_SQLITE
async def test_a_bearer_token_needs_neither(site: Site, ada: Person, personality: PersonalityTemplate) -> None:
    script = await ada.by_token()
    path = f"/api/marketplace/personalities/{personality.id}/rate"
    assert (await script.post(path, json={"rating": 4})).status_code == 200
    assert (
        await script.post(path, json={"rating": 4}, headers={"origin": "https://my.tools.example"})
    ).status_code == 200


@ONLY_SQLITE
async def test_a_made_up_token_does_not_carry_a_cookie_past_the_check(
    site: Site, ada: Person, personality: PersonalityTemplate
) -> None:
    path = f"/api/marketplace/personalities/{personality.id}/rate"
    headers = {"cookie": f"botbot_session={ada.secret}", "origin": "https://evil.example"}
    async with api_client(site.url) as attacker:
        for token in ("Bearer bbt_", "Bearer bbt_wrong", "bearer bbt_wrong"):
            answer = await attacker.post(path, json={"rating": 1}, headers={**headers, "authorization": token})
            assert answer.status_code in {401, 403}, token
    assert (await ada.get(f"/api/marketplace/personalities/{personality.id}")).json()["ratingCount"] == 0


@ONLY_SQLITE
async def test_plain_http_is_another_origin_than_https(make_site: MakeSite, ada: Person) -> None:
    """Somebody on the network can forge pages of the plain address."""
    secure = await make_site(base_url=PUBLIC_URL)
    cookie = f"__Host-botbot_session={ada.secret}"
    host = PUBLIC_URL.removeprefix("https://")
    async with api_client(secure.url) as http:
        headers = {"cookie": cookie, "host": host}
        forged = await http.post("/api/auth/logout", headers={**headers, "origin": f"http://{host}"})
        honest = await http.post("/api/auth/logout", headers={**headers, "origin": PUBLIC_URL})
    assert (forged.status_code, honest.status_code) == (403, 204)


@ONLY_SQLITE
async def test_no_preflight_is_answered_with_leave(site: Site, client: httpx.AsyncClient) -> None:
    for path in ("/api/marketplace/personalities", "/api/auth/session", "/api/auth/logout"):
        headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
        answer = await client.options(path, headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        read = await client.get("/api/auth/session", headers={"origin": "https://evil.example"})
        assert not [name for name in read.headers if name.startswith("access-control-")]


@ONLY_SQLITE
async def test_reading_changes_nothing(
    site: Site, ada: Person, personality: PersonalityTemplate, deployment: Any
) -> None:
    """Every GET of the site, as Ada, with a query that would be a verb elsewhere."""
    paths = {
        filled(operation, personality, deployment)
        for operation in operations(site.house)
        if operation.method == "GET" and not operation.path.startswith("/api/auth/")
    }
    assert len(paths) >= 15
    before = await rows_of(site.house.db)
    for path in sorted(paths):
        for headers in ({"accept": "application/json"}, {"accept": "text/html"}):
            answer = await ada.get(f"{path}?action=remove&_method=DELETE", headers=headers)
            assert answer.status_code < 500, (path, answer.text)
    assert differences(before, await rows_of(site.house.db)) == {}
