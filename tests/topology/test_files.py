"""What is deployed with: it parses, names what exists, and holds no secret."""

import configparser
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.topology.standing import PLACES

from botbot.cli import _parser
from botbot.settings import SECRET, documented

ROOT = Path(__file__).resolve().parents[2]
KNOWN = {name for name, _, _ in documented()}
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
OURS = ("migrate", "web", "worker", "bot")


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "compose.yaml").read_text()))


def service(name: str) -> dict[str, Any]:
    return dict(compose()["services"][name])


def dockerfile() -> list[tuple[str, str]]:
    """(instruction, arguments), lines that go on joined."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def final_stage() -> list[tuple[str, str]]:
    lines = dockerfile()
    return lines[max(number for number, (name, _) in enumerate(lines) if name == "FROM") :]


def pins(lock: str) -> dict[str, set[str]]:
    """The hashes of each `name==version`, whatever platforms it is for."""
    joined = (ROOT / lock).read_text().replace("\\\n", " ")
    return {line.split()[0]: set(re.findall(r"sha256:\w+", line)) for line in joined.splitlines() if line.strip()}


# Compose


@pytest.mark.parametrize("name", OURS)
def test_each_process_runs_a_command_of_ours_with_settings_of_ours(name: str) -> None:
    told = service(name)
    assert told["command"] == [name]
    assert _parser().parse_args(told["command"]).command
    assert set(told["environment"]) <= KNOWN
    assert (told["read_only"], told["cap_drop"]) == (True, ["ALL"])
    assert told["image"] == "botbot"


def test_there_are_two_webs_two_workers_and_one_bot_that_are_asked_whether_they_are_ready() -> None:
    counts = {name: service(name)["deploy"]["replicas"] for name in ("web", "worker", "bot")}
    assert counts == {"web": 2, "worker": 2, "bot": 1}
    for name in counts:
        assert "/readyz" in service(name)["healthcheck"]["test"][-1]
        assert service(name)["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert service(name)["stop_grace_period"] == "15s"
    for name in ("postgres", "redis", "nginx"):
        assert service(name)["healthcheck"]["test"][0] == "CMD"


def test_only_nginx_can_be_reached_from_outside() -> None:
    assert [name for name in compose()["services"] if "ports" in service(name)] == ["nginx"]


def test_compose_holds_no_secret() -> None:
    for name in compose()["services"]:
        for key, value in service(name).get("environment", {}).items():
            if key in SECRET or "PASSWORD" in key:
                assert value.startswith("${"), key
    assert "${POSTGRES_PASSWORD:?" in service("web")["environment"]["DATABASE_URL"]


def test_the_proxy_that_is_believed_is_the_network_it_stands_in() -> None:
    (config,) = compose()["networks"]["inside"]["ipam"]["config"]
    assert service("web")["environment"]["BOTBOT_TRUSTED_PROXIES"] == config["subnet"]


def test_the_files_that_compose_mounts_exist() -> None:
    for mount in service("nginx")["volumes"]:
        assert (ROOT / mount.split(":")[0]).is_file(), mount


# The image


def test_the_image_runs_without_rights_and_says_how_it_is() -> None:
    told = dict(final_stage())
    assert told["USER"] == "10001"
    assert told["ENTRYPOINT"] == '["botbot"]'
    assert _parser().parse_args(yaml.safe_load(told["CMD"])).command
    assert "/healthz" in told["HEALTHCHECK"]
    given = set(re.findall(r"\b(BOTBOT_[A-Z_]+)=", " ".join(value for name, value in final_stage() if name == "ENV")))
    assert given
    assert given <= KNOWN


def test_compose_says_where_to_listen_as_the_image_does_whatever_env_says_for_a_laptop() -> None:
    image = dict(
        re.findall(r"\b(BOTBOT_[A-Z_]+)=(\S+)", " ".join(value for name, value in final_stage() if name == "ENV"))
    )
    for name in ("web", "worker", "bot"):
        told = service(name)["environment"]
        assert {each: told[each] for each in PLACES} == {each: image[each] for each in PLACES}


def test_everything_in_the_image_is_pinned_by_its_hash() -> None:
    for name, arguments in dockerfile():
        for command in re.findall(r"pip [^&]*?install [^&]+", arguments) if name == "RUN" else []:
            assert "--require-hashes" in command or "--no-index" in command, command


def test_what_the_image_copies_exists_and_is_let_through() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source
        for name, arguments in dockerfile()
        if name == "COPY" and not arguments.startswith("--from")
        for source in arguments.split()[:-1]
    }
    assert copied == allowed
    assert all((ROOT / source).exists() for source in copied)


def test_what_is_deployed_is_what_is_tested() -> None:
    """`runtime.lock` is `requirements.lock` without the tools; `./dev lock` writes both."""
    ours, tested = pins("runtime.lock"), pins("requirements.lock")
    assert {name: hashes for name, hashes in ours.items() if tested.get(name) != hashes} == {}
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {name.split("==")[0] for name in ours}
    assert {re.split(r"[\[<>=;]", each)[0].lower().replace(".", "-") for each in wanted} <= names
    assert not {"pytest", "mypy", "playwright", "schemathesis"} & names
    assert "://" not in (ROOT / "runtime.lock").read_text()


# systemd


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_a_command_of_ours_without_rights(path: Path) -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(path)
    assert _parser().parse_args([unit["Service"]["ExecStart"].split()[-1]]).command
    assert unit["Service"]["User"] == "botbot"
    assert unit["Service"]["NoNewPrivileges"] == "yes"
    assert unit["Service"]["UMask"] == "0077"
    assert int(unit["Service"]["TimeoutStopSec"]) >= 10
    assert set(re.findall(r"^Environment=([A-Z_]+)=", path.read_text(), re.MULTILINE)) <= KNOWN
    for needed in unit["Unit"].get("Requires", "").split():
        assert (path.parent / needed).exists(), needed


def test_there_is_a_unit_for_the_small_house_and_for_each_process() -> None:
    assert {path.name for path in UNITS} == {
        "botbot.service", "botbot-migrate.service", "botbot-web@.service", "botbot-worker@.service",
        "botbot-bot.service",
    }  # fmt: skip
