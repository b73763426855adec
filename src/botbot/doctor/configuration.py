"""What the settings alone can tell, without asking anybody."""

import difflib
import ipaddress
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from botbot.doctor.findings import Finding, found
from botbot.settings import PORTAL, Settings, documented, read_env_file

OURS = ("BOTBOT_", "DISCORD_", "OPENAI_")
SHORT_KEY = 32
"""Characters; keys are stretched by one SHA-256, so they must be random and long themselves."""


def look(settings: Settings, environ: Mapping[str, str], env_file: Path) -> Iterator[Finding]:
    yield from _unknown(environ, read_env_file(env_file))
    yield from _address(settings)
    yield from _keys(settings)
    yield from _peers(settings)
    if not settings.redis_url:
        text = "not set: limits hold per process, which is right for one web process. With several, set REDIS_URL"
        yield found("redis_not_set", text)
    if 0 in (settings.preview_per_minute, settings.preview_per_day):
        yield found("previews_are_off", "BOTBOT_PREVIEW_PER_MINUTE or BOTBOT_PREVIEW_PER_DAY is 0")
    if settings.guild_tokens_per_day == 0:
        yield found("replies_are_off", "BOTBOT_GUILD_TOKENS_PER_DAY is 0, so no personality answers by the model")


def _unknown(environ: Mapping[str, str], from_file: Mapping[str, str]) -> Iterator[Finding]:
    known = {name for name, _, _ in documented()}
    given = {name for name in (*environ, *from_file) if name.startswith(OURS)}  # Compose reads the file too.
    for name in sorted(given - known):
        close = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {close[0]}?" if close else "`.env.example` lists them all"
        yield found("setting_unknown", f"{name} is no setting of ours: {hint}")


def _address(settings: Settings) -> Iterator[Finding]:
    url = urlsplit(settings.public_url)
    if settings.base_url and not settings.is_https and not is_local(url.hostname or ""):
        text = "is public but not https, so cookies can't be protected: put a proxy with a certificate in front"
        yield found("base_url_not_https", f"BOTBOT_BASE_URL {text}")
    if url.path or url.query or url.fragment:
        yield found(
            "base_url_with_path", "BOTBOT_BASE_URL must end after the host; a site of its own, no folder of one"
        )
    if not settings.base_url and not is_local(settings.host):
        text = f"BOTBOT_HOST is {settings.host}, but BOTBOT_BASE_URL doesn't say what people type: links and forms fail"
        yield found("base_url_missing", text)
    if settings.is_https and not settings.trusted_proxies:
        text = "https needs a proxy in front; name it in BOTBOT_TRUSTED_PROXIES, or all visitors share one rate limit"
        yield found("proxies_missing", text)
    if any(ipaddress.ip_network(each).prefixlen == 0 for each in settings.trusted_proxies):
        text = "BOTBOT_TRUSTED_PROXIES believes everybody, so anyone may claim any address: name the proxy alone"
        yield found("proxy_is_everyone", text)


def _keys(settings: Settings) -> Iterator[Finding]:
    given = [part.strip() for part in settings.secret_key.split(",") if part.strip()]
    if any(len(key) < SHORT_KEY for key in given):
        text = (
            f"a key of BOTBOT_SECRET_KEY has fewer than {SHORT_KEY} characters and may be guessed; put a new one first"
        )
        yield found("secret_key_short", text)
    if not given and not settings.is_sqlite:
        text = "each data directory makes a key of its own, and several can't read each other's: set BOTBOT_SECRET_KEY"
        yield found("secret_key_not_shared", text)


def _peers(settings: Settings) -> Iterator[Finding]:
    if missing := settings.missing_discord:
        yield found("discord_not_configured", f"set {', '.join(missing)}; you find them at {PORTAL}")
    if settings.is_https and is_local(urlsplit(settings.discord_api_url).hostname or ""):
        text = "a public site that talks to a Discord on this machine: unset DISCORD_API_URL and DISCORD_AUTHORIZE_URL"
        yield found("discord_is_a_stand_in", text)
    model = urlsplit(settings.effective_openai_base_url)
    if not settings.has_model:
        text = "none set, so chats answer with sample replies; set OPENAI_API_KEY or OPENAI_BASE_URL"
        yield found("model_is_off", text)
    elif model.scheme == "http" and not _is_near(model.hostname or ""):
        yield found("model_not_sealed", "OPENAI_BASE_URL is not https: what people say travels in the open")


def is_local(host: str) -> bool:
    """This machine, as far as a name can tell."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_near(host: str) -> bool:
    """This machine, a network of one's own, or a name without a dot, as containers have."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".internal", ".local"))
