"""One thing more about a character: on the face, or below the chin."""

from collections.abc import Callable

import msgspec

from botbot.kit.avatars.choices import Eyes, Feature
from botbot.kit.avatars.faces import Head
from botbot.kit.avatars.palette import Palette
from botbot.kit.avatars.quirks import Quirks
from botbot.kit.avatars.shapes import at, beads, both, box, line, moved, num, oval, path, ring, star


class Wearer(msgspec.Struct, frozen=True):
    head: Head
    palette: Palette
    eyes: Eyes
    quirks: Quirks


class Extra(msgspec.Struct, frozen=True):
    """`skin` lies under eyes and mouth, `face` over them, `chest` on the body in front of the chin."""

    skin: str = ""
    face: str = ""
    chest: str = ""


def none(_: Wearer) -> Extra:
    return Extra()


def _cheek(wearer: Wearer) -> tuple[float, float]:
    head = wearer.head
    return min(head.jaw - 24, head.gap + 34), head.mouth - 12


def freckles(wearer: Wearer) -> Extra:
    x, y = _cheek(wearer)
    spots = ",".join(
        f"{side * (x + across):g} {y + down:g}" for side in (1, -1) for across, down in ((-16, 0), (3, -9), (3, 12))
    )
    return Extra(skin=beads(spots, wearer.palette.warm, 15))


def blush(wearer: Wearer) -> Extra:
    x, y = _cheek(wearer)
    return Extra(skin=both(oval(x, y, 24, 17, wearer.palette.warm)))


def star_(wearer: Wearer) -> Extra:
    x, y = _cheek(wearer)
    return Extra(face=star(x, y + 2, 36, wearer.palette.hat))


def beard(wearer: Wearer) -> Extra:
    head = wearer.head
    c, jaw, m, low = head.cheek + 2, head.jaw, head.mouth - 26, head.chin + 34
    half = (
        f"C{jaw + 14:g} {m + 30:g} {jaw + 2:g} {low - 50:g} {jaw - 14:g} {low - 40:g}"
        f"Q{jaw - 28:g} {low - 8:g} 36 {low - 14:g}Q22 {low:g} 0 {low:g}H-2"
    )
    # Each half reaches a little over the middle, or a hairline of skin would show between them.
    shape = f"M-2 {m + 6:g}H0Q20 {m - 14:g} 50 {m:g}T{c:g} {m - 34:g}{half}Z"
    return Extra(skin=both(path(shape, wearer.palette.beard)))


def monocle(wearer: Wearer) -> Extra:
    head, palette = wearer.head, wearer.palette
    x, radius = (0.0, 72) if wearer.eyes == "cyclops" else (head.gap * wearer.quirks.spread, 50)
    start = f"{num(x + radius - 6)} {head.eyes + 24:g}"
    cord = line(f"M{start}Q{head.cheek + 14:g} {head.chin - 34:g} 74 {head.chin + 70:g}", palette.fold, 7)
    return Extra(skin=cord + ring(x, head.eyes, radius, palette.fold, 13, fill=palette.white))


def scarf(wearer: Wearer) -> Extra:
    palette, y = wearer.palette, wearer.head.chin
    tail = path(f"M34 {y + 6:g}H92L104 {y + 96:g}H48Z", palette.trim)
    wrap = path(
        f"M-112 {y - 16:g}C-60 {y + 14:g} 60 {y + 14:g} 112 {y - 16:g}C136 {y - 8:g} 136 {y + 24:g} 118 {y + 32:g}"
        f"C60 {y + 58:g}-60 {y + 58:g}-118 {y + 32:g}C-136 {y + 24:g}-136 {y - 8:g}-112 {y - 16:g}Z",
        palette.cloth,
    )
    return Extra(chest=tail + wrap)


def bowtie(wearer: Wearer) -> Extra:
    palette = wearer.palette
    wings = path("M0 0L52-36Q72-44 72-20V20Q72 44 52 36L-52-36Q-72-44-72-20V20Q-72 44-52 36Z", palette.cloth)
    return Extra(chest=moved(wings + box(-17, -20, 34, 40, 12, palette.trim), at(0, wearer.head.chin + 28)))


def collar(wearer: Wearer) -> Extra:
    y = wearer.head.chin
    flap = path(f"M0 {y + 8:g}L84 {y - 16:g}Q104 {y:g} 108 {y + 26:g}L56 {y + 66:g}Z", wearer.palette.white)
    return Extra(chest=both(flap))


FEATURES: dict[Feature, Callable[[Wearer], Extra]] = {
    "none": none,
    "freckles": freckles,
    "beard": beard,
    "scarf": scarf,
    "bowtie": bowtie,
    "monocle": monocle,
    "star": star_,
    "blush": blush,
    "collar": collar,
}
