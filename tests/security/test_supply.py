"""What we are built of: listed as it is locked, with hashes, and nothing of it known to be bad."""

import importlib.util
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def supply() -> Any:
    spec = importlib.util.spec_from_file_location("supply", ROOT / "tools" / "supply.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["supply"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def floors() -> dict[str, Any]:
    return tomllib.loads((ROOT / "tools" / "floors.toml").read_text())


def test_the_list_is_the_lock(supply: Any) -> None:
    locked = set()
    for name in supply.LOCKS:
        for line in (ROOT / name).read_text().splitlines():
            if "==" in line and not line.startswith((" ", "#")):
                package, _, rest = line.partition("==")
                locked.add((re.sub(r"[-_.]+", "-", package).lower(), re.split(r"[ ;\\]", rest)[0]))
    document = supply.sbom(supply.locked())
    assert {(each["name"], each["version"]) for each in document["components"]} == locked
    assert len(locked) > 50
    assert all(each["hashes"] for each in document["components"])
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert len({each["bom-ref"] for each in document["components"]}) == len(document["components"])
    assert document == supply.sbom(supply.locked())


def test_nothing_is_below_its_floor(supply: Any, floors: dict[str, Any]) -> None:
    assert supply.below_floors(supply.locked(), floors) == []


def test_what_is_below_is_named(supply: Any, floors: dict[str, Any]) -> None:
    lock = "Jinja2==3.1.5 \\\n    --hash=sha256:" + "a" * 64 + "\nlitestar==2.9.1 ; python_version >= '3'\n"
    problems = supply.below_floors(supply.read_lock(lock), floors)
    assert [each.partition(" is below ")[0] for each in problems] == ["jinja2 3.1.5", "litestar 2.9.1"]
    assert all(normal == supply.normal(normal) for normal in floors)


def test_the_audit_never_says_clean_without_having_asked() -> None:
    workflow = (ROOT / ".github" / "workflows" / "audit.yml").read_text()
    assert "pip-audit" in workflow
    assert "--strict" in workflow
    assert "not run" in workflow
