"""One shape of failure on every route, for every kind of nonsense; a 500 only where something really broke."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from tests.support.engines import MOSTLY_SQLITE, ONLY_SQLITE
from tests.support.people import Person
from tests.support.routes import Operation, operations
from tests.support.serving import Site

from botbot.catalog.models import PersonalityTemplate
from botbot.errors import ApiError
from botbot.house import House
from botbot.sandbox import cast
from botbot.security.requests import MAX_UPLOAD, UPLOADS

SHAPE = set(ApiError.__struct_fields__)
JSON = {"content-type": "application/json"}
NONSENSE = {
    "no JSON": (b"{", JSON),
    "text": (b"hello", JSON),
    "as text/plain": (b'{"rating": 5, "message": "hi"}', {"content-type": "text/plain"}),
    "as a form": (b"rating=5", {"content-type": "application/x-www-form-urlencoded"}),
    "a list": (b"[]", JSON),
    "a number": (b"7", JSON),
    "null": (b"null", JSON),
    "invalid UTF-8": (b'{"message": "\xff\xfe", "review": "\xc3\x28"}', JSON),
    "nested 5,000 deep": (b"[" * 5000 + b"]" * 5000, JSON),
    "objects 5,000 deep": (b'{"a":' * 5000 + b"1" + b"}" * 5000, JSON),
    "2^63": (
        b'{"rating": 9223372036854775808, "discordGuildId": 9223372036854775808, "message": 9223372036854775808}',
        JSON,
    ),
    "a huge exponent": (b'{"rating": 1e400, "message": 1e400, "discordGuildId": 1e400}', JSON),
    "NaN": (b'{"rating": NaN, "message": NaN, "discordGuildId": NaN}', JSON),
    "NUL": (rb'{"rating": 5, "review": "\u0000", "message": "a\u0000", "discordGuildId": "\u0000"}', JSON),
    "lone surrogates": (rb'{"rating": 5, "review": "\ud800", "message": "\udfff", "discordGuildId": "\ud800"}', JSON),
    "wrong types": (
        b'{"rating": {}, "message": [], "discordGuildId": {}, "customizations": 7, "channelIds": "x"}',
        JSON,
    ),
    "twice the same key": (
        b'{"rating": 5, "rating": {}, "message": "a", "message": {}, "discordGuildId": {}, "customizations": 7}',
        JSON,
    ),
    "a byte order mark": (b'\xef\xbb\xbf{"rating": {}, "customizations": 7}', JSON),
    "UTF-16": ('{"rating": 5}'.encode("utf-16"), JSON),
    "a charset that is none": (
        b'{"rating": {}, "customizations": 7}',
        {"content-type": "application/json; charset=x-nonsense"},
    ),
    "a boundary that is none": (b"--x", {"content-type": "multipart/form-data"}),
    "broken multipart": (
        b"--b\r\nContent-Disposition: form-data\r\n\r\n",
        {"content-type": "multipart/form-data; boundary=b"},
    ),
    "compressed": (b"\x1f\x8b\x08nonsense", {**JSON, "content-encoding": "gzip"}),
}
LARGE = 11 * 1024 * 1024


@pytest.fixture
def api(site: Site) -> Any:
    return [
        each for each in operations(site.house) if each.path.startswith("/api/") and "auth/discord" not in each.path
    ]


@pytest.fixture
async def names(ada: Person, personality: PersonalityTemplate, drain: Callable[[], Awaitable[None]]) -> Any:
    answer = await ada.post(
        f"/api/marketplace/personalities/{personality.id}/deploy", json={"discordGuildId": str(cast.TEA_HOUSE)}
    )
    await drain()
    return {"personality_id": personality.id, "slug": personality.slug, "deployment_id": answer.json()["id"]}


def assert_failure(answer: httpx.Response, *, about: object) -> None:
    assert 400 <= answer.status_code < 600, (about, answer.status_code)
    assert answer.status_code != 500, (about, answer.text)
    body = answer.json()
    assert set(body) == SHAPE, (about, body)
    assert body["error"].replace("_", "").isalpha(), about
    assert body["error"] == body["error"].lower(), about
    assert body["message"].strip(), about
    assert isinstance(body["details"], dict), about


@MOSTLY_SQLITE
async def test_nonsense_bodies_on_every_operation(ada: Person, api: list[Operation], names: dict[str, str]) -> None:
    """As somebody who may, so that it is the body that is judged. What has no body may ignore one."""
    before = (await ada.get(f"/api/marketplace/personalities/{names['personality_id']}")).json()["ratingCount"]
    bodyless = ("/logout", "/pause", "/retry", "/favourite", "/helpful")
    for operation in api:
        if not operation.is_unsafe or operation.path.endswith(bodyless) or operation.method == "DELETE":
            continue
        for name, (content, headers) in NONSENSE.items():
            answer = await ada.http.request(operation.method, operation.at(**names), content=content, headers=headers)
            if operation.path.endswith("/resume") and answer.status_code in {202, 409}:
                continue
            assert_failure(answer, about=(operation, name))
    after = (await ada.get(f"/api/marketplace/personalities/{names['personality_id']}")).json()["ratingCount"]
    assert before == after == 0


@ONLY_SQLITE
async def test_unknown_paths_and_ids_are_404_everywhere(ada: Person, api: list[Operation]) -> None:
    for operation in api:
        if "{" in operation.path:
            body = {"rating": 5, "message": "hi", "discordGuildId": str(cast.TEA_HOUSE)}
            path = operation.at(personality_id="nobody", deployment_id="nothing")
            answer = await ada.http.request(operation.method, path, json=body if operation.is_unsafe else None)
            assert answer.status_code == 404 or "admin" in operation.path, (operation, answer.text)
            assert_failure(answer, about=operation)
    for path in ("/api", "/api/", "/api/nothing", "/api/marketplace", "/api/marketplace/personalities/x/y/z", "/x",
                 "/personalities", "/static/nothing.css", "/avatars/nothing.svg", "/%00", "/..%2f..%2fetc/passwd",
                 "/static/..%2f..%2fsettings.py"):  # fmt: skip
        answer = await ada.get(path)
        assert answer.status_code == 404, path
        assert_failure(answer, about=path)


@ONLY_SQLITE
async def test_wrong_methods_are_405_everywhere(ada: Person, site: Site) -> None:
    allowed: dict[str, set[str]] = {}
    for operation in operations(site.house):
        allowed.setdefault(operation.path, set()).add(operation.method)
    for path, methods in allowed.items():
        if path.startswith("/schema"):
            continue
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods:
            from tests.support.routes import Operation

            target = Operation(method, path).at()
            answer = await ada.http.request(method, target)
            assert answer.status_code == 405, (method, path, answer.status_code)
            told = {each.strip() for each in answer.headers.get("allow", "").split(",")}
            assert methods <= told, (method, path, told)
            assert_failure(answer, about=(method, path))


@ONLY_SQLITE
async def test_a_visitor_is_asked_to_sign_in_wherever_it_is_needed(
    client: httpx.AsyncClient, api: list[Operation], names: dict[str, str]
) -> None:
    open_to_all = (
        "/chat",
        "/logout",
        "/session",
        "/callback",
        "/categories",
        "/personalities",
        "/personalities/{personality_id}",
        "/reviews",
        "/page-times",
        "/receipts/{secret}",
    )
    for operation in api:
        if (
            operation.path.endswith(open_to_all)
            and operation.method in {"GET", "POST"}
            and "admin" not in operation.path
        ):
            continue
        json = {"rating": 5, "discordGuildId": str(cast.TEA_HOUSE)} if operation.is_unsafe else None
        answer = await client.request(operation.method, operation.at(**names), json=json)
        assert answer.status_code == 401, (operation, answer.status_code)
        assert_failure(answer, about=operation)
        assert answer.json()["error"] == "authentication_required"
        assert "/api/auth/discord" in answer.json()["details"]["loginUrl"]


@ONLY_SQLITE
class TestPagesAndPrograms:
    async def test_a_browser_gets_a_page(self, client: httpx.AsyncClient) -> None:
        for path in ("/nothing", "/personalities/nobody", "/deployments/nothing", "/static/x.css", "/account"):
            answer = await client.get(path, headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
            assert answer.status_code in {401, 404}, path
            assert answer.headers["content-type"].startswith("text/html"), path
            assert 'role="alert"' in answer.text
            assert "Traceback" not in answer.text

    async def test_everything_else_gets_json(self, client: httpx.AsyncClient) -> None:
        for accept in ("application/json", "*/*", "", "image/png", "text/plain", "text/html;q=0.1, application/json",
                       "garbage;;;q=x", "text/html;q=nan"):  # fmt: skip
            answer = await client.get("/nothing", headers={"accept": accept})
            assert answer.headers["content-type"].startswith("application/json"), accept
            assert_failure(answer, about=accept)

    async def test_the_api_answers_json_even_to_a_browser(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/api/marketplace/personalities/nobody", headers={"accept": "text/html"})
        assert_failure(answer, about="api")

    async def test_a_refused_forgery_from_a_page_is_a_page(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/logout", headers={"accept": "text/html", "origin": "https://evil.example"})
        assert answer.status_code == 403
        assert 'role="alert"' in answer.text

    async def test_a_failure_is_never_kept(self, client: httpx.AsyncClient) -> None:
        for path in ("/nothing", "/api/nothing"):
            assert (await client.get(path)).headers["cache-control"] == "no-store"


@ONLY_SQLITE
class TestSizes:
    async def test_eleven_megabytes_are_413(self, ada: Person, api: list[Operation], names: dict[str, str]) -> None:
        """Only an import may be larger; it has its own ceiling."""
        body = b'{"review": "' + b"x" * LARGE + b'"}'
        for operation in api:
            if not operation.is_unsafe or operation.path in UPLOADS:
                continue
            started = asyncio.get_running_loop().time()
            answer = await ada.http.request(operation.method, operation.at(**names), content=body, headers=JSON)
            assert answer.status_code == 413, (operation, answer.status_code)
            assert_failure(answer, about=operation)
            assert asyncio.get_running_loop().time() - started < 2

    async def test_an_import_has_a_ceiling_too(self, ada: Person) -> None:
        assert UPLOADS, "nothing is larger than the rest"
        for path in sorted(UPLOADS):
            answer = await ada.http.request("POST", path, content=b"x" * (MAX_UPLOAD + 1), headers=JSON)
            assert answer.status_code == 413

    async def test_a_body_without_a_length_is_counted_as_it_comes(self, ada: Person, names: dict[str, str]) -> None:
        async def endless() -> Any:
            yield b'{"review": "'
            for _ in range(LARGE // 65536):
                yield b"x" * 65536
            yield b'"}'

        path = f"/api/marketplace/personalities/{names['personality_id']}/rate"
        answer = await ada.post(path, content=endless(), headers=JSON)
        assert answer.status_code == 413
        assert_failure(answer, about="chunked")

    async def test_a_form_of_a_page_has_the_same_ceiling(self, ada: Person, names: dict[str, str]) -> None:
        answer = await ada.post(f"/personalities/{names['slug']}/rate", data={"review": "x" * LARGE})
        assert answer.status_code == 413

    async def test_a_form_with_ten_thousand_fields_is_refused(self, ada: Person, names: dict[str, str]) -> None:
        data = {f"field{n}": "x" for n in range(10_000)}
        answer = await ada.post(f"/personalities/{names['slug']}/rate", data=data)
        assert_failure(answer, about="fields")

    async def test_a_large_header_is_refused(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/healthz", headers={"x-large": "x" * 200_000})
        assert answer.status_code in {400, 431}

    async def test_a_long_address_is_no_500(self, client: httpx.AsyncClient) -> None:
        for path in (
            "/?search=" + "x" * 30_000,
            "/" + "x" * 30_000,
            "/?" + "&".join(f"category=c{n}" for n in range(3000)),
        ):
            answer = await client.get(path)
            assert answer.status_code < 500, path[:20]


@ONLY_SQLITE
class TestACrash:
    @pytest.fixture
    async def broken(self, house: House, personality: PersonalityTemplate) -> Any:
        """A row that no code of ours writes: its JSON is of another shape."""
        from sqlalchemy import text

        async with house.db.write() as session:
            await session.execute(
                text("update personality_templates set sample_conversations = '{\"x\": 1}', tags = '7'")
            )
        return f"/api/marketplace/personalities/{personality.id}"

    async def test_is_a_500_with_a_reference_and_nothing_of_the_inside(
        self, client: httpx.AsyncClient, broken: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        answer = await client.get("/personalities/atlas-the-scientist", headers={"accept": "application/json"})
        assert (answer.status_code, answer.json()["error"]) == (500, "internal_error")
        assert set(answer.json()) == SHAPE
        reference = answer.json()["details"]["reference"]
        assert reference in caplog.text, "an operator finds it in the log"
        for inside in ("Traceback", "sqlalchemy", "sqlite", "site-packages", "KeyError", "TypeError", ".py"):
            assert inside not in answer.text

    async def test_is_a_page_for_a_browser(self, client: httpx.AsyncClient, broken: str) -> None:
        answer = await client.get("/personalities/atlas-the-scientist", headers={"accept": "text/html"})
        assert answer.status_code == 500
        assert 'role="alert"' in answer.text
        assert "Traceback" not in answer.text

    async def test_leaves_the_next_request_alone(self, client: httpx.AsyncClient, broken: str) -> None:
        await client.get("/personalities/atlas-the-scientist")
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/api/marketplace/categories")).status_code == 200
