"""CHARX: a zip with `card.json` (a V3 card) and its pictures. Members are read into memory by name, each up to its
bound, and never written anywhere: a path in a stranger's archive leads nowhere."""

import io
import zipfile
import zlib
from typing import NamedTuple

import msgspec

from botbot.exchange.bounds import DOCUMENT_BYTES, PICTURE_BYTES, read_json, refused
from botbot.exchange.card_v3 import data_of, icon_of
from botbot.exchange.drafts import Document

SIGNATURE = b"PK\x03\x04"
CARD = "card.json"
ICON = "assets/icon/image/main.png"
MOST_MEMBERS = 2_000
_ENTRY = b"PK\x01\x02"  # Begins each file's line in the directory.
_EMBEDDED = ("embeded://", "embedded://")
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, OSError, KeyError)


class Archive(NamedTuple):
    """The card, its main picture, and the names of whatever else is inside."""

    document: Document
    picture: bytes | None
    others: list[str]


def read(data: bytes) -> Archive:
    """Raises `ValidationFailed`."""
    if data.count(_ENTRY) > MOST_MEMBERS:  # Before anything is made of each.
        raise refused(f"this archive has more than {MOST_MEMBERS:,} files")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read(archive)
    except _BROKEN as error:
        raise refused("this archive is damaged or encrypted") from error


def _read(archive: zipfile.ZipFile) -> Archive:
    names = {each.filename for each in archive.infolist()}
    if CARD not in names:
        raise refused("there is no card.json in this archive")
    document = read_json(_member(archive, CARD, DOCUMENT_BYTES))
    if not isinstance(document, dict):
        raise refused("the card in this archive is no object")
    icon = _inside(icon_of(data_of(document)))
    picture = _member(archive, icon, PICTURE_BYTES) if icon in names else None
    return Archive(document, picture, sorted(names - {CARD, icon}))


def _inside(uri: str) -> str:
    return next((uri.removeprefix(start) for start in _EMBEDDED if uri.startswith(start)), "")


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """What the directory claims of its size is not believed: reading stops where it becomes too much."""
    if archive.getinfo(name).compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise refused("this archive is packed in a way that can't be bounded")
    with archive.open(name) as member:
        body = member.read(most + 1)
    if len(body) > most:
        raise refused(f"{name[:80]} in this archive is too large")
    return body


def write(document: Document, picture: bytes) -> bytes:
    """The V3 card with our picture as its icon."""
    data = dict(data_of(document))
    others = [each for each in data.get("assets") or [] if not (isinstance(each, dict) and each.get("type") == "icon")]
    icon = {"type": "icon", "uri": f"embeded://{ICON}", "name": "main", "ext": "png"}
    data["assets"] = [icon, *(each for each in others if not _is_inside(each))]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(CARD, msgspec.json.format(msgspec.json.encode({**document, "data": data})))
        archive.writestr(ICON, picture)
    return out.getvalue()


def _is_inside(asset: object) -> bool:
    """Refers to a file of the archive it came in, which is not ours to give on."""
    return isinstance(asset, dict) and str(asset.get("uri", "")).startswith(_EMBEDDED)
