"""Discord's official description, as a judge of requests and answers. Nothing is loaded before the first question."""

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

_FILE = Path(__file__).with_name("specs") / "discord.json"
_URI = "urn:discord"

Problem = tuple[tuple[str | int, ...], str]


@functools.cache
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return loaded


@functools.cache
def request_validator(method: str, path: str) -> "Draft202012Validator | None":
    """`None` where the description knows no JSON body. `path` is a template (`/guilds/{guild_id}`)."""
    content = _operation(method, path).get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return None
    return _validator(f"{_pointer(method, path)}/requestBody/content/application~1json/schema")


@functools.cache
def answer_validator(method: str, path: str, status: int) -> "Draft202012Validator | None":
    """`None` where no JSON answer is described for the status."""
    responses = _operation(method, path).get("responses", {})
    key = str(status) if str(status) in responses else f"{status // 100}XX"
    answer = responses.get(key, {})
    if "$ref" in answer:
        return _validator(f"{answer['$ref']}/content/application~1json/schema")
    if "application/json" not in answer.get("content", {}):
        return None
    return _validator(f"{_pointer(method, path)}/responses/{key}/content/application~1json/schema")


def problems(validator: "Draft202012Validator | None", value: Any) -> list[Problem]:
    """Where the value breaks the schema, and how; the deepest reason of a union that fits nowhere."""
    if validator is None:
        return []
    from jsonschema.exceptions import best_match  # type: ignore[import-untyped]

    found = []
    for error in validator.iter_errors(value):
        deepest = best_match([error]) or error
        found.append((tuple(deepest.absolute_path), deepest.message[:300]))
    return found


def known_keys(method: str, path: str) -> set[str] | None:
    """Every property a JSON body of this operation may have at its top level; `None` for bodies that are no objects."""
    content = _operation(method, path).get("requestBody", {}).get("content", {})
    keys = _keys(content.get("application/json", {}).get("schema", {}))
    return keys or None


def _keys(schema: dict[str, Any]) -> set[str]:
    if "$ref" in schema:
        return _keys(document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    parts = [part for kind in ("anyOf", "oneOf", "allOf") for part in schema.get(kind, [])]
    return set(schema.get("properties", {})).union(*map(_keys, parts))


def _operation(method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = document()["paths"].get(path, {}).get(method.lower(), {})
    return found


def _pointer(method: str, path: str) -> str:
    return f"#/paths/{path.replace('~', '~0').replace('/', '~1')}/{method.lower()}"


@functools.cache
def _registry() -> Any:
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    return Registry().with_resource(_URI, DRAFT202012.create_resource(document()))


def _validator(pointer: str) -> "Draft202012Validator":
    from jsonschema import Draft202012Validator

    return Draft202012Validator({"$ref": _URI + pointer}, registry=_registry())
