"""Packages from npm that tests need, installed once into a cache directory of the user."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

OLDEST_NODE = 18
INSTALL_SECONDS = 240


def installed(package: str) -> Path:
    """A directory whose `node_modules` holds `name@major`; complete or absent, for it is moved into place when done.

    Skips the test, with the reason, where Node is missing or npm can't install it."""
    if reason := _missing():
        pytest.skip(reason)
    name = package.rpartition("@")[0]
    home = _cache() / package.replace("@", "-").replace("/", "-")
    if not (home / "node_modules" / name / "package.json").exists():
        _install(package, home)
    return home


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "botbot-tests"


def _missing() -> str:
    """Why Node can't be used here, or nothing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return "node or npm is not installed"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    is_old = int(version.strip().removeprefix("v").split(".")[0]) < OLDEST_NODE
    return f"node {version.strip()} is older than {OLDEST_NODE}" if is_old else ""


def _install(package: str, home: Path) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as staging:
        made = Path(staging) / "made"
        made.mkdir()
        command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(made), package]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm install {package} took longer than {INSTALL_SECONDS} s")
        if done.returncode:
            pytest.skip(f"npm could not install {package}: {done.stderr.strip()[-300:]}")
        shutil.rmtree(home, ignore_errors=True)
        made.replace(home)
