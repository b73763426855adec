"""What is behind a character: one ground, and a motif one quiet step away from it."""

from collections.abc import Callable

from botbot.kit.avatars.choices import Backdrop
from botbot.kit.avatars.shapes import dashes, line, path, ring

Draw = Callable[[str], str]


def plain(_: str) -> str:
    return ""


def rings(tone: str) -> str:
    return "".join(ring(256, 256, radius, tone, 44) for radius in (128, 216))


def stripes(tone: str) -> str:
    return line("M-40 168L168-40M-40 376L376-40M-40 584L584-40M136 616L616 136M344 616L616 344", tone, 62)


def dots(tone: str) -> str:
    # Dashes too short to see, with round ends: one element draws the whole field.
    rows = "".join(f"M{0 if row % 2 else 42} {30 + row * 75}H540" for row in range(7))
    return f'<path d="{rows}" fill="none" stroke="{tone}" stroke-width="34" stroke-dasharray=".1 84"/>'


def hills(tone: str) -> str:
    return path("M0 330C70 230 150 230 230 320C300 220 420 180 512 300V512H0Z", tone)


def waves(tone: str) -> str:
    return line("".join(f"M0 {y}q64-90 128 0t128 0 128 0 128 0" for y in range(76, 512, 120)), tone, 26)


def sun(tone: str) -> str:
    return f'<g stroke-linecap="butt">{dashes(256, 270, 200, tone, 400, "62.83")}</g>'


def grid(tone: str) -> str:
    return line("M64-9V540M192 0V540M320 0V540M448 0V540M0 64H512M0 192H512M0 320H512M0 448H512", tone, 16)


BACKDROPS: dict[Backdrop, Draw] = {
    "plain": plain,
    "rings": rings,
    "stripes": stripes,
    "dots": dots,
    "hills": hills,
    "waves": waves,
    "sun": sun,
    "grid": grid,
}
