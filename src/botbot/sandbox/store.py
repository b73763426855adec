"""One JSON file, replaced as a whole. It outlives a killed process; there is no fsync, for a sandbox need not
outlive a power cut."""

from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")


def load(path: Path, shape: type[T]) -> T | None:
    """What was saved, or `None`. A file that cannot be read is set aside as `….broken` and counts as none."""
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=shape)
    except msgspec.DecodeError:
        path.replace(path.with_name(path.name + ".broken"))
        return None


def save(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.staged")
    staged.write_bytes(msgspec.json.encode(value))
    staged.replace(path)
