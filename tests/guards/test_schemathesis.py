"""Generated requests against the running site, as somebody who is signed in: it keeps the document's promises."""

from pathlib import Path
from typing import Any

import pytest
from tests import factories
from tests.conftest import MakeSite, SignIn
from tests.support.commands import python
from tests.support.engines import ONLY_SQLITE
from tests.support.people import Person
from tests.support.serving import Site

TOO_FINAL = ("/api/account", "/api/auth/callback", "/api/auth/discord")
"""Erasing the one who asks, and the two addresses that lead to Discord and back."""
SKIPPED_CHECKS = "ignored_auth,positive_data_acceptance"
"""Much of the site answers with and without a token; which parts do is tests/accounts' business. And no schema can say
that a cursor is one of ours or that a name doesn't hold "discord", so a refusal of well-shaped input is no fault."""


async def run(site: Site, person: Person, tmp_path: Path, *, examples: int, phases: str) -> Any:
    script = await person.by_token()
    excluded = [part for path in TOO_FINAL for part in ("--exclude-path", path)]
    return await python(
        "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run", f"{site.url}/openapi.json",
        "--header", f"Authorization: {script.headers['authorization']}",
        "--checks", "all", "--exclude-checks", SKIPPED_CHECKS, "--phases", phases,
        "--max-examples", str(examples), "--seed", "7", "--generation-database", "none", "--continue-on-failure",
        "--no-color", "--suppress-health-check", "all", *excluded,
        cwd=tmp_path, seconds=270,
    )  # fmt: skip


@pytest.fixture
async def open_site(make_site: MakeSite) -> Any:
    return await make_site(preview_per_minute=1_000_000, preview_per_day=1_000_000)


async def check(open_site: Site, sign_in: SignIn, tmp_path: Path, **how: Any) -> None:
    ada = await sign_in("ada", open_site)
    await factories.add_shelf(open_site.house, 5)
    done = await run(open_site, ada, tmp_path, **how)
    (tmp_path / "schemathesis.txt").write_text(done.out)
    assert done.code == 0, done.out[-12_000:] + done.err[-2000:]


@pytest.mark.long
@ONLY_SQLITE
async def test_a_few_hundred_requests(open_site: Site, sign_in: SignIn, tmp_path: Path) -> None:
    await check(open_site, sign_in, tmp_path, examples=4, phases="examples,fuzzing")


@pytest.mark.long
@ONLY_SQLITE
async def test_thousands_of_requests(open_site: Site, sign_in: SignIn, tmp_path: Path) -> None:
    await check(open_site, sign_in, tmp_path, examples=40, phases="examples,coverage,fuzzing,stateful")
