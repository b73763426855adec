"""Mouths, drawn around (0, 0) and set at the head's mouth line."""

from collections.abc import Callable

from botbot.kit.avatars.choices import Mouth
from botbot.kit.avatars.palette import Palette
from botbot.kit.avatars.shapes import line, oval, path


def smile(palette: Palette) -> str:
    return line("M-38-8Q0 30 38-8", palette.ink, 13)


def grin(palette: Palette) -> str:
    return path("M-52-14H52C52 24 28 40 0 40S-52 24-52-14Z", palette.ink) + path(
        "M-42-14H42V-6C42 2 38 6 32 6H-32C-38 6-42 2-42-6Z", palette.white
    )


def flat(palette: Palette) -> str:
    return line("M-28 4H28", palette.ink, 13)


def open_(palette: Palette) -> str:
    return oval(0, 8, 24, 29, palette.ink) + oval(0, 24, 15, 11, palette.warm)


def smirk(palette: Palette) -> str:
    return line("M-32 8C-8 24 30 16 40-16", palette.ink, 13)


def tooth(palette: Palette) -> str:
    return path("M-23 2H-1V26Q-1 33-8 33H-16Q-23 33-23 26ZM1 2H23V26Q23 33 16 33H8Q1 33 1 26Z", palette.white) + line(
        "M-44-8Q0 18 44-8", palette.ink, 13
    )


def moustache(palette: Palette) -> str:
    return path(
        "M0-16C24-40 50-22 62 0C70 12 84 8 90-10C102 24 74 46 44 36C24 30 8 16 0 8"
        "C-8 16-24 30-44 36C-74 46-102 24-90-10C-84 8-70 12-62 0C-50-22-24-40 0-16Z",
        palette.ink,
    )


def beak(palette: Palette) -> str:
    return path("M-36-4C-20 14 20 14 36-4C30 22 12 40 0 40S-30 22-36-4Z", palette.fold) + path(
        "M-44-8C-30-38-12-46 0-46S30-38 44-8C28 10 12 8 0 22C-12 8-28 10-44-8Z", palette.warm
    )


MOUTHS: dict[Mouth, Callable[[Palette], str]] = {
    "smile": smile,
    "grin": grin,
    "flat": flat,
    "open": open_,
    "smirk": smirk,
    "tooth": tooth,
    "moustache": moustache,
    "beak": beak,
}
