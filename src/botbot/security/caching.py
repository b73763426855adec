"""Answers that a client may keep: strong ETags and 304."""

import hashlib
from typing import Any

import msgspec
from litestar import Request, Response

JSON = "application/json"


def with_etag(request: Request[Any, Any, Any], answer: Any) -> Response[Any]:
    """The answer with a strong `ETag`, or 304 to someone who has it already."""
    body = msgspec.json.encode(answer)
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"etag": etag, "cache-control": "no-cache"}
    known = request.headers.get("if-none-match", "")
    if known and (known.strip() == "*" or etag in {tag.strip().removeprefix("W/") for tag in known.split(",")}):
        return Response(b"", status_code=304, headers=headers, media_type=JSON)
    return Response(body, headers=headers, media_type=JSON)
