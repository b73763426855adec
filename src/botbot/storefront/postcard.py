"""The picture that stands for a personality where its link is shared: 1200 × 630, its own portrait and its opening
line in its own colour, drawn as SVG.

Letters come from the fonts of the machine that draws. Where it has none the portrait stands alone in the middle, so
the picture is never half empty."""

import base64
import hashlib
import unicodedata
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

import resvg_py

from botbot.catalog import pictures
from botbot.kit.avatars.palette import oklch_to_hex

WIDTH, HEIGHT = 1200, 630
EDITION = "1"
"""Changes whenever the drawing does, so that kept pictures are asked for anew."""
FONTS = "Inter, 'Noto Sans', 'DejaVu Sans', 'Liberation Sans', sans-serif"
FACE = 380


def path(personality: Any) -> str:
    """`/og/<slug>.<hash>.png`; the hash changes with what is drawn."""
    parts = (EDITION, personality.name, personality.category, _line(personality), personality.avatar_path)
    said = "\n".join(parts)
    return f"/og/{personality.slug}.{hashlib.sha256(said.encode()).hexdigest()[:12]}.png"


def draw(personality: Any, portrait: bytes | None = None) -> bytes:
    """The PNG, with an uploaded `portrait` (PNG) in place of the drawn one. Takes some 100 ms of CPU; call it in a
    thread."""
    picture = svg(personality, with_words=has_fonts(), portrait=portrait)
    return bytes(resvg_py.svg_to_bytes(svg_string=picture, width=WIDTH, height=HEIGHT))


@lru_cache(maxsize=1)
def has_fonts() -> bool:
    """Whether letters leave any trace on this machine."""

    def drawn(text: str) -> bytes:
        word = f'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">{text}</svg>'
        return bytes(resvg_py.svg_to_bytes(svg_string=word))

    return drawn(f'<text x="2" y="16" font-family="{FONTS}">Hm</text>') != drawn("")


def svg(personality: Any, *, with_words: bool = True, portrait: bytes | None = None) -> str:
    hue = personality.hue
    ground, glow = oklch_to_hex(0.21, 0.03, hue), oklch_to_hex(0.36, 0.09, hue)
    backdrop = (
        f'<defs><radialGradient id="g" cx="{0.24 if with_words else 0.5}" cy="0.45" r="0.75">'
        f'<stop stop-color="{glow}"/><stop offset="1" stop-color="{ground}"/></radialGradient></defs>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#g)"/>'
    )
    x = 72 if with_words else (WIDTH - FACE) // 2
    parts = [backdrop, _portrait(personality, x, (HEIGHT - FACE) // 2, portrait)]
    if with_words:
        parts += _words(personality)
    frame = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {frame}>{"".join(parts)}</svg>'


def _portrait(personality: Any, x: int, y: int, portrait: bytes | None) -> str:
    place = f'x="{x}" y="{y}" width="{FACE}" height="{FACE}" '
    if portrait is None:
        drawn = pictures.svg(personality.avatar, personality.hue, personality.slug)
        face = drawn.replace("<svg ", f"<svg {place}", 1)
    else:
        face = f'<image {place}href="data:image/png;base64,{base64.b64encode(portrait).decode()}"/>'
    corner = f'<clipPath id="c"><rect x="{x}" y="{y}" width="{FACE}" height="{FACE}" rx="88"/></clipPath>'
    return f'{corner}<g clip-path="url(#c)">{face}</g>'


LEFT, TEXT_WIDTH, LEADING, PADDING = 516, 612, 1.36, 32
UNDER_BUBBLE = 108
"""How much room the name takes."""


def _line(personality: Any) -> str:
    return personality.opening_line.replace("*", "").strip() or str(personality.description)


def _words(personality: Any) -> list[str]:
    """The opening line as large as it fits, in a bubble that points at the face; below it, whose it is."""
    size, rows = fitted(f"“{_line(personality)}”", TEXT_WIDTH - 72, sizes=(44, 38, 33, 29), rows=5)
    height = len(rows) * size * LEADING + 2 * PADDING
    top = (HEIGHT - height - UNDER_BUBBLE) / 2
    return [*_bubble(rows, size, top, height, personality.hue), *_name(personality, top + height)]


def _bubble(rows: list[str], size: int, top: float, height: float, hue: int) -> list[str]:
    fill, ink = oklch_to_hex(0.4, 0.085, hue), oklch_to_hex(0.97, 0.02, hue)
    beak = f'<path d="M{LEFT} {top + height / 2 - 20:.0f}l-26 20 26 20z" fill="{fill}"/>'
    box = f'<rect x="{LEFT}" y="{top:.0f}" width="{TEXT_WIDTH}" height="{height:.0f}" rx="30" fill="{fill}"/>'
    return [beak, box, *_rows(rows, LEFT + 36, top + PADDING + size, size, ink, 500)]


def _name(personality: Any, below: float) -> list[str]:
    size, names = fitted(personality.name, TEXT_WIDTH, sizes=(44, 38, 32), rows=1)
    what = f"{personality.category} · AI character for Discord · BotBot"
    small, whats = fitted(what, TEXT_WIDTH, sizes=(24, 22), rows=1)
    ink, quiet = oklch_to_hex(0.97, 0.01, personality.hue), oklch_to_hex(0.78, 0.05, personality.hue)
    return [
        *_rows(names, LEFT + 4, below + 62, size, ink, 700),
        *_rows(whats, LEFT + 4, below + 104, small, quiet, 500),
    ]


def _rows(rows: list[str], x: float, y: float, size: float, colour: str, weight: int) -> list[str]:
    style = f'font-family="{FONTS}" font-size="{size:g}" font-weight="{weight}" fill="{colour}"'
    return [
        f'<text x="{x:g}" y="{y + at * size * LEADING:.0f}" {style}>{escape(row)}</text>' for at, row in enumerate(rows)
    ]


def fitted(text: str, width: float, *, sizes: tuple[int, ...], rows: int) -> tuple[int, list[str]]:
    """The largest size at which the text takes at most so many rows; at the smallest the rest is cut with "…"."""
    text = "".join(letter for letter in text if letter.isprintable() or letter.isspace())
    broken: list[str] = []
    for size in sizes:
        broken = _broken(text, width / size)
        if len(broken) <= rows:
            return size, broken
    cut = broken[:rows]
    last = cut[-1]
    while last and _width(f"{last}…") > width / sizes[-1]:
        last = last[:-1]
    return sizes[-1], [*cut[:-1], f"{last.rstrip()}…"]


def _broken(text: str, width: float) -> list[str]:
    """Rows of at most `width` (in letter heights); what is longer than a row is broken within."""
    rows: list[str] = [""]
    for word in text.split():
        joined = f"{rows[-1]} {word}".strip()
        if _width(joined) <= width:
            rows[-1] = joined
            continue
        rows.append("")
        for letter in word:
            if _width(rows[-1] + letter) > width:
                rows.append("")
            rows[-1] += letter
    return [row for row in rows if row]


def _width(text: str) -> float:
    """How wide a text is, about, in multiples of its size: enough to break lines by."""
    return sum(_LETTERS.get(letter, 0.0) or _wide(letter) for letter in text)


def _wide(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.04
    return 0.7 if letter.isupper() or letter.isdigit() else 0.57


_LETTERS = dict.fromkeys("iIjl.,:;'’|! ", 0.3) | dict.fromkeys("frt-“”()", 0.42) | dict.fromkeys("mwMW", 0.92)
