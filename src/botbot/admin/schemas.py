"""What crosses the wire about the front page's arrangement."""

import msgspec

from botbot.catalog.shelves import Plan


class PickedOut(msgspec.Struct, rename="camel"):
    """`isOnShelf` is false for one that visitors can't see now."""

    id: str
    slug: str
    name: str
    is_on_shelf: bool


class ShelfOut(msgspec.Struct, rename="camel"):
    id: str
    kind: str
    title: str
    category: str | None
    is_visible: bool
    personalities: list[PickedOut]


class Arrangement(msgspec.Struct, rename="camel"):
    """`isDefault` while nobody has arranged anything."""

    shelves: list[ShelfOut]
    is_default: bool


class ShelfIn(msgspec.Struct, rename="camel"):
    """One shelf. `category` is a slug, for that kind; `personalities` are ids, for `picked`; `id` keeps a shelf the
    same one."""

    kind: str
    title: str
    category: str | None = None
    is_visible: bool = True
    personalities: list[str] = []
    id: str = ""

    def plan(self) -> Plan:
        return Plan(self.id, self.kind, self.title, self.category, self.is_visible, tuple(self.personalities))


class ArrangementIn(msgspec.Struct, rename="camel"):
    shelves: list[ShelfIn]
