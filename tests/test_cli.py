"""The console script: what each command prints, and with which code it ends."""

import asyncio
import json
import signal
import socket
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.commands import OURS, botbot
from tests.support.people import Person, api_client
from tests.support.serving import Site

from botbot.sandbox import cast
from botbot.sandbox.server import Sandbox
from botbot.settings import Settings

COMMANDS = [
    "serve", "web", "worker", "bot", "sandbox", "migrate", "seed", "token", "grant", "doctor", "import",
    "export", "backup", "restore", "move", "openapi",
]  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Any:
    """Settings of a marketplace that has not begun."""
    return {"BOTBOT_DATA_DIR": str(tmp_path / "data"), "BOTBOT_LOG": "text"}


async def test_help_names_every_command(tmp_path: Path, home: dict[str, str]) -> None:
    shown = await botbot("--help", cwd=tmp_path, **home)
    assert shown.code == 0
    assert [name for name in COMMANDS if f" {name} " not in shown.out.replace("\n", " \n")] == []


@pytest.mark.parametrize("command", COMMANDS)
async def test_every_command_has_help(tmp_path: Path, home: dict[str, str], command: str) -> None:
    shown = await botbot(command, "--help", cwd=tmp_path, **home)
    assert shown.code == 0, shown.err
    assert "usage: botbot" in shown.out


async def test_a_bad_setting_is_a_sentence_and_code_1(tmp_path: Path, home: dict[str, str]) -> None:
    done = await botbot("migrate", cwd=tmp_path, **{**home, "BOTBOT_PORT": "x", "DISCORD_PKCE": "x"})
    assert done.code == 1
    assert "BOTBOT_PORT" in done.err
    assert "DISCORD_PKCE" in done.err
    assert "Traceback" not in done.err


@pytest.mark.long
async def test_seeding_twice_changes_nothing(database_url: str, tmp_path: Path, home: dict[str, str]) -> None:
    first = await botbot("seed", cwd=tmp_path, DATABASE_URL=database_url, **home)
    again = await botbot("seed", cwd=tmp_path, DATABASE_URL=database_url, **home)
    assert (first.code, again.code) == (0, 0), first.err + again.err
    created = int(first.out.split()[0])
    assert created >= 20
    assert f"{created} unchanged" in again.out
    assert "0 created, 0 updated" in again.out


async def test_a_token_works_also_for_someone_who_never_came_and_is_stored_as_a_hash(
    site: Site, database_url: str, tmp_path: Path, home: dict[str, str]
) -> None:
    done = await botbot("token", "create", "--user", "4242", cwd=tmp_path, DATABASE_URL=database_url, **home)
    assert done.code == 0, done.err
    token = done.out.strip()
    assert token.startswith("bbt_")
    async with api_client(site.url, headers={"authorization": f"Bearer {token}"}) as script:
        assert (await script.get("/api/auth/session")).json()["user"]["discordId"] == "4242"


async def test_grant_counts_for_a_running_site_at_once(
    site: Site, ben: Person, database_url: str, tmp_path: Path, home: dict[str, str]
) -> None:
    done = await botbot(
        "grant", "--user", str(cast.BEN), "--role", "moderator", cwd=tmp_path, DATABASE_URL=database_url, **home
    )
    assert done.code == 0, done.err
    assert (await ben.get("/api/auth/session")).json() == {"user": None}
    await ben.sign_in()
    assert (await ben.get("/api/auth/session")).json()["user"]["role"] == "moderator"


@pytest.mark.parametrize(
    "arguments",
    [["grant", "--user", "ada", "--role", "admin"], ["grant", "--user", "1", "--role", "king"],
     ["token", "create", "--user", "-5"], ["token", "create", "--user", "9223372036854775808"],
     ["token"], ["nonsense"], []],
)  # fmt: skip
async def test_wrong_arguments_are_code_2_and_usage(tmp_path: Path, home: dict[str, str], arguments: list[str]) -> None:
    done = await botbot(*arguments, cwd=tmp_path, **home)
    assert done.code == 2
    assert "usage" in done.err


async def test_openapi_prints_the_document_alone(tmp_path: Path, home: dict[str, str]) -> None:
    done = await botbot("openapi", cwd=tmp_path, **home)
    assert done.code == 0, done.err
    assert json.loads(done.out)["openapi"].startswith("3.1")


