"""Uploaded pictures: looked at before they are decoded, and made anew by us, so that nothing of the file itself is ever
sent to anybody: no metadata, no second format hidden behind the first, no colour profile."""

import base64
import binascii
import hashlib
import io
import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from botbot.catalog.models import StoredPicture
from botbot.errors import ValidationFailed
from botbot.kit import clock

MOST_BYTES = 1024 * 1024
MOST_PIXELS_ASIDE = 4096
LEAST_PIXELS_ASIDE = 16
LARGE, SMALL = 512, 128
DAMAGE = (
    UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, struct.error,
    MemoryError, ArithmeticError, AttributeError, RuntimeError,
)  # fmt: skip
"""What decoders raise at files that are broken, or were made to break them."""
DISCORD_BYTES = 256 * 1024
"""The most that the PNG for Discord may have; with more it is reduced to 256 colours."""
FORMATS = ("PNG", "WEBP", "JPEG")
"""Told by the first bytes, whatever a name or a header claims."""
_STARTS = ((b"\x89PNG\r\n\x1a\n", "PNG"), (b"RIFF", "WEBP"), (b"\xff\xd8\xff", "JPEG"))


class Picture(msgspec.Struct, frozen=True):
    """A square picture in the forms that the product uses; `id` is the hash of what it shows."""

    id: str
    png: bytes
    large: bytes
    small: bytes

    @property
    def avatar(self) -> dict[str, str]:
        """What the entry's `avatar` column holds."""
        return {"picture": self.id}


def reencode(data: bytes, *, most: int = MOST_BYTES) -> Picture:
    """A PNG, WebP or JPEG up to `most` bytes and 4096 × 4096 px as a square picture of ours, cut around its centre.

    Raises `ValidationFailed` (field `avatar`). Takes up to half a second of CPU: call it in a thread."""
    if len(data) > most:
        raise _refused(f"must have at most {most // 1024:,} KB")
    square = _square(data)
    png = _png(square)
    return Picture(
        id=hashlib.sha256(png).hexdigest()[:40],
        png=png,
        large=_webp(square, LARGE),
        small=_webp(square, SMALL),
    )


def look_at(data: bytes, *, most: int = MOST_BYTES) -> None:
    """What a file's head tells of a picture, without decoding it: cheap, and no promise that it can be. Raises
    `ValidationFailed` (field `avatar`)."""
    if len(data) > most:
        raise _refused(f"must have at most {most // 1024:,} KB")
    with _guarded(), Image.open(io.BytesIO(data), formats=[_format(data)]) as opened:
        _check_size(*opened.size)


def from_data_url(text: str) -> bytes:
    """The bytes of a `data:image/…;base64,…`. Raises `ValidationFailed`."""
    head, _, body = text.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        raise _refused("must be a data: URL of a PNG, WebP or JPEG in base64")
    if len(body) > MOST_BYTES * 4 // 3 + 4:
        raise _refused(f"must have at most {MOST_BYTES // 1024:,} KB")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refused("must be a data: URL in base64; this can't be decoded") from error


async def store(session: AsyncSession, picture: Picture) -> None:
    """Keep it; safe to repeat, the same picture is kept once."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    values = {name: getattr(picture, name) for name in ("id", "png", "large", "small")}
    await session.execute(insert(StoredPicture).values(**values, created_at=clock.now()).on_conflict_do_nothing())


async def find_by_path(session: AsyncSession, path: str) -> str | None:
    """The id of the stored picture at a path such as `/pictures/<id>.webp`."""
    named = re.fullmatch(r"/pictures/([0-9a-f]{40})\.webp", path)
    if named is None:
        return None
    return await session.scalar(select(StoredPicture.id).where(StoredPicture.id == named[1]))


async def find_picture(session: AsyncSession, picture_id: str) -> StoredPicture | None:
    return await session.get(StoredPicture, picture_id)


def _refused(why: str) -> ValidationFailed:
    return ValidationFailed(fields={"avatar": why})


def _square(data: bytes) -> Image.Image:
    """The picture's middle as RGBA, at most 512 px wide."""
    with _guarded():
        with Image.open(io.BytesIO(data), formats=[_format(data)]) as opened:
            _check_size(*opened.size)
            opened.draft("RGB", (LARGE, LARGE))  # A JPEG is read at the size that is needed.
            opened.load()
            if opened.mode in {"RGB", "RGBA", "L", "LA"}:  # Others have no colours in between.
                opened.thumbnail((2 * LARGE, 2 * LARGE))
            upright = ImageOps.exif_transpose(opened).convert("RGBA")
        side = min(*upright.size, LARGE)
        return ImageOps.fit(upright, (side, side), Image.Resampling.LANCZOS)


def _format(data: bytes) -> str:
    found = next((name for start, name in _STARTS if data.startswith(start)), None)
    if found is None or (found == "WEBP" and data[8:12] != b"WEBP"):
        raise _refused("must be a PNG, WebP or JPEG")
    return found


def _check_size(width: int, height: int) -> None:
    if max(width, height) > MOST_PIXELS_ASIDE:
        raise _refused(f"must be at most {MOST_PIXELS_ASIDE} px wide and high; this is {width} × {height}")
    if min(width, height) < LEAST_PIXELS_ASIDE:
        raise _refused(f"must be at least {LEAST_PIXELS_ASIDE} px wide and high; this is {width} × {height}")


@contextmanager
def _guarded() -> Iterator[None]:
    """Whatever a broken file does to the decoder, the sender hears that it is broken."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except ValidationFailed:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _refused("has too many pixels") from error
    except DAMAGE as error:
        raise _refused("can't be read; it may be damaged") from error


def _scaled(square: Image.Image, side: int) -> Image.Image:
    return square if square.width == side else square.resize((side, side), Image.Resampling.LANCZOS)


def _png(square: Image.Image) -> bytes:
    whole = _bytes(_scaled(square, LARGE), "PNG", optimize=True)
    if len(whole) <= DISCORD_BYTES:
        return whole
    return _bytes(_scaled(square, LARGE).quantize(256, Image.Quantize.FASTOCTREE), "PNG", optimize=True)


def _webp(square: Image.Image, side: int) -> bytes:
    return _bytes(_scaled(square, side), "WEBP", quality=86, method=4)


def _bytes(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
