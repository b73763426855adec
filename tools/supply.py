"""What we are built of, read from the lock alone: `floors` compares it with known weaknesses, `sbom` lists it.

The list is CycloneDX 1.6 (JSON), the same bytes for the same lock."""

import json
import re
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any, NamedTuple

from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "build-requirements.lock")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
NAMESPACE = uuid.UUID("6f1f6f2e-6f3c-5d0a-9a34-7f8a2d9b4c11")


class Package(NamedTuple):
    """`hashes` are those of every file that may be installed for it."""

    name: str
    version: str
    hashes: tuple[str, ...]


def normal(name: str) -> str:
    """As the index compares names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(text: str) -> list[Package]:
    """Every pinned package, in the order of the lock."""
    found: list[Package] = []
    for line in text.splitlines():
        if pinned := PINNED.match(line):
            found.append(Package(normal(pinned[1]), pinned[2], ()))
        if found and (hashes := HASH.findall(line)):
            found[-1] = found[-1]._replace(hashes=(*found[-1].hashes, *hashes))
    return found


def locked(root: Path = ROOT) -> list[Package]:
    """Of both locks, each package and version once."""
    every = [each for name in LOCKS for each in read_lock((root / name).read_text(encoding="utf-8"))]
    return list({(each.name, each.version): each for each in every}.values())


def below_floors(packages: list[Package], floors: dict[str, Any]) -> list[str]:
    """One line for each package that is older than it may be."""
    return [
        f"{each.name} {each.version} is below {floors[each.name]['below']} ({floors[each.name]['why']})"
        for each in packages
        if each.name in floors and Version(each.version) < Version(floors[each.name]["below"])
    ]


def sbom(packages: list[Package]) -> dict[str, Any]:
    """A CycloneDX document."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = [_component(each) for each in sorted(packages)]
    about = {"type": "application", "bom-ref": project["name"], "name": project["name"], "version": project["version"]}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, json.dumps(listed))}",
        "version": 1,
        "metadata": {"component": about},
        "components": listed,
    }


def _component(package: Package) -> dict[str, Any]:
    purl = f"pkg:pypi/{package.name}@{package.version}"
    hashes = [{"alg": "SHA-256", "content": each} for each in sorted(package.hashes)]
    return {"type": "library", "bom-ref": purl, "name": package.name, "version": package.version, "purl": purl,
            "hashes": hashes}  # fmt: skip


def main(verb: str) -> int:
    packages = locked()
    if verb == "sbom":
        print(json.dumps(sbom(packages), indent=2))
        return 0
    floors = tomllib.loads((ROOT / "tools" / "floors.toml").read_text(encoding="utf-8"))
    if problems := below_floors(packages, floors):
        print("\n".join(problems), file=sys.stderr)
        return 1
    print(f"{len(packages)} locked packages, none below the {len(floors)} known floors")
    return 0


if __name__ == "__main__":
    if sys.argv[1:] not in (["sbom"], ["floors"]):
        sys.exit("usage: supply.py sbom | floors")
    sys.exit(main(sys.argv[1]))
