#!/usr/bin/env python3
"""Cut an OpenAPI document down to some operations and what they reach.

    tools/trim_spec.py INPUT OUTPUT OPERATION…

An OPERATION is an operationId (`create_message`) or a method and a path (`"POST /chat/completions"`). Prose
(descriptions, examples, tags) and vendor extensions (`x-…`) are dropped; constraints stay as they are."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

METHODS = ("get", "put", "post", "patch", "delete")
PROSE = {"description", "summary", "example", "examples", "externalDocs", "tags", "security", "deprecated"}
NAMED = {
    "properties",
    "patternProperties",
    "schemas",
    "responses",
    "headers",
    "parameters",
    "content",
    "paths",
}


def without_prose(node: Any, in_names: bool = False) -> Any:
    """Drop prose keys, but not a property, schema or header that happens to be called `description`."""
    if isinstance(node, list):
        return [without_prose(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if in_names or not is_prose(key)}
    return {key: without_prose(value, not in_names and key in NAMED) for key, value in kept.items()}


def is_prose(key: str) -> bool:
    return key in PROSE or key.startswith("x-")


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from references(each)


def chosen_paths(document: dict[str, Any], operations: set[str]) -> dict[str, Any]:
    """The path items that hold a wanted operation, each with only those. Exits when one is not found."""
    paths: dict[str, Any] = {}
    for path, item in document["paths"].items():
        for method in METHODS:
            names = {f"{method.upper()} {path}", item.get(method, {}).get("operationId", "")} & operations
            if method in item and names:
                shared = {"parameters": item["parameters"]} if "parameters" in item else {}
                paths.setdefault(path, shared)[method] = item[method]
                operations = operations - names
    if operations:
        sys.exit(f"not in the document: {', '.join(sorted(operations))}")
    return paths


def reached(document: dict[str, Any], paths: dict[str, Any]) -> dict[str, Any]:
    """Every component the paths reach, by kind and name."""
    components: dict[str, Any] = {}
    waiting = list(references(paths))
    while waiting:
        _, _, kind, name = waiting.pop().split("/")
        if name not in components.setdefault(kind, {}):
            components[kind][name] = document["components"][kind][name]
            waiting += references(components[kind][name])
    return {kind: dict(sorted(found.items())) for kind, found in sorted(components.items())}


def trim(document: dict[str, Any], operations: set[str]) -> dict[str, Any]:
    clean: dict[str, Any] = without_prose(document)
    paths = chosen_paths(clean, operations)
    head: dict[str, Any] = {key: clean[key] for key in ("openapi", "info", "servers") if key in clean}
    return {**head, "paths": paths, "components": reached(clean, paths)}


def main() -> None:
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    source, target, *operations = sys.argv[1:]
    trimmed = trim(json.loads(Path(source).read_text(encoding="utf-8")), set(operations))
    Path(target).write_text(json.dumps(trimmed, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
