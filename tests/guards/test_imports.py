"""Which door opens where: imports run downhill, and this map says which way that is.

A module is known by its room (the first part after `botbot.`) and its kind (the file's name). What a room may import of
another room is a set of kinds; `*` is any."""

import ast
from pathlib import Path

import botbot

SOURCE = Path(botbot.__file__).parent
ANY = "*"
TOP = {"app", "backups", "cli", "runtime", "doctor", "gauges", "health", "house", "moving", "tables", "openapi"}
"""The wiring: may use anything below it."""
FEATURES = {
    "accounts",
    "catalog",
    "reviews",
    "preview",
    "agents",
    "deployments",
    "admin",
    "audit",
    "usage",
    "exchange",
    "desk",
    "status",
    "privacy",
}
BASE = {"settings", "errors", "kit", "watching"}
READ_SIDE = {"queries", "schemas", "rules", "service", "models"}
CATALOGUE = {"arranging", "facets", "favourites", "listing", "searching", "shelves", "similar", "trending"}
"""Verbs and reads of the catalogue with files of their own."""

ROOMS: dict[str, dict[str, set[str]]] = {
    "kit": {"kit": {ANY}},
    "errors": {},
    "settings": {"errors": {ANY}},
    "logs": {"kit": {ANY}, "watching": {ANY}},
    "watching": {"watching": {ANY}, "errors": {ANY}},
    "sandbox": {"sandbox": {ANY}, "settings": {ANY}, "kit": {ANY}},
    "peers": {"peers": {ANY}, **{room: {ANY} for room in BASE}},
    "db": {"db": {ANY}, **{room: {ANY} for room in BASE}},
    "jobs": {"jobs": {ANY}, "db": {ANY}, **{room: {ANY} for room in BASE}},
    "security": {"security": {ANY}, "db": {ANY}, **{room: {ANY} for room in BASE}},
    "moderation": {"moderation": {ANY}, "peers": {ANY}, **{room: {ANY} for room in BASE}},
    "ui": {"ui": {ANY}, "errors": {ANY}, "kit": {ANY}},
}
_FOUNDATION = {
    "db": {ANY}, "jobs": {ANY}, "peers": {ANY}, "security": {ANY}, "ui": {ANY}, "house": {ANY}, "audit": {ANY},
    "moderation": {ANY},
    **{room: {ANY} for room in BASE},
}  # fmt: skip
_WEB = {"web", "rules", "schemas", "models", "queries", "service", "signin", "discord_tokens", "pending"}
ROOMS |= {
    "audit": {**_FOUNDATION},
    "status": {**_FOUNDATION, "status": {ANY}, "accounts": {"web"}},
    "usage": {"usage": {ANY}, "db": {ANY}, **{room: {ANY} for room in BASE}},
    "accounts": {**_FOUNDATION, "accounts": {ANY}},
    "catalog": {**_FOUNDATION, "catalog": {ANY}, "accounts": _WEB},
    "reviews": {**_FOUNDATION, "reviews": {ANY}, "catalog": {ANY}, "accounts": _WEB},
    "agents": {**_FOUNDATION, "agents": {ANY}, "catalog": {ANY}, "accounts": _WEB},
    "preview": {
        **_FOUNDATION,
        "preview": {ANY},
        "catalog": {ANY},
        "accounts": _WEB,
        "agents": {"rules", "sampling"},
        "usage": {"service"},
    },
    "deployments": {
        **_FOUNDATION,
        "deployments": {ANY},
        "agents": {ANY},
        "catalog": {ANY},
        "accounts": _WEB,
        "usage": READ_SIDE,
    },
    "desk": {**_FOUNDATION, "desk": {ANY}, "reviews": {ANY}, "catalog": {ANY}, "accounts": _WEB},
    "exchange": {**_FOUNDATION, "exchange": {ANY}, "catalog": {ANY}, "accounts": _WEB},
    "privacy": {
        **_FOUNDATION,
        "privacy": {ANY},
        **dict.fromkeys(FEATURES - {"admin", "privacy"}, READ_SIDE),
        "accounts": {*READ_SIDE, "web", "barring"},
        "deployments": {*READ_SIDE, "leaving"},
    },
    "admin": {
        **_FOUNDATION,
        "admin": {ANY},
        **{room: {*READ_SIDE, *CATALOGUE, "web", "entries", "drafts"} for room in FEATURES - {"admin"}},
        "accounts": {*READ_SIDE, "web", "people", "discord_tokens"},
        "deployments": {*READ_SIDE, "flow", "leftovers"},
        "catalog": {ANY},
        "desk": {ANY},
        "exchange": {ANY},
        "preview": {*READ_SIDE, "drafts", "streams"},
    },
    "storefront": {
        **_FOUNDATION,
        "storefront": {ANY},
        **{
            room: READ_SIDE | CATALOGUE | {"web", "sessions", "pictures", "uploads", "asking", "sampling"}
            for room in FEATURES - {"admin"}
        },
        "accounts": READ_SIDE | {"web", "pending"},
        "exchange": {"exporting"},
    },
    "bot": {
        **_FOUNDATION,
        "bot": {ANY},
        **{room: {*READ_SIDE, "pictures", "sampling", "departures"} for room in FEATURES - {"admin"}},
    },
}
EDGES = {"api", "pages", "views"}
"""Controllers: nobody imports another room's, but the wiring, which mounts them."""
PURE = {"models": {"db", "kit"}, "rules": {"db", "kit"}, "queries": {"db", "kit"}}
"""Kinds that stay low: besides these rooms they use their own room and other features' models, rules and schemas."""


