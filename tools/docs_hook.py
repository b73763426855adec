"""What the docs site gets while it is built: the reference of every operation, written from the code's own OpenAPI
document, and the decisions, which nobody has to add to the menu by hand."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

METHODS = ("get", "post", "put", "patch", "delete")
HEAD = """# Every operation

Written from the OpenAPI document of this very version; `botbot openapi` prints it, and a running site has it at
`/openapi.json`. How to ask, what a failure looks like and how lists are read: [The API](README.md).
"""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The menu, completed: every decision in its order, and pages that nobody has put into it yet."""
    docs = Path(config.docs_dir)
    pages = sorted(f"decisions/{each.name}" for each in (docs / "decisions").glob("*.md") if each.name != "README.md")
    nav = config.nav or []
    for section in nav:
        for entry in next(iter(section.values())):
            if isinstance(entry, dict) and entry.get("Decisions") == "decisions/README.md":
                entry["Decisions"] = ["decisions/README.md", *pages]
    listed = set(_pages(nav))
    if more := sorted(path for each in docs.rglob("*.md") if (path := each.relative_to(docs).as_posix()) not in listed):
        nav.append({"More": more})
    return config


def _pages(nav: Any) -> Iterator[str]:
    """Every page a menu names, however deep."""
    if isinstance(nav, str):
        yield nav
    for each in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from _pages(each)


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    files.append(File.generated(config, "api/reference.md", content=reference(openapi())))
    return files


def openapi() -> dict[str, Any]:
    """As the command prints it, in a process that can't see the settings of whoever builds the docs."""
    made = subprocess.run(
        [sys.executable, "-m", "botbot.cli", "openapi"],
        capture_output=True,
        check=True,
        env={"BOTBOT_SECRET_KEY": "only-to-write-the-docs", "BOTBOT_DATA_DIR": "/nonexistent", "DATABASE_URL": NO_FILE},
    )
    document: dict[str, Any] = msgspec.json.decode(made.stdout)
    return document


NO_FILE = "postgresql://127.0.0.1:1/nothing"
"""Writing the document opens no database, and must make no file."""


def reference(document: dict[str, Any]) -> str:
    parts = [HEAD]
    for path, item in sorted(document["paths"].items()):
        parts += [operation(method, path, item[method]) for method in METHODS if method in item]
    parts.append("## The shapes\n")
    parts += [shape(name, schema) for name, schema in sorted(document["components"]["schemas"].items())]
    return "\n".join(parts)


def operation(method: str, path: str, told: dict[str, Any]) -> str:
    lines = [
        f"## {method.upper()} `{path}`",
        "",
        f"**{told['summary']}.** {' '.join(told.get('description', '').split())}",
    ]
    if parameters := told.get("parameters"):
        lines += ["", "| parameter | in | type | |", "| --- | --- | --- | --- |"]
        lines += [_parameter(each) for each in parameters]
    body = told.get("requestBody", {}).get("content", {})
    lines += ["", *(f"Body (`{kind}`): {_type(each.get('schema', {}))}" for kind, each in body.items())]
    lines += [
        "",
        "Answers: " + "; ".join(_answer(code, each) for code, each in sorted(told["responses"].items())) + ".",
    ]
    return "\n".join(lines) + "\n"


def _parameter(told: dict[str, Any]) -> str:
    needed = "required" if told.get("required") else ""
    return f"| `{told['name']}` | {told['in']} | {_type(told.get('schema', {}))} | {needed} |"


def _answer(code: str, told: dict[str, Any]) -> str:
    kinds = {_type(each.get("schema", {})) for each in told.get("content", {}).values()}
    name = "any failure" if code == "default" else f"`{code}`"
    return f"{name} {' or '.join(sorted(kinds))}".strip()


def shape(name: str, schema: dict[str, Any]) -> str:
    lines = [f"### {name}", ""]
    if words := schema.get("description"):
        lines += [" ".join(words.split()).replace("|", "\\|"), ""]
    fields = schema.get("properties", {})
    if not fields:
        return "\n".join([*lines, _type(schema), ""])
    lines += ["| field | type | |", "| --- | --- | --- |"]
    needed = set(schema.get("required", []))
    lines += [f"| `{each}` | {_type(told)} | {'required' if each in needed else ''} |" for each, told in fields.items()]
    return "\n".join(lines) + "\n"


def _type(schema: dict[str, Any]) -> str:
    """A schema in a few words; what is named elsewhere is a link."""
    if reference_ := schema.get("$ref"):
        name = reference_.rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for each in ("oneOf", "anyOf"):
        if each in schema:
            return " or ".join(dict.fromkeys(_type(choice) for choice in schema[each]))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"] if value is not None)
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    told = " or ".join(kind) if isinstance(kind, list) else str(kind)
    bounds = [f"{word} {schema[key]}" for key, word in BOUNDS.items() if key in schema]
    return f"{told} ({', '.join(bounds)})" if bounds else told


BOUNDS = {
    "minimum": "from",
    "exclusiveMinimum": "above",
    "maximum": "to",
    "minLength": "at least",
    "maxLength": "at most",
}
