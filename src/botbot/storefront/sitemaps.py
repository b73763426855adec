"""What search engines ask for: `/robots.txt` and `/sitemap.xml`, an index of chunks of at most 50,000 addresses.

Chunks are cut along the ids, and each is streamed in batches, so that a million entries cost neither memory nor one
long statement. Source of the limits: sitemaps.org, protocol 0.9."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get
from litestar.response import Stream
from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from botbot.catalog.models import PersonalityTemplate as P
from botbot.catalog.queries import on_shelf
from botbot.errors import NotFound
from botbot.house import House

CHUNK, BATCH = 50_000, 1_000
PAGES = ("/", "/privacy", "/terms")
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
XML = "application/xml; charset=utf-8"
CACHING = {"cache-control": "public, max-age=3600"}
KEEP_SECONDS = 600.0
CLOSED = ("/api/", "/account", "/admin", "/deployments", "/favourites", "/personalities/*/report")

_SHOWN = select(P.id, P.slug, P.updated_at).where(on_shelf(), P.id > bindparam("after"))
_BATCH = _SHOWN.order_by(P.id).limit(bindparam("limit"))
_EDGE = (
    select(P.id)
    .where(on_shelf(), P.id > bindparam("after"))
    .order_by(P.id)
    .offset(bindparam("chunk"))
    .limit(1)
)  # fmt: skip
_IN_CHUNK = (
    select(P.updated_at)
    .where(on_shelf(), P.id > bindparam("after"))
    .order_by(P.id)
    .limit(bindparam("limit"))
    .subquery()
)
_NEWEST = select(func.max(_IN_CHUNK.c.updated_at))


class Chunks:
    """Where each chunk begins (behind which id) and when something in it last changed; found anew every ten minutes."""

    def __init__(self) -> None:
        self._found: list[tuple[str, Any]] = []
        self._until = 0.0
        self._one = asyncio.Lock()

    async def list(self, house: House, size: int = CHUNK) -> list[tuple[str, Any]]:
        async with self._one:
            if time.monotonic() >= self._until:
                async with house.db.reading() as connection:
                    self._found = await find_chunks(connection, size)
                self._until = time.monotonic() + KEEP_SECONDS
            return self._found


async def find_chunks(connection: AsyncConnection, size: int) -> list[tuple[str, Any]]:
    """One step per chunk along the ids."""
    found: list[tuple[str, Any]] = []
    after: str | None = ""
    while after is not None:
        newest = (await connection.execute(_NEWEST, {"after": after, "limit": size})).scalar()
        found.append((after, newest))
        after = (await connection.execute(_EDGE, {"after": after, "chunk": size - 1})).scalar()
        if after is not None and not (await connection.execute(_BATCH, {"after": after, "limit": 1})).first():
            after = None
    return found


@get("/robots.txt", include_in_schema=False)
async def robots(house: House) -> Response[str]:
    closed = "".join(f"Disallow: {path}\n" for path in CLOSED)
    body = f"User-agent: *\n{closed}\nSitemap: {house.settings.public_url}/sitemap.xml\n"
    return Response(body, media_type="text/plain; charset=utf-8", headers=CACHING)


@get("/sitemap.xml", include_in_schema=False)
async def index(request: Request[Any, Any, Any], house: House) -> Response[str]:
    chunks: Chunks = request.app.state.chunks
    base = house.settings.public_url
    parts = [
        f"<sitemap><loc>{base}/sitemaps/{number}.xml</loc>{_changed(newest)}</sitemap>\n"
        for number, (_, newest) in enumerate(await chunks.list(house), 1)
    ]
    parts.append(f"<sitemap><loc>{base}/sitemaps/pages.xml</loc></sitemap>\n")
    body = f"{HEAD}<sitemapindex {NAMESPACE}>\n{''.join(parts)}</sitemapindex>\n"
    return Response(body, media_type=XML, headers=CACHING)


@get("/sitemaps/{file_name:str}", include_in_schema=False)
async def chunk(request: Request[Any, Any, Any], house: House, file_name: str) -> Response[Any] | Stream:
    name = file_name.removesuffix(".xml")
    if name == "pages":
        locations = "".join(f"<url><loc>{house.settings.public_url}{path}</loc></url>\n" for path in PAGES)
        body = f"{HEAD}<urlset {NAMESPACE}>\n{locations}</urlset>\n"
        return Response(body, media_type=XML, headers=CACHING)
    chunks: Chunks = request.app.state.chunks
    found = await chunks.list(house)
    if not name.isascii() or not name.isdigit() or not 1 <= int(name[:6]) <= len(found):
        raise NotFound
    place = int(name[:6])
    end = found[place][0] if place < len(found) else None
    return Stream(_addresses(house, found[place - 1][0], end), media_type=XML, headers=CACHING)


async def _addresses(house: House, after: str, end: str | None) -> AsyncIterator[str]:
    """The chunk's text, a batch at a time. Each batch takes its own connection: a slow reader holds none."""
    yield f"{HEAD}<urlset {NAMESPACE}>\n"
    left = CHUNK
    while left > 0:
        async with house.db.reading() as connection:
            rows = (await connection.execute(_BATCH, {"after": after, "limit": min(BATCH, left)})).all()
        kept = [row for row in rows if end is None or row.id <= end]
        yield "".join(_address(house.settings.public_url, row) for row in kept)
        if len(kept) < min(BATCH, left):
            break
        after, left = rows[-1].id, left - len(rows)
    yield "</urlset>\n"


def _address(base: str, row: Any) -> str:
    return f"<url><loc>{base}/personalities/{quote(row.slug)}</loc>{_changed(row.updated_at)}</url>\n"


def _changed(moment: Any) -> str:
    return f"<lastmod>{moment:%Y-%m-%dT%H:%M:%SZ}</lastmod>" if moment else ""


handlers: list[Any] = [robots, index, chunk]
