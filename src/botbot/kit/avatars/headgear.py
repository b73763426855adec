"""What a character wears on its head.

Drawn for a head 220 units wide whose brow line is y = 0 and whose top is about y = -68; `fit` puts it
on the real head. `back` goes behind the head, `front` before it, `rise` is how far it reaches
above the brow and `span` how far to a side, so that the portrait can make room for it.
"""

from collections.abc import Callable

import msgspec

from botbot.kit.avatars.choices import Headgear
from botbot.kit.avatars.faces import Head
from botbot.kit.avatars.palette import Palette
from botbot.kit.avatars.shapes import at, beads, both, box, dashes, disc, line, moved, path, scaled, star, turned


class Gear(msgspec.Struct, frozen=True):
    front: str = ""
    back: str = ""
    rise: float = 70
    span: float = 134
    wide: bool = False  # fitted to the cheeks, not to the brow


def none(_: Palette) -> Gear:
    return Gear()


def cap(palette: Palette) -> Gear:
    dome = path("M-106 2Q-118 2-118-10C-120-78-66-104 0-104S120-78 118-10Q118 2 106 2Z", palette.hat)
    front = path("M-8-104C60-104 120-78 118-10Q118 2 106 2H6C14-40 10-80-8-104Z", palette.fold)
    peak = path("M-24-4C34-40 124-36 162-4C172 6 162 18 148 14C98 2 36 4-10 16C-32 18-36 4-24-4Z", palette.trim)
    return Gear(dome + front + disc(-2, -104, 11, palette.trim) + peak, rise=116, span=166)


def crown(palette: Palette) -> Gear:
    points = "M-84-22L-103-98-52-64 0-130 52-64 103-98 84-22Z"
    gold = f'<path d="{points}" fill="{palette.hat}" stroke="{palette.hat}" stroke-width="18"/>'
    tips = beads("0-140,112-106,-112-106", palette.trim, 28)
    jewels = beads("0-46,46-43,-46-43", palette.trim, 22)
    return Gear(gold + box(-94, -24, 188, 24, 12, palette.fold) + tips + jewels, rise=154)


def wizard(palette: Palette) -> Gear:
    cone = path(
        "M-112-40C-80-100-44-156-4-196C18-220 60-218 90-180C68-184 54-174 60-154C74-116 98-80 112-40Z", palette.hat
    )
    band = path("M-112-40L-92-78Q0-56 94-78L112-40Z", palette.trim)
    brim = path("M-176-34Q0-76 176-34Q190-8 152-12Q0-42-152-12Q-190-8-176-34Z", palette.fold)
    return Gear(cone + band + brim + star(-4, -126, 27, palette.trim), rise=214, span=180)


def headphones(palette: Palette) -> Gear:
    arch = line("M-124 44C-128-54-84-84 0-84S128-54 124 44", palette.hat, 24)
    pads = line("M-119 22V94M119 22V94", palette.trim, 30)
    cups = line("M-139 22V94M139 22V94", palette.hat, 42)
    return Gear(pads + cups, arch, rise=96, span=160, wide=True)


def bun(palette: Palette) -> Gear:
    hair = "M-122 38C-136-66-78-98 0-98S136-66 122 38C116-2 100-20 66-26C42-30 20-24-6-34C-38-14-104-12-122 38Z"
    knot = disc(0, -124, 50, palette.hat) + path("M38-156a50 50 0 0 1-72 68C4-86 34-112 38-156Z", palette.fold)
    return Gear(path(hair, palette.hat) + box(-34, -100, 68, 16, 8, palette.trim), knot, rise=174)


def helmet(palette: Palette) -> Gear:
    shell = (
        "M-136-6C-136-86-78-116 0-116S136-86 136-6V78C136 104 100 106 96 82L88 26C86 8 76 0 58 0H-58"
        "C-76 0-86 8-88 26L-96 82C-100 106-136 104-136 78Z"
    )
    crest = box(-19, -142, 38, 140, 19, palette.trim)
    rivets = beads("114 4,-114 4", palette.trim, 26)
    return Gear(path(shell, palette.hat) + rivets + crest, rise=142, span=138, wide=True)


