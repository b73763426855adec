"""What Redis, Discord and the model answer, and what the doctor makes of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.engines import ONLY_SQLITE

from botbot.doctor import Finding, examine
from botbot.sandbox.handle import DiscordHandle
from botbot.sandbox.model.control import ModelControl
from botbot.settings import Settings

pytestmark = ONLY_SQLITE
APPLICATION = "/applications/@me"


async def found(settings: Settings, **changes: Any) -> dict[str, Finding]:
    findings = await examine(replace(settings, **changes), {}, Path("none"))
    return {each.name: each for each in findings}


def portal(settings: Settings, **changes: Any) -> dict[str, Any]:
    """The application as an operator who did everything right sees it."""
    return {
        "id": settings.discord_client_id,
        "name": "BotBot",
        "bot_public": True,
        "bot_require_code_grant": True,
        "redirect_uris": [settings.redirect_uri],
        "privacy_policy_url": "https://market.example/privacy",
        "terms_of_service_url": "https://market.example/terms",
    } | changes


async def test_with_the_sandbox_nothing_is_wrong(settings: Settings) -> None:
    findings = await found(settings)
    assert [str(each) for each in findings.values() if each.is_wrong] == []
    assert {"discord", "model", "database"} <= set(findings)


@pytest.mark.parametrize(
    ("name", "application", "changes"),
    [
        ("discord_bot_private", {"bot_public": False}, {}),
        ("discord_code_grant_off", {"bot_require_code_grant": False}, {}),
        ("discord_intent_refused", {"flags": 0}, {"discord_message_content": True}),
        ("discord_interactions_elsewhere", {"interactions_endpoint_url": "https://elsewhere.example"}, {}),
        ("discord_other_application", {"id": "42"}, {}),
        ("discord_pages_missing", {"privacy_policy_url": None}, {}),
        ("discord_redirect_missing", {"redirect_uris": ["https://old.example/api/auth/callback"]}, {}),
    ],
)
async def test_a_switch_of_the_portal_that_stands_wrong_is_named(
    settings: Settings, discord: DiscordHandle, name: str, application: dict[str, Any], changes: dict[str, Any]
) -> None:
    discord.fail("GET", APPLICATION, status=200, body=portal(settings, flags=1 << 19))
    assert name not in await found(settings, **changes)
    discord.fail("GET", APPLICATION, status=200, body=portal(settings, **application))
    assert name in await found(settings, **changes)


@pytest.mark.parametrize(
    ("name", "gateway"),
    [
        ("discord_starts_few", {"session_start_limit": {"total": 1000, "remaining": 49, "reset_after": 1000}}),
        ("discord_shards_many", {"shards": 17}),
    ],
)
async def test_a_gateway_near_its_limits_is_named(
    settings: Settings, discord: DiscordHandle, name: str, gateway: dict[str, Any]
) -> None:
    assert name not in await found(settings)
    discord.fail("GET", "/gateway/bot", status=200, body={"url": "wss://gateway.example", "shards": 1} | gateway)
    assert name in await found(settings)


async def test_a_token_that_is_refused_and_a_discord_that_is_away_are_two_things(settings: Settings) -> None:
    assert "discord_refuses_token" in await found(settings, discord_bot_token="wrong.token.here")
    away = await found(settings, discord_api_url="http://127.0.0.1:1/api/v10")
    assert away["discord_unreachable"].is_wrong
    assert "discord_refuses_token" not in away


async def test_a_model_that_fails_a_stand_in_that_fails_and_a_missing_price(
    settings: Settings, model: ModelControl
) -> None:
    nothing = "http://127.0.0.1:1/v1"
    assert (await found(settings, openai_base_url=nothing))["model_fails"].is_wrong
    plain = await found(settings)
    assert "model_has_no_price" in plain
    assert not {"model_fails", "model_fallback_fails"} & set(plain)
    priced = await found(settings, openai_prices=("*=1/4",), openai_fallback_models=("second",))
    assert "model_has_no_price" not in priced
    assert "model_fallback_fails" not in priced
    beside = await found(settings, openai_base_url=nothing, openai_fallback_models=("second",))
    assert "model_fallback_fails" in beside


async def test_a_redis_that_does_not_answer_is_named(settings: Settings) -> None:
    findings = await found(settings, redis_url="redis://127.0.0.1:1/0")
    assert findings["redis_unreachable"].is_wrong
    assert "redis_not_set" not in findings
