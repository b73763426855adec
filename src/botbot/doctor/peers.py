"""What Redis, Discord and the model say when they are asked."""

from collections.abc import Iterator
from dataclasses import replace

import redis.asyncio
from redis.exceptions import RedisError

from botbot.doctor.findings import Finding, fine, found
from botbot.errors import BotBotError, DiscordRefused
from botbot.house import House
from botbot.peers.discord.wire import Application, GatewayInfo
from botbot.peers.llm import Message, ModelClient
from botbot.settings import PORTAL, Settings
from botbot.usage.rules import price_of

REDIS_SECONDS = 2.0
FEW_STARTS = 50
"""Of the thousand sign-ins to the gateway that Discord grants a day; below it the bot rests."""
MANY_SHARDS = 16
"""Some 16,000 to 40,000 servers."""
GREETING = (Message(role="user", content="Say hi."),)


async def look_at_redis(house: House) -> list[Finding]:
    if not house.settings.redis_url:
        return []
    waits = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
    client = redis.asyncio.from_url(house.settings.redis_url, **waits)
    try:
        await client.ping()
    except (RedisError, OSError, TimeoutError) as error:
        text = f"it doesn't answer ({type(error).__name__}), so limits hold per process. Check REDIS_URL"
        return [found("redis_unreachable", text)]
    finally:
        await client.aclose()
    return [fine("redis", "it answers")]


async def look_at_discord(house: House) -> list[Finding]:
    if not house.settings.has_discord:
        return []
    try:
        application = await house.discord.get_application()
        gateway = await house.discord.get_gateway()
    except DiscordRefused as error:
        return [found("discord_refuses_token", f"{error.message} Check DISCORD_BOT_TOKEN ({PORTAL}, Bot).")]
    except BotBotError as error:
        return [found("discord_unreachable", f"{error.message} Check DISCORD_API_URL and the network.")]
    signed_in = fine("discord", f"signed in as {application.name}")
    return [signed_in, *of_application(application, house.settings), *of_gateway(gateway)]


def of_application(application: Application, settings: Settings) -> Iterator[Finding]:
    """What the portal's settings mean for us."""
    if not application.bot_require_code_grant:
        text = f"switch “Requires OAuth2 Code Grant” on at {PORTAL}, Bot page: it proves each install"
        yield found("discord_code_grant_off", text)
    if str(application.id) != settings.discord_client_id:
        yield found("discord_other_application", "DISCORD_CLIENT_ID belongs to another one than DISCORD_BOT_TOKEN")
    if settings.redirect_uri not in application.redirect_uris:
        yield found("discord_redirect_missing", f"add {settings.redirect_uri} to the redirects ({PORTAL}, OAuth2)")
    if settings.discord_message_content and not application.may_read_messages:
        text = f"DISCORD_MESSAGE_CONTENT is on, but the intent isn't ({PORTAL}, Bot): the bot can't connect"
        yield found("discord_intent_refused", text)
    if application.interactions_endpoint_url:
        text = f"commands go to {application.interactions_endpoint_url}: empty that field ({PORTAL}, General)"
        yield found("discord_interactions_elsewhere", text)
    if not application.bot_public:
        text = f"only you may install the bot; switch “Public Bot” on ({PORTAL}, Bot)"
        yield found("discord_bot_private", text)
    if not (application.privacy_policy_url and application.terms_of_service_url):
        text = f"name {settings.public_url}/privacy and {settings.public_url}/terms at {PORTAL}; Discord shows them"
        yield found("discord_pages_missing", text)


def of_gateway(gateway: GatewayInfo) -> Iterator[Finding]:
    left = gateway.session_start_limit.remaining
    if left < FEW_STARTS:
        text = f"{left} sign-ins to the gateway are left today; something restarts the bot too often"
        yield found("discord_starts_few", text)
    if gateway.shards > MANY_SHARDS:
        text = (
            f"Discord wants {gateway.shards} shards, and one process of ours keeps them all: watch its memory and CPU"
        )
        yield found("discord_shards_many", text)


async def look_at_model(house: House) -> list[Finding]:
    if not house.model.is_configured:
        return []
    findings = await _ask(house.settings)
    for name in house.settings.openai_fallback_models:
        if any(each.is_wrong for each in await _ask(_only(house.settings, name))):
            text = f"{name} gives no reply, so it can't stand in for {house.settings.openai_model}"
            findings.append(found("model_fallback_fails", text))
    return findings


def _only(settings: Settings, model: str) -> Settings:
    return replace(settings, openai_model=model, openai_fallback_models=())


async def _ask(settings: Settings) -> list[Finding]:
    """The first model alone: with others behind it nobody would notice that it fails."""
    client = ModelClient(_only(settings, settings.openai_model))
    try:
        reply = await client.complete(list(GREETING), max_tokens=16)
    except BotBotError as error:
        return [found("model_fails", f"{error.message} Check OPENAI_BASE_URL, OPENAI_API_KEY and OPENAI_MODEL.")]
    finally:
        await client.aclose()
    return [fine("model", f"{reply.model} answers"), _price(settings, reply.model)]


def _price(settings: Settings, model: str) -> Finding:
    """As the model calls itself, which is what usage is noted under."""
    price = price_of(settings.openai_prices, model)
    if price is None:
        text = f"OPENAI_PRICES has no price for {model}: its tokens are counted, its money is 0"
        return found("model_has_no_price", text)
    return fine("price", f"{model} costs ${price.prompt} / ${price.completion} per million tokens")
