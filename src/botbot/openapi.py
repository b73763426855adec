"""The OpenAPI document: generated from the handlers, with the one shape of every failure added to each operation."""

from typing import Any

import msgspec
from litestar import Litestar

ERROR = {
    "type": "object",
    "description": "The one shape of every failure.",
    "required": ["error", "message", "code", "details"],
    "properties": {
        "error": {"type": "string", "description": "A stable snake_case name for programs."},
        "message": {"type": "string", "description": "One sentence for a person."},
        "code": {"type": ["string", "null"], "description": "A peer's finer code."},
        "details": {"type": "object"},
    },
}
SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A personal API token, `bbt_…`."},
    "session": {"type": "apiKey", "in": "cookie", "name": "botbot_session"},
}


def document(site: Litestar) -> dict[str, Any]:
    """OpenAPI 3.1 as plain data, made once per application."""
    if "openapi" in site.state:
        return dict(site.state["openapi"])
    made: dict[str, Any] = site.openapi_schema.to_schema()
    components = made.setdefault("components", {})
    components.setdefault("schemas", {})["ApiError"] = ERROR
    components["securitySchemes"] = SECURITY
    _add_bodies(site, made)
    made["security"] = [{}, {"bearer": []}, {"session": []}]
    for path in made["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict) and "responses" in operation:
                _with_failures(operation)
    site.state["openapi"] = made
    return made


def _add_bodies(site: Litestar, made: dict[str, Any]) -> None:
    """What each handler says it reads (`body=` in its decorator); bodies are read strictly, by ourselves."""
    for route in site.routes:
        for handler in getattr(route, "route_handlers", []):
            if kind := handler.opt.get("body"):
                (schema,), parts = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
                made["components"]["schemas"] |= parts
                content = {"application/json": {"schema": schema}}
                required = any(field.required for field in msgspec.structs.fields(kind))
                for method in handler.http_methods:
                    operation = made["paths"][route.path_format][method.lower()]
                    operation["requestBody"] = {"required": required, "content": content}


def _with_failures(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    responses.pop("400", None)
    for status in responses.keys() & {"204", "302", "303", "304"}:
        responses[status].pop("content", None)
    responses["default"] = {
        "description": "Any failure.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ApiError"}}},
    }
