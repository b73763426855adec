"""Behind PgBouncer: sessions of one's own are fine, shared ones are named before anything else fails for them."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from tests.support.postgres import OWNER

from botbot.doctor import examine
from botbot.settings import Settings

pytestmark = pytest.mark.long
Pooled = Callable[[str, str], Awaitable[str]]


@pytest.fixture
async def pooled(tmp_path: Path) -> AsyncIterator[Pooled]:
    """`await pooled(url, "session")`: the same database through a PgBouncer of this test's own."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer: pgbouncer is not installed")
    running: list[asyncio.subprocess.Process] = []

    async def go(url: str, mode: str) -> str:
        server, name = url.rpartition("@")[2].split("/")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        folder = tmp_path / mode
        folder.mkdir()
        (folder / "users").write_text(f'"{OWNER}" ""\n')
        (folder / "ini").write_text(
            f"[databases]\n{name} = host=127.0.0.1 port={server.split(':')[1]}\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
            f"auth_file = {folder / 'users'}\npool_mode = {mode}\n"
        )
        arguments = ["-q", str(folder / "ini")]
        if os.geteuid() == 0:  # It refuses root.
            for path in (folder, *folder.parents):
                if path.stat().st_uid == 0 and path.is_relative_to(tmp_path.parent.parent):
                    path.chmod(0o755)
            arguments = ["-u", "nobody", *arguments]
        running.append(await asyncio.create_subprocess_exec(program, *arguments))
        async with asyncio.timeout(20):
            while running[-1].returncode is None:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        return f"postgresql://{OWNER}@127.0.0.1:{port}/{name}"
                await asyncio.sleep(0.05)
        raise AssertionError("PgBouncer did not start")

    yield go
    for process in running:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_only_sessions_of_ones_own_hear_the_news(postgres_url: str, pooled: Pooled, tmp_path: Path) -> None:
    found = {}
    for mode in ("session", "transaction"):
        settings = Settings(database_url=await pooled(postgres_url, mode), data_dir=tmp_path, secret_key="k" * 40)
        found[mode] = {each.name for each in await examine(settings, {}, Path("none"))}
    assert "postgres_no_news" in found["transaction"]
    assert "database" in found["session"]
    assert "postgres_no_news" not in found["session"]
