"""The few marks everything is drawn with. Lengths are in units of the 512 × 512 picture."""

import math


def num(value: float) -> str:
    """At most one decimal, and no more characters than needed."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def path(d: str, fill: str) -> str:
    return f'<path d="{d}" fill="{fill}"/>'


def line(d: str, colour: str, width: float) -> str:
    """A thick stroke, for mouths, stems and cords; its ends are soft because the whole picture says so."""
    return f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="{num(width)}"/>'


def disc(x: float, y: float, r: float, fill: str) -> str:
    return f'<circle{_numbers(cx=x, cy=y, r=r)} fill="{fill}"/>'


def beads(points: str, colour: str, width: float) -> str:
    """Equal discs in one element: strokes too short to see, whose round ends show. `points` as `x y,x y`."""
    return line("".join(f"M{point}h.1" for point in points.split(",")), colour, width)


def oval(x: float, y: float, rx: float, ry: float, fill: str) -> str:
    return f'<ellipse{_numbers(cx=x, cy=y, rx=rx, ry=ry)} fill="{fill}"/>'


def ring(x: float, y: float, r: float, colour: str, width: float, *, fill: str = "none") -> str:
    return f'<circle{_numbers(cx=x, cy=y, r=r)} fill="{fill}" stroke="{colour}" stroke-width="{num(width)}"/>'


def box(x: float, y: float, width: float, height: float, radius: float, fill: str) -> str:
    return f'<rect{_numbers(x=x, y=y, width=width, height=height, rx=radius)} fill="{fill}"/>'


def dashes(x: float, y: float, r: float, colour: str, width: float, pattern: str) -> str:
    """A circle of marks in one element: petals, or rays when it is stroked as wide as its diameter."""
    return (
        f'<circle{_numbers(cx=x, cy=y, r=r)} fill="none" stroke="{colour}" stroke-width="{num(width)}"'
        f' stroke-dasharray="{pattern}"/>'
    )


def moved(inner: str, *transforms: str) -> str:
    placed = " ".join(filter(None, transforms))
    return f'<g transform="{placed}">{inner}</g>' if inner and placed else inner


def at(x: float, y: float) -> str:
    return f"translate({num(x)} {num(y)})"


def turned(degrees: float) -> str:
    return f"rotate({num(degrees)})" if degrees else ""


def scaled(factor: float) -> str:
    """Nothing at all for a factor of 1: the parts of most heads need no scaling."""
    return "" if factor == 1 else f"scale({factor:.3g})"


def both(inner: str) -> str:
    """The same drawing on the right and, mirrored, on the left of x = 0."""
    return inner + moved(inner, "scale(-1 1)")


def star(x: float, y: float, radius: float, fill: str) -> str:
    """A plump five-pointed star; a stroke of its own colour softens the tips."""
    points = []
    for step in range(10):
        reach = radius * (0.88 if step % 2 == 0 else 0.46)
        angle = math.pi * (step / 5 - 0.5)
        points.append(f"{x + reach * math.cos(angle):.0f} {y + reach * math.sin(angle):.0f}")
    return f'<path d="M{" ".join(points)}Z" fill="{fill}" stroke="{fill}" stroke-width="{num(radius * 0.24)}"/>'


def _numbers(**values: float) -> str:
    """Attributes; those that are 0 may be left out."""
    return "".join(f' {name}="{num(value)}"' for name, value in values.items() if num(value) != "0")
