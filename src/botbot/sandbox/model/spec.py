"""The official description of the three operations (`openai.json`), and requests held to it.

Two things are made stricter or righter while reading: parameters nobody knows are violations (the description leaves
objects open), and `nullable`, a word of OpenAPI 3.0 in a 3.1 document, is understood as it was meant."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

ROOT = "urn:openai"
CLOSED = ("Message", "StreamOptions")  # endings of the schemas whose objects take no other fields


@cache
def _registry() -> Any:
    from referencing import Registry  # here, because it is slow to import and seldom needed
    from referencing.jsonschema import DRAFT202012

    text = (files(__package__) / "openai.json").read_text(encoding="utf-8")
    document = _meant(json.loads(text))
    _close(document["components"]["schemas"])
    _ask_the_role(document["components"]["schemas"])
    return Registry().with_resource(ROOT, DRAFT202012.create_resource(document))


@cache
def _validator(pointer: str, is_closed: bool) -> Any:
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

    schema: dict[str, Any] = {"$ref": f"{ROOT}#{pointer}"}
    if is_closed:
        schema["unevaluatedProperties"] = False
    return Draft202012Validator(schema, registry=_registry())


def request_violations(path: str, body: Any) -> list[str]:
    """What in this request body is against the description of `POST {path}`, one line each; empty when right."""
    pointer = f"/paths/{path.replace('/', '~1')}/post/requestBody/content/application~1json/schema"
    return _lines(_validator(pointer, True), body)


def answer_violations(schema_name: str, answer: Any) -> list[str]:
    """The same for something we answer, by the name of its schema."""
    return _lines(_validator(f"/components/schemas/{schema_name}", False), answer)


def _lines(validator: Any, value: Any) -> list[str]:
    from jsonschema.exceptions import best_match  # type: ignore[import-untyped]

    errors = sorted(validator.iter_errors(value), key=lambda error: error.json_path)
    return [f"{error.json_path}: {(best_match([error]) or error).message}"[:300] for error in errors]


def _meant(node: Any) -> Any:
    """The same schema with `nullable: true` written as 3.1 wants it."""
    if isinstance(node, list):
        return [_meant(each) for each in node]
    if not isinstance(node, dict):
        return node
    result = {name: _meant(each) for name, each in node.items() if name != "nullable"}
    return {"anyOf": [result, {"type": "null"}]} if node.get("nullable") is True else result


def _close(schemas: dict[str, Any]) -> None:
    for name, schema in schemas.items():
        if name.endswith(CLOSED) and name.startswith("ChatCompletion"):
            for branch in (schema, *schema.get("anyOf", ())):
                if "properties" in branch:
                    branch["additionalProperties"] = False


def _ask_the_role(schemas: dict[str, Any]) -> None:
    """Hold a message against the one schema of its role, not against all six in turn: quicker, and the complaint is
    about the right one."""
    message = schemas["ChatCompletionRequestMessage"]
    by_role: dict[str, Any] = {}
    for branch in message["oneOf"]:
        for role in schemas[branch["$ref"].rsplit("/", 1)[1]]["properties"]["role"]["enum"]:
            by_role[role] = {"if": {"properties": {"role": {"const": role}}}, "then": branch}
    schemas["ChatCompletionRequestMessage"] = {
        "type": "object",
        "required": [message["discriminator"]["propertyName"]],
        "properties": {"role": {"enum": list(by_role)}},
        "allOf": list(by_role.values()),
    }
