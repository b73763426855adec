"""Keeping the documents that entries came in."""

import zlib
from typing import NamedTuple

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.exchange.drafts import Document
from botbot.exchange.models import Original


class Kept(NamedTuple):
    format: str
    document: Document


async def keep(session: AsyncSession, personality_id: str, kind: str, document: Document) -> None:
    packed = zlib.compress(msgspec.json.encode(document), 6)
    session.add(Original(personality_id=personality_id, format=kind, document=packed))


async def find(session: AsyncSession, personality_id: str) -> Kept | None:
    row = await session.get(Original, personality_id)
    return None if row is None else Kept(row.format, msgspec.json.decode(zlib.decompress(row.document), type=Document))
