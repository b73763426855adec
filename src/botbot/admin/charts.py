"""Tables of the overview as pictures: SVG drawn by pygal, coloured by attributes.

Our policy allows neither styles nor scripts inside a picture, so what pygal puts there is taken out, and every shape
gets its ink as a presentation attribute. Served twice, for a light and a dark page; the words are in the table beside
it."""

import math
import sys
from functools import cache
from typing import Any
from xml.etree import ElementTree

from botbot.admin.overview_tables import Table

WIDTH, HEIGHT = 640, 220
FONT = "ui-sans-serif, system-ui, Segoe UI, Roboto, sans-serif"
SVG = "{http://www.w3.org/2000/svg}"
ElementTree.register_namespace("", SVG[1:-1])
THEMES: dict[str, dict[str, str]] = {
    "light": {"text": "#5b5e6b", "line": "#d9d6cf", "0": "#6a4fc4", "1": "#8d909c", "2": "#b8542f", "3": "#c3c1bb"},
    "dark": {"text": "#b4b7c2", "line": "#3a3e49", "0": "#b3a1f5", "1": "#8b8f9c", "2": "#e59a76", "3": "#555967"},
}
"""Neutral ink with one accent; the third colour is for what went wrong."""


def draw(table: Table, theme: str) -> bytes:
    """The picture of a table. `theme` is `light` or `dark`."""
    chart = _chart(table)
    ink = THEMES[theme]
    root = ElementTree.fromstring(chart.render())  # noqa: S314 - what pygal has just written
    _strip(root)
    _paint(root, (), ink)
    root.set("width", str(WIDTH))
    root.set("height", str(HEIGHT))
    root.set("font-family", FONT)
    return ElementTree.tostring(root)


@cache
def _pygal() -> Any:
    """Loaded when the first picture is drawn. For maps, which we draw none of, it leaves a finder of the old kind
    behind; Python warns of it at every import that comes later, so it is taken out."""
    import pygal

    sys.meta_path[:] = [each for each in sys.meta_path if not type(each).__module__.startswith("pygal")]
    return pygal


def _chart(table: Table) -> Any:
    pygal = _pygal()
    kinds = {"line": pygal.Line, "bars": pygal.StackedBar, "ranks": pygal.HorizontalBar}
    chart = kinds[table.kind](
        css=[], js=[], width=WIDTH, height=HEIGHT, margin=6, spacing=6, show_dots=False, y_labels=_steps(table),
        show_legend=len(table.columns) > 1, legend_at_bottom=True, legend_box_size=10, show_x_guides=False,
        show_minor_x_labels=table.kind == "ranks", include_x_axis=True,
        value_formatter=_short, truncate_label=24, truncate_legend=40, no_data_text="Nothing in this time",
    )  # fmt: skip
    rows = table.rows[::-1] if table.kind == "ranks" else table.rows
    chart.x_labels = [_label(table, label) for label, _ in rows]
    if table.kind != "ranks":
        chart.x_labels_major_every = max(1, len(rows) // 6)
    for n, name in enumerate(table.columns):
        chart.add(name, [values[n] for _, values in rows])
    return chart


def _label(table: Table, label: str) -> str:
    """A day without its year; a name without what no picture can hold."""
    return label[5:] if table.kind != "ranks" else "".join(sign for sign in label if sign.isprintable())


def _steps(table: Table) -> list[float]:
    """The guides: from nought, so that no picture lies, in about four round steps up to the highest; whole ones where
    things are counted."""
    stacked = table.kind == "bars"
    tops = [sum(v or 0 for v in row) if stacked else max(v or 0 for v in row) for _, row in table.rows if row]
    top = max(tops, default=0) or 1
    least = min((v or 0 for _, row in table.rows for v in row), default=0)
    is_counted = all(isinstance(v, int) for _, row in table.rows for v in row if v is not None)
    step = _round_up((top - min(least, 0)) / 4)
    step = max(1.0, step) if is_counted else step
    first, last = math.floor(min(least, 0) / step), math.ceil(top / step)
    return [round(n * step, 6) for n in range(first, last + 1)]


def _round_up(number: float) -> float:
    """To 1, 2, 2.5 or 5 of some power of ten."""
    power = 10 ** math.floor(math.log10(number))
    return float(next((each * power for each in (1, 2, 2.5, 5) if each * power >= number), 10 * power))


def _short(value: float) -> str:
    for unit, letter in ((1_000_000, "M"), (1_000, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.1f}".removesuffix(".0") + letter
    return f"{value:.4g}"


def _strip(root: ElementTree.Element) -> None:
    """Without styles, scripts, tooltips and comments."""
    for parent in list(root.iter()):
        for child in list(parent):
            tag, classes = str(child.tag).removeprefix(SVG), child.get("class", "")
            if tag in {"defs", "desc", "title"} or "tooltip-overlay" in classes or "style" in child.attrib:
                parent.remove(child)


def _paint(element: ElementTree.Element, above: tuple[str, ...], ink: dict[str, str]) -> None:
    classes = (*above, *element.get("class", "").split())
    for name, value in _ink(str(element.tag).removeprefix(SVG), element, classes, ink).items():
        element.set(name, value)
    for child in element:
        _paint(child, classes, ink)


def _ink(tag: str, element: ElementTree.Element, classes: tuple[str, ...], ink: dict[str, str]) -> dict[str, str]:
    series = next((each[6:] for each in reversed(classes) if each.startswith("color-")), None)
    if tag == "text":
        is_axis = "axis" in classes
        anchor = "end" if "y" in classes and is_axis else "middle" if is_axis or "no_data" in classes else "start"
        return {"fill": ink["text"], "font-size": "14" if "no_data" in classes else "11", "text-anchor": anchor}
    if tag == "rect" and "background" in classes and series is None:
        return {"fill": "none"}
    if tag == "path" and series is not None:
        return {"fill": "none", "stroke": ink[series], "stroke-width": "2", "stroke-linejoin": "round"}
    if tag in {"rect", "circle"} and series is not None:
        return {"fill": ink[series]}
    if tag == "path":
        return {"fill": "none", "stroke": ink["line"], "stroke-width": "1"} if "y" in classes else {"stroke": "none"}
    return {}
