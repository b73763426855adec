"""What the machine says: whether we may write, who else may read, how much room there is."""

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from botbot.doctor.findings import Finding, found
from botbot.settings import SECRET, Settings, read_env_file

if sys.platform != "win32":
    import resource

MEGABYTE = 1 << 20
FULL = 64 * MEGABYTE
NEARLY_FULL = 1024 * MEGABYTE
FEW_FILES = 1024
"""Each visitor's connection is an open file."""
NETWORK_DRIVES = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs", "fuse.glusterfs"}
"""SQLite's locks and shared memory don't hold there."""


def look(settings: Settings, env_file: Path) -> Iterator[Finding]:
    yield from _directory(settings.data_dir)
    yield from _open_files(settings, env_file)
    yield from of_room(shutil.disk_usage(_nearest(settings.data_dir)).free)
    if settings.is_sqlite:
        yield from of_mounts(_nearest(settings.data_dir).resolve(), _mounts())
    if sys.platform != "win32":
        yield from _process()


def _process() -> Iterator[Finding]:
    if (limit := resource.getrlimit(resource.RLIMIT_NOFILE)[0]) < FEW_FILES:
        yield found("files_limited", f"this process may open {limit} files; raise it (LimitNOFILE=65536 in systemd)")
    if os.geteuid() == 0:
        yield found("runs_as_root", "this runs as root: give it an account of its own, as its unit and image do")


def _directory(path: Path) -> Iterator[Finding]:
    nearest = _nearest(path)
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        yield found("data_dir_unusable", f"{nearest} is no directory that may be written to: mend BOTBOT_DATA_DIR")
    elif path.exists() and _is_open(path):
        yield found("data_dir_open", f"others on this machine may look into {path}: run `chmod 700 {path}`")


def _open_files(settings: Settings, env_file: Path) -> Iterator[Finding]:
    key = settings.data_dir / "secret.key"
    if key.is_file() and _is_open(key):
        yield found("secret_key_open", f"others on this machine may read {key}: run `chmod 600 {key}`, then change it")
    if env_file.is_file() and _is_open(env_file) and SECRET & set(read_env_file(env_file)):
        text = f"{env_file} holds secrets and others on this machine may read it: run `chmod 600 {env_file}`"
        yield found("settings_file_open", text)


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _nearest(path: Path) -> Path:
    """The directory itself, or the one that it would be made in."""
    return next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())


def of_room(free: int) -> Iterator[Finding]:
    """What so many free bytes beside the database mean."""
    if free < FULL:
        yield found("disk_full", f"{free // MEGABYTE} MB are free: nothing can be stored soon. Make room")
    elif free < NEARLY_FULL:
        yield found("disk_nearly_full", f"{free // MEGABYTE} MB are free; a backup needs room for two more copies")


def _mounts() -> str:
    listed = Path("/proc/mounts")
    return listed.read_text(errors="replace") if listed.exists() else ""


def of_mounts(path: Path, mounts: str) -> Iterator[Finding]:
    """`mounts` as `/proc/mounts` has them: device, place, kind, …"""
    places = {Path(fields[1]): fields[2] for fields in map(str.split, mounts.splitlines()) if len(fields) > 2}
    kind = next((places[each] for each in (path, *path.parents) if each in places), "")
    if kind in NETWORK_DRIVES:
        text = f"{path} is on a {kind} drive, where SQLite's locks don't hold: use a local disk, or PostgreSQL"
        yield found("database_on_network_drive", text)
