"""One hue becomes the tones of a portrait.

Colours are chosen in OKLCH, where equal numbers look equally light in every hue, and written as sRGB
hex so that any renderer shows the same. Chroma that sRGB cannot show is lowered; lightness and hue stay.
"""

import math
from functools import lru_cache

import msgspec

from botbot.kit.avatars.choices import Skin

Rgb = tuple[float, float, float]


class Palette(msgspec.Struct, frozen=True):
    """Hex colours by what they paint. `trim` reads on `hat` and on `ground`, `cloth` on `body`, `beard` on `face`;
    `fall`, `shade` and `fold` are the shadow sides of `body`, `face` and `hat`.
    """

    ground: str
    motif: str
    body: str
    fall: str
    cloth: str
    beard: str
    face: str
    shade: str
    hat: str
    fold: str
    trim: str
    warm: str
    ink: str
    white: str


# Lightness and chroma of each tone, in the order of Palette. Face, hat and ground stand far apart so that
# the silhouette holds at 32 px; a light face stands before a deep ground and the other way round.
_TONES: dict[Skin, tuple[tuple[float, float], ...]] = {
    "light": (
        (0.43, 0.125), (0.500, 0.130), (0.60, 0.150), (0.53, 0.145), (0.93, 0.045), (0.66, 0.165), (0.885, 0.075),
        (0.80, 0.105), (0.67, 0.190), (0.59, 0.175), (0.945, 0.050), (0.70, 0.165), (0.24, 0.060), (0.985, 0.008),
    ),
    "mid": (
        (0.915, 0.058), (0.86, 0.085), (0.52, 0.150), (0.46, 0.135), (0.965, 0.030), (0.985, 0.010), (0.755, 0.130),
        (0.675, 0.140), (0.41, 0.150), (0.345, 0.120), (0.64, 0.190), (0.60, 0.185), (0.22, 0.060), (0.985, 0.008),
    ),
    "deep": (
        (0.870, 0.085), (0.815, 0.105), (0.43, 0.120), (0.37, 0.105), (0.95, 0.035), (0.965, 0.020), (0.575, 0.145),
        (0.50, 0.130), (0.34, 0.105), (0.28, 0.080), (0.70, 0.180), (0.70, 0.170), (0.19, 0.045), (0.985, 0.008),
    ),
}  # fmt: skip


@lru_cache(maxsize=1024)
def palette_of(skin: Skin, hue: int) -> Palette:
    """The tones for one hue in degrees; any whole number, turned into 0–359."""
    return Palette(*(oklch_to_hex(lightness, chroma, hue % 360) for lightness, chroma in _TONES[skin]))


def oklch_to_hex(lightness: float, chroma: float, hue: float) -> str:
    """`lightness` 0–1, `chroma` 0–0.4, `hue` in degrees; the nearest chroma sRGB can show."""
    rgb = _to_linear(lightness, _fitting_chroma(lightness, chroma, hue), hue)
    return "#" + "".join(f"{round(255 * _encode(part)):02x}" for part in rgb)


def _fitting_chroma(lightness: float, chroma: float, hue: float) -> float:
    if _in_gamut(_to_linear(lightness, chroma, hue)):
        return chroma
    low, high = 0.0, chroma
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if _in_gamut(_to_linear(lightness, middle, hue)) else (low, middle)
    return low


def _in_gamut(rgb: Rgb) -> bool:
    return all(-0.0005 <= part <= 1.0005 for part in rgb)


def _to_linear(lightness: float, chroma: float, hue: float) -> Rgb:
    """Linear sRGB, perhaps outside 0–1. The constants define OKLab (Ottosson 2020; CSS Color 4, section 9)."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _encode(part: float) -> float:
    """The sRGB transfer curve (IEC 61966-2-1)."""
    part = min(1.0, max(0.0, part))
    return 12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055
