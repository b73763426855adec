"""Cards inside PNG pictures: the JSON stands as base64 in a text chunk, `ccv3` (V3) or `chara` (V2 and older).

Chunks are walked by hand and nothing is decoded as a picture here: whoever wants to show it makes it anew
(`catalog.uploads`). Only plain `tEXt` is read, so nothing can unfold. Source: the PNG specification, 5.3 and 11.3.4;
Character Card V2 and V3."""

import base64
import binascii
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from botbot.exchange.bounds import DOCUMENT_BYTES, read_json, refused
from botbot.exchange.drafts import Document

SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEYWORDS = (b"ccv3", b"chara")
"""The first one counts: a picture that has both says the same in an older tongue in the other."""
MOST_CHUNKS = 20_000
_TEXTS = {b"tEXt", b"zTXt", b"iTXt"}


class Chunk(NamedTuple):
    kind: bytes
    body: bytes


def read(data: bytes) -> Document:
    """The card in the picture. Raises `ValidationFailed`."""
    found: dict[bytes, bytes] = {}
    for chunk in _chunks(data):
        keyword, separator, text = chunk.body.partition(b"\0")
        if chunk.kind == b"tEXt" and separator and keyword.lower() in KEYWORDS:
            found.setdefault(keyword.lower(), text)
    if not found:
        raise refused("there is no character in this picture")
    text = found[next(keyword for keyword in KEYWORDS if keyword in found)]
    if len(text) > DOCUMENT_BYTES * 4 // 3 + 4:
        raise refused("the character in this picture is too large")
    try:
        document = read_json(base64.b64decode(text, validate=False))
    except (binascii.Error, ValueError) as error:
        raise refused("the character in this picture is damaged") from error
    if not isinstance(document, dict):
        raise refused("the character in this picture is no object")
    return document


def write(picture: bytes, texts: dict[bytes, bytes]) -> bytes:
    """A picture of ours with these JSON texts by keyword, and no other text in it."""
    chunks = [chunk for chunk in _chunks(picture) if chunk.kind not in _TEXTS]
    added = [Chunk(b"tEXt", keyword + b"\0" + base64.b64encode(text)) for keyword, text in texts.items()]
    return SIGNATURE + b"".join(map(_packed, [*chunks[:-1], *added, chunks[-1]]))


def _chunks(data: bytes) -> Iterator[Chunk]:
    """Up to and with IEND; what follows it is somebody else's file. Raises `ValidationFailed`."""
    if not data.startswith(SIGNATURE):
        raise refused("it isn't a PNG picture")
    at = len(SIGNATURE)
    for _ in range(MOST_CHUNKS):
        if at + 12 > len(data):
            raise refused("this picture was cut off")
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 12 + length
        if end > len(data):
            raise refused("this picture was cut off")
        yield Chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + length])
        if data[at + 4 : at + 8] == b"IEND":
            return
        at = end
    raise refused("this picture has too many parts")


def _packed(chunk: Chunk) -> bytes:
    checksum = zlib.crc32(chunk.kind + chunk.body)
    return struct.pack(">I", len(chunk.body)) + chunk.kind + chunk.body + struct.pack(">I", checksum)