class TestDoctor:
    async def test_says_what_is_missing_and_hides_secrets(self, tmp_path: Path, home: dict[str, str]) -> None:
        settings = {**home, "DISCORD_CLIENT_ID": "1", "DISCORD_CLIENT_SECRET": "SECRET-CANARY"}
        done = await botbot("doctor", cwd=tmp_path, **settings)
        assert done.code == 1
        assert "DISCORD_BOT_TOKEN" in done.out
        assert "SECRET-CANARY" not in done.out + done.err

    async def test_is_content_with_the_sandbox(
        self, settings: Settings, sandbox: Sandbox, database_url: str, tmp_path: Path, home: dict[str, str]
    ) -> None:
        known = {**home, **sandbox.environment, "BOTBOT_PORT": str(settings.port), "DATABASE_URL": database_url}
        done = await botbot("doctor", cwd=tmp_path, **known)
        assert "ok       database" in done.out
        assert "model_has_no_price: OPENAI_PRICES has no price for sandbox-model" in done.out
        assert (done.code, "WRONG" in done.out) == (0, False), done.out

    async def test_finds_a_token_that_discord_refuses(
        self, sandbox: Sandbox, database_url: str, tmp_path: Path, home: dict[str, str]
    ) -> None:
        settings = {**sandbox.environment, "DISCORD_BOT_TOKEN": "wrong.token.here"}
        done = await botbot("doctor", cwd=tmp_path, DATABASE_URL=database_url, **home, **settings)
        assert done.code == 1
        assert "DISCORD_BOT_TOKEN" in done.out

    async def test_prints_the_example_file(self, tmp_path: Path, home: dict[str, str]) -> None:
        done = await botbot("doctor", "--example", cwd=tmp_path, **home)
        assert done.code == 0
        assert "# DATABASE_URL=" in done.out

    async def test_a_database_that_is_not_there_is_told(self, tmp_path: Path, home: dict[str, str]) -> None:
        done = await botbot("doctor", cwd=tmp_path, DATABASE_URL="postgresql://x@127.0.0.1:1/none", **home)
        assert done.code == 1
        assert "DATABASE_URL" in done.out
        assert "Traceback" not in done.out + done.err


def free_port() -> Any:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class TestServing:
    """The real process, from an empty directory."""

    @pytest.fixture
    async def start(self, tmp_path: Path, home: dict[str, str]) -> Any:
        import os
        import sys

        running = []

        async def go(*arguments: str, **settings: str) -> Any:
            clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
            port = free_port()
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "botbot.cli", *arguments, cwd=tmp_path,
                env={**clean, **home, "BOTBOT_PORT": str(port), "BOTBOT_SANDBOX_PORT": str(free_port()), **settings},
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            running.append(process)
            return process, f"http://127.0.0.1:{port}"

        yield go
        for process in running:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    async def ready(self, url: str, seconds: float = 30) -> None:
        async with api_client(url) as http, asyncio.timeout(seconds):
            while True:
                try:
                    if (await http.get("/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)

    async def end(self, process: asyncio.subprocess.Process, how: Any = signal.SIGTERM) -> Any:
        process.send_signal(how)
        out, _ = await asyncio.wait_for(process.communicate(), 10)
        return process.returncode, out.decode()

    async def test_serve_with_the_sandbox_fills_an_empty_directory_and_leaves_quietly(
        self, start: Any, tmp_path: Path
    ) -> None:
        process, url = await start("serve", "--sandbox")
        await self.ready(url)
        async with api_client(url) as http:
            listed = (await http.get("/api/marketplace/personalities?limit=1")).json()
            ready = (await http.get("/readyz")).json()
            page = await http.get("/", headers={"accept": "text/html"})
        assert listed["pagination"]["totalCount"] >= 20
        assert ready["checks"]["database"]["state"] == "ok"
        assert 'rel="sandbox"' in page.text
        code, out = await self.end(process)
        assert code == 0, out
        assert "Traceback" not in out
        assert "BotBot is ready" in out
        file = next((tmp_path / "data").glob("*.sqlite3"))
        with sqlite3.connect(file) as database:
            assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        database.close()

    async def test_sigint_ends_it_as_well(self, start: Any) -> None:
        process, url = await start("serve", "--sandbox")
        await self.ready(url)
        assert (await self.end(process, signal.SIGINT))[0] == 0

    @pytest.mark.parametrize("role", ["worker", "bot", "web"])
    async def test_each_role_alone_serves_its_health(self, start: Any, role: str, database_url: str) -> None:
        process, url = await start(role, DATABASE_URL=database_url)
        async with api_client(url) as http, asyncio.timeout(20):
            while True:
                try:
                    answers = [(await http.get(path)).status_code for path in ("/healthz", "/readyz", "/metrics")]
                    break
                except httpx.TransportError:
                    if process.returncode is not None:
                        raise
                    await asyncio.sleep(0.05)
        assert answers == [200, 200, 200]
        code, out = await self.end(process)
        assert code == 0, out

    async def test_a_taken_port_is_a_sentence_and_no_success(self, start: Any) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            process, _ = await start("serve", BOTBOT_PORT=str(taken.getsockname()[1]))
            out, _ = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode != 0
        assert "Traceback" not in out.decode()
