"""How request bodies are read: strictly, once, and never deeper than we asked for.

The framework would parse `text/plain` as JSON (a cross-site "simple" request) and answers 500 to invalid UTF-8, to
deep nesting and, later, to NUL and numbers that no database holds."""

import re
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.datastructures import UploadFile

from botbot.errors import UnsupportedMediaType, ValidationFailed

T = TypeVar("T")
MAX_DEPTH = 32
MAX_BODY = 1_500_000
"""Bytes; the largest ordinary body is an entry with a 1 MiB picture as base64."""
MAX_UPLOAD = 34_000_000
"""Of an import: a file of 32 MiB in its form."""
MOST_FIELDS, MOST_ROWS = 100, 4000
"""Of an ordinary form, and of one with as many rows as the largest entry has."""
MAX_FORM = 10_000_000
"""Of the editor's form: a picture as a phone takes it, and every row that an entry may have."""
EDITOR = "/admin/personalities/"
UPLOADS = frozenset({"/api/marketplace/admin/import", "/admin/import"})
BIGGEST = 2**63 - 1


class StrictRequest(Request[Any, Any, Any]):
    """The request class of the whole application."""

    async def json(self) -> Any:
        """The body as plain data. Raises `ValidationFailed` (400) or `UnsupportedMediaType` (415)."""
        if "json_body" not in self.scope["state"]:
            if media_type(self.headers.get("content-type", "")) != "application/json":
                raise UnsupportedMediaType
            self.scope["state"]["json_body"] = decode_json(await self.body())
        return self.scope["state"]["json_body"]

    async def read(self, kind: type[T]) -> T:
        """The body as `kind`, strictly: "5" is no number. Raises `ValidationFailed` naming the field by its path."""
        try:
            return msgspec.convert(await self.json(), kind)
        except msgspec.ValidationError as error:
            text, _, where = str(error).partition(" - at `$")
            field = where.rstrip("`").lstrip(".") or "body"
            missing = re.fullmatch(r"Object missing required field `(\w+)`", text)
            if missing:
                field, text = ".".join(filter(None, [where.rstrip("`").lstrip("."), missing[1]])), "is needed"
            raise ValidationFailed(fields={field: as_requirement(text)}) from error

    async def fields(self) -> dict[str, str]:
        """An urlencoded form's fields; of a repeated name the last one counts."""
        return dict(await self.form_pairs())

    async def form_pairs(self) -> list[tuple[str, str]]:
        """An urlencoded form's fields in their order, repeated names included."""
        return await self._urlencoded(MOST_FIELDS)

    async def rows_and_file(self, file: str) -> tuple[list[tuple[str, str]], bytes | None]:
        """A long form with repeated rows, sent either way: its fields, in order among those of one name, and the file
        of that name, if one was chosen. Raises `ValidationFailed` (400) or `UnsupportedMediaType` (415)."""
        if media_type(self.headers.get("content-type", "")) != "multipart/form-data":
            return await self._urlencoded(MOST_ROWS), None
        try:
            items = list((await self.form()).multi_items())
        except (UnicodeError, ValueError) as error:
            raise ValidationFailed("That form can't be read.") from error
        pairs = [(name, value) for name, value in items if isinstance(value, str)]
        for name, value in pairs:
            _check_text(name, "form")
            _check_text(value, name)
        chosen = [each for name, each in items if name == file and isinstance(each, UploadFile)]
        return pairs, await chosen[0].read() if chosen else None

    async def _urlencoded(self, most: int) -> list[tuple[str, str]]:
        if media_type(self.headers.get("content-type", "")) not in {"application/x-www-form-urlencoded", ""}:
            raise UnsupportedMediaType("Please send the form as application/x-www-form-urlencoded.")
        try:
            pairs = parse_qsl((await self.body()).decode(), keep_blank_values=True, max_num_fields=most)
        except ValueError as error:
            raise ValidationFailed("That form can't be read.") from error
        for name, value in pairs:
            _check_text(value, name)
        return pairs


def most_of(path: str) -> int:
    """How many bytes a body may have there."""
    if path in UPLOADS:
        return MAX_UPLOAD
    return MAX_FORM if path.startswith(EDITOR) else MAX_BODY


def as_requirement(message: str) -> str:
    """msgspec's message as half a sentence: what the field must be."""
    text = message.replace("`", "")
    return text.replace("Expected ", "must be ", 1) if text.startswith("Expected ") else text


def media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()


def decode_json(body: bytes) -> Any:
    """JSON with bounded depth and integers, no NUL and no lone surrogates. An empty body is an empty object."""
    if not body.strip():
        return {}
    if _is_too_deep(body):
        raise ValidationFailed("That JSON is nested too deeply.")
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ValidationFailed("That isn't valid JSON.") from error
    _check(value, "body")
    return value


_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?|[\[\]{}]', re.DOTALL)
"""A string (perhaps unclosed) or a bracket. Possessive: a hostile body must not make it look twice."""
_UNUSABLE = re.compile("[\x00\ud800-\udfff]")


def _is_too_deep(body: bytes) -> bool:
    """Whether brackets outside strings nest deeper than we accept, found without parsing."""
    depth = 0
    for token in _TOKENS.finditer(body):
        if token[0] in {b"[", b"{"}:
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif token[0] in {b"]", b"}"}:
            depth -= 1
    return False


def _check(value: Any, name: str) -> None:
    if isinstance(value, str):
        _check_text(value, name)
    elif isinstance(value, int) and not -BIGGEST <= value <= BIGGEST:
        raise ValidationFailed(fields={name: "is too large a number"})
    elif isinstance(value, list):
        for each in value:
            _check(each, name)
    elif isinstance(value, dict):
        for key, each in value.items():
            _check_text(key, name)
            _check(each, key)


def _check_text(text: str, name: str) -> None:
    if _UNUSABLE.search(text):
        raise ValidationFailed(fields={name: "must not contain NUL or broken characters"})
