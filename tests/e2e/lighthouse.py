"""Lighthouse on the grid and on a personality's page: `python -m tests.e2e.lighthouse`. Needs Node and npm."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.browsing import CHROMIUM
from tests.e2e.product import running
from tests.support import npm

PACKAGE = "lighthouse@12"
PAGES = ("/", "/personalities/atlas-the-scientist")
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
GOAL = 98


def report(home: Path, url: str, preset: str) -> dict[str, Any]:
    """Lighthouse's whole report; `preset` is `mobile` (slow phone, its default) or `desktop`."""
    command = [
        "node", str(home / "node_modules" / "lighthouse" / "cli" / "index.js"), url, "--quiet", "--output=json",
        "--chrome-flags=--headless=new --no-sandbox --disable-background-networking",
        *(["--preset=desktop"] if preset == "desktop" else []),
    ]  # fmt: skip
    environment = {**os.environ, "CHROME_PATH": CHROMIUM or ""}
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, env=environment)
    if done.returncode:
        raise RuntimeError(f"lighthouse: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def scores(found: dict[str, Any]) -> dict[str, int]:
    """0 to 100 by category."""
    return {name: round(100 * found["categories"][name]["score"]) for name in CATEGORIES}


def lost(found: dict[str, Any]) -> list[str]:
    """The audits that took points away."""
    audits = found["audits"].values()
    return [f"{each['id']}: {each['title']}" for each in audits if each["score"] is not None and each["score"] < 0.9]


def main() -> None:
    home = npm.installed(PACKAGE)
    print(f"{'Lighthouse':36} {'as':8}" + "".join(f"{name:>16}" for name in CATEGORIES))
    with running(sandbox=False) as product:
        for path in PAGES:
            for preset in ("mobile", "desktop"):
                found = report(home, product.base + path, preset)
                print(f"{path:36} {preset:8}" + "".join(f"{each:16}" for each in scores(found).values()))
                print(*(f"    {each}" for each in lost(found)), sep="\n")


if __name__ == "__main__":
    main()
