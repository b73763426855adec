"""What the settings and the machine alone give away."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from botbot.doctor import examine
from botbot.doctor.configuration import look
from botbot.doctor.machine import look as look_at_machine
from botbot.doctor.machine import of_mounts, of_room
from botbot.settings import Settings

KEY = "k" * 40
PUBLIC = {"base_url": "https://market.example", "trusted_proxies": ("10.0.0.1/32",)}
DISCORD = {"discord_client_id": "1", "discord_client_secret": "x", "discord_bot_token": "x"}


def names(settings: Settings, environ: dict[str, str] | None = None, env_file: Path = Path("none")) -> set[str]:
    return {each.name for each in look(settings, environ or {}, env_file)}


def on(machine: Settings, env_file: Path = Path("none")) -> set[str]:
    return {each.name for each in look_at_machine(machine, env_file)}


@pytest.mark.parametrize(
    ("name", "changes", "without"),
    [
        ("base_url_missing", {"host": "0.0.0.0"}, {"host": "127.0.0.1"}),
        ("base_url_not_https", {"base_url": "http://market.example"}, {"base_url": "http://localhost:8000"}),
        ("base_url_with_path", {"base_url": "https://market.example/bots"}, PUBLIC),
        ("discord_is_a_stand_in", {**PUBLIC, "discord_api_url": "http://127.0.0.1:8001/api/v10"}, PUBLIC),
        ("discord_not_configured", {"discord_client_id": "1"}, DISCORD),
        ("model_is_off", {}, {"openai_api_key": "x"}),
        ("model_not_sealed", {"openai_base_url": "http://model.example/v1"}, {"openai_base_url": "http://ollama:1/v1"}),
        ("previews_are_off", {"preview_per_day": 0}, {"preview_per_day": 1}),
        ("previews_are_off", {"preview_per_minute": 0}, {}),
        ("proxies_missing", {"base_url": "https://market.example"}, PUBLIC),
        ("proxy_is_everyone", {"trusted_proxies": ("10.0.0.0/8", "::/0")}, {"trusted_proxies": ("10.0.0.0/8",)}),
        ("redis_not_set", {}, {"redis_url": "redis://redis:6379/0"}),
        ("replies_are_off", {"guild_tokens_per_day": 0}, {}),
        ("secret_key_not_shared", {"database_url": "postgresql://db/x"}, {}),
        ("secret_key_short", {"secret_key": f"{KEY},short"}, {"secret_key": KEY}),
    ],
)
def test_a_setting_that_leads_nowhere_good_is_named(
    name: str, changes: dict[str, Any], without: dict[str, Any]
) -> None:
    assert name in names(Settings(**changes))
    assert name not in names(Settings(**without))


@pytest.mark.parametrize("in_file", [True, False])
def test_a_misspelt_setting_is_named_wherever_it_stands(tmp_path: Path, in_file: bool) -> None:
    """`setting_unknown`, with the name in its text."""
    file = tmp_path / "env"
    file.write_text("BOTBOT_ADMIN=1\nBOTBOT_PORT=1\n" if in_file else "")
    environ = {} if in_file else {"BOTBOT_ADMIN": "1", "BOTBOT_PORT": "1", "PATH": "/bin"}
    found = [each for each in look(Settings(), environ, file) if each.name == "setting_unknown"]
    assert [each.text.split()[0] for each in found] == ["BOTBOT_ADMIN"]
    assert found[0].text.endswith("did you mean BOTBOT_ADMINS?")


def test_a_folder_or_a_file_that_others_may_read_is_named(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", secret_key=KEY)
    (tmp_path / "data").mkdir(mode=0o700)
    key, env_file = tmp_path / "data" / "secret.key", tmp_path / "env"
    key.write_text(KEY)
    env_file.write_text("DISCORD_BOT_TOKEN=x")
    for path in (key, env_file):
        path.chmod(0o600)
    exposed = {"data_dir_open", "secret_key_open", "settings_file_open"}
    assert not exposed & on(settings, env_file)
    for path in (tmp_path / "data", key, env_file):
        path.chmod(0o755)
    assert exposed <= on(settings, env_file)
    env_file.write_text("BOTBOT_PORT=1")
    assert "settings_file_open" not in on(settings, env_file)


async def test_a_data_directory_that_cannot_be_is_said_before_anything_is_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = await examine(Settings(data_dir=tmp_path / "file" / "data"), {}, tmp_path / "none")
    assert "data_dir_unusable" in {each.name for each in found if each.is_wrong}
    assert not any(each.name.startswith("database") for each in found)


async def test_a_rule_file_that_cannot_be_used_keeps_the_house_closed(tmp_path: Path) -> None:
    (tmp_path / "moderation").mkdir()
    (tmp_path / "moderation" / "mine.toml").write_text("name = ")
    found = await examine(Settings(data_dir=tmp_path), {}, tmp_path / "none")
    assert "moderation_rules_broken" in {each.name for each in found if each.is_wrong}


@pytest.mark.parametrize(("free", "named"), [(1, ["disk_full"]), (500 << 20, ["disk_nearly_full"]), (2 << 30, [])])
def test_little_room_is_named(free: int, named: list[str]) -> None:
    assert [each.name for each in of_room(free)] == named


MOUNTS = "/dev/sda / ext4 rw 0 0\nnas:/export /srv/shared nfs4 rw 0 0\n"


@pytest.mark.parametrize(
    ("path", "named"), [("/srv/shared/data", ["database_on_network_drive"]), ("/srv/own", []), ("/", [])]
)
def test_sqlite_on_a_network_drive_is_named(path: str, named: list[str]) -> None:
    assert [each.name for each in of_mounts(Path(path), MOUNTS)] == named


@pytest.fixture
def few_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_few_open_files_are_named(few_files: None, tmp_path: Path) -> None:
    assert "files_limited" in on(Settings(data_dir=tmp_path))


def test_whoever_runs_as_root_is_told(tmp_path: Path) -> None:
    assert ("runs_as_root" in on(Settings(data_dir=tmp_path))) == (os.geteuid() == 0)
