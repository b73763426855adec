"""Answers that a client may keep: strong ETags, 304, and who else may keep them.

Visitors' answers are public and asked for again each time; the ones to a person are theirs alone."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request, Response

from botbot.kit.coding import Forms, accepted

JSON = "application/json"
PUBLIC = "public, max-age=0, must-revalidate"
PRIVATE = "private, no-cache"
FOR_EVER = "public, max-age=31536000, immutable"
FILE_POLICY = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
"""A file loads nothing, and a page asks for some thirty: the pages' policy would weigh more than a small picture."""


def with_etag(request: Request[Any, Any, Any], answer: Any) -> Response[Any]:
    """The answer with a strong `ETag`, or 304 to someone who has it already."""
    body = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    is_somebody = "authorization" in request.headers or "cookie" in request.headers
    headers = {"etag": etag, "cache-control": PRIVATE if is_somebody else PUBLIC}
    if matches(request.headers.get("if-none-match", ""), [etag]):
        return Response(b"", status_code=304, headers=headers, media_type=JSON)
    return Response(body, headers=headers, media_type=JSON)


def matches(known: str, etags: Sequence[str]) -> str | None:
    """Which of `etags` an `If-None-Match` header names, weakly or not; the first for `*`."""
    if known.strip() == "*":
        return etags[0]
    named = {tag.strip().removeprefix("W/") for tag in known.split(",")}
    return next((etag for etag in etags if etag in named), None)


async def file_answer(
    request: Request[Any, Any, Any], forms: Forms, etag: str, media_type: str, *, caching: str = FOR_EVER
) -> Response[bytes]:
    """A file in the smallest form that the client takes, or 304. `etag` is the plain body's, quotes included."""
    headers = {"cache-control": caching, "vary": "Accept-Encoding", "content-security-policy": FILE_POLICY}
    codings = accepted(request.headers.get("accept-encoding", ""))
    etags = [etag, *(f'{etag[:-1]}-{coding}"' for coding in codings)]
    if found := matches(request.headers.get("if-none-match", ""), etags):
        return Response(b"", status_code=304, headers={**headers, "etag": found}, media_type=media_type)
    body = forms.body
    for coding in codings[:1]:
        packed = forms.get(coding) if forms.is_made(coding) else await asyncio.to_thread(forms.get, coding)
        if packed is not None:
            body, headers["content-encoding"], etag = packed, coding, etags[1]
    return Response(body, headers={**headers, "etag": etag}, media_type=media_type)
