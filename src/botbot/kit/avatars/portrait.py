"""Puts the parts together: ground, body, head, and what it wears, fitted into a 512 × 512 picture.

The ground fills the whole square, so the page and Discord may cut a circle or a rounded square from it;
everything that matters stays inside the circle.
"""

import resvg_py

from botbot.kit.avatars.backdrops import BACKDROPS
from botbot.kit.avatars.choices import AvatarChoices
from botbot.kit.avatars.eyes import EYES
from botbot.kit.avatars.faces import HEADS, Head, draw_head
from botbot.kit.avatars.features import FEATURES, Wearer
from botbot.kit.avatars.headgear import GEAR, Gear, fit
from botbot.kit.avatars.mouths import MOUTHS
from botbot.kit.avatars.palette import Palette, palette_of
from botbot.kit.avatars.quirks import quirks_of
from botbot.kit.avatars.shapes import at, moved, num, oval, path, turned

SIDE = 512
_TOP, _CHIN = 40, 412  # where the highest point and the chin come to lie
_SIDE = 222  # half the width a hat may take, so that a round frame does not cut it
_LARGEST = 1.26


def draw_svg(choices: AvatarChoices, hue: int, *, seed: str = "") -> str:
    """A self-contained picture, at most 2.5 KB: no ids, styles, scripts or references, so it may be inlined often."""
    palette, head = palette_of(choices.skin, hue), HEADS[choices.face]
    ground = f'<path d="M0 0h{SIDE}v{SIDE}H0z" fill="{palette.ground}"/>' + BACKDROPS[choices.backdrop](palette.motif)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}" aria-hidden="true"'
        ' stroke-linecap="round" stroke-linejoin="round">'
        f"{ground}{_figure(choices, head, palette, seed)}</svg>"
    )


def draw_png(choices: AvatarChoices, hue: int, *, seed: str = "", size: int = 256) -> bytes:
    """The same picture as a PNG, `size` pixels square (16–1024)."""
    if not 16 <= size <= 1024:
        raise ValueError("an avatar is between 16 and 1024 pixels wide")
    svg = draw_svg(choices, hue, seed=seed)
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True))


def _figure(choices: AvatarChoices, head: Head, palette: Palette, seed: str) -> str:
    quirks = quirks_of(seed)
    gear = fit(GEAR[choices.headgear](palette), head)
    extra = FEATURES[choices.feature](Wearer(head, palette, choices.eyes, quirks))
    mouth = moved(MOUTHS[choices.mouth](palette), at(0, head.mouth))
    eyes = EYES[choices.eyes](head, palette, quirks)
    front = draw_head(head, palette) + extra.skin + mouth + eyes + extra.face + gear.front
    tilt = turned(quirks.tilt)
    parts = moved(gear.back, tilt) + _body(head, palette) + moved(front, tilt) + extra.chest
    return moved(parts, *_frame(head, gear, quirks.flip))


def _body(head: Head, palette: Palette) -> str:
    """Shoulders that run out of the picture, and the shade the chin throws on them."""
    y, top, low = num(head.chin + 20), num(head.chin - 22), num(head.chin + 140)
    shoulders = f"M-186 {low}C-186 {y}-110 {top} 0 {top}S186 {y} 186 {low}Z"
    return path(shoulders, palette.body) + oval(0, head.chin, 78, 26, palette.fall)


def _frame(head: Head, gear: Gear, flip: bool) -> tuple[str, str]:
    """The largest scale at which the figure, hat included, keeps clear of the top and the sides."""
    reach = head.chin - head.brow + gear.rise
    factor = min(_LARGEST, (_CHIN - _TOP) / reach, _SIDE / gear.span)
    sign = "-" if flip else ""
    return at(SIDE / 2, _CHIN - head.chin * factor), f"scale({sign}{factor:.3g} {factor:.3g})"