def beret(palette: Palette) -> Gear:
    cloth = path("M-110-2C-168-28-128-110-6-112C104-114 176-66 140-26C118-2 40-14-20-10C-60-8-90 8-110-2Z", palette.hat)
    fold = path("M-110-2C-60 8 100-4 140-26C118 8 40 2-10 6C-50 8-86 12-110-2Z", palette.fold)
    return Gear(line("M4-108Q6-124 18-132", palette.fold, 14) + cloth + fold, rise=138, span=150)


def antenna(palette: Palette) -> Gear:
    stalks = line("M34-50C36-96 50-124 80-146M-34-50C-36-96-50-124-80-146", palette.hat, 13)
    balls = beads("84-148,-84-148", palette.hat, 54) + beads("76-156,-92-156", palette.trim, 18)
    return Gear(back=stalks + balls, rise=176)


def horns(palette: Palette) -> Gear:
    horn = path("M30-56C84-70 92-108 78-160C130-138 152-70 104-16Z", palette.hat)
    dark = path("M96-150C130-120 146-66 104-16L96-24C124-66 118-112 96-150Z", palette.fold)
    return Gear(back=both(horn + dark), rise=160)


def leaf(palette: Palette) -> Gear:
    left = path("M0-96C-12-142-58-166-118-152C-110-104-58-68 0-96Z", palette.hat)
    right = path("M0-96C4-156 50-190 112-184C118-126 62-82 0-96Z", palette.fold)
    veins = line("M0-60V-96Q-34-126-74-134M0-96Q34-138 76-152", palette.trim, 9)
    return Gear(left + right + veins, rise=188)


def beanie(palette: Palette) -> Gear:
    dome = path("M-114-8C-118-96-66-124 0-124S118-96 114-8Z", palette.hat)
    ribs = line("M-44-96Q-62-70-62-40M0-100V-40M44-96Q62-70 62-40", palette.fold, 11)
    return Gear(dome + ribs + box(-126, -34, 252, 48, 22, palette.trim), disc(0, -132, 36, palette.trim), rise=168)


def halo(palette: Palette) -> Gear:
    rim = f'<ellipse cy="-118" rx="96" ry="25" fill="none" stroke="{palette.trim}" stroke-width="20"/>'
    return Gear(rim, rise=154)


def hood(palette: Palette) -> Gear:
    lining = "M0-130C96-130 146-60 146 40C146 140 140 200 132 300H-132C-140 200-146 140-146 40C-146-60-96-130 0-130Z"
    cloth = (
        "M8-158C104-136 160-56 160 44C160 104 158 150 134 190C128 140 128 96 120 50C110-16 62-36 0-36"
        "S-110-16-120 50C-128 96-128 140-134 190C-158 150-160 104-160 44C-160-50-88-116 8-158Z"
    )
    return Gear(path(cloth, palette.hat), path(lining, palette.fold), rise=158, span=160, wide=True)


def tophat(palette: Palette) -> Gear:
    tube = path("M-92-38L-106-174C-60-188 60-188 106-174L92-38Z", palette.hat)
    band = path("M-97-86H97L92-38H-92Z", palette.trim)
    return Gear(tube + band + box(-154, -48, 308, 28, 14, palette.fold), rise=184, span=154)


def flower(palette: Palette) -> Gear:
    petals = dashes(0, 0, 36, palette.trim, 52, ".1 45.1")
    leaves = path(
        "M-10 20C-60 40-104 16-118-22C-72-36-24-20-10 20ZM20 14C30 60 62 80 100 76C102 36 66 6 20 14Z", palette.hat
    )
    return Gear(moved(leaves + petals + disc(0, 0, 22, palette.fold), at(58, -62), turned(-12)), rise=126, span=160)


GEAR: dict[Headgear, Callable[[Palette], Gear]] = {
    "none": none,
    "cap": cap,
    "crown": crown,
    "wizard": wizard,
    "headphones": headphones,
    "bun": bun,
    "helmet": helmet,
    "beret": beret,
    "antenna": antenna,
    "horns": horns,
    "leaf": leaf,
    "beanie": beanie,
    "halo": halo,
    "hood": hood,
    "tophat": tophat,
    "flower": flower,
}


def fit(gear: Gear, head: Head) -> Gear:
    """The same gear in the head's own coordinates."""
    factor = head.cheek / 122 if gear.wide else head.half / 110
    place = (at(0, head.brow), scaled(factor))
    rise = max(gear.rise * factor, head.brow - head.top)
    return Gear(moved(gear.front, *place), moved(gear.back, *place), rise, gear.span * factor)
