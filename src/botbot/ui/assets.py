"""What the browser loads, built once per process: three stylesheets out of many small ones (the house's, and those of
the chat and the panel, which only come where a chat or the panel is), each script as it is, all under names that hold
a hash of their content, so that they may be cached for ever.

A text asset refers to another as `asset:<name>`, which is replaced by that one's hashed URL; so do scripts when they
import one another. Circles are impossible: a name holds the hash of everything it refers to."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from botbot.kit.coding import Forms

STATIC = Path(__file__).parent / "static"
LAYERS = "@layer reset, tokens, base, layout, components, utilities;"
STYLES = ("reset", "tokens", "base", "layout", "components/*", "utilities")
CHAT_STYLES = ("chat/*",)
PANEL_STYLES = ("admin/*",)
CHAT_MODULES = ("chat.js", "chat_limits.js", "chat_stream.js", "chat_turn.js", "markdown.js", "setting.js")
"""All that a live chat runs, named together so that a page may ask for them at once and not one after the other."""
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served. `name` holds the hash; `forms` has its body compressed, each way once per process."""

    name: str
    forms: Forms
    content_type: str
    etag: str

    @property
    def body(self) -> bytes:
        return self.forms.body

    @property
    def gzip_body(self) -> bytes | None:
        """`None` where it would not be smaller."""
        return self.forms.get("gzip")


def asset_url(name: str) -> str:
    """The hashed URL of a plain name: `app.css` becomes `/static/app.<hash>.css`. Raises `KeyError` if unknown."""
    return f"/static/{_assets()[name].name}"


def find_asset(name: str) -> Asset | None:
    """The asset of a hashed name, as it stands behind `/static/`; an outdated or plain name finds nothing."""
    return _by_hashed_name().get(name)


def list_assets() -> dict[str, Asset]:
    """Every asset by its plain name."""
    return dict(_assets())


def stylesheet(static: Path = STATIC) -> str:
    """All styles of the house in the order of their layers, without comments and indentation."""
    return _squeeze("\n".join([LAYERS, *_read_styles(static, STYLES), _hues()]))


def chat_stylesheet(static: Path = STATIC) -> str:
    """What a live chat needs beside the house's styles, whose layers it joins."""
    return _squeeze("\n".join([LAYERS, *_read_styles(static, CHAT_STYLES)]))


def panel_stylesheet(static: Path = STATIC) -> str:
    """What the panel's pages need beside the house's styles, whose layers it joins."""
    return _squeeze("\n".join([LAYERS, *_read_styles(static, PANEL_STYLES)]))


def _read_styles(static: Path, patterns: tuple[str, ...]) -> list[str]:
    files = [file for pattern in patterns for file in sorted((static / "css").glob(f"{pattern}.css"))]
    return [file.read_text(encoding="utf-8") for file in files]


def make_asset(name: str, body: bytes) -> Asset:
    """`name` is the plain one; its hash is the start of the content's SHA-256."""
    digest = hashlib.sha256(body).hexdigest()[:12]
    stem, suffix = name.rsplit(".", 1)
    return Asset(f"{stem}.{digest}.{suffix}", Forms(body), CONTENT_TYPES[f".{suffix}"], f'"{digest}"')


@cache
def _assets() -> dict[str, Asset]:
    sources, made = _sources(), dict[str, Asset]()

    def make(name: str) -> Asset:
        if name not in made:
            text = re.sub(r"asset:([\w.-]+)", lambda found: f"/static/{make(found[1]).name}", sources[name]())
            made[name] = make_asset(name, text.encode())
        return made[name]

    return {name: make(name) for name in sources}


@cache
def _by_hashed_name() -> dict[str, Asset]:
    return {asset.name: asset for asset in _assets().values()}


def _sources() -> dict[str, Callable[[], str]]:
    files = [
        *STATIC.glob("img/*.svg"),
        *STATIC.glob("vendor/*.js"),
        *STATIC.glob("js/*.js"),
        *STATIC.glob("*.webmanifest"),
    ]
    found: dict[str, Callable[[], str]] = {
        file.name: (lambda file=file: file.read_text(encoding="utf-8"))  # type: ignore[misc]
        for file in files
    }
    return {**found, "app.css": stylesheet, "chat.css": chat_stylesheet, "admin.css": panel_stylesheet}


def _hues() -> str:
    """A character's hue is a class, because the security policy allows no style attributes."""
    return "@layer utilities{" + "".join(f".hue-{hue}{{--hue:{hue}}}" for hue in range(0, 360, 10)) + "}"


def _squeeze(css: str) -> str:
    lines = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL).splitlines()
    return "".join(f"{line.strip()}\n" for line in lines if line.strip())
