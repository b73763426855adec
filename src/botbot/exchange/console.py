"""`botbot import` and `botbot export`."""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from botbot.errors import ValidationFailed
from botbot.exchange.bounds import FILE_BYTES, refused
from botbot.exchange.exporting import FORMATS, Taken, take_entries, write
from botbot.exchange.importing import Importer
from botbot.exchange.report import EntryReport, Report
from botbot.house import House

SAY_EVERY_SECONDS = 2.0


async def import_files(house: House, files: Sequence[Path], *, dry_run: bool, as_json: bool) -> int:
    """Prints the report; answers the exit code, 1 if any entry was rejected."""
    importer, entries, said_at = Importer(house, None, dry_run=dry_run), list[EntryReport](), time.monotonic()
    for path in files:
        try:
            data = _read(path)
        except ValidationFailed as error:
            entries.append(EntryReport(path.name, "", "rejected", None, [], error.to_api_error()))
            continue
        async for each in importer.take(data, path.name):
            entries.append(each)
            if not as_json:
                _say(each)
            elif time.monotonic() - said_at > SAY_EVERY_SECONDS:
                said_at = time.monotonic()
                print(f"{len(entries)} entries …", file=sys.stderr, flush=True)
    report = Report.of(entries, dry_run=dry_run)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    else:
        print(_sum(report))
    return 1 if any(each.status == "rejected" for each in entries) else 0


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > FILE_BYTES:
            raise refused(f"it has more than {FILE_BYTES // 1024 // 1024} MiB")
        return path.read_bytes()
    except OSError as error:
        raise refused(error.strerror or "it can't be read") from error


def _say(each: EntryReport) -> None:
    where = f"{each.file}{f' ({each.label})' if each.label else ''}"
    lines = [f"{each.status:9} {where}: {each.name or '(no name)'}{f' → {each.id}' if each.id else ''}"]
    if each.error is not msgspec.UNSET:
        lines.append(f"          {each.error.message}")
        lines += [f"          {name} {problem}" for name, problem in each.error.details.get("fields", {}).items()]
    lines += [f"          {warning}" for warning in each.warnings]
    for line in lines:
        print(_tame(line))


def _tame(text: str) -> str:
    """Names come from strangers' files: nothing in them may steer a terminal or turn the direction of writing."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _sum(report: Report) -> str:
    counts = {status: sum(e.status == status for e in report.entries) for status in ("imported", "skipped", "rejected")}
    dry = " Nothing was stored: this was a dry run." if report.dry_run else ""
    return ", ".join(f"{count} {status}" for status, count in counts.items()) + "." + dry


async def export_entries(house: House, kind: str, ids: Sequence[str], out: Path | None, *, hidden_too: bool) -> int:
    """To files in `out`, else to standard output: one document, or every entry in the formats that hold several."""
    if out is None and kind not in {"json", "jsonl"} and len(ids) != 1:
        raise ValidationFailed(f"One {kind} document holds one entry: name one with --id, or a directory with --out.")
    found = take_entries(house, ids, hidden_too=hidden_too)
    if out is not None:
        count = 0
        async for each in found:
            await asyncio.to_thread(_put, out / _file_name(each, kind), await write(each, kind))
            count += 1
        print(f"{count} files in {out}", file=sys.stderr)
        return 0
    documents = [await write(each, kind) async for each in found]
    sys.stdout.buffer.write(_joined(documents, kind))
    sys.stdout.flush()
    return 0


def _put(path: Path, document: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(document)


def _file_name(each: Taken, kind: str) -> str:
    """A slug has only letters, digits and hyphens."""
    return f"{each.slug}.{FORMATS[kind]}"


def _joined(documents: Sequence[bytes], kind: str) -> bytes:
    if kind == "jsonl":
        return b"".join(document + b"\n" for document in documents)
    if kind == "json":
        return b"[\n" + b",\n".join(documents) + b"\n]\n"
    return documents[0]
