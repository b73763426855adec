"""Makes a screenshot small enough to live beside a README: the same picture in 256 colours, as an indexed PNG.

Only what browsers write is read: eight bits per channel, with or without alpha, not interlaced."""

import struct
import zlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_COLOURS = 256
Colour = tuple[int, int, int]
Box = list[tuple[Colour, int]]
"""Colours with how many pixels have them."""


def shrink(png: bytes) -> bytes:
    width, height, pixels = _decode(png)
    palette, place = _palette(Counter(pixels))
    rows = (bytes([0, *(place[each] for each in pixels[y * width : (y + 1) * width])]) for y in range(height))
    return b"".join(
        [
            SIGNATURE,
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", bytes(part for colour in palette for part in colour)),
            _chunk(b"IDAT", zlib.compress(b"".join(rows), 9)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def _decode(png: bytes) -> tuple[int, int, list[Colour]]:
    chunks = list(_chunks(png))
    width, height, depth, kind, *_, interlaced = struct.unpack(">IIBBBBB", dict(chunks)[b"IHDR"])
    if depth != 8 or kind not in (2, 6) or interlaced:
        raise ValueError("not a screenshot: 8-bit RGB or RGBA is read, without interlacing")
    step = 3 if kind == 2 else 4
    raw = zlib.decompress(b"".join(data for name, data in chunks if name == b"IDAT"))
    above = bytearray(width * step)
    pixels: list[Colour] = []
    for y in range(height):
        start = y * (width * step + 1)
        above = _unfilter(raw[start], bytearray(raw[start + 1 : start + 1 + width * step]), above, step)
        pixels += zip(above[0::step], above[1::step], above[2::step], strict=True)
    return width, height, pixels


def _unfilter(kind: int, row: bytearray, above: bytearray, step: int) -> bytearray:
    """PNG's five predictions undone, in place. Source: the PNG specification, chapter 9."""
    for n in range(len(row)):
        left, corner = (row[n - step], above[n - step]) if n >= step else (0, 0)
        row[n] = (row[n] + (0, left, above[n], (left + above[n]) // 2, _paeth(left, above[n], corner))[kind]) & 255
    return row


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda each: abs(guess - each))


def _palette(counted: Counter[Colour]) -> tuple[list[Colour], dict[Colour, int]]:
    """Median cut: the box in which most pixels differ most is halved, until there are enough boxes."""
    boxes: list[Box] = [list(counted.items())]
    while len(boxes) < MOST_COLOURS and (widest := max(boxes, key=_spread)) and len(widest) > 1:
        boxes.remove(widest)
        boxes += _halves(widest)
    place = {colour: n for n, box in enumerate(boxes) for colour, _ in box}
    return [_mean(box) for box in boxes], place


def _sides(box: Box) -> list[int]:
    return [max(c[part] for c, _ in box) - min(c[part] for c, _ in box) for part in range(3)]


def _spread(box: Box) -> float:
    return max(_sides(box)) * float(sum(count for _, count in box)) ** 0.5 if len(box) > 1 else 0


def _halves(box: Box) -> list[Box]:
    sides = _sides(box)
    part = sides.index(max(sides))
    box = sorted(box, key=lambda each: each[0][part])
    seen = list(accumulate(count for _, count in box))
    middle = min(bisect_left(seen, seen[-1] / 2) + 1, len(box) - 1)
    return [box[:middle], box[middle:]]


def _mean(box: Box) -> Colour:
    total = sum(count for _, count in box)
    red, green, blue = (round(sum(c[part] * count for c, count in box) / total) for part in range(3))
    return red, green, blue
