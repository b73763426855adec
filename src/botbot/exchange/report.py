"""What an import answers: the fate of every entry, in CONTRACT's shape."""

from typing import Literal

import msgspec

from botbot.errors import ApiError
from botbot.exchange.drafts import Finding

Status = Literal["imported", "skipped", "rejected"]


class EntryReport(msgspec.Struct, rename="camel", omit_defaults=True):
    """`warnings` say what of the file became what: `mapped`, `kept`, `dropped` or `unsafe`."""

    file: str
    name: str
    status: Status
    id: str | None
    warnings: list[str]
    error: ApiError | msgspec.UnsetType = msgspec.UNSET
    label: str | msgspec.UnsetType = msgspec.UNSET
    format: str | msgspec.UnsetType = msgspec.UNSET


class Report(msgspec.Struct, rename="camel"):
    dry_run: bool
    total: int
    imported: int
    entries: list[EntryReport]

    @classmethod
    def of(cls, entries: list[EntryReport], *, dry_run: bool) -> "Report":
        return cls(dry_run, len(entries), sum(each.status == "imported" for each in entries), entries)


def in_words(findings: list[Finding]) -> list[str]:
    return [str(each) for each in findings]
