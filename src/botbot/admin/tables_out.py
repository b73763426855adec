"""Tables as files: CSV that a spreadsheet opens without running anything in it."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from litestar import Response

_RUNS = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is a formula to a spreadsheet."""


def csv_lines(rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def csv_file(name: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response[bytes]:
    """A download. `name` is one of ours, without its ending."""
    body = csv_lines([head, *rows]).encode()
    return Response(body, media_type="text/csv; charset=utf-8", headers=download(f"{name}.csv"))


def download(file_name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{file_name}"', "cache-control": "private, no-store"}


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_RUNS) else value
    return "" if value is None else value
