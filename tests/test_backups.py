"""Backup and restore by the console script: whole at any moment, private, and careful with what is there."""

import asyncio
import gzip
import io
import json
import sqlite3
import tarfile
import threading
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.commands import Run, botbot

from botbot.kit.cipher import Cipher
from botbot.settings import Settings

LOCAL = {"BOTBOT_LOG": "text"}


@pytest.fixture
def home(tmp_path: Path, sqlite_url: str) -> Path:
    """The data directory of a marketplace that has been used."""
    data = tmp_path / "data"
    data.mkdir()
    Path(sqlite_url.removeprefix("sqlite:///")).rename(data / "botbot.sqlite3")
    with closing(sqlite3.connect(data / "botbot.sqlite3")) as connection:
        connection.executescript("pragma journal_mode = wal; create table pairs (a integer, b integer)")
    return data


async def run(command: str, file: Path, data: Path, **settings: str) -> Run:
    return await botbot(command, str(file), cwd=file.parent, BOTBOT_DATA_DIR=str(data), **LOCAL, **settings)


def left_over(directory: Path) -> list[Path]:
    return list(directory.rglob(".botbot-*"))


async def test_under_write_load_it_holds_one_moment_and_what_was_stored_before(tmp_path: Path, home: Path) -> None:
    stop, stored = threading.Event(), 0

    def write() -> None:
        nonlocal stored
        with closing(sqlite3.connect(home / "botbot.sqlite3", timeout=30, isolation_level=None)) as connection:
            while not stop.is_set():
                connection.executescript(f"begin immediate; insert into pairs values ({stored}, 0);"
                                         f"update pairs set b = a where a = {stored}; commit")  # fmt: skip
                stored += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while stored < 50:
            await asyncio.sleep(0.01)
        before = stored
        done = await run("backup", tmp_path / "kept", home)
        assert stored > before, "nothing was written meanwhile"
    finally:
        stop.set()
        writer.join()
    assert (done.code, done.err) == (0, "")
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o600
    assert left_over(tmp_path) == []

    restored = await run("restore", tmp_path / "kept", tmp_path / "new")
    assert (restored.code, restored.err) == (0, "")
    with closing(sqlite3.connect(tmp_path / "new" / "botbot.sqlite3")) as connection:
        count, torn = connection.execute("select count(*), sum(a <> b) from pairs").fetchone()
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    assert count >= before
    assert torn == 0
    assert (tmp_path / "new" / "botbot.sqlite3").stat().st_mode & 0o777 == 0o600


@pytest.mark.long
async def test_the_key_comes_along_unless_it_is_a_setting(tmp_path: Path, home: Path) -> None:
    sealed = Cipher(Settings(data_dir=home).secret_keys()).encrypt("a token")
    await run("backup", tmp_path / "with", home)
    assert (await run("restore", tmp_path / "with", tmp_path / "a")).code == 0
    assert Cipher(Settings(data_dir=tmp_path / "a").secret_keys()).decrypt(sealed) == "a token"
    assert (tmp_path / "a" / "secret.key").stat().st_mode & 0o777 == 0o600

    without = await run("backup", tmp_path / "without", home, BOTBOT_SECRET_KEY="one-of-our-own-that-is-long")
    assert "BOTBOT_SECRET_KEY is not in it" in without.out
    assert "set the same one" in (await run("restore", tmp_path / "without", tmp_path / "b")).out
    assert not (tmp_path / "b" / "secret.key").exists()


async def test_nothing_that_is_there_is_replaced(tmp_path: Path, home: Path) -> None:
    await run("backup", tmp_path / "kept", home)
    before = (home / "botbot.sqlite3").read_bytes()
    refused = await run("restore", tmp_path / "kept", home)
    assert refused.code == 1
    assert "empty BOTBOT_DATA_DIR" in refused.err
    assert (home / "botbot.sqlite3").read_bytes() == before


async def test_a_log_that_was_left_behind_is_not_read_into_it(tmp_path: Path, home: Path) -> None:
    await run("backup", tmp_path / "kept", home)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "botbot.sqlite3-wal").write_bytes(b"another database's")
    refused = await run("restore", tmp_path / "kept", tmp_path / "new")
    assert (refused.code, "botbot.sqlite3-wal" in refused.err) == (1, True)


def packed(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def contents(**changes: object) -> bytes:
    plain = {"format": 1, "madeAt": "2026-01-01T00:00:00Z", "revision": "0001", "hasKey": False, "files": {}}
    return json.dumps(plain | changes).encode()


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({}, "no backup of BotBot"),
        ({"contents.json": b"{"}, "did not work"),
        ({"contents.json": contents(format=9), "botbot.sqlite3": b""}, "doesn't know"),
        ({"contents.json": contents(), "botbot.sqlite3": b"changed"}, "damaged"),
        ({"contents.json": contents(), "../botbot.sqlite3": b"x"}, "no backup of BotBot"),
        (
            {
                "contents.json": contents(
                    revision="9999",
                    files={"botbot.sqlite3": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                ),
                "botbot.sqlite3": b"",
            },
            "newer version",
        ),
    ],
)
async def test_what_is_no_whole_backup_leaves_the_directory_empty(
    tmp_path: Path, members: dict[str, bytes], said: str
) -> None:
    packed(tmp_path / "odd", members)
    refused = await run("restore", tmp_path / "odd", tmp_path / "data")
    assert refused.code == 1
    assert said in refused.err
    assert "Traceback" not in refused.err
    assert [each.name for each in tmp_path.rglob("*") if each.is_file()] == ["odd"]


async def test_a_backup_that_was_cut_off_is_refused(tmp_path: Path, home: Path) -> None:
    await run("backup", tmp_path / "kept", home)
    whole = gzip.decompress((tmp_path / "kept").read_bytes())
    (tmp_path / "half").write_bytes(gzip.compress(whole[: len(whole) // 2]))
    assert (await run("restore", tmp_path / "half", tmp_path / "new")).code == 1
    assert not (tmp_path / "new" / "botbot.sqlite3").exists()


async def test_a_failed_backup_leaves_the_one_before(tmp_path: Path, home: Path) -> None:
    await run("backup", tmp_path / "kept", home)
    before = (tmp_path / "kept").read_bytes()
    (home / "botbot.sqlite3").write_bytes(b"not a database" * 1000)
    failed = await run("backup", tmp_path / "kept", home)
    assert failed.code == 1
    assert "Traceback" not in failed.err
    assert (tmp_path / "kept").read_bytes() == before
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(("command", "tool"), [("backup", "pg_dump"), ("restore", "pg_restore")])
async def test_postgresql_has_tools_of_its_own(tmp_path: Path, command: str, tool: str) -> None:
    said = await run(command, tmp_path / "f", tmp_path / "d", DATABASE_URL="postgresql://ada:secret@db.example/botbot")
    assert said.code == 0
    assert said.out.startswith(tool)
    assert "secret" not in said.out
    assert "ada@db.example/botbot" in said.out
    assert not (tmp_path / "f").exists()
