"""A character at a glance: a flower whose petals are its traits.

Every trait keeps its place in everybody's flower, so that two of them can be compared by their outlines. A petal grows
from the middle to the outer ring; a trait that is not known leaves a gap."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH, HEIGHT, REACH, CORE = 400, 272, 104, 16
SLOTS = 12
FEWEST = 3
"""Below this a picture says less than the words beside it."""


class Petal(NamedTuple):
    """`slot` is the trait's place, 0 at the top and on clockwise; `value` is 0–1, from the low word to the high one."""

    slot: int
    high: str
    low: str
    value: float


def petals(drawn: Sequence[Petal]) -> Markup:
    """The flower as SVG with a text alternative; nothing when there are too few petals for one."""
    if len(drawn) < FEWEST:
        return Markup("")
    gaps = sorted(set(range(SLOTS)) - {petal.slot for petal in drawn})
    parts = [f'<circle class="petals__ring" r="{radius:g}"/>' for radius in (REACH, (REACH + CORE) / 2)]
    parts += [f'<circle class="petals__gap" r="2" cx="{x:.1f}" cy="{y:.1f}"/>' for x, y in map(_gap, gaps)]
    parts += [_petal(each) for each in drawn]
    parts += [f'<circle class="petals__core" r="{CORE * 0.72:g}"/>', *(_word(each) for each in drawn)]
    frame = f"{-WIDTH / 2:g} {-HEIGHT / 2:g} {WIDTH} {HEIGHT}"
    label = escape(_in_words(drawn))
    return Markup(f'<svg class="petals" viewBox="{frame}" role="img" aria-label="{label}">{"".join(parts)}</svg>')  # noqa: S704 - every word is escaped


def _in_words(drawn: Sequence[Petal]) -> str:
    """The strongest first: `At a glance: curious 98 of 100, precise 85, …`."""
    said = [f"{each.high} {round(each.value * 100)}" for each in sorted(drawn, key=lambda each: -each.value)]
    return f"At a glance: {said[0]} of 100, {', '.join(said[1:])}"


def _petal(petal: Petal) -> str:
    length = CORE + (REACH - CORE) * petal.value
    wide = 6 + 21 * petal.value
    low, high = f"{-length * 0.42:.1f}", f"{-length * 0.94:.1f}"
    outline = f"M0 0C{-wide:.1f} {low} {-wide:.1f} {high} 0 {-length:.1f}C{wide:.1f} {high} {wide:.1f} {low} 0 0Z"
    strong = " petals__petal--strong" if petal.value >= 0.6 else ""
    return f'<path class="petals__petal{strong}" transform="rotate({_degrees(petal.slot):g})" d="{outline}"/>'


def _word(petal: Petal) -> str:
    """The trait's name outside the ring, on the side where there is room for it."""
    angle = math.radians(_degrees(petal.slot))
    x, y = (REACH + 10) * math.sin(angle), -(REACH + 15) * math.cos(angle)
    anchor = "middle" if abs(x) < 12 else "start" if x > 0 else "end"
    strong = " petals__word--strong" if petal.value >= 0.6 else ""
    place = f'x="{x:.1f}" y="{y + 4.5:.1f}" text-anchor="{anchor}"'
    return f'<text class="petals__word{strong}" {place}>{escape(petal.high)}</text>'


def _gap(slot: int) -> tuple[float, float]:
    angle = math.radians(_degrees(slot))
    return (CORE + 8) * math.sin(angle), -(CORE + 8) * math.cos(angle)


def _degrees(slot: int) -> float:
    return 360 / SLOTS * slot
