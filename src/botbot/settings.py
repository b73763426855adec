"""Every setting: typed, documented, read once, printable with its secrets hidden.

Values come from the environment, else from a `.env` file in the working directory, else from the default here.
`.env.example` is generated from this file (`botbot doctor --example`), and a test holds the two together."""

import ipaddress
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from botbot.errors import ValidationFailed

SECRET = {"BOTBOT_SECRET_KEY", "DISCORD_CLIENT_SECRET", "DISCORD_BOT_TOKEN", "OPENAI_API_KEY", "SENTRY_DSN"}
PORTAL = "https://discord.com/developers/applications"
SHARED_FROM = 1000
"""A site's day with fewer preview calls is too small to be divided."""
PRICE = re.compile(r"[^=,\s]{1,100}=\d{1,6}(\.\d{1,6})?/\d{1,6}(\.\d{1,6})?", re.ASCII)
"""One entry of `OPENAI_PRICES`: a model, what a million prompt tokens cost, what a million completion tokens do."""


def _setting(env: str, default: Any, meaning: str, shown: str | None = None) -> Any:
    metadata = {"env": env, "meaning": meaning, "shown": str(default) if shown is None else shown}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """One process's configuration. Build it with `load_settings`; tests pass values by name."""

    database_url: str = _setting(
        "DATABASE_URL", "", "`sqlite:///…` or `postgresql://…`", "a SQLite file in BOTBOT_DATA_DIR"
    )
    redis_url: str = _setting("REDIS_URL", "", "exact rate limits across processes", "none")
    data_dir: Path = _setting("BOTBOT_DATA_DIR", Path("./data"), "SQLite file, uploads, generated secret key", "./data")
    host: str = _setting("BOTBOT_HOST", "127.0.0.1", "where the web listens")
    port: int = _setting("BOTBOT_PORT", 8000, "where the web listens")
    sandbox_port: int = _setting("BOTBOT_SANDBOX_PORT", 8001, "where the sandbox listens, on loopback only")
    base_url: str = _setting(
        "BOTBOT_BASE_URL",
        "",
        "the public URL; Discord's redirect URI is `{base}/api/auth/callback`",
        "from host and port",
    )
    secret_key: str = _setting(
        "BOTBOT_SECRET_KEY",
        "",
        "encrypts tokens and stored message text; several keys, comma-separated: the first encrypts, all decrypt",
        "generated once, kept 0600 in the data dir",
    )
    admins: tuple[int, ...] = _setting("BOTBOT_ADMINS", (), "comma-separated Discord user ids that are admins", "none")
    trusted_proxies: tuple[str, ...] = _setting(
        "BOTBOT_TRUSTED_PROXIES", (), "addresses or networks whose `X-Forwarded-*` is believed", "none"
    )
    discord_client_id: str = _setting(
        "DISCORD_CLIENT_ID", "", f"your application's id ({PORTAL} → General Information)", "none"
    )
    discord_client_secret: str = _setting("DISCORD_CLIENT_SECRET", "", f"its OAuth2 secret ({PORTAL} → OAuth2)", "none")
    discord_bot_token: str = _setting("DISCORD_BOT_TOKEN", "", f"its bot token ({PORTAL} → Bot)", "none")
    discord_api_url: str = _setting(
        "DISCORD_API_URL", "https://discord.com/api/v10", "REST and token endpoints; the gateway comes from it"
    )
    discord_authorize_url: str = _setting(
        "DISCORD_AUTHORIZE_URL", "https://discord.com/oauth2/authorize", "where browsers are sent to sign in"
    )
    discord_pkce: bool = _setting("DISCORD_PKCE", True, "PKCE on both redirects (`on` or `off`)", "on")
    discord_message_content: bool = _setting(
        "DISCORD_MESSAGE_CONTENT", False, "the privileged intent (`on` or `off`)", "off"
    )
    openai_api_key: str = _setting("OPENAI_API_KEY", "", "key of an OpenAI-compatible server", "none")
    openai_base_url: str = _setting(
        "OPENAI_BASE_URL",
        "",
        "that server; with neither key nor base URL, previews answer with sample replies only",
        "https://api.openai.com/v1 once a key is set",
    )
    openai_model: str = _setting("OPENAI_MODEL", "gpt-5-mini", "the model to ask")
    openai_fallback_models: tuple[str, ...] = _setting(
        "OPENAI_FALLBACK_MODELS", (), "comma-separated; tried in order before sample replies", "none"
    )
    openai_prices: tuple[str, ...] = _setting(
        "OPENAI_PRICES",
        (),
        "US dollars per million prompt and completion tokens, such as `gpt-5-mini=0.25/2,*=1/4`; without one a model "
        "counts as free",
        "none",
    )
    preview_per_minute: int = _setting(
        "BOTBOT_PREVIEW_PER_MINUTE", 10, "preview messages per visitor (address and session) per minute"
    )
    preview_per_day: int = _setting(
        "BOTBOT_PREVIEW_PER_DAY", 2000, "model calls by previews, whole site, per day: a hard cap"
    )
    preview_per_visitor_day: int | None = _setting(
        "BOTBOT_PREVIEW_PER_VISITOR_DAY",
        None,
        "model calls by previews, one visitor's address, per day: a hard cap",
        "half of BOTBOT_PREVIEW_PER_DAY; all of it where that is below 1000",
    )
    preview_per_personality_day: int | None = _setting(
        "BOTBOT_PREVIEW_PER_PERSONALITY_DAY",
        None,
        "model calls by previews of one personality, per day: a hard cap",
        "half of BOTBOT_PREVIEW_PER_DAY; all of it where that is below 1000",
    )
    preview_streams: int = _setting(
        "BOTBOT_PREVIEW_STREAMS", 400, "preview replies that one process writes at the same time"
    )
    guild_tokens_per_day: int = _setting(
        "BOTBOT_GUILD_TOKENS_PER_DAY", 200_000, "model tokens one server may spend per day: a hard cap"
    )
    deployments_per_person: int = _setting(
        "BOTBOT_DEPLOYMENTS_PER_PERSON", 100, "deploys, changes and removals by one person in an hour"
    )
    deployments_per_server: int = _setting(
        "BOTBOT_DEPLOYMENTS_PER_SERVER", 40, "deploys, changes and removals in one server in an hour"
    )
    session_days: int = _setting("BOTBOT_SESSION_DAYS", 14, "absolute session lifetime; the idle limit is half of it")
    retention_days: int = _setting("BOTBOT_RETENTION_DAYS", 30, "days that conversation text is kept, then deleted")
    operator: str = _setting("BOTBOT_OPERATOR", "", "who runs this marketplace, as `/privacy` and `/terms` say", "none")
    contact: str = _setting(
        "BOTBOT_CONTACT", "", "where people reach them about their data: an e-mail or web address", "none"
    )
    log: str = _setting("BOTBOT_LOG", "", "log format: `text` or `json`", "text on a terminal, else json")
    page_times: bool = _setting(
        "BOTBOT_PAGE_TIMES", False, "count how long pages took in visitors' browsers (`on` or `off`)", "off"
    )
    sentry_dsn: str = _setting("SENTRY_DSN", "", "where errors are reported, without personal text", "none")
    otel_endpoint: str = _setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT", "", "where traces are sent, by OTLP over HTTP; `/v1/traces` is added", "none"
    )

    @property
    def public_url(self) -> str:
        """The base of every absolute link, without a trailing slash."""
        return (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def redirect_uri(self) -> str:
        return f"{self.public_url}/api/auth/callback"

    @property
    def is_sqlite(self) -> bool:
        return self.effective_database_url.startswith("sqlite")

    @property
    def effective_database_url(self) -> str:
        return self.database_url or f"sqlite:///{(self.data_dir / 'botbot.sqlite3').resolve()}"

    @property
    def effective_openai_base_url(self) -> str:
        return self.openai_base_url or ("https://api.openai.com/v1" if self.openai_api_key else "")

    @property
    def has_model(self) -> bool:
        return bool(self.effective_openai_base_url)

    @property
    def visitor_calls_per_day(self) -> int:
        """The cap in force for one visitor's previews."""
        return self._share(self.preview_per_visitor_day)

    @property
    def personality_calls_per_day(self) -> int:
        """The cap in force for one personality's previews."""
        return self._share(self.preview_per_personality_day)

    def _share(self, given: int | None) -> int:
        """Half of the site's day where nothing is said, so that one visitor or one favourite can't use up all of it."""
        site = self.preview_per_day
        return given if given is not None else site // 2 if site >= SHARED_FROM else site

    @property
    def missing_discord(self) -> tuple[str, ...]:
        """The names of the `DISCORD_*` settings that are still needed to sign people in and to talk."""
        needed = {
            "DISCORD_CLIENT_ID": self.discord_client_id,
            "DISCORD_CLIENT_SECRET": self.discord_client_secret,
            "DISCORD_BOT_TOKEN": self.discord_bot_token,
        }
        return tuple(name for name, value in needed.items() if not value)

    @property
    def has_discord(self) -> bool:
        return not self.missing_discord

    def secret_keys(self) -> tuple[str, ...]:
        """The encryption keys, newest first; the generated one is made on first use.

        The file is created exclusively with mode 0600, so two processes that start at once agree on one key."""
        given = tuple(part.strip() for part in self.secret_key.split(",") if part.strip())
        return given or (_kept_key(self.data_dir / "secret.key"),)


def _kept_key(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    if not path.exists():
        with os.fdopen(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            os.link(staged, path)  # atomic, and refuses to replace: the first process wins
        except FileExistsError:
            pass
        finally:
            staged.unlink()
    return path.read_text().strip()


def documented() -> list[tuple[str, str, str]]:
    """Every setting as (environment name, default as shown, meaning), in the order of this file."""
    return [(f.metadata["env"], f.metadata["shown"], f.metadata["meaning"]) for f in fields(Settings)]


def shown(settings: Settings) -> list[tuple[str, str]]:
    """Every setting as (environment name, value), with secrets and passwords in URLs hidden."""
    return [(f.metadata["env"], _hide(f.metadata["env"], getattr(settings, f.name))) for f in fields(Settings)]


def _hide(env: str, value: Any) -> str:
    text = ",".join(map(str, value)) if isinstance(value, tuple) else "" if value is None else str(value)
    if isinstance(value, bool):
        return "on" if value else "off"
    if env in SECRET and text:
        return "(set, hidden)"
    if "://" in text and "@" in text:
        scheme, rest = text.split("://", 1)
        return f"{scheme}://(hidden)@{rest.rsplit('@', 1)[1]}"
    return text or "(not set)"


def read_env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines; `#` starts a comment line; matching quotes around a value are dropped."""
    if not path.is_file():
        return {}
    values: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if separator and not name.startswith("#"):
            value = value.strip()
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
            values[name.strip()] = value[1:-1] if quoted else value
    return values


def load_settings(environ: Mapping[str, str] | None = None, env_file: Path = Path(".env")) -> Settings:
    """Read every setting once. Raises `ValidationFailed` with one line for each value that makes no sense."""
    source = {**read_env_file(env_file), **(os.environ if environ is None else environ)}
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for each in fields(Settings):
        text = source.get(each.metadata["env"], "").strip()
        if not text:
            continue
        try:
            values[each.name] = _parse(each.name, each.default, text)
        except ValueError as error:
            wrong[each.metadata["env"]] = str(error)
    if wrong:
        raise ValidationFailed("Some settings can't be used.", fields=wrong)
    return Settings(**values)


def _parse(name: str, default: Any, text: str) -> Any:
    if isinstance(default, bool):
        return _parse_switch(text)
    if isinstance(default, int) or default is None:
        return _parse_number(name, text)
    if isinstance(default, Path):
        return Path(text)
    if isinstance(default, tuple):
        return _parse_list(name, text)
    return _parse_text(name, text)


def _parse_switch(text: str) -> bool:
    if text.lower() in {"on", "true", "yes", "1"}:
        return True
    if text.lower() in {"off", "false", "no", "0"}:
        return False
    raise ValueError("must be on or off")


def _parse_number(name: str, text: str) -> int:
    lowest, highest = (1 if name.endswith("_days") else 0), (65535 if name.endswith("port") else 10**12)
    if not re.fullmatch("[0-9]{1,15}", text) or not lowest <= int(text) <= highest:
        raise ValueError(f"must be a whole number from {lowest} to {highest}")
    return int(text)


def _parse_list(name: str, text: str) -> tuple[Any, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if name == "admins":
        if not all(part.isascii() and part.isdigit() for part in parts):
            raise ValueError("must be Discord user ids (digits), separated by commas")
        return tuple(int(part) for part in parts)
    if name == "trusted_proxies":
        return tuple(str(ipaddress.ip_network(part, strict=False)) for part in parts)
    if name == "openai_prices" and not all(PRICE.fullmatch(part) for part in parts):
        raise ValueError("must be model=prompt/completion in dollars per million tokens, separated by commas")
    return tuple(parts)


def _parse_text(name: str, text: str) -> str:
    if name == "database_url" and not text.startswith(("sqlite:///", "postgresql://", "postgres://")):
        raise ValueError("must start with sqlite:/// or postgresql://")
    if name == "redis_url" and not text.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("must start with redis://, rediss:// or unix://")
    if name in {"base_url", "discord_api_url", "discord_authorize_url", "openai_base_url", "otel_endpoint"}:
        if not text.startswith(("http://", "https://")):
            raise ValueError("must be a full http:// or https:// address")
        return text.rstrip("/")
    if name == "log" and text not in {"text", "json"}:
        raise ValueError("must be text or json")
    return text
