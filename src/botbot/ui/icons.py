"""Small line drawings on a 24-unit grid, always beside or inside something that has words."""

from markupsafe import Markup

_DRAWINGS = {
    "search": '<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>',
    "sun": '<circle cx="12" cy="12" r="4"/><path d="M12 3v2m0 14v2M3 12h2m14 0h2M5.6 5.6 7 7m10 10 1.4 1.4'
    'M5.6 18.4 7 17M17 7l1.4-1.4"/>',
    "moon": '<path d="M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z"/>',
    "auto": '<circle cx="12" cy="12" r="8"/><path fill="currentColor" d="M12 4a8 8 0 0 1 0 16z"/>',
    "close": '<path d="m6.5 6.5 11 11m0-11-11 11"/>',
    "filter": '<path d="M4 7h16M7 12h10M10 17h4"/>',
    "check": '<path d="m5.5 12.5 4 4 9-9.5"/>',
    "arrow": '<path d="M5 12h14m-6-6 6 6-6 6"/>',
    "back": '<path d="M19 12H5m6-6-6 6 6 6"/>',
    "send": '<path fill="currentColor" stroke="none" d="M4 10.8V5.3c0-.9.9-1.5 1.7-1.1l14 6.9c.8.4.8 1.5 0 1.9'
    'l-14 6.8c-.8.4-1.7-.2-1.7-1.1v-5.5l9-1.2z"/>',
    "stop": '<rect x="7" y="7" width="10" height="10" rx="2" fill="currentColor"/>',
    "people": '<circle cx="9" cy="9" r="3.2"/><path d="M3.5 19c.4-3.2 2.5-5 5.5-5s5.1 1.8 5.5 5M16 6.2a3 3 0 0 1 0 5.7'
    'm1.5 2.6c1.8.7 2.8 2.3 3 4.5"/>',
    "out": '<path d="M14 5h5v5m0-5-8 8M10 6H6v12h12v-4"/>',
    "clock": '<circle cx="12" cy="12" r="8"/><path d="M12 7.5V12l3 2"/>',
    "undo": '<path d="M8 5 4 9l4 4M4.5 9H14a5.5 5.5 0 0 1 0 11h-3"/>',
    "flag": '<path d="M6 21V4m0 1c4-2.5 7 2 12 0v9c-5 2-8-2.5-12 0"/>',
    "thumb": '<path d="M7 11v9H4v-9zm0 0 4-7.5c1.7 0 2.6 1.3 2.2 2.9L12.5 10H18c1.4 0 2.3 1.2 2 2.5l-1.4 6'
    'c-.2.9-1 1.5-2 1.5H7"/>',
    "copy": '<rect x="9" y="9" width="10.5" height="10.5" rx="2.5"/><path d="M15 5.8A1.8 1.8 0 0 0 13.2 4H6.3A2.3 2.3'
    ' 0 0 0 4 6.3v6.9A1.8 1.8 0 0 0 5.8 15"/>',
    "again": '<path d="M19.5 5v4.5H15M19 9.5a7.5 7.5 0 1 0 .3 4.8"/>',
    "down": '<path d="M12 5v13m-5.5-5.5L12 18l5.5-5.5"/>',
    "house": '<path d="M4.5 11 12 4.5 19.5 11v8h-15zM10 19v-5h4v5"/>',
    "reply": '<path d="M4 18v-5.5A3.5 3.5 0 0 1 7.5 9H20"/>',
    "spark": '<path fill="currentColor" stroke="none" d="M12 3c.7 5 3.5 8.3 9 9-5.5.7-8.3 4-9 9-.7-5-3.5-8.3-9-9'
    ' 5.5-.7 8.3-4 9-9z"/>',
}
_SVG = '<svg class="icon icon--{}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>'
_ICONS = {name: Markup(_SVG.format(name, drawing)) for name, drawing in _DRAWINGS.items()}  # noqa: S704 - our own


def icon(name: str) -> Markup:
    """The drawing of that name. Raises `KeyError` if there is none."""
    return _ICONS[name]
