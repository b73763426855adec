"""What a reader makes of a document: an entry in our own words, and an honest account of how it got there."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from botbot.errors import ApiError

Kind = Literal["mapped", "kept", "dropped", "unsafe"]
Document = dict[str, Any]


class Finding(NamedTuple):
    """One line of the fidelity report. `mapped`: it became something of ours, not word for word; `kept`: stored and
    given back on export, but without effect here; `dropped`: gone; `unsafe`: looked harmful, so it has no effect."""

    kind: Kind
    field: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.field}: {self.text}"


@dataclass
class Draft:
    """One entry, read but not yet checked. `entry` has the admin routes' names; `document` is what to keep of the
    original, with secrets taken out; `picture` is bytes as they came, to be made anew by whoever stores them."""

    format: str
    entry: dict[str, Any]
    findings: list[Finding] = field(default_factory=list)
    document: Document | None = None
    picture: bytes | None = None
    label: str = ""

    def note(self, kind: Kind, name: str, text: str) -> None:
        self.findings.append(Finding(kind, name, text))

    def note_kept(self, names: Iterable[str]) -> None:
        """What this product has no use for: one line for all of it."""
        if listed := [name for name in names if name]:
            self.note("kept", shown_names(listed), "stored and exported again, without effect here")

    def note_dropped(self, names: Iterable[str]) -> None:
        """What is not stored: one line for all of it."""
        if listed := [name for name in names if name]:
            self.note("dropped", shown_names(listed), "there is no place for it here")


@dataclass
class Broken:
    """Where an entry should have been and none can be read."""

    label: str
    error: ApiError
    name: str = ""


def shown_names(names: Iterable[str], most: int = 12) -> str:
    """Names from a stranger's file, few and short enough for a report."""
    listed = [name if len(name) <= 40 else name[:39] + "…" for name in names]
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")
