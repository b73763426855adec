"""What goes into an entry: only what differs, in small."""

from typing import Any

LONGEST, MOST, DEEPEST = 400, 60, 4
"""Characters of a text, members of a list or object, levels of nesting."""
SECRET = ("token", "secret", "password", "cookie", "authorization", "api_key", "apikey")
HIDDEN = "(not kept here)"

Fields = dict[str, Any] | None


def differing(before: Fields, after: Fields) -> tuple[Fields, Fields]:
    """Without what is equal on both sides; one side alone stays as it is."""
    if before is None or after is None:
        return before, after
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return _only(before, changed), _only(after, changed)


def _only(fields: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name in names}


def small(fields: dict[str, Any]) -> dict[str, Any]:
    """Plain data of bounded size. What is called a secret isn't kept, whoever passes it."""
    return {str(name)[:80]: _small_field(str(name), value, 0) for name, value in list(fields.items())[:MOST]}


def _small_field(name: str, value: Any, depth: int) -> Any:
    is_secret = isinstance(value, str) and any(sign in name.casefold() for sign in SECRET)
    return HIDDEN if is_secret else _small(value, depth)


def _small(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if depth < DEEPEST and isinstance(value, dict):
        return {str(k)[:80]: _small_field(str(k), v, depth + 1) for k, v in list(value.items())[:MOST]}
    if depth < DEEPEST and isinstance(value, (list, tuple, set, frozenset)):
        return [_small(each, depth + 1) for each in list(value)[:MOST]]
    text = str(value).replace("\x00", "")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"
