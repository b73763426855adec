"""From a character's hue to plain sRGB, for the places that cannot read our stylesheet: `theme-color` (Discord
paints an embed's edge with it) and the tests that hold every hue to its contrast.

The matrices are those of Björn Ottosson's Oklab (2020); contrast is WCAG 2.2's relative luminance."""

import math

RGB = tuple[float, float, float]


def oklch_to_rgb(lightness: float, chroma: float, hue: float) -> RGB:
    """sRGB 0-1, each channel clipped into the gamut as browsers do. Lightness is 0-1, hue in degrees."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        _gamma(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short),
        _gamma(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short),
        _gamma(-0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short),
    )


def contrast(one: RGB, other: RGB) -> float:
    """WCAG's contrast ratio, 1-21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def hue_hex(hue: int) -> str:
    """The character's own colour as `#rrggbb`."""
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in oklch_to_rgb(0.7, 0.13, hue))


def _gamma(linear: float) -> float:
    linear = min(1.0, max(0.0, linear))
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055


def _luminance(colour: RGB) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
