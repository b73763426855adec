"""Every finding is documented, made somewhere in the code, and caused by a test."""

import json
import re
from pathlib import Path

import pytest
from tests.support.commands import botbot

from botbot import doctor
from botbot.doctor import FINDINGS

ROOT = Path(__file__).resolve().parents[2]


def rows() -> dict[str, str]:
    guide = (ROOT / "docs" / "guide" / "doctor.md").read_text()
    return dict(re.findall(r"^\| `(\w+)` \| (\w+) \| [^|]{10,} \| [^|]{5,} \|$", guide, re.MULTILINE))


def texts(folder: Path, but: str) -> str:
    return "".join(path.read_text() for path in folder.glob("*.py") if path.name != but)


def test_the_guide_has_every_finding_with_its_severity_and_no_other() -> None:
    assert rows() == FINDINGS
    assert len(FINDINGS) >= 30


@pytest.mark.parametrize("name", FINDINGS)
def test_it_is_found_somewhere_and_a_test_causes_it(name: str) -> None:
    code = texts(Path(doctor.__file__).parent, "findings.py")
    assert re.search(rf'found\(\s*"{name}"', code)
    assert f'"{name}"' in texts(Path(__file__).parent, Path(__file__).name)


async def test_json_is_for_scripts(tmp_path: Path) -> None:
    done = await botbot("doctor", "--json", cwd=tmp_path, BOTBOT_DATA_DIR=str(tmp_path / "data"), BOTBOT_LOG="text")
    said = json.loads(done.out)
    assert (done.code, said["ok"]) == (1, False)
    found = {each["name"]: each["severity"] for each in said["findings"]}
    assert found["discord_not_configured"] == "wrong"
    assert found["database_empty"] == "note"
    assert all(each["text"] for each in said["findings"])
