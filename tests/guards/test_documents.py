"""What we say about ourselves is complete: every route in the OpenAPI document, every setting in the guide."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from tests.support.engines import ONLY_SQLITE
from tests.support.routes import operations
from tests.support.serving import Site

from botbot.doctor import example
from botbot.settings import documented

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = [
    ("GET", "/api/marketplace/personalities"), ("GET", "/api/marketplace/personalities/{id}"),
    ("POST", "/api/marketplace/personalities/{id}/rate"), ("DELETE", "/api/marketplace/personalities/{id}/rate"),
    ("POST", "/api/marketplace/personalities/{id}/deploy"), ("GET", "/api/marketplace/deployments"),
    ("GET", "/api/marketplace/deployments/{id}"), ("PATCH", "/api/marketplace/deployments/{id}"),
    ("DELETE", "/api/marketplace/deployments/{id}"), ("POST", "/api/marketplace/deployments/{id}/pause"),
    ("POST", "/api/marketplace/deployments/{id}/resume"), ("POST", "/api/marketplace/deployments/{id}/retry"),
    ("GET", "/api/marketplace/categories"), ("POST", "/api/marketplace/preview/{id}/chat"),
    ("GET", "/api/auth/discord"), ("GET", "/api/auth/callback"), ("POST", "/api/auth/logout"),
    ("GET", "/api/auth/session"), ("GET", "/api/discord/guilds"),
    ("GET", "/api/marketplace/admin/personalities"), ("POST", "/api/marketplace/admin/personalities"),
    ("GET", "/api/marketplace/admin/personalities/{id}"), ("PUT", "/api/marketplace/admin/personalities/{id}"),
    ("DELETE", "/api/marketplace/admin/personalities/{id}"), ("POST", "/api/marketplace/admin/import"),
    ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics"), ("GET", "/openapi.json"),
]  # fmt: skip
"""What outsiders rely on; parameter names are the project's own."""


def nameless(path: str) -> Any:
    return re.sub(r"\{[^}]*\}", "{}", path.rstrip("/")) or "/"


@pytest.fixture
async def document(client: httpx.AsyncClient) -> Any:
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    return answer.json()


@ONLY_SQLITE
async def test_every_promised_route_exists(site: Site) -> None:
    present = {(each.method, nameless(each.path)) for each in operations(site.house)}
    missing = [f"{method} {path}" for method, path in CONTRACT if (method, nameless(path)) not in present]
    assert missing == []


@ONLY_SQLITE
async def test_every_api_route_is_described_and_every_description_has_its_route(
    site: Site, document: dict[str, Any]
) -> None:
    described = {
        (method.upper(), nameless(path))
        for path, item in document["paths"].items()
        for method in item
        if method in {"get", "post", "put", "patch", "delete"}
    }
    present = {
        (each.method, nameless(each.path))
        for each in operations(site.house)
        if each.path.startswith("/api/") or each.path in {"/healthz", "/readyz", "/metrics"}
    }
    assert present - described == set()
    assert described - present == set()


@ONLY_SQLITE
async def test_every_operation_says_what_it_does_and_how_it_fails(document: dict[str, Any]) -> None:
    ids = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation["summary"], (method, path)
            assert operation["responses"]["default"]["content"]["application/json"]["schema"], (method, path)
            ids.append(operation["operationId"])
    assert len(ids) == len(set(ids))


@ONLY_SQLITE
async def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    """The shape of 3.1, and every schema in it a valid JSON Schema of 2020-12."""
    assert document["openapi"].startswith("3.1")
    assert set(document) >= {"info", "paths", "components"}
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    known = set(document["components"]["schemas"])
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', str(document).replace("'", '"')))
    assert references <= known
    for path, item in document["paths"].items():
        named = set(re.findall(r"\{([^}]+)\}", path))
        for operation in item.values():
            given = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
            assert given == named, path


@ONLY_SQLITE
async def test_the_limits_of_numbers_are_in_the_document(document: dict[str, Any]) -> None:
    def schema(path: str, name: str) -> Any:
        parameters = document["paths"][path]["get"]["parameters"]
        found = next(each["schema"] for each in parameters if each["name"] == name)
        return next((each for each in found.get("oneOf", found.get("anyOf", [])) if each.get("type") != "null"), found)

    for path in ("/api/marketplace/personalities", "/api/marketplace/deployments"):
        limit = schema(path, "limit")
        assert (limit.get("minimum"), limit.get("maximum"), limit.get("default")) == (1, 100, 24), path
        assert schema(path, "page").get("minimum") == 1, path
    stars = schema("/api/marketplace/personalities", "minRating")
    assert (stars.get("minimum"), stars.get("maximum")) == (1, 5)


@ONLY_SQLITE
async def test_no_foreign_documentation_pages_are_served(client: httpx.AsyncClient) -> None:
    """The framework's own would load scripts from a CDN, which our policy forbids and nobody checked."""
    for path in ("/schema", "/schema/swagger", "/schema/redoc", "/schema/elements", "/schema/rapidoc", "/docs"):
        answer = await client.get(path)
        assert answer.status_code == 404, path


def test_every_setting_is_in_the_example_file() -> None:
    text = (ROOT / ".env.example").read_text()
    assert text == example(), "run `botbot doctor --example > .env.example`"
    for name, _, meaning in documented():
        assert f"# {name}=" in text
        assert meaning in text


@pytest.mark.parametrize("name", [name for name, _, _ in documented()])
def test_every_setting_is_in_the_guide(name: str) -> None:
    guide = ROOT / "docs" / "guide" / "settings.md"
    assert f"`{name}`" in guide.read_text()


def test_every_setting_of_the_contract_exists() -> None:
    promised = {
        "DATABASE_URL", "REDIS_URL", "BOTBOT_DATA_DIR", "BOTBOT_HOST", "BOTBOT_PORT", "BOTBOT_SANDBOX_PORT",
        "BOTBOT_BASE_URL", "BOTBOT_SECRET_KEY", "BOTBOT_ADMINS", "BOTBOT_TRUSTED_PROXIES", "DISCORD_CLIENT_ID",
        "DISCORD_CLIENT_SECRET", "DISCORD_BOT_TOKEN", "DISCORD_API_URL", "DISCORD_AUTHORIZE_URL", "DISCORD_PKCE",
        "DISCORD_MESSAGE_CONTENT", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "OPENAI_FALLBACK_MODELS",
        "BOTBOT_PREVIEW_PER_MINUTE", "BOTBOT_PREVIEW_PER_DAY", "BOTBOT_GUILD_TOKENS_PER_DAY", "BOTBOT_SESSION_DAYS",
        "BOTBOT_RETENTION_DAYS", "BOTBOT_LOG", "SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT",
    }  # fmt: skip
    assert promised <= {name for name, _, _ in documented()}
