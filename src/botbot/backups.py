"""Backups of a marketplace on SQLite: one file that holds the database as it stood at one moment, and its key.

The copy is taken inside one read transaction, so writers go on meanwhile and none of them is seen half. It is checked
before it takes the given name; a backup of that name from before stays until then. On PostgreSQL its own tools do this
better, so there we only say how to call them."""

import asyncio
import hashlib
import os
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec
from sqlalchemy.engine import make_url

from botbot.db.migrate import newest
from botbot.errors import BackupRefused
from botbot.kit import clock
from botbot.settings import Settings

DATABASE, KEY, CONTENTS = "botbot.sqlite3", "secret.key", "contents.json"
FORMAT = 1
BUSY_SECONDS = 30.0


class Contents(msgspec.Struct, rename="camel"):
    """What a backup says of itself. `files` maps each name to its SHA-256; `revision` is the schema's."""

    format: int
    made_at: datetime
    revision: str
    has_key: bool
    files: dict[str, str]


def dump_command(settings: Settings, target: Path) -> str:
    """The call that backs up a PostgreSQL database. The password stays out of it, and out of the process list."""
    return f"pg_dump --format=custom --no-owner --file={target} '{_without_password(settings)}'"


def load_command(settings: Settings, source: Path) -> str:
    return f"pg_restore --no-owner --exit-on-error --dbname='{_without_password(settings)}' {source}"


def _without_password(settings: Settings) -> str:
    return make_url(settings.effective_database_url)._replace(password=None).render_as_string()


async def back_up(settings: Settings, target: Path) -> Contents:
    """Write the backup to `target`, with mode 0600. Raises `BackupRefused`; then there is no new file."""
    return await asyncio.to_thread(_back_up, settings, target)


async def restore(settings: Settings, source: Path) -> Contents:
    """Fill an empty data directory. Raises `BackupRefused`; then it is as empty as before."""
    return await asyncio.to_thread(_restore, settings, source)


def _back_up(settings: Settings, target: Path) -> Contents:
    database = _database_path(settings)
    if not database.exists():
        raise BackupRefused(f"There is no database at {database}, so there is nothing to back up yet.")
    with _refusals(), _workshop(target.absolute().parent) as shop:
        files = {DATABASE: shop / DATABASE}
        _copy_database(database, files[DATABASE])
        key = settings.data_dir / KEY
        if not settings.secret_key and key.exists():
            files[KEY] = key
        contents = Contents(
            FORMAT, clock.now(), _revision(files[DATABASE]), KEY in files, {n: _digest(p) for n, p in files.items()}
        )
        _pack(shop / "backup", contents, files)
        (shop / "backup").replace(target)
    return contents


def _database_path(settings: Settings) -> Path:
    return Path(settings.effective_database_url.partition(":///")[2])


def _copy_database(database: Path, copy: Path) -> None:
    reading = f"{database.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(reading, uri=True, timeout=BUSY_SECONDS)) as connection:
        connection.execute("vacuum into ?", [str(copy)])
    with closing(sqlite3.connect(copy)) as connection:
        found = connection.execute("pragma quick_check").fetchone()[0]
        if found != "ok":
            raise BackupRefused(f"The copy of the database is damaged ({found}), and so may be the database.")


def _revision(database: Path) -> str:
    with closing(sqlite3.connect(database)) as connection:
        row = connection.execute("select version_num from alembic_version").fetchone()
    return str(row[0]) if row else ""


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pack(target: Path, contents: Contents, files: dict[str, Path]) -> None:
    said = target.with_name(CONTENTS)
    said.write_bytes(msgspec.json.encode(contents))
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as archive:
            for name, path in {CONTENTS: said, **files}.items():
                archive.add(path, name)
        file.flush()
        os.fsync(file.fileno())


def _restore(settings: Settings, source: Path) -> Contents:
    database, key = _database_path(settings), settings.data_dir / KEY
    beside = [database.with_name(f"{database.name}{end}") for end in ("-wal", "-shm", "-journal")]
    for taken in (database, key, *beside):  # An old log would be read into the restored database.
        if taken.exists():
            raise BackupRefused(f"{taken} is there already. Restore into an empty BOTBOT_DATA_DIR.")
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database.parent.mkdir(parents=True, exist_ok=True)
    with _refusals(), _workshop(database.parent) as shop:
        contents = _unpack(source, shop)
        if contents.revision > newest():
            raise BackupRefused("This backup was made by a newer version of BotBot. Update first, then restore it.")
        if contents.has_key:
            shutil.copyfile(shop / KEY, shop / "key")
            (shop / "key").replace(key)
        (shop / DATABASE).replace(database)  # Last: without it the directory still counts as empty.
    return contents


def _unpack(source: Path, into: Path) -> Contents:
    """Takes out only what a backup of ours holds, whatever else is in there."""
    with tarfile.open(source, "r:gz") as archive:
        contents = msgspec.json.decode(_member(archive, CONTENTS).read(), type=Contents)
        if contents.format != FORMAT:
            raise BackupRefused("This backup has a format that this version of BotBot doesn't know.")
        for name in (DATABASE, *([KEY] if contents.has_key else [])):
            with (into / name).open("wb") as file:
                shutil.copyfileobj(_member(archive, name), file)
            (into / name).chmod(0o600)
            if _digest(into / name) != contents.files.get(name):
                raise BackupRefused("This backup is damaged: what is in it isn't what was put in.")
    return contents


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    try:
        found = archive.extractfile(name)
    except KeyError:
        found = None
    if found is None:
        raise BackupRefused(f"This is no backup of BotBot: {name} is not in it.")
    return found


@contextmanager
def _workshop(beside: Path) -> Iterator[Path]:
    """A directory on the same file system as the target, so that the last move is atomic."""
    with tempfile.TemporaryDirectory(prefix=".botbot-", dir=beside) as made:
        yield Path(made)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError, EOFError, zlib.error, tarfile.TarError, msgspec.MsgspecError) as error:
        raise BackupRefused(f"That did not work: {error}") from error
