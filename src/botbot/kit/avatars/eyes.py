"""Eyes, large, because at 32 px they are the character."""

from collections.abc import Callable

from botbot.kit.avatars.choices import Eyes
from botbot.kit.avatars.faces import Head
from botbot.kit.avatars.palette import Palette
from botbot.kit.avatars.quirks import Quirks
from botbot.kit.avatars.shapes import at, both, box, disc, line, moved, oval, path, ring, scaled, star, turned

Draw = Callable[[Head, Palette, Quirks], str]


def _pair(head: Head, quirks: Quirks, right: str, left: str) -> str:
    """Two drawings around (0, 0), set in their places."""
    gap, size = head.gap * quirks.spread, scaled(head.eye_size)
    return moved(right, at(gap, head.eyes), size) + moved(left, at(-gap, head.eyes), size)


def _bead(palette: Palette, quirks: Quirks, radius: float) -> str:
    """A dark pupil with a light in it."""
    x = quirks.gaze
    return disc(x, 0, radius, palette.ink) + disc(x - radius * 0.35, -radius * 0.4, radius * 0.34, palette.white)


def dots(head: Head, palette: Palette, quirks: Quirks) -> str:
    eye = oval(0, 0, 23, 29, palette.ink) + disc(-8, -11, 9, palette.white)
    return _pair(head, quirks, eye, eye)


def wide(head: Head, palette: Palette, quirks: Quirks) -> str:
    eye = disc(0, 0, 40, palette.white) + _bead(palette, quirks, 23)
    return _pair(head, quirks, eye, eye)


def sleepy(head: Head, palette: Palette, quirks: Quirks) -> str:
    x = quirks.gaze
    eye = (
        disc(0, 0, 39, palette.warm)
        + path("M-39 0a39 39 0 0 0 78 0z", palette.white)
        + path(f"M{x - 20:g} 0a20 20 0 0 0 40 0z", palette.ink)
    )
    return _pair(head, quirks, eye, eye)


def wink(head: Head, palette: Palette, quirks: Quirks) -> str:
    shut = line("M-27 8Q0-26 27 8", palette.ink, 13)
    return _pair(head, quirks, shut, disc(0, 0, 40, palette.white) + _bead(palette, quirks, 24))


def glasses(head: Head, palette: Palette, quirks: Quirks) -> str:
    lens = ring(0, 0, 40, palette.ink, 11, fill=palette.white) + _bead(palette, quirks, 16)
    arms = line(f"M{-head.cheek:g} {head.eyes - 8:g}H{head.cheek:g}", palette.ink, 10)
    return arms + _pair(head, quirks, lens, lens)


def visor(head: Head, palette: Palette, _: Quirks) -> str:
    half, y = head.cheek - 4, head.eyes
    glint = path("M-58-34H-26L-46 34H-78ZM-14-34H0L-20 34H-34Z", palette.warm)
    return box(-half, y - 34, 2 * half, 68, 30, palette.ink) + moved(glint, at(0, y))


def stars(head: Head, palette: Palette, quirks: Quirks) -> str:
    eye = disc(0, 0, 42, palette.white) + star(0, 2, 36, palette.warm)
    return _pair(head, quirks, eye, eye)


def lashes(head: Head, palette: Palette, quirks: Quirks) -> str:
    lights = disc(-8, -8, 9, palette.white) + disc(8, 14, 5, palette.white)
    hairs = line("M14-22L28-36M22-10L40-18M24 4L42 4", palette.ink, 8)
    eye = oval(0, 2, 25, 30, palette.ink) + lights + hairs
    return both(moved(eye, at(head.gap * quirks.spread, head.eyes), scaled(head.eye_size)))


def cyclops(head: Head, palette: Palette, quirks: Quirks) -> str:
    x = 2 * quirks.gaze
    eye = disc(0, 0, 64, palette.white) + disc(x, 0, 42, palette.hat) + disc(x, 0, 25, palette.ink)
    return moved(eye + disc(x - 14, -16, 12, palette.white), at(0, head.eyes - 4), scaled(head.eye_size))


def narrow(head: Head, palette: Palette, quirks: Quirks) -> str:
    x = quirks.gaze
    eye = path("M-40 0a40 39 0 0 0 80 0z", palette.white) + path(f"M{x - 19:g} 0a19 24 0 0 0 38 0z", palette.ink)
    eye = moved(eye + line("M-40-3H40", palette.ink, 13), turned(-13))
    return both(moved(eye, at(head.gap * quirks.spread, head.eyes - 4), scaled(head.eye_size)))


EYES: dict[Eyes, Draw] = {
    "dots": dots,
    "wide": wide,
    "sleepy": sleepy,
    "wink": wink,
    "glasses": glasses,
    "visor": visor,
    "stars": stars,
    "lashes": lashes,
    "cyclops": cyclops,
    "narrow": narrow,
}