def imports_of(path: Path) -> set[str]:
    """The modules of ours that a file imports, wherever in it, as `room.kind…`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= _from(node.module, [alias.name for alias in node.names])
    return {name.removeprefix("botbot.") for name in found if name.startswith("botbot.")}


def _from(module: str, names: list[str]) -> set[str]:
    """`from botbot.x import y` names the module `botbot.x.y` when there is one."""
    folder = SOURCE.joinpath(*module.split(".")[1:])
    is_module = {name: (folder / f"{name}.py").exists() or (folder / name / "__init__.py").exists() for name in names}
    return {f"{module}.{name}" if is_module[name] else module for name in names}


def modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
        for path in SOURCE.rglob("*.py")
        if "migrations" not in path.parts and path != SOURCE / "__init__.py"
    }


def parts(module: str) -> tuple[str, str]:
    room, _, rest = module.partition(".")
    return room, rest.partition(".")[0]


def test_every_room_is_on_the_map() -> None:
    assert {parts(module)[0] for module in modules()} <= set(ROOMS) | TOP


def test_rooms_open_only_the_doors_of_the_map() -> None:
    wrong = []
    for module, path in modules().items():
        room, _ = parts(module)
        for target in sorted(imports_of(path)):
            door, kind = parts(target)
            if room in TOP or door == room:
                continue
            allowed = ROOMS[room].get(door, set())
            if not (ANY in allowed or kind in allowed):
                wrong.append(f"{module} → {target}")
    assert wrong == []


def test_nobody_imports_another_rooms_controllers() -> None:
    wrong = [
        f"{module} → {target}"
        for module, path in modules().items()
        for target in sorted(imports_of(path))
        if parts(module)[0] not in TOP
        and parts(target)[0] != parts(module)[0]
        and parts(target)[0] in FEATURES
        and parts(target)[1] in EDGES
    ]
    assert wrong == []


def test_models_rules_and_queries_stay_low() -> None:
    wrong = []
    for module, path in modules().items():
        room, kind = parts(module)
        if room not in FEATURES or kind not in PURE:
            continue
        for target in sorted(imports_of(path)):
            door, file = parts(target)
            near = door == room or (door in FEATURES and file in {"models", "rules", "schemas"})
            low = door in PURE[kind] | {"errors"} or target.startswith(("jobs.models", "peers.llm", "peers.discord"))
            if not (near or low):
                wrong.append(f"{module} → {target}")
    assert wrong == []


def test_a_session_is_never_committed_by_a_service() -> None:
    wrong = [
        module
        for module, path in modules().items()
        if parts(module)[1] in {"service", "queries", "rules"} and ".commit(" in path.read_text()
    ]
    assert wrong == []


def test_the_clock_is_read_in_one_place() -> None:
    """A date read elsewhere would not move with the tests' clock. Durations by `time.perf_counter` are no dates."""
    wrong = [
        module
        for module, path in modules().items()
        if module != "kit.clock" and ("datetime.now(" in path.read_text() or "datetime.utcnow(" in path.read_text())
    ]
    assert wrong == []


def test_the_bot_knows_nothing_of_pages() -> None:
    for module, path in modules().items():
        if parts(module)[0] == "bot":
            assert not [t for t in imports_of(path) if parts(t)[1] in EDGES or parts(t)[0] in {"ui", "app"}], module
