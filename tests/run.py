"""`./dev test`: the everyday suite, or everything with `--all`. Whatever else is given goes to pytest.

Everyday leaves out what is marked `long` and may skip what this machine has no part for; `--all` leaves out nothing
and fails on any skip. Files are spread over the processor's cores, those that take longest first; `-n 0` runs them one
after the other."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.postgres import find_binaries

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def parts() -> dict[str, str]:
    """The optional parts of this machine and where they are; an empty text for one that is missing."""
    postgres = find_binaries()
    return {
        "PostgreSQL": str(postgres or ""),
        "Redis": shutil.which("redis-server") or "",
        "Chromium": next((path for name in CHROMIUM if (path := shutil.which(name))), ""),
        "Node": _node(),
    }


def _node() -> str:
    path = shutil.which("node")
    if path is None or shutil.which("npm") is None:
        return ""
    version = subprocess.run([path, "--version"], capture_output=True, text=True).stdout.strip()
    return f"{path} {version}"


def arguments_for(given: list[str]) -> list[str]:
    """pytest's arguments; a `-m` of one's own is kept, `long` or not."""
    wants_all = "--all" in given
    rest = [each for each in given if each != "--all"]
    chosen = ["-p", "tests.support.skips", "--durations=25"]
    if not any(each.startswith(("-n", "--pdb")) for each in rest):
        chosen += ["-n", str(workers(wants_all)), "--dist", "loadfile", "--no-loadscope-reorder"]
    if wants_all:
        chosen.append("--fail-on-skip")
    elif not any(each == "-m" or each.startswith("-m=") for each in rest):
        chosen += ["-m", "not long"]
    return [*chosen, *rest]


def workers(wants_all: bool) -> int:
    """As many as there are cores; twice as many for the everyday tests, whose workers wait half of the time for a
    browser, a database or a process. The long ones count seconds, so they get the machine to themselves."""
    cores = min(4, os.cpu_count() or 1)
    return cores if wants_all else 2 * cores


def main(given: list[str]) -> int:
    """Run from the project's root, wherever we were called; answers pytest's exit code."""
    os.chdir(ROOT)
    for name, where in parts().items():
        print(f"{name:11} {where or 'missing'}")
    if importlib.util.find_spec("pytest_asyncio") is None:
        sys.exit("pytest-asyncio is missing: run ./dev setup")
    sys.stdout.flush()
    return int(pytest.main(arguments_for(given)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
