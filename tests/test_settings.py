"""Settings: read once, checked strictly, shown without their secrets."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from botbot.errors import ValidationFailed
from botbot.settings import Settings, documented, load_settings, read_env_file, shown


def load(**environ: str) -> Any:
    return load_settings(environ, env_file=Path("/nonexistent/.env"))


def test_nothing_set_is_the_documented_default(tmp_path: Path) -> None:
    found = load()
    assert (found.host, found.port, found.sandbox_port) == ("127.0.0.1", 8000, 8001)
    assert found.public_url == "http://127.0.0.1:8000"
    assert found.redirect_uri == "http://127.0.0.1:8000/api/auth/callback"
    assert (found.discord_pkce, found.discord_message_content) == (True, False)
    assert (found.preview_per_minute, found.preview_per_day, found.guild_tokens_per_day) == (10, 2000, 200_000)
    assert (found.session_days, found.retention_days) == (14, 30)
    assert not found.has_model
    assert not found.has_discord
    assert found.is_sqlite


def test_each_setting_takes_a_value() -> None:
    given = {
        "DATABASE_URL": "postgresql://x@h/d", "REDIS_URL": "redis://h", "BOTBOT_DATA_DIR": "/d", "BOTBOT_HOST": "::1",
        "BOTBOT_PORT": "81", "BOTBOT_SANDBOX_PORT": "82", "BOTBOT_BASE_URL": "https://m.example/",
        "BOTBOT_SECRET_KEY": "a,b",
        "BOTBOT_ADMINS": "1, 2", "BOTBOT_TRUSTED_PROXIES": "10.0.0.1,10.1.0.0/16", "DISCORD_CLIENT_ID": "1",
        "DISCORD_CLIENT_SECRET": "s", "DISCORD_BOT_TOKEN": "t", "DISCORD_API_URL": "http://d/",
        "DISCORD_AUTHORIZE_URL": "http://a",
        "DISCORD_PKCE": "off", "DISCORD_MESSAGE_CONTENT": "ON", "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://o/v1/",
        "OPENAI_MODEL": "m", "OPENAI_FALLBACK_MODELS": "x, y", "BOTBOT_PREVIEW_PER_MINUTE": "3",
        "BOTBOT_PREVIEW_PER_DAY": "4",
        "BOTBOT_GUILD_TOKENS_PER_DAY": "5", "BOTBOT_SESSION_DAYS": "6", "BOTBOT_RETENTION_DAYS": "7",
        "BOTBOT_LOG": "json",
        "SENTRY_DSN": "https://s", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://t",
    }  # fmt: skip
    assert set(given) >= {name for name, _, _ in documented()} & set(given)
    found = load(**given)
    assert (found.base_url, found.is_https) == ("https://m.example", True)
    assert (found.admins, found.openai_fallback_models) == ((1, 2), ("x", "y"))
    assert found.trusted_proxies == ("10.0.0.1/32", "10.1.0.0/16")
    assert (found.discord_pkce, found.discord_message_content) == (False, True)
    assert found.secret_keys() == ("a", "b")
    assert found.discord_api_url == "http://d"
    assert found.effective_openai_base_url == "http://o/v1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BOTBOT_PORT", "eighty"), ("BOTBOT_PORT", "65536"), ("BOTBOT_PORT", "-1"), ("BOTBOT_PORT", "8000.5"),
        ("BOTBOT_PORT", "٣"), ("DISCORD_PKCE", "maybe"), ("BOTBOT_ADMINS", "ada"), ("BOTBOT_ADMINS", "1;2"),
        ("DATABASE_URL", "mysql://h/d"), ("REDIS_URL", "localhost:6379"),
        ("DATABASE_URL", "botbot.sqlite3"), ("BOTBOT_BASE_URL", "m.example"),
        ("BOTBOT_BASE_URL", "ftp://m"), ("DISCORD_API_URL", "discord.com"), ("OPENAI_BASE_URL", "localhost:1/v1"),
        ("BOTBOT_LOG", "xml"), ("BOTBOT_TRUSTED_PROXIES", "everyone"), ("BOTBOT_SESSION_DAYS", "two weeks"),
        ("BOTBOT_PREVIEW_PER_DAY", "1e9"), ("BOTBOT_SESSION_DAYS", "0"), ("BOTBOT_PORT", "0x50"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_named(name: str, value: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        load(**{name: value})
    assert set(refused.value.details["fields"]) == {name}


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(ValidationFailed) as refused:
        load(BOTBOT_PORT="x", DISCORD_PKCE="x", BOTBOT_LOG="x")
    assert set(refused.value.details["fields"]) == {"BOTBOT_PORT", "DISCORD_PKCE", "BOTBOT_LOG"}


def test_an_empty_value_counts_as_not_set() -> None:
    assert load(BOTBOT_PORT="", DISCORD_PKCE=" ").port == 8000


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(
        "# a comment\nBOTBOT_PORT=9000\nexport BOTBOT_HOST='0.0.0.0'\nOPENAI_MODEL=\"a=b\"\n\nnonsense\n"
        "DISCORD_CLIENT_ID = 7 \n"
    )
    found = load_settings({"BOTBOT_PORT": "9001"}, env_file=file)
    assert (found.port, found.host, found.openai_model, found.discord_client_id) == (9001, "0.0.0.0", "a=b", "7")
    assert read_env_file(tmp_path / "missing") == {}


def test_no_secret_is_ever_shown() -> None:
    secrets: dict[str, Any] = {
        "secret_key": "CANARY-1", "discord_client_secret": "CANARY-2", "discord_bot_token": "CANARY-3",
        "openai_api_key": "CANARY-4", "sentry_dsn": "https://CANARY-5@sentry.example/1",
        "database_url": "postgresql://user:CANARY-6@host/db", "redis_url": "redis://:CANARY-7@host",
    }  # fmt: skip
    text = str(shown(Settings(**secrets)))
    assert "CANARY" not in text
    assert "host/db" in text


class TestTheGeneratedKey:
    def test_is_made_once_and_for_its_owner_alone(self, tmp_path: Path) -> None:
        settings = Settings(data_dir=tmp_path / "data")
        first = settings.secret_keys()
        assert Settings(data_dir=tmp_path / "data").secret_keys() == first
        assert len(first[0]) >= 40
        mode = stat.S_IMODE((tmp_path / "data" / "secret.key").stat().st_mode)
        assert mode == 0o600
        assert len(list((tmp_path / "data").iterdir())) == 1

    def test_two_processes_that_start_at_once_agree(self, tmp_path: Path) -> None:
        settings, pids = Settings(data_dir=tmp_path), []
        for n in range(6):
            pid = os.fork()
            if not pid:
                (tmp_path / f"saw-{n}").write_text(settings.secret_keys()[0])
                os._exit(0)
            pids.append(pid)
        assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 6
        assert len({path.read_text() for path in tmp_path.glob("saw-*")}) == 1


def test_several_keys_decrypt_and_the_first_encrypts() -> None:
    from botbot.kit.cipher import Cipher

    old, new = Cipher(["old"]), Cipher(["new", "old"])
    assert new.decrypt(old.encrypt("talk")) == "talk"
    with pytest.raises(ValueError, match="not sealed"):
        old.decrypt(new.encrypt("talk"))
