"""The docs site: built without a warning, from our own files alone; and what it says of errors is complete."""

import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.support.engines import ONLY_SQLITE
from tests.support.people import Person

import botbot
from botbot.catalog.entries import read_curated
from botbot.catalog.service import seed_entry
from botbot.errors import BotBotError
from botbot.house import House

ROOT = Path(__file__).resolve().parents[2]
LOADED = re.compile(r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc=["']?(?:https?:)?//[^"'\s>]+""")
LINKED = re.compile(r"""<link\b[^>]*>""")
IN_STYLES = re.compile(r"""(?:@import|url\()\s*["']?(?:https?:)?//[^"')\s]+""")


def kinds(kind: type[BotBotError] = BotBotError) -> Iterator[type[BotBotError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from kinds(each)


def names() -> set[str]:
    """Every stable name that a failure of ours can have, wherever its class is written."""
    for module in pkgutil.walk_packages(botbot.__path__, "botbot."):
        if "migrations" not in module.name:
            importlib.import_module(module.name)
    return {kind.error for kind in kinds()}


def test_every_error_is_explained_and_every_explained_one_exists() -> None:
    text = (ROOT / "docs/guide/troubleshooting.md").read_text()
    explained = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert sorted(explained) == sorted(set(explained))
    assert set(explained) == names()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(out)]
    made = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    )
    assert made.returncode == 0, made.stderr
    assert "WARNING" not in made.stderr
    return out


@pytest.mark.long
def test_it_is_built_without_a_warning_and_loads_nothing_from_elsewhere(built: Path) -> None:
    pages = list(built.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        text = page.read_text()
        assert not LOADED.findall(text), page
        foreign = [each for each in LINKED.findall(text) if "//" in each and 'rel="canonical"' not in each]
        assert not foreign, page
    for style in built.rglob("*.css"):
        assert not IN_STYLES.findall(style.read_text()), style


@pytest.mark.long
def test_the_reference_names_every_operation_and_every_decision_is_in_the_menu(built: Path) -> None:
    printed = subprocess.run([sys.executable, "-m", "botbot.cli", "openapi"], capture_output=True, check=True).stdout
    reference = (built / "api/reference.html").read_text()
    for path, item in json.loads(printed)["paths"].items():
        for method in item.keys() & {"get", "post", "put", "patch", "delete"}:
            assert f"{method.upper()} <code>{path}</code>" in reference
    menu = (built / "index.html").read_text()
    for decision in (ROOT / "docs/decisions").glob("0*.md"):
        assert f"decisions/{decision.stem}.html" in menu


ASKED = re.compile(
    r"```http\n(GET|POST|PUT|DELETE) (/api/\S+)\n(.*?)```\s+(?:```http\n.*?```\s+)?```json\n(.*?)```", re.DOTALL
)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")


class Example(NamedTuple):
    """A question printed in the API's pages, and the answer printed below it. `…` stands for what was left out."""

    page: str
    method: str
    path: str
    body: str
    is_signed: bool
    answer: Any


def examples() -> list[Example]:
    """Those that can be asked of a fresh house: none about an id that only the author's own had."""
    found = []
    for page in sorted((ROOT / "docs/api").glob("*.md")):
        for method, path, rest, answer in ASKED.findall(page.read_text()):
            if UUID.search(path) or "/admin/" in path:
                continue
            head, _, body = rest.partition("\n\n")
            found.append(Example(page.stem, method, path, body.strip(), "Authorization" in head, json.loads(answer)))
    return found


def shape(value: Any) -> Any:
    """Names and kinds; numbers and words differ from day to day."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items() if name != "…"}
    if isinstance(value, list):
        return [shape(each) for each in value if each != "…"]
    return type(value).__name__


def fits(told: Any, real: Any) -> bool:
    """Every name that the example shows is in the answer, with the same kind of value; `null` fits anything."""
    if isinstance(told, dict) and isinstance(real, dict):
        return all(name in real and fits(each, real[name]) for name, each in told.items())
    if isinstance(told, list) and isinstance(real, list):
        return not told or not real or fits(told[0], real[0])
    return told == real or "NoneType" in (told, real) or {str(told), str(real)} == {"int", "float"}


@ONLY_SQLITE
async def test_the_examples_of_the_api_are_like_its_answers(house: House, ada: Person) -> None:
    luna = next(each for each in read_curated() if each.slug == "luna-the-gamer")
    async with house.db.write() as session:
        await seed_entry(session, luna)
    client, asked = await ada.by_token(), 0
    for each in examples():
        content = {"content": each.body.encode(), "headers": {"content-type": "application/json"}} if each.body else {}
        answer = await client.request(each.method, each.path, **content)  # type: ignore[arg-type]
        told, real = shape(each.answer), shape(answer.json())
        assert fits(told, real), f"{each.page}: {each.method} {each.path} answered {answer.text}"
        asked += 1
    assert asked >= 6
